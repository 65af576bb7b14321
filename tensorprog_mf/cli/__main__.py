"""python -m tensorprog_mf.cli"""

import sys

from ..cli import main

sys.exit(main())

"""python -m tensorprog_mf.cli"""

import sys

from . import main

sys.exit(main())

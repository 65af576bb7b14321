"""A source archive holds all that is in the repository, so that its tests and recipes run; recipes say what
they miss."""

import fnmatch
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
BUILT_IN = (
    "README.md",
    "LICENSE",
    "pyproject.toml",
    "MANIFEST.in",
    "tensorprog_mf/*.py",
)  # setuptools takes them unasked


def test_every_file_of_the_repository_is_in_the_archive():
    """The rules of MANIFEST.in against what git knows; setuptools itself is asked in tests/verification."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("no git checkout here")
    taken = list(BUILT_IN)
    for rule, *patterns in (
        line.split() for line in (ROOT / "MANIFEST.in").read_text().splitlines() if line[:1] not in ("", "#")
    ):
        taken += {"graft": [f"{pattern}/*" for pattern in patterns], "include": patterns}.get(rule, [])
    files = listed.stdout.split()
    assert (
        len(files) > 150
        and [f for f in files if not any(fnmatch.fnmatch(f, pattern) for pattern in taken)] == []
    )


def test_recipes_without_their_data_say_so_in_one_sentence(tmp_path):
    shutil.copytree(
        ROOT / "recipes",
        tmp_path / "recipes",
        ignore=shutil.ignore_patterns("*.png", "*.ipynb", "__pycache__"),
    )
    code = "import sys; sys.path.insert(0, sys.argv[1]); import digits; digits.two_digits(1, 2, 3, 4)"
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "recipes"], capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert (
        done.stderr.startswith("The digits are missing")
        and str(tmp_path / "data" / "digits.nc") in done.stderr
    )

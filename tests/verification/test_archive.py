"""A source archive, built by the package `build`, unpacked elsewhere: its tests are collected and some of
them pass. A wheel holds the stubs."""

import os
import pathlib
import subprocess
import sys
import tarfile
import zipfile

import pytest

pytestmark = pytest.mark.verification
ROOT = pathlib.Path(__file__).parents[2]


def test_the_archive_tests_itself(tmp_path):
    pytest.importorskip("build", reason="pip install build")
    built = subprocess.run(
        [sys.executable, "-m", "build", "--sdist", "-o", tmp_path, ROOT], capture_output=True, text=True
    )
    assert built.returncode == 0, built.stdout + built.stderr
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    unpacked = next(path for path in tmp_path.iterdir() if path.is_dir())
    path = os.pathsep.join([str(unpacked), os.environ.get("PYTHONPATH", "")])
    run = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    for arguments in (["--collect-only"], ["tests/sites/test_draws.py", "tests/test_archive.py"]):
        environment = os.environ | {"PYTHONPATH": path}
        done = subprocess.run(
            [*run, *arguments], cwd=unpacked, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


def test_a_wheel_holds_stubs_and_the_mark_of_types(tmp_path):
    pytest.importorskip("build", reason="pip install build")
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "-o", tmp_path, ROOT], capture_output=True, text=True
    )
    assert built.returncode == 0, built.stdout + built.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    package = ROOT / "tensorprog_mf"
    wanted = [*package.rglob("*.pyi"), package / "py.typed"]
    assert {str(path.relative_to(ROOT)) for path in wanted} <= set(names)

"""Estimates of memory against the peak of resident memory of runs of all architectures, each in a process of
its own."""

import pathlib
import subprocess
import sys

import pytest

from tests.verification.memory_cases import CASES

pytestmark = pytest.mark.verification
SCRIPT = pathlib.Path(__file__).with_name("memory_cases.py")


@pytest.mark.parametrize("name", CASES)
def test_estimate(name):
    done = subprocess.run([sys.executable, SCRIPT, name], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    announced, taken = map(int, done.stdout.split())
    print(
        f"{name:30s} {announced / 1e6:6.0f} MB announced {taken / 1e6:6.0f} MB taken, ratio"
        f" {announced / taken:.2f}"
    )
    assert 0.65 < announced / taken < 1.55  # ranks are a fit

"""The configuration that the README shows, on a table of the size that people start with."""

import pathlib
import re

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf import cli

pytestmark = pytest.mark.verification
README = pathlib.Path(__file__).parents[2] / "README.md"


def test_the_template_runs_without_a_warning(tmp_path, capsys):
    """60 rows of 5 features: ranks stay well below the number of samples."""
    x = np.random.default_rng(0).normal(size=(60, 5))
    animals = np.where(x[:, 0] * x[:, 1] + x[:, 2] > 0, "cat", "dog")
    rows = [",".join(f"{value:.3f}" for value in row) + f",{animal}" for row, animal in zip(x, animals)]
    (tmp_path / "mine.csv").write_text("\n".join(["a,b,c,d,e,animal", *rows]) + "\n")
    (tmp_path / "mine.toml").write_text(re.search(r"```toml\n(.*?)```", README.read_text(), re.S).group(1))
    assert cli.main(["run", str(tmp_path / "mine.toml"), "-o", str(tmp_path / "mine.nc"), "-q"]) == 0
    assert capsys.readouterr().err == ""
    assert float(tp.load(tmp_path / "mine.nc").rank_fraction.max()) < 0.22

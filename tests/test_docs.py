"""What the documentation shows runs, and is what comes out."""

import doctest
import importlib
import pathlib
import pkgutil
import re

import tensorprog_mf

README = pathlib.Path(__file__).parents[1] / "README.md"


def test_examples_in_docstrings():
    tried = 0
    for module in pkgutil.walk_packages(tensorprog_mf.__path__, "tensorprog_mf."):
        if not module.name.endswith("__main__"):
            result = doctest.testmod(importlib.import_module(module.name))
            assert result.failed == 0, module.name
            tried += result.attempted
    assert tried >= 6


def test_the_ten_lines_of_the_readme(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = re.search(r"```python\n(.*?)```", README.read_text(), re.S).group(1)
    names = {}
    exec(code.replace("n_samples=4096", "n_samples=1024").replace("width=512", "width=64"), names)
    assert (tmp_path / "limit.nc").exists()
    shown = re.search(r"```text\n(.*?)```", README.read_text(), re.S).group(1)
    for name, dims, dtype in re.findall(r"^    (\w+) +\(([\w, ]+)\) (\w+)", shown, re.M):
        variable = names["limit"][name]
        assert ", ".join(variable.dims) == dims and str(variable.dtype) == dtype, name


def test_the_configuration_of_the_readme(tmp_path):
    import numpy as np

    from tensorprog_mf.cli.config import read

    rows = [
        f"{a:.2f},{b:.2f},{animal}"
        for (a, b), animal in zip(np.random.default_rng(0).normal(size=(30, 2)), ["cat", "dog"] * 15)
    ]
    (tmp_path / "mine.csv").write_text("\n".join(rows))
    (tmp_path / "mine.toml").write_text(re.search(r"```toml\n(.*?)```", README.read_text(), re.S).group(1))
    config = read(tmp_path / "mine.toml")
    assert (
        config.problem.n_train == 10
        and config.network.depth == 3
        and config.options == {"n_samples": 4096, "tolerance": 0.01}
    )


def test_the_sweep_of_the_readme():
    """The lines that put a sweep together, run as they stand, after what stands above them."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)
    (code,) = [block for block in blocks if "by_step" in block]
    names = {}
    exec(blocks[0].split("limit = ")[0], names)
    exec(
        code.replace("steps=50", "steps=3")
        .replace("step=50", "step=3")
        .replace("rate=rate)", "rate=rate), n_samples=128"),
        names,
    )
    assert names["sweep"].loss.dims == names["sweep"].time.dims == ("learning_rate", "step")

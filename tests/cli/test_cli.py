"""The command line as a user types it; bad input gives one sentence and exit code 2."""

import subprocess
import sys

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf import cli
from tests.helpers.marks import shown

pytestmark = shown

CONFIG = """
[problem]
data = "table.csv"
classes = ["cat", "dog"]
test_examples = 4

[network]
depth = 2
activation = "tanh"

[training]
steps = 3
learning_rate = 0.4

[run]
n_samples = 128
n_replicates = 2
"""


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    lines = [f"{a:.3f},{b:.3f},{'cat' if a > b else 'dog'}" for a, b in rng.normal(size=(14, 2))]
    (tmp_path / "table.csv").write_text("\n".join(["ears,tail,animal", *lines]) + "\n")
    (tmp_path / "config.toml").write_text(CONFIG)
    return tmp_path


def call(*arguments):
    return cli.main([str(a) for a in arguments])


def test_run_info_plot(folder, capsys):
    out = folder / "out.nc"
    assert call("run", folder / "config.toml", "-o", out) == 0
    assert "completed" in capsys.readouterr().out
    ds = tp.load(out)
    assert ds.sizes["example"] == 14 and ds.attrs["route"] == "sample" and "test_loss" in ds
    assert (
        call("run", folder / "config.toml", "-o", folder / "exact.nc", "--exact") == 0
        and "completed" in capsys.readouterr().out
    )
    exact = tp.load(folder / "exact.nc")
    assert "rounding" in ds.attrs and "rounding" not in exact.attrs and exact.output.equals(ds.output)
    assert not exact.preactivation.equals(ds.preactivation)
    assert call("info", out) == 0
    told = capsys.readouterr().out
    assert "n_samples=128" in told and "feature_kernel" in told and "status" in told
    pytest.importorskip("matplotlib")
    assert call("plot", out) == 0
    assert (folder / "out.png").stat().st_size > 10_000


@pytest.mark.parametrize("route", ["train_finite", "solve_linear"])
def test_other_routes(folder, route):
    text = CONFIG.split("[run]")[0].replace('"tanh"', '"linear"') + f'[run]\nroute = "{route}"\n'
    (folder / "config.toml").write_text(
        text + ("width = 32\nn_replicates = 2\n" if route == "train_finite" else "")
    )
    assert call("run", folder / "config.toml", "-o", folder / "out.nc") == 0
    assert tp.load(folder / "out.nc").attrs["route"] == route


def test_arrays_beside_the_configuration(folder):
    np.save(folder / "x.npy", np.eye(3))
    problem = (
        '[problem]\ninputs = "x.npy"\ntargets = [1, -1, 1]\ntest_inputs = [[0.5, 0.5, 0]]\nloss ='
        ' "logistic"\n'
    )
    (folder / "config.toml").write_text(problem + "[network]" + CONFIG.split("[network]")[1])
    assert call("run", folder / "config.toml", "-o", folder / "out.nc") == 0
    assert tp.load(folder / "out.nc").sizes["example"] == 4


def test_several_results_in_one_file(folder, capsys):
    call("run", folder / "config.toml", "-o", folder / "out.nc")
    import xarray as xr

    ds = tp.load(folder / "out.nc")
    tp.save(xr.DataTree.from_dict({"a": ds, "b": ds}), folder / "tree.nc")
    tree = tp.load(folder / "tree.nc")
    xr.testing.assert_identical(tree["b"].to_dataset(), ds)
    assert call("info", folder / "tree.nc") == 0 and "== b" in capsys.readouterr().out
    assert (
        call("plot", folder / "tree.nc") == 2 and "choose one with --group, a, b" in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("n_samples = 128", "n_sample = 128", "'n_sample' is unknown; did you mean 'n_samples'"),
        ("n_samples = 128", "n_samples = 100", "n_samples=100 is not a power of two"),
        ("n_samples = 128", 'n_samples = "many"', "n_samples='many' must be a whole number"),
        ("n_samples = 128", 'route = "guess"', "route = 'guess' is unknown; choose from sample"),
        ("n_samples = 128", "n_samples = ", "is not a TOML file"),
        ("depth = 2", "", "depth is missing"),
        ("depth = 2", "depth = 0", "depth=0 must be a whole number, 1 or more"),
        ("depth = 2", "depth = 2\nrichness = 0", "richness=0 must be positive"),
        ('activation = "tanh"', "activation = 3", "activation=3 must be a name in quotes"),
        ('activation = "tanh"', 'activation = "swish"', "activation='swish' is unknown"),
        ("steps = 3", "", "steps is missing"),
        ("learning_rate = 0.4", "learning_rate = -0.4", "learning_rate=-0.4 must be positive"),
        ("learning_rate = 0.4", "learning_rate = true", "learning_rate=True must be positive"),
        ("learning_rate = 0.4", "learning_rate = 0.4\nmomentum = 2", "momentum=2 must lie in"),
        ("[network]", "[net]", "table 'net' is unknown"),
        ('data = "table.csv"', 'data = "none.csv"', "no such file"),
        (
            'data = "table.csv"',
            'inputs = "x.npy"',
            "'test_examples' goes with data, not with inputs and targets",
        ),
        (
            'classes = ["cat", "dog"]',
            "",
            "line 2: '(cat|dog)' in column 'animal' is not numeric; name the two values",
        ),
        (
            'classes = ["cat", "dog"]',
            'classes = ["cat", "cow"]',
            "class 'cow' does not occur in column 'animal'; it has (cat, dog|dog, cat)",
        ),
        ('classes = ["cat", "dog"]', 'classes = "cat"', "must be a list of two values"),
        (
            'classes = ["cat", "dog"]',
            'classes = ["cat", "dog"]\nstandardise = "no"',
            "standardise='no' must be true or false",
        ),
        ("learning_rate = 0.4", "learning_rate = 0.4\nmultipliers = 1", "multipliers=1 must be a list"),
        ("n_samples = 128", 'n_samples = 128\ncentred = "no"', "centred='no' must be true or false"),
        ("n_samples = 128", "n_samples = 128\nrecord = [[0, 1], [2, 3]]", "must hold whole steps"),
        ("n_samples = 128", "n_samples = 128\nthreads = [1]", r"threads=\[1\] must be a whole number"),
        ("n_samples = 128", 'n_samples = 128\ntarget_error = "x"', "target_error='x' must be positive"),
        ("n_samples = 128", 'n_samples = 128\ntolerance = "x"', "tolerance='x' must lie"),
        ("n_samples = 128", "n_samples = 128\ndraws = 3", "draws=3 is unknown"),
        ("n_samples = 128", 'n_samples = 128\nrecord = "all"', "record='all' must hold whole steps"),
        ("n_samples = 128", 'n_samples = 128\nseed = "x"', "seed='x' must be"),
        ("n_samples = 128", "n_samples = 128\ncheckpoint = 3", "checkpoint=3 must name a folder"),
        ("n_samples = 128", 'n_samples = 128\ncheckpoint = ""', "checkpoint='' must name a folder"),
        ("test_examples = 4", "test_examples = 14", "leaves no training examples"),
        ("test_examples = 4", 'target = "kind"', "no column 'kind'; it has ears, tail, animal"),
    ],
)
def test_bad_configurations(folder, capsys, old, new, message):
    import re

    (folder / "config.toml").write_text(CONFIG.replace(old, new))
    assert call("run", folder / "config.toml", "-o", folder / "out.nc") == 2
    said = capsys.readouterr().err
    assert re.search(message, said) and said.count("\n") == 1 and said.startswith("tensorprog-mf run: ")
    assert not (folder / "out.nc").exists()


def test_unwritable_output_is_refused_before_the_run(folder, capsys, monkeypatch):
    monkeypatch.setattr("tensorprog_mf.cli.run.read", lambda path: pytest.fail("ran"))
    assert call("run", folder / "config.toml", "-o", folder / "missing" / "out.nc") == 2
    assert "does not exist; make it first" in capsys.readouterr().err
    assert call("run", folder / "config.toml", "-o", folder) == 2
    assert "cannot write" in capsys.readouterr().err


def test_missing_and_foreign_files(folder, capsys):
    for command in ("info", "plot"):
        assert call(command, folder / "none.nc") == 2 and "no such file" in capsys.readouterr().err
        assert call(command, folder / "table.csv") == 2 and "not a netCDF file" in capsys.readouterr().err
    assert call("run", folder / "none.toml", "-o", folder / "out.nc") == 2


def test_a_diverging_run_is_saved(folder, capsys):
    (folder / "config.toml").write_text(
        CONFIG.replace('"tanh"', '"quadratic"').replace("0.4", "60.0").replace("steps = 3", "steps = 40")
    )
    assert call("run", folder / "config.toml", "-o", folder / "out.nc") == 0
    said = capsys.readouterr()
    assert "warning: At step" in said.err and "diverged" in said.out
    assert tp.load(folder / "out.nc").attrs["status"] == "diverged"


def test_help_is_light():
    script = (
        "import sys; from tensorprog_mf.cli import main\ntry: main(['run', '--help'])\nexcept SystemExit:"
        " pass\nprint([m for m in ('numba', 'numpy', 'scipy', 'xarray', 'matplotlib', 'pandas') if m in"
        " sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("[]") and "CONFIG.toml" in done.stdout


def test_tables_without_names_and_with_numbers(tmp_path):
    (tmp_path / "plain.csv").write_text("1,2,0.5\n3,4,-0.5\n5,7,1.5\n")
    problem = tp.read_table(tmp_path / "plain.csv", test_examples=1)
    assert (
        problem.inputs.shape == (2, 2)
        and problem.targets.tolist() == [0.5, -0.5]
        and problem.test_targets.tolist() == [1.5]
    )
    np.testing.assert_allclose(problem.inputs.mean(0), 0, atol=1e-15)
    np.testing.assert_allclose((problem.inputs**2).mean(), 1)
    raw = tp.read_table(tmp_path / "plain.csv", standardise=False)
    assert raw.inputs.tolist() == [[1, 2], [3, 4], [5, 7]] and raw.test_inputs is None
    (tmp_path / "same.csv").write_text("1,2,0.5\n1,2,-0.5\n")
    with pytest.raises(tp.InputError, match="all training inputs are the same"):
        tp.read_table(tmp_path / "same.csv")
    (tmp_path / "words.csv").write_text("a,b,c\nx,1,2\n")
    with pytest.raises(tp.InputError, match="line 2: 'x' in column 'a' is not numeric"):
        tp.read_table(tmp_path / "words.csv")
    (tmp_path / "missing.csv").write_text("a,b,c\n1,2,3\n4,,6\n")
    with pytest.raises(tp.InputError, match="line 3: '' in column 'b' is not numeric; fill or leave out"):
        tp.read_table(tmp_path / "missing.csv")
    (tmp_path / "latin.csv").write_bytes("a,b\n1,é\n".encode("latin-1"))
    with pytest.raises(tp.InputError, match="save it as comma-separated UTF-8"):
        tp.read_table(tmp_path / "latin.csv")


@pytest.mark.parametrize(
    "text, examples",
    [
        ("0,1,2\n5,6,1\n7,9,-1\n", 2),  # names that count
        ("x,2,3\n5,6,1\n7,9,-1\n", 2),  # some names are numbers
        ("1.5,2,3\n5,6,1\n7,9,-1\n", 3),  # no names
        ("a;b;c\n5;6;1\n7;9;-1\n", 2),
        ("a\tb\tc\r\n5\t6\t1\r\n\r\n7\t9\t-1\r\n", 2),
        ("\ufeffa,b,c\n5, 6,1\n7, 9,-1\n", 2),
    ],
)
def test_tables_as_people_write_them(tmp_path, text, examples):
    (tmp_path / "table.csv").write_bytes(text.encode())
    assert tp.read_table(tmp_path / "table.csv").inputs.shape == (examples, 2)


def test_classes_are_values_not_spellings(tmp_path):
    (tmp_path / "table.csv").write_text("a,kind\n5,3.0\n6, 8\n7,NA\n8,3\n")
    assert tp.read_table(tmp_path / "table.csv", classes=[3, 8]).targets.tolist() == [1, -1, 1]
    assert tp.read_table(tmp_path / "table.csv", classes=["NA", 3.0]).targets.tolist() == [-1, 1, -1]


def test_every_replicate_can_be_kept_from_the_command_line(folder, capsys):
    (folder / "config.toml").write_text(CONFIG + "keep_replicates = true\n")
    assert call("run", folder / "config.toml", "-o", folder / "out.nc") == 0
    assert "loss 0.5" in capsys.readouterr().out


ROUTE_OPTIONS = {
    "sample": "n_samples = 128",
    "train_finite": "width = 16",
    "static_ntk": 'kernel = "sampled"\nn_samples = 128',
    "gradient_independence": "n_samples = 128",
    "perturbation": "n_samples = 128",
    "alternate": "n_samples = 128\niterations = 30",
}


def test_every_route_and_their_comparison(folder, capsys):
    for route, options in ROUTE_OPTIONS.items():
        text = CONFIG.split("[run]")[0] + f'[run]\nroute = "{route}"\nn_replicates = 2\n{options}\n'
        (folder / "config.toml").write_text(text)
        assert call("run", folder / "config.toml", "-o", folder / f"{route}.nc", "--quiet") == 0, route
        assert tp.load(folder / f"{route}.nc").attrs["route"] == route
    capsys.readouterr()
    files = [folder / f"{route}.nc" for route in ROUTE_OPTIONS]
    assert call("compare", *files, "-o", folder / "distances.nc") == 0
    shown = capsys.readouterr().out
    assert "distances to sample at time 1.2" in shown and all(
        f"\n{route}\n  output" in shown for route in list(ROUTE_OPTIONS)[1:]
    )
    assert tp.load(folder / "distances.nc").route.values.tolist() == list(ROUTE_OPTIONS)[1:]
    assert (
        call("compare", *files[:2], "-o", folder / "routes.png") == 0
        and (folder / "routes.png").stat().st_size > 10_000
    )
    capsys.readouterr()
    assert call("compare", files[0]) == 2 and "only one result" in capsys.readouterr().err
    assert (
        call("compare", files[0], folder / "distances.nc") == 2
        and "with outputs over time" in capsys.readouterr().err
    )
    assert call("compare", files[0], folder / "none.nc") == 2 and "no such file" in capsys.readouterr().err


def test_a_flow_from_a_file(folder, capsys):
    text = CONFIG.replace("steps = 3\nlearning_rate = 0.4", "flow = true\ntimes = [0.0, 1.0, 4.0]").split(
        "[run]"
    )[0]
    (folder / "config.toml").write_text(text + '[run]\nroute = "static_ntk"\n')
    assert (
        call("run", folder / "config.toml", "-o", folder / "flow.nc") == 0
        and "in time 4" in capsys.readouterr().out
    )
    assert call("info", folder / "flow.nc") == 0
    (folder / "config.toml").write_text(text)
    assert (
        call("run", folder / "config.toml", "-o", folder / "sampled.nc", "--quiet") == 0
        and "in time 4" in capsys.readouterr().out
    )
    (folder / "config.toml").write_text(text + '[run]\nroute = "alternate"\n')
    assert (
        call("run", folder / "config.toml", "-o", folder / "guessed.nc") == 2
        and "tp.static_ntk" in capsys.readouterr().err
    )


def test_classes_rules_and_records_from_a_file(folder, capsys):
    """Three classes, a learning rule and a record as tables; the result is drawn, told about and compared."""
    rng = np.random.default_rng(1)
    lines = [
        f"{a:.3f},{b:.3f},{['cat', 'dog', 'cow'][i % 3]}" for i, (a, b) in enumerate(rng.normal(size=(15, 2)))
    ]
    (folder / "table.csv").write_text("\n".join(["ears,tail,animal", *lines]) + "\n")
    text = CONFIG.replace('classes = ["cat", "dog"]', 'loss = "cross_entropy"').replace(
        "learning_rate = 0.4",
        'learning_rate = 0.4\nlearning_rule = {name = "feedback_alignment", correlation = 0.5}',
    )
    (folder / "config.toml").write_text(text + "\n[run.record]\nsteps = [0, 3]\nmoments = ['feature']\n")
    out = folder / "out.nc"
    assert call("run", folder / "config.toml", "-o", out) == 0
    ds = tp.load(out)
    assert (
        dict(ds.output.sizes) == {"time": 2, "example": 15, "output": 3}
        and ds.feature_moment.sizes["moment"] == 4
    )
    assert ds.target.values[:3].argmax(axis=1).tolist() == [
        0,
        2,
        1,
    ]  # cat, dog, cow in the order of the alphabet
    assert call("info", out) == 0 and "output" in capsys.readouterr().out
    pytest.importorskip("matplotlib")
    assert call("plot", out) == 0 and (folder / "out.png").stat().st_size > 10_000
    assert call("compare", out, out) == 0
    (folder / "config.toml").write_text(text.replace("0.5}", "2}"))
    assert call("run", folder / "config.toml", "-o", out) == 2
    assert "correlation=2 must lie between -1 and 1" in capsys.readouterr().err
    tp.read_table(folder / "table.csv", classes=["cow", "cat"], loss="cross_entropy", test_examples=2)


@pytest.mark.parametrize(
    "network, shape",
    [
        ('architecture = "ResidualMLP"\ndepth = 2', "[4]"),
        ('architecture = "CNN"\ndepth = 2\nstride = [2, 1]\nreadout = "flat"', "[1, 4]"),
        ('architecture = "RNN"\nreadout = "average"', "[2, 2]"),
        ('architecture = "Transformer"\ndepth = 1\nhead_dimension = "infinite"', "[2, 2]"),
    ],
)
def test_every_architecture_from_a_file(folder, network, shape):
    rng = np.random.default_rng(0)
    (folder / "table.csv").write_text(
        "\n".join(",".join(f"{v:.3f}" for v in row) for row in rng.normal(size=(9, 5)))
    )
    text = CONFIG.replace('classes = ["cat", "dog"]', f"shape = {shape}").replace(
        'depth = 2\nactivation = "tanh"', network
    )
    (folder / "config.toml").write_text(text)
    assert call("run", folder / "config.toml", "-o", folder / "out.nc") == 0
    ds = tp.load(folder / "out.nc")
    assert ds.attrs["architecture"] in network and ds.sizes["example"] == 9
    pytest.importorskip("matplotlib")
    assert call("plot", folder / "out.nc") == 0
    (folder / "config.toml").write_text(text.replace(f"shape = {shape}", "shape = [3]"))
    assert call("run", folder / "config.toml", "-o", folder / "out.nc") == 2

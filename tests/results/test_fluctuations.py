"""Variance and shift over networks times width: exact against plain numpy, closed forms, one sentence per bad
input."""

import json

import numpy as np
import pytest
import xarray as xr

import tensorprog_mf as tp
from tensorprog_mf.results.fluctuations import moments

DIMS = {
    "output": ("time", "example"),
    "loss": ("time",),
    "feature_kernel": ("time", "layer", "example", "example_prime"),
}
SIZES = {"layer": 2, "example": 3, "example_prime": 3}


def made(rng, route, steps, replicates=None, **settings):
    """A result with random numbers in it."""
    sizes = SIZES | {"time": len(steps), "replicate": replicates}
    lead = ("replicate",) if replicates else ()
    variables = {
        name: ((*lead, *dims), rng.normal(size=[sizes[d] for d in (*lead, *dims)]))
        for name, dims in DIMS.items()
    }
    split = ("example", ["train", "train", "test"])
    coordinates = {"time": 0.5 * np.array(steps), "step": ("time", steps), "layer": [1, 2], "split": split}
    empty = "source created_at architecture seed references status_message"
    same = "environment_json network_json training_json problem_json"
    own = {"route": route, "settings_json": json.dumps(settings), "status": "completed"}
    return xr.Dataset(variables, coordinates, dict.fromkeys(f"{empty} {same}".split(), "") | own)


def networks_of(rng, width, steps, replicates):
    return made(
        rng, "train_finite", steps, replicates, width=width, centred=False, parameterization="mean_field"
    )


def expected(x, width, limit, limit_error):
    """V, its error, S, its error of one entry, written as the definitions."""
    n, mean = len(x), sum(x) / len(x)
    variance = sum((v - mean) ** 2 for v in x) / (n - 1)
    fourth = sum((v - mean) ** 4 for v in x) / n
    return (
        width * variance,
        width * np.sqrt((fourth - (n - 3) / (n - 1) * variance**2) / n),
        width * (mean - limit),
        width * np.sqrt(variance / n + limit_error**2),
    )


@pytest.mark.parametrize("known", ["stderr", "replicate", "exactly"])
def test_values_are_the_definitions_at_common_times(known):
    rng = np.random.default_rng(1)
    steps = {50: [0, 1, 2, 4], 20: [0, 2, 3, 4]}
    networks = {width: networks_of(rng, width, kept, 5 + width // 20) for width, kept in steps.items()}
    limit = made(rng, "sample", [0, 2, 4, 5], 6 if known == "replicate" else None)
    mean, error = limit, {name: 0 * limit[name] for name in DIMS}
    if known == "replicate":
        mean, error = limit.mean("replicate"), limit.std("replicate", ddof=1) / np.sqrt(6)
    if known == "stderr":
        error = {name: abs(limit[name]) / 10 for name in DIMS}
        limit = limit.assign({f"{name}_stderr": values for name, values in error.items()})
    ds = tp.fluctuations([networks[50].transpose(..., "replicate"), networks[20]], limit)
    assert ds.width.values.tolist() == [20, 50] and ds.n_replicates.values.tolist() == [6, 7]
    assert (
        ds.step.values.tolist() == [0, 2, 4]
        and ds.time.values.tolist() == [0, 1, 2]
        and ds.layer.values.tolist() == [1, 2]
    )
    assert ds.split.values.tolist() == ["train", "train", "test"]
    for name, dims in DIMS.items():
        for width, step in [(20, 2), (50, 4)]:
            place = {"layer": 1, "example": 2, "example_prime": 0}
            at = {dim: place[dim] for dim in dims if dim != "time"}
            x = networks[width][name].isel(time=steps[width].index(step), **at).values
            q, dq = (float(of[name].isel(time=[0, 2, 4, 5].index(step), **at)) for of in (mean, error))
            parts = [f"{name}_{part}" for part in ("variance", "variance_stderr", "shift", "shift_stderr")]
            assert all(ds[part].dims == ("width", *dims) for part in parts)
            found = [
                float(ds[part].sel(width=width).isel(time=[0, 2, 4].index(step), **at)) for part in parts
            ]
            np.testing.assert_allclose(found, expected(x, width, q, dq), rtol=1e-12)


def test_the_error_of_a_variance_is_its_spread():
    """20,000 variances of 50 exponential numbers each (m4 = 9 sigma^4): mean square error as estimated, to 10
    %."""
    x = np.random.default_rng(2).exponential(size=(50, 20000))
    _, variance, error = moments(x)
    # The relative error of the left side is about 0.03; estimates of m4 from 50 numbers are low by some per
    # cent.
    assert abs(((variance - 1) ** 2).mean() / ((9 - 47 / 49) / 50) - 1) < 0.1
    assert abs((error**2).mean() / ((9 - 47 / 49) / 50) - 1) < 0.15


@pytest.fixture(scope="module")
def setting():
    rng = np.random.default_rng(7)
    return tp.Problem(rng.normal(size=(3, 5)), rng.normal(size=3), rng.normal(size=(2, 5))), tp.Training(
        2, 0.3
    )


def trained(network, setting, width=16, n_replicates=4, **options):
    options = {"keep_replicates": True, "record": [0, 2]} | options
    return tp.train_finite(
        network, *setting, width=width, n_replicates=n_replicates, samples=0, progress=False, **options
    )


def limit_of(network, setting, **options):
    return tp.sample(
        network, *setting, n_samples=256, samples=0, progress=False, **({"n_replicates": 4} | options)
    )


@pytest.mark.parametrize("activation", ["linear", "tanh"])
def test_outputs_start_with_the_variance_of_the_last_feature_kernel(activation, setting):
    """N Var f(0) = E Phi^L / richness^2 at every width, the mean over networks; for linear ones that is K^x
    exactly.

    5 sigma, 2 x 2 x 5 entries of 800 nearly Gaussian networks each: false alarm 1e-5.
    """
    network, setting = tp.MLP(2, activation, richness=0.7), (setting[0], tp.Training(1, 0.3))
    limit = tp.solve_linear(network, *setting) if activation == "linear" else limit_of(network, setting)
    ds = tp.fluctuations(
        [trained(network, setting, width, n_replicates=800, record=[0]) for width in (12, 48)], limit
    )
    kernel = (
        limit.feature_kernel[0, -1].values
        + ds.feature_kernel_shift[:, 0, -1].values / ds.width.values[:, None, None]
    )
    if activation == "linear":
        inputs = limit.input.values
        kernel = np.broadcast_to(inputs @ inputs.T / inputs.shape[1], kernel.shape)
    diagonal = np.diagonal(kernel, axis1=1, axis2=2)
    assert (abs(ds.output_variance[:, 0] - diagonal / 0.7**2) < 5 * ds.output_variance_stderr[:, 0]).all()


def test_the_dataset_tells_how_it_was_made_and_can_be_saved(setting, tmp_path):
    network = tp.MLP(2)
    ds = tp.fluctuations(trained(network, setting), limit_of(network, setting))
    assert set(ds.data_vars) == {
        f"{name}_{part}{error}"
        for name in ("output", "loss", "feature_kernel", "gradient_kernel", "tangent_kernel")
        for part in ("variance", "shift")
        for error in ("", "_stderr")
    }
    for name, variable in {**ds.data_vars, **ds.coords}.items():
        assert {"long_name", "symbol", "units", "comment"} <= variable.attrs.keys(), name
    assert all(isinstance(value, str) for value in ds.attrs.values())
    made_of = json.loads(ds.attrs["settings_json"])
    assert [own["width"] for own in made_of["networks"]] == [16] and made_of["limit"]["route"] == "sample"
    assert ds.attrs["route"] == "fluctuations" and json.loads(ds.attrs["n_replicates_json"]) == {"16": 4}
    xr.testing.assert_identical(ds, tp.load(tp.save(ds, tmp_path / "fluctuations.nc")))


def test_a_run_that_was_not_completed_shows_in_the_status(setting):
    networks, limit = trained(tp.MLP(2), setting), limit_of(tp.MLP(2), setting)
    limit.attrs |= {"status": "finite_width", "status_message": "At step 2 the queries spanned all sites."}
    assert tp.fluctuations(networks, limit).attrs["status"] == "finite_width"


def test_every_bad_input_has_its_sentence(setting):
    network = tp.MLP(2)
    good, limit = trained(network, setting), limit_of(network, setting)
    problem, training = setting
    other_problem = tp.Problem(problem.inputs, 2 * problem.targets, problem.test_inputs)
    bad = [
        ("or a list of them", [], limit),
        ("or a list of them", "networks.nc", limit),
        (r"networks\[0\] is of type or route 'dict'", [{}], limit),
        (r"networks\[1\] is of type or route 'sample'", [good, limit], limit),
        ("is of type or route 'unknown'", xr.Dataset(), limit),
        (
            "holds means only; train with keep_replicates=True",
            trained(network, setting, keep_replicates=False),
            limit,
        ),
        ("has 3 networks; train 4 or", trained(network, setting, n_replicates=3), limit),
        ("train with centred=False", trained(network, setting, centred=True), limit),
        (
            "parameterization='ntk' and so another limit",
            trained(network, setting, parameterization="ntk"),
            limit,
        ),
        (r"networks\[1\]: width 16 comes twice", [good, trained(network, setting, seed=1)], limit),
        (
            r"networks\[1\] has another network",
            [good, trained(tp.MLP(2, richness=2.0), setting, width=8)],
            limit,
        ),
        ("limit has another network", good, limit_of(tp.MLP(2, "erf"), setting)),
        ("limit has another training", good, limit_of(network, (problem, tp.Training(2, 0.31)))),
        ("limit has another problem", good, limit_of(network, (other_problem, training))),
        ("limit must be a result of tp.sample.* route 'train_finite'", good, good),
        ("limit must be a result of tp.sample.* route 'NoneType'", good, None),
        (
            "not of an approximation; it is of type or route 'static_ntk'",
            good,
            tp.static_ntk(network, *setting),
        ),
        ("make it with n_replicates=4 or more", good, limit_of(network, setting, n_replicates=1)),
        (
            "make it with n_replicates=4 or more",
            good,
            limit_of(network, setting, n_replicates=1, keep_replicates=True),
        ),
        ("give all the same record=", good, limit_of(network, setting, record=[1])),
    ]
    for sentence, networks, of in bad:
        with pytest.raises(tp.InputError, match=sentence) as raised:
            tp.fluctuations(networks, of)
        assert "\n" not in str(raised.value) and str(raised.value).endswith("."), sentence


def test_mup_is_the_same_network_as_mean_field(setting):
    network = tp.MLP(2)
    limit = limit_of(network, setting)
    a, b = (
        tp.fluctuations(trained(network, setting, parameterization=form), limit)
        for form in ("mean_field", "mup")
    )
    np.testing.assert_allclose(a.tangent_kernel_shift, b.tangent_kernel_shift, rtol=1e-8, atol=1e-8)

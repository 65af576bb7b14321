"""The alternating procedure: same answer as one pass through time where it converges, and honest where it
does not."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.routes.alternate.causal import causal_factor, regress, undo_factor
from tests.reference.gate import CASES, KERNEL_FLOOR, OUTPUT_FLOOR, excess, setup

slow = pytest.mark.verification
CASES_AND_SETTINGS = [  # what each needs to come to rest: slow modes a smaller target, kinks more samples
    ("tanh_depth2", {}),
    ("relu_depth1_rich", {}),
    ("linear_depth1", {}),
    ("tanh_depth2_one_example_rich", {}),
    ("tanh_depth2_momentum", {}),
    ("tanh_depth2_weight_decay", {}),
    pytest.param("linear_depth3", {"target_residual": 2e-4}, marks=slow),
    pytest.param("erf_depth3", {"damping": 0.2}, marks=slow),
    pytest.param("relu_depth2", {"n_samples": 16384}, marks=slow),
]


@pytest.mark.parametrize("name, settings", CASES_AND_SETTINGS)
def test_passes_the_gate_against_sample(name, settings):
    network, problem, training = setup(CASES[name])
    ends = [0, training.steps]
    ds = tp.alternate(
        network, problem, training, n_replicates=8, iterations=80, samples=0, record=ends, **settings
    )
    assert ds.attrs["status"] == "converged", ds.attrs["status_message"]
    limit = tp.sample(network, problem, training, n_replicates=8, samples=0, record=ends, seed=1)
    found = {"output": _excess(ds, limit, "output", ())}
    for kernel in ("feature_kernel", "gradient_kernel"):
        for layer in range(network.depth):
            found[kernel, layer] = _excess(ds, limit, kernel, (slice(None), layer))
    found["tangent_kernel"] = _excess(ds, limit, "tangent_kernel", ())
    # 5 standard errors pooled over entries with 14 degrees of freedom: false alarm below 1e-3 for all cases
    # together.
    assert max(found.values()) <= 1, found


def _excess(ds, limit, name, cut):
    floor = OUTPUT_FLOOR if name == "output" else KERNEL_FLOOR
    return excess(
        *(a.values[cut] for a in (ds[name], ds[f"{name}_stderr"], limit[name], limit[f"{name}_stderr"])),
        floor,
    )


@pytest.mark.parametrize("richness", [0.05, 1.0])
def test_multipliers_momentum_and_decay(problem, richness):
    """Against sample with factors that are all different; at small richness outputs depend on responses,
    kernels hardly move."""
    training = tp.Training(8, 0.4, 0.3, 0.1, [0.3, 2.0, 0.6])
    network, settings = tp.MLP(2, "tanh", richness), dict(n_samples=16384, n_replicates=4, samples=0)
    ds = tp.alternate(network, problem, training, iterations=60, target_residual=1e-3, **settings)
    limit = tp.sample(network, problem, training, **settings)
    assert ds.attrs["status"] == "converged" and np.abs(ds.output[0]).max() < 1e-12  # centred
    distances = tp.compare(limit, ds)
    # Student's t with 6 degrees of freedom, errors pooled over entries: 8 is exceeded with chance 2e-4; or 1
    # % of the outputs.
    allowed = np.maximum(
        8.0, 0.01 * float(np.abs(limit.output).max()) / (distances.output_max / distances.output_sigma)
    )
    assert (distances.output_sigma[0, 1:] < allowed[0, 1:]).all() and (
        distances.tangent_kernel_sigma < 8
    ).all()
    other = tp.sample(network, problem, tp.Training(8, 0.4, 0.3, 0.1), **settings)
    assert tp.compare(limit, other).output_sigma.max() > 20


def test_of_all_replicates_the_slowest_is_reported(problem, monkeypatch):
    from tensorprog_mf.routes.alternate import iteration

    outcomes, iterate = [], iteration.iterate
    monkeypatch.setattr(
        iteration, "iterate", lambda *arguments: outcomes.append(iterate(*arguments)) or outcomes[-1]
    )
    arguments = tp.MLP(2, "tanh", 1.0), problem, tp.Training(8, 0.4)
    full = tp.alternate(*arguments, n_samples=256, n_replicates=4, iterations=60, threads=1)
    lengths = [len(outcome.residuals) for outcome in outcomes]
    assert len(set(lengths)) > 1 and full.sizes["iteration"] == max(lengths)
    for i, residual in enumerate(full.residual.values):
        assert residual == max(outcome.residuals[i] for outcome in outcomes if i < len(outcome.residuals))
    with pytest.warns(tp.ConvergenceWarning):
        cut = tp.alternate(*arguments, n_samples=256, n_replicates=4, iterations=min(lengths), threads=1)
    assert cut.attrs["status"] == "not_converged"


def test_odd_inputs(problem):
    """Inputs of zero, one step, one example, a tolerance below rounding."""
    nothing = tp.Problem(np.zeros((2, 3)), [1.0, -1.0])
    assert (
        tp.alternate(tp.MLP(2), nothing, tp.Training(2, 0.3), n_samples=64, n_replicates=1).output == 0
    ).all()
    one = tp.Problem([[1.0, 2.0]], [1.0])
    for steps in (0, 1):
        ds = tp.alternate(tp.MLP(2), one, tp.Training(steps, 0.3), n_samples=256, n_replicates=2)
        assert ds.sizes["time"] == steps + 1 and np.isfinite(ds.output).all()
    ds = tp.alternate(
        tp.MLP(2), problem, tp.Training(3, 0.3), n_samples=256, n_replicates=1, tolerance=1e-9, iterations=40
    )
    assert np.isfinite(ds.output).all()


def test_fields_and_parts(problem):
    """Parts add up; at the same sites the fields give the kernels; responses matter."""
    ds = tp.alternate(
        tp.MLP(3, "tanh", 2.0),
        problem,
        tp.Training(5, 0.4),
        n_samples=1024,
        n_replicates=1,
        samples=1024,
        iterations=30,
    )
    for field in ("preactivation", "backward_field"):
        parts = [
            ds[f"{field}_{part}_part"].values.astype(float) for part in ("gaussian", "response", "learned")
        ]
        np.testing.assert_allclose(sum(parts), ds[field], atol=1e-5)
        assert ds[field].dims == ("time", "layer", "example", "sample")
    x = np.tanh(ds.preactivation.values.astype(float))
    np.testing.assert_allclose(np.einsum("tlis,tljs->tlij", x, x) / 1024, ds.feature_kernel, atol=1e-5)
    np.testing.assert_allclose(
        np.einsum("tis,tis->ti", ds.backward_field[:, -1], x[:, -1]) / 1024 / 2.0, ds.output, atol=1e-5
    )
    assert (
        np.abs(ds.preactivation_response_part[:, 0]).max()
        == 0
        < 0.01
        < np.abs(ds.preactivation_response_part[:, 1:]).max()
    )


def test_depth_one_is_exact_in_one_round(problem):
    """Nothing between layers is to be guessed: the second round changes nothing."""
    ds = tp.alternate(
        tp.MLP(1, "tanh", 2.0),
        problem,
        tp.Training(8, 0.4),
        n_samples=512,
        n_replicates=2,
        damping=0.0,
        target_residual=1e-12,
    )
    assert ds.sizes["iteration"] == 2 and ds.residual[1] < 1e-12 and ds.attrs["status"] == "converged"


def test_residual_falls_and_too_few_iterations_are_reported(problem):
    arguments = tp.MLP(2, "tanh", 1.0), problem, tp.Training(8, 0.4)
    with pytest.warns(tp.ConvergenceWarning, match="After 4 iterations the residual is .* tp.sample"):
        ds = tp.alternate(*arguments, n_samples=512, n_replicates=2, iterations=4)
    assert (
        ds.attrs["status"] == "not_converged"
        and ds.residual.dims == ("iteration",)
        and ds.iteration.values.tolist() == [1, 2, 3, 4]
    )
    ds = tp.alternate(*arguments, n_samples=512, n_replicates=2, iterations=40)
    assert ds.attrs["status"] == "converged" and ds.residual[-1] <= 1e-3 < 0.1 < ds.residual[0]


def test_divergence_is_reported_and_what_was_before_is_kept(problem):
    with pytest.warns(tp.DivergenceWarning, match="ran away.*tp.sample, which does not iterate"):
        ds = tp.alternate(
            tp.MLP(4, "linear", 2.0),
            problem,
            tp.Training(40, 0.2),
            n_samples=1024,
            n_replicates=2,
            damping=0.0,
        )
    assert ds.attrs["status"] == "diverged" and np.isfinite(ds.output).all() and ds.sizes["iteration"] >= 1
    limit = tp.sample(tp.MLP(4, "linear", 2.0), problem, tp.Training(40, 0.2), n_samples=1024, n_replicates=1)
    assert limit.attrs["status"] == "completed"


def test_same_seed_same_bits_on_any_number_of_threads(problem):
    arguments, settings = (
        (tp.MLP(2), problem, tp.Training(4, 0.4)),
        dict(n_samples=2048, n_replicates=2, iterations=30),
    )
    one, two = (tp.alternate(*arguments, threads=threads, **settings) for threads in (1, 2))
    assert all(one[name].identical(two[name]) for name in one)
    alone = [
        tp.alternate(*arguments, threads=threads, **(settings | {"n_replicates": 1})) for threads in (1, 2)
    ]
    assert all(alone[0][name].identical(alone[1][name]) for name in alone[0])


@pytest.mark.parametrize(
    "message, error, change",
    [
        ("damping=1.0 must lie in", tp.InputError, {"damping": 1.0}),
        ("iterations=0 must be a whole number", tp.InputError, {"iterations": 0}),
        ("target_residual=0.0 must be positive", tp.InputError, {"target_residual": 0.0}),
        ("more than half of n_samples = 16", tp.InputError, {"n_samples": 16, "centred": False}),
        (
            "alternate takes discrete steps only",
            tp.UnsupportedError,
            {"training": tp.Training(flow=True, times=[1.0])},
        ),
    ],
)
def test_bad_input(problem, message, error, change):
    arguments = {"n_samples": 256, "n_replicates": 1, "training": tp.Training(6, 0.4)} | change
    with pytest.raises(error, match=message):
        tp.alternate(tp.MLP(2), problem, **arguments)


def test_causal_factor():
    """Lower trapezoidal in the order of slots, the kernel up to the tolerance, collinear slots left out."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 50))
    rows = np.vstack([x[0], x[0] + 1e-5 * x[3], x[1], x[0] - x[1], x[2]])
    kernel = rows @ rows.T / 50
    factor, accepted = causal_factor(kernel, 1e-3)
    assert accepted.tolist() == [0, 2, 4]
    np.testing.assert_allclose(factor @ factor.T, kernel, atol=1e-4)
    assert np.triu(factor[accepted], 1).max() == 0
    coefficients = rng.normal(size=(2, 3))
    np.testing.assert_allclose(undo_factor(coefficients, factor, accepted) @ factor, coefficients, atol=1e-12)


def test_regression_uses_what_is_known_only():
    rng = np.random.default_rng(1)
    drivers = rng.normal(size=(4, 200))
    rows = np.array([drivers[0] + 2 * drivers[3], 3 * drivers[1] + drivers[2]])
    found = regress(rows @ drivers.T / 200, drivers @ drivers.T / 200, np.array([4, 2]))
    np.testing.assert_allclose(found[0], [1, 0, 0, 2], atol=1e-12)
    expected = np.linalg.lstsq(drivers[:2].T, rows[1], rcond=None)[0]
    np.testing.assert_allclose(found[1], [*expected, 0, 0], atol=1e-12)

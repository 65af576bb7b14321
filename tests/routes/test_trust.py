"""Runs that complete but cannot be trusted say so: heavy tails over sites, steps past the edge of stability,
rounding."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.routes.sampling import stability
from tensorprog_mf.routes.sampling.stability import amplified, apart_from, bound, growth, sharpness
from tensorprog_mf.routes.sampling.trust import HEAVY
from tensorprog_mf.sites.tails import largest_share
from tests.helpers.untrusted import CUBIC, S, modular_addition, spheres

sl = tp.scaling_laws


EDGE = spheres(10, 20, 1)
FEW = dict(n_samples=512, n_replicates=2, samples=0, progress=False)


def quietly(route, *arguments, **settings):
    """A result, and the warnings about trust on the way."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        ds = route(*arguments, **settings)
    return ds, [w for w in told if w.category in (tp.HeavyTailWarning, tp.StabilityWarning)]


HEAVY_CASES = {
    "quadratic, cross-entropy": (tp.MLP(1, "quadratic"), modular_addition, tp.Training(60, 0.2)),
    "third Hermite polynomial": (tp.MLP(1, CUBIC, richness=0.3), lambda: S, tp.Training(50, 0.1)),
    "exponential": (tp.MLP(1, (np.exp, np.exp), richness=0.3), lambda: S, tp.Training(50, 0.1)),
    "cube": (tp.MLP(1, (lambda h: h**3, lambda h: 3 * h**2)), lambda: S, tp.Training(50, 0.05)),
}


@pytest.mark.parametrize("case", HEAVY_CASES)
def test_heavy_tails_are_told_of(case):
    network, problem, training = HEAVY_CASES[case]
    ds, told = quietly(tp.sample, network, problem(), training, **FEW | {"n_samples": 1024})
    assert [w.category for w in told] == [tp.HeavyTailWarning] and ds.attrs["status"] == "completed"
    assert str(told[0].message) in ds.attrs["status_message"] and "Standard errors cannot be trusted" in str(
        told[0].message
    )
    assert (
        ds.largest_share.dims == ("time", "layer")
        and ds.largest_share.max() > 1.15 * HEAVY > ds.largest_share[0].max()
    )
    step = int(ds.step[(ds.largest_share >= HEAVY).any("layer").values][0])
    assert f"From step {step} on" in str(told[0].message)


@pytest.mark.parametrize(
    "network, training",
    [
        (tp.MLP(3), tp.Training(50, 0.5)),
        (tp.MLP(4, "relu", richness=1.0), tp.Training(30, 0.3)),
        (tp.MLP(2, "linear", richness=3.0), tp.Training(30, 0.2)),
        (tp.MLP(1, "erf", richness=0.1), tp.Training(30, 0.5, momentum=0.5)),
        (tp.ResidualMLP(2), tp.Training(20, 0.3)),
        (tp.MLP(2), tp.Training(flow=True, times=[0.0, 1.0, 5.0], tolerance=1e-3)),
    ],
)
def test_healthy_runs_are_not_doubted(network, training):
    ds, told = quietly(tp.sample, network, S, training, **FEW)
    assert told == [] and ds.attrs["status_message"] == "All steps were done."
    assert ds.largest_share.max() < 0.8 * HEAVY


def test_share_of_the_largest_sites():
    """Equal sites, one site, a power law: 0.01^(1 - 1/a) of the largest 1 % at 10^5 sites, within their
    fluctuation."""
    assert (
        abs(largest_share(np.ones((3, 1000))) - 0.01) < 1e-15
        and abs(largest_share(np.ones((1, 64))) - 0.01) < 1e-15
    )
    assert largest_share(np.eye(4, 1000)) == 1.0 and largest_share(np.zeros((2, 50))) == 0.0
    squares = (np.arange(100_000) + 0.5) ** (-1 / 2.5)  # quantiles of a law with index 2.5
    assert abs(largest_share(np.sqrt(squares)[None]) / 0.01 ** (1 - 1 / 2.5) - 1) < 0.01
    assert largest_share(np.ones((1, 1000)), np.sqrt(squares)[None]) == largest_share(np.sqrt(squares)[None])


def test_target_error_tells_at_the_first_run():
    network, problem, training = HEAVY_CASES["quadratic, cross-entropy"]
    with (
        pytest.warns(tp.TargetWarning, match="not reached: n_samples=512.*a few sites carry the answer"),
        pytest.warns(tp.HeavyTailWarning),
    ):
        ds = tp.sample(network, problem(), training, target_error=0.5, **FEW)
    assert '"n_samples": 512' in ds.attrs["settings_json"]


def test_past_the_edge_of_stability_numbers_depend_on_the_sample():
    """Rate 5.5, where replicates end at losses that differ by orders of magnitude; at 5.0, past the bound
    too, they agree."""
    ds, told = quietly(
        tp.sample, tp.MLP(3), EDGE, tp.Training(16, 5.5), **FEW | {"n_samples": 256, "n_replicates": 4}
    )
    unstable = [w for w in told if w.category is tp.StabilityWarning]
    assert (
        len(unstable) == 1
        and str(unstable[0].message) in ds.attrs["status_message"]
        and ds.attrs["status"] == "completed"
    )
    assert "on numbers depend on the sample" in str(unstable[0].message) and "past its bound 2" in str(
        unstable[0].message
    )
    assert ds.loss_stderr[-1] > 0.3 * ds.loss[-1]
    first = int(str(unstable[0].message).split()[2])
    share = np.sqrt(
        (ds.output_stderr**2 * 4).mean("example") / ((ds.output**2) + 3 * ds.output_stderr**2).mean("example")
    )
    assert 2 <= first <= 14 and (share[first:] > 0.25).all() and share[first - 1] < 0.3
    ds, told = quietly(
        tp.sample, tp.MLP(3), EDGE, tp.Training(40, 5.0), **FEW | {"n_samples": 256, "n_replicates": 4}
    )
    assert told == [] and (5.0 * ds.sharpness).max() > 3 and ds.loss[-1] < 1e-5


@pytest.mark.parametrize("replicates", [1, 4])
def test_a_catapult_that_settles_is_not_doubted(replicates):
    network, problem = tp.MLP(1, richness=0.1), spheres(6, 8, 1)
    lazy = tp.static_ntk(network, problem, tp.Training(0, 1.0)).tangent_kernel[0].values
    training = tp.Training(40, 3.5 * 6 / np.linalg.eigvalsh(lazy)[-1])
    ds, told = quietly(tp.sample, network, problem, training, **FEW | {"n_replicates": replicates})
    assert (
        told == [] and ds.loss.max() > 2 * ds.loss[0] and 3.4 < training.learning_rate * ds.sharpness[0] < 3.6
    )


def test_one_replicate_is_told_of_what_may_have_grown():
    ds, told = quietly(
        tp.sample,
        tp.MLP(4),
        spheres(6, 8, 1),
        tp.Training(25, 4.0),
        **FEW | {"n_samples": 256, "n_replicates": 1},
    )
    assert any(
        "on numbers may depend on the sample" in str(w.message)
        for w in told
        if w.category is tp.StabilityWarning
    )


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("examples", [5, 70])
def test_sharpness_is_that_of_the_hessian_of_linear_models(loss, examples):
    """f = J theta: Hessian J^T diag(loss'') J / P, and loss'' known; below and above 64 examples."""
    rng = np.random.default_rng(3)
    jacobian, f, y = (
        rng.normal(size=(examples, 7)),
        rng.normal(size=(2, examples)),
        np.sign(rng.normal(size=examples)),
    )
    problem = tp.Problem(rng.normal(size=(examples, 4)), y, loss=loss)
    second = np.ones_like(f) if loss == "squared" else 1 / (2 + 2 * np.cosh(f))
    exact = [np.linalg.eigvalsh(jacobian.T @ (s[:, None] * jacobian) / examples)[-1] for s in second]
    kernel = np.repeat((jacobian @ jacobian.T)[None], 2, axis=0)
    np.testing.assert_allclose(sharpness(kernel, f, problem), exact, rtol=1e-6)


def test_sharpness_is_recorded_where_it_is_known():
    training = tp.Training(3, 0.2, multipliers=(1.0, 2.0, 0.5))
    ds = tp.sample(tp.MLP(2), S, training, **FEW)
    np.testing.assert_allclose(
        ds.sharpness, [np.linalg.eigvalsh(k)[-1] / 10 for k in ds.tangent_kernel.values], rtol=1e-9
    )
    assert "sharpness" not in tp.sample(
        tp.MLP(2), S, training, record=tp.Record(kernel_examples=[0, 1]), **FEW
    )
    two = tp.Problem(S.inputs, np.stack([S.targets, S.targets], axis=1))
    assert "sharpness" not in tp.sample(tp.MLP(2), two, training, **FEW)
    each = tp.sample(tp.MLP(2), S, training, keep_replicates=True, **FEW)
    np.testing.assert_allclose(each.sharpness, ds.sharpness, rtol=1e-12)


@pytest.mark.parametrize(
    "training",
    [
        tp.Training(9, 1.0),
        tp.Training(9, 1.0, momentum=0.8),
        tp.Training(9, 1.0, momentum=0.8, nesterov=True),
    ],
)
def test_bounds_are_those_of_a_quadratic_loss(training):
    """Descent of lambda x^2 / 2 itself grows above the bound and falls below it, at the rate that `growth`
    has."""
    beta, edge = training.momentum, bound(training)
    for product in (0.97 * edge, 1.03 * edge, 1.5 * edge):
        x, v, sizes = 1.0, 0.3, []
        for _ in range(400):
            v = beta * v - product * (x + beta * v * training.nesterov)
            x += v
            sizes.append(abs(x))
        rate = np.exp(np.log(np.array(sizes[399]) / sizes[199]) / 200)
        assert (rate > 1) == (product > edge) and abs(
            growth(np.array([product]), training)[0] / rate - 1
        ) < 0.02
    steps = np.array([0, 2, 3])
    np.testing.assert_allclose(amplified(np.full(3, 3.0), steps, tp.Training(3, 1.0)), [1, 4, 8], rtol=1e-12)


def test_replicates_that_come_together_again_are_not_apart():
    rng, decay = np.random.default_rng(0), np.array([0.0, 0.01, 1.0, 0.01, 0.001])
    outputs = 1 + decay[None, :, None] * rng.normal(size=(4, 5, 3))
    assert apart_from(outputs) is None
    first, share, more = apart_from(
        1 + np.array([0.0, 0.01, 0.02, 2.0, 2.0])[None, :, None] * rng.normal(size=(4, 5, 3))
    )
    assert first == 3 and share > 0.3 and more > 5
    assert apart_from(rng.normal(size=(4, 5, 3))) is None  # noise of few sites from the start


LAW = sl.PowerLaw(a=1.5, b=1.25, modes=60)


def test_scaling_laws_depend_on_rounding_from_a_step_on():
    model, training = (
        sl.Model(LAW, width=20, examples=30, richness=1.0, noise=0.1),
        sl.Descent(93, 0.3),
    )  # at 96 it may have diverged: where depends on the machine
    ds, told = quietly(sl.solve, model, training, progress=False)
    assert (
        len(told) == 1
        and str(told[0].message) in ds.attrs["status_message"]
        and ds.attrs["status"] == "completed"
    )
    first = int(str(told[0].message).split()[2])
    other, _ = quietly(sl.solve, model, replace(training, learning_rate=0.3 * (1 + 2e-15)), progress=False)
    apart = np.abs(other.test_loss.values - ds.test_loss.values) / ds.test_loss.values  # times differ, too
    assert 70 < first < 93 and apart[:60].max() < 1e-6 and apart[first:].max() > 1e-4
    assert quietly(sl.solve, model, sl.Descent(60, 0.1), progress=False)[1] == []


@pytest.mark.parametrize("rate", [0.4, 0.5])
def test_reduced_descent_tells_where_it_leaves_the_exact_recursion(rate):
    """The two solvers agree until then, to 1e-3, and not after; the warned step is no later than that by more
    than two."""
    model, training = sl.Model(LAW, width=20, richness=1.0), sl.Descent(90, rate)
    ds, told = quietly(sl.solve_reduced, model, training)
    exact, none = quietly(sl.solve, model, training, progress=False)
    apart = np.abs(ds.test_loss - exact.test_loss).values > 1e-3 * exact.test_loss.values
    assert none == [] and len(told) == 1 and apart.any()
    first = int(str(told[0].message).split()[2])
    assert first <= int(np.argmax(apart)) + 2 and not apart[: first - 2].any()
    slow = sl.Descent(90, 0.2)
    ds, told = quietly(sl.solve_reduced, model, slow)
    np.testing.assert_allclose(ds.test_loss, sl.solve(model, slow, progress=False).test_loss, rtol=1e-7)
    assert told == []


def test_sharpness_of_huge_kernels_is_no_traceback():
    """A run that is about to diverge has kernels for which eigenvalues are not found."""
    assert stability._largest(np.diag([1e300, 2e300])) == pytest.approx(2e300)
    assert stability._largest(np.full((2, 2), np.inf)) == np.inf
    assert np.isnan(stability._largest(np.full((2, 2), np.nan))) and stability._largest(np.zeros((2, 2))) == 0

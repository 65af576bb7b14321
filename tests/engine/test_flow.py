"""Gradient flow: against closed references, descent extrapolated to steps of zero, the exact linear
solution."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.engine.flow import FlowIntegrator
from tests.helpers.stopping import interrupt_after, same, stopped
from tests.reference.gate import KERNEL_FLOOR, OUTPUT_FLOOR, TRAINING_CASES, excess

NAMES = ("output", "feature_kernel", "gradient_kernel", "tangent_kernel")


def case_setting(name, tolerance):
    case = TRAINING_CASES[name]
    p = case["params"]
    problem = tp.Problem(case["inputs"], case["targets"], case["test_inputs"] or None)
    return case, (
        tp.MLP(p["depth"], p["activation"], p["richness"]),
        problem,
        tp.Training(flow=True, times=p["times"], tolerance=tolerance),
    )


@pytest.mark.parametrize("name", ["gradient_flow_tanh_depth2", "gradient_flow_linear_depth2"])
def test_reference_cases_pass_the_gate(name):
    case, setting = case_setting(name, 1e-5)
    if setting[0].activation.name == "linear":
        exact = tp.solve_linear(*setting)
        np.testing.assert_allclose(
            exact.output, case["output"], atol=2e-6
        )  # the error that the reference states
        np.testing.assert_allclose(exact.feature_kernel[-1], case["feature_kernel_final"], atol=5e-6)
        last = tp.solve_linear(*setting, record=[5])
        np.testing.assert_allclose(last.output[0], exact.output[-1], atol=2e-6)
    ds = tp.sample(*setting, n_samples=4096, n_replicates=8, samples=0)
    assert ds.time.values.tolist() == case["params"]["times"] and "step" not in ds.coords
    errors = case.get("output_err") or 0.0
    assert (
        excess(
            ds.output.values,
            ds.output_stderr.values,
            np.array(case["output"]),
            np.array(errors),
            OUTPUT_FLOOR,
        )
        <= 1
    )
    for kernel in ("feature_kernel", "gradient_kernel"):
        for layer, expected in enumerate(np.array(case[f"{kernel}_final"])):
            value, error = (ds[f"{kernel}{end}"].values[-1, layer] for end in ("", "_stderr"))
            # False alarm below 1e-4, as in test_sample.
            assert (
                excess(
                    value,
                    error,
                    expected,
                    np.array(case.get(f"{kernel}_final_err", [0.0] * 9)[layer]),
                    KERNEL_FLOOR,
                )
                <= 1
            ), (kernel, layer)


@pytest.mark.parametrize("activation, decay, loss", [("tanh", 0.0, "squared"), ("erf", 0.3, "logistic")])
def test_flow_is_descent_with_steps_of_zero(problem, activation, decay, loss):
    """One stored network: Euler at 400, 800 and 1600 steps, extrapolated twice, is off by less than the
    flow's tolerance."""
    problem = tp.Problem(problem.inputs, np.sign(problem.targets), problem.test_inputs, loss)
    network, settings = tp.MLP(3, activation, 1.5, bias_std=0.3), dict(width=20, n_replicates=1, samples=0)
    a, b, c = (
        tp.train_finite(
            network,
            problem,
            tp.Training(2 * n, 1 / n, 0.0, decay, [0.5, 1, 1, 2]),
            record=[0, n, 2 * n],
            **settings,
        )
        for n in (200, 400, 800)
    )
    for tolerance in (1e-4, 1e-7):
        training = tp.Training(
            flow=True,
            times=[0.0, 1.0, 2.0],
            tolerance=tolerance,
            weight_decay=decay,
            multipliers=[0.5, 1, 1, 2],
        )
        ds = tp.train_finite(network, problem, training, **settings)
        for name in NAMES:
            one, two = 2 * b[name] - a[name], 2 * c[name] - b[name]
            expected = (4 * two.values - one.values) / 3
            scale = np.abs(expected).max()
            # Errors of a step add up over time; gradient kernels amplify them.
            assert np.abs(ds[name].values - expected).max() < (20 * tolerance + 2e-6) * scale, (
                name,
                tolerance,
            )
    euler = np.abs(c.output.values - ds.output.values).max()
    assert euler > 1e-5  # plain descent at the finest step is not good enough for this test


def test_flow_of_revealed_matrices_is_that_of_stored_ones(problem):
    """Linear networks of the limit, sampled and exact; requested times need not begin at zero nor be evenly
    spaced."""
    network, training = (
        tp.MLP(2, "linear", 1.2),
        tp.Training(flow=True, times=[0.3, 1.0, 1.1, 4.0], tolerance=1e-4),
    )
    exact = tp.solve_linear(network, problem, training)
    assert "the flow changed by" in exact.attrs["status_message"] and exact.time.values.tolist() == [
        0.3,
        1.0,
        1.1,
        4.0,
    ]
    ds = tp.sample(network, problem, training, n_replicates=8, samples=0)
    distances = tp.compare(exact, ds)
    for name in ("output", "feature_kernel", "gradient_kernel"):
        assert distances[f"{name}_sigma"].max() < 6, (
            name
        )  # Student's t with 7 degrees of freedom, pooled: false alarm 1e-3
    part = tp.solve_linear(network, problem, training, record=[1, 3], two_time=True)
    np.testing.assert_allclose(part.output, exact.output[[1, 3]], atol=2e-4)
    assert part.feature_kernel_two_time.shape[:2] == (2, 2) and part.time.values.tolist() == [1.0, 4.0]


@pytest.mark.parametrize("decay", [0.1, 1.0])
def test_what_is_not_learned_decays_within_the_tolerance(problem, decay):
    """Next to no targets: the weights W0, W1 and w are exp(-decay time) of what they were, whatever is
    learned."""
    still = tp.Problem(problem.inputs, 1e-9 * problem.targets)
    for tolerance in (1e-3, 1e-6):
        training = tp.Training(flow=True, times=[0.0, 1.0, 8.0], tolerance=tolerance, weight_decay=decay)
        ds = tp.train_finite(
            tp.MLP(2, "linear"), still, training, width=16, n_replicates=1, samples=0, centred=True
        )
        expected = (
            ds.feature_kernel.values[:1]
            * np.exp(-2 * decay * ds.time.values * np.array([[1], [2]])).T[..., None, None]
        )
        # Errors of steps add up, in products of two and four weights; kernels at first are of order 1.
        assert np.abs(ds.feature_kernel.values - expected).max() < 20 * tolerance


def test_smaller_tolerances_take_more_evaluations_and_err_less(problem, monkeypatch):
    counts, travel = [], FlowIntegrator.travel

    def counted(self, *arguments):
        result = travel(self, *arguments)
        counts[-1] = self.evaluations
        return result

    monkeypatch.setattr(FlowIntegrator, "travel", counted)
    errors, best = [], None
    for tolerance in (1e-9, 1e-3, 1e-5, 1e-7):
        counts.append(0)
        training = tp.Training(flow=True, times=[0.0, 3.0], tolerance=tolerance)
        ds = tp.train_finite(tp.MLP(2, "tanh", 2.0), problem, training, width=16, n_replicates=1, threads=1)
        best = ds if best is None else best
        errors.append(float(np.abs(ds.output - best.output).max()))
    assert (
        counts[1] < counts[2] < counts[3] < counts[0]
        and errors[1] > errors[2] > errors[3]
        and errors[3] < 1e-6
    )


def test_an_interrupted_flow_goes_on_to_the_same_bits(problem, monkeypatch, tmp_path):
    setting = (
        tp.MLP(2, "tanh", 1.5),
        problem,
        tp.Training(flow=True, times=np.linspace(0, 3, 7), tolerance=1e-4),
    )
    settings = dict(n_samples=512, n_replicates=2, samples=8, threads=1, progress=False)
    whole = tp.sample(*setting, **settings)
    with monkeypatch.context() as patched:
        interrupt_after(patched, 4)
        cut = stopped(tp.sample, *setting, checkpoint=tmp_path / "run", **settings)
    assert cut.attrs["status"] == "interrupted" and cut.sizes["time"] == 4
    again = tp.sample(*setting, checkpoint=tmp_path / "run", **settings)
    assert same(again, whole)


def test_what_flow_does_not_go_with(problem):
    training = tp.Training(flow=True, times=[0.0, 1.0])
    earlier = tp.sample(tp.MLP(1), problem, training, n_samples=64, n_replicates=1)
    for message, call in (
        (
            "common_draws takes discrete steps only; for gradient flow leave common_draws out",
            lambda: tp.sample(
                tp.MLP(1), problem, training, n_samples=64, n_replicates=1, common_draws=earlier
            ),
        ),
        (
            "alternate takes discrete steps only; for gradient flow use tp.sample, tp.train_finite",
            lambda: tp.alternate(tp.MLP(1), problem, training),
        ),
        (
            "parameterization='ntk' takes discrete steps only; for gradient flow write the network in"
            " 'mean_field'",
            lambda: tp.train_finite(tp.MLP(1), problem, training, width=8, parameterization="ntk"),
        ),
    ):
        with pytest.raises(tp.UnsupportedError, match=message):
            call()

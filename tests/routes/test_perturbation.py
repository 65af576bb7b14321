"""Expansion in the richness: orders of what is left out, exact coefficients, bad input."""

import json
import warnings

import numpy as np
import pytest

import tensorprog_mf as tp

RICHNESS = np.array([0.2, 0.1, 0.05, 0.025])
VARIABLES = ("output", "feature_kernel", "gradient_kernel", "tangent_kernel")


def slope(distances):
    return np.polyfit(np.log(RICHNESS), np.log(distances), 1)[0]


@pytest.mark.parametrize("activation, depth", [("tanh", 2), ("erf", 1)])
def test_orders_of_what_static_kernel_and_perturbation_leave_out(problem, activation, depth):
    """On the same draws, sample - static_ntk ~ richness^2 and sample - perturbation ~ richness^4.

    No statistics enter but the odd orders, sampling noise that averages over replicates: at 16384 samples
    richness^1 has a coefficient of 1e-4 to 1e-3 of that of richness^2, which bends the first slope by less
    than 0.05.
    """
    training, settings = tp.Training(10, 0.4, 0.2), dict(n_samples=16384, n_replicates=4, tolerance=1e-8)
    networks = [tp.MLP(depth, activation, richness) for richness in RICHNESS]
    first = tp.sample(networks[0], problem, training, samples=0, record=tp.Record(draws=True), **settings)
    runs = [first] + [
        tp.sample(n, problem, training, samples=0, common_draws=first, **settings) for n in networks[1:]
    ]
    lazy = tp.static_ntk(networks[0], problem, training, kernel="sampled", samples=0, **settings)
    expanded = tp.perturbation(networks[0], problem, training, common_draws=first, **settings)
    for name in VARIABLES:
        static = [float(np.sqrt(((run[name] - lazy[name]) ** 2).mean())) for run in runs]
        assert abs(slope(static) - 2) < 0.1, (name, static)
        sums = [sum(expanded[f"{name}_coefficient"].sel(order=k) * r**k for k in range(4)) for r in RICHNESS]
        np.testing.assert_allclose(sums[0].transpose(*expanded[name].dims), expanded[name], atol=1e-12)
        left = [float(np.sqrt(((run[name] - total) ** 2).mean())) for run, total in zip(runs, sums)]
        assert abs(slope(left) - 4) < 0.3, (name, left)


def test_order_zero_is_the_sampled_lazy_limit(problem):
    training, settings = (
        tp.Training(6, 0.3, 0.5, multipliers=[0.5, 1.0, 2.0], schedule="cosine"),
        dict(n_samples=256, n_replicates=2),
    )
    ds = tp.perturbation(tp.MLP(2, "tanh", 0.1), problem, training, record=[2, 6], **settings)
    lazy = tp.static_ntk(tp.MLP(2), problem, training, kernel="sampled", record=[2, 6], **settings)
    for name in VARIABLES:
        np.testing.assert_allclose(ds[f"{name}_coefficient"].sel(order=0), lazy[name], atol=1e-12)
    run = tp.sample(
        tp.MLP(2, "tanh", 0.1),
        problem,
        training,
        common_draws=None,
        tolerance=1e-8,
        samples=0,
        record=[2, 6],
        **settings,
    )
    np.testing.assert_allclose(ds.output, run.output, atol=2e-4)  # richness^4 times coefficients of order one


def test_divergence_is_told_once_and_what_was_before_is_kept():
    problem = tp.Problem([[1.0]], [1.0])
    with pytest.warns(tp.DivergenceWarning) as caught:
        ds = tp.perturbation(
            tp.MLP(1, "linear", 0.05), problem, tp.Training(3000, 1.6), n_samples=64, n_replicates=2
        )
    assert (
        ds.attrs["status"] == "diverged"
        and len([w for w in caught if w.category is tp.DivergenceWarning]) == 1
    )
    assert (
        0 < ds.sizes["time"] < 3001
        and np.isfinite(ds.output).all()
        and f"At step {ds.sizes['time']}" in ds.attrs["status_message"]
    )
    with pytest.raises(tp.InputError, match="before its first record"):
        tp.perturbation(
            tp.MLP(1, "linear", 0.05),
            problem,
            tp.Training(3000, 1.6),
            n_samples=64,
            n_replicates=2,
            record=[3000],
        )


def test_odd_orders_vanish_for_smooth_activations_and_even_ones_do_not(problem):
    ds = tp.perturbation(tp.MLP(2, "tanh", 0.3), problem, tp.Training(8, 0.4), n_samples=4096, n_replicates=8)
    for name in VARIABLES:
        coefficients, errors = ds[f"{name}_coefficient"][1:], ds[f"{name}_coefficient_stderr"][1:]
        pooled = np.sqrt((errors**2).mean([dim for dim in errors.dims if dim != "order"]))
        size = np.sqrt((coefficients**2).mean([dim for dim in errors.dims if dim != "order"]))
        # rms over entries against rms standard error: entries are correlated, so the ratio scatters like |t|
        # with 7 degrees of freedom, below 5 but for a chance of 2e-3 per variable at worst; measured 0.5 to
        # 1.5.
        assert (size / pooled).sel(order=1) < 5, name
        assert (size / pooled).sel(order=2) > 20, name


def test_first_order_of_relu_is_not_zero():
    """One example with |x|^2 / D = 1, depth 1, one step of momentum-free descent from Delta = y.

    Then h = u + c z 1(u > 0), c = eta gamma0 y: a neuron with z < 0 and 0 < u < c |z| is switched off and
    G loses z^2. To first order E[z^2 c |z| ; z < 0] p(0) = c E|z|^3 / 2 / sqrt(2 pi) = c / pi. None is
    switched on.
    """
    eta, y = 0.5, 0.8
    problem = tp.Problem([[1.0, 1.0, 1.0]], [y])
    ds = tp.perturbation(tp.MLP(1, "relu"), problem, tp.Training(1, eta), n_samples=2**16, n_replicates=8)
    found, error = (
        float(ds[f"gradient_kernel_coefficient{end}"].isel(time=1, order=1).squeeze())
        for end in ("", "_stderr")
    )
    # 5 standard errors of 8 replicates (false alarm 2e-3; seed fixed), which are an eighth of the value.
    assert abs(found + eta * y / np.pi) < 5 * error < 0.15 * eta * y / np.pi
    settings = json.loads(ds.attrs["settings_json"])
    assert settings["order"] == 2 and max(settings["probes"]) == 0.4


def test_kernel_expansion_agrees_with_exact_linear_networks(problem):
    """Order 2 from solve_linear by differences at two values of the richness, Richardson extrapolated."""
    training = tp.Training(8, 0.2)
    exact = [tp.solve_linear(tp.MLP(3, "linear", r), problem, training) for r in (0.02, 0.04, 1e-4)]
    with warnings.catch_warnings():
        warnings.simplefilter(
            "error"
        )  # equal gradients of all examples are one direction: nothing is refused
        ds = tp.perturbation(tp.MLP(3, "linear", 0.1), problem, training, n_samples=4096, n_replicates=8)
    for name in ("output", "feature_kernel"):
        one, two = ((exact[i][name] - exact[2][name]) / r**2 for i, r in ((0, 0.02), (1, 0.04)))
        expected = (4 * one - two) / 3
        error = ds[f"{name}_coefficient_stderr"].sel(order=2)
        difference = ds[f"{name}_coefficient"].sel(order=2) - expected
        # Pooled error of 8 replicates: 5 sigma, or 1 % of the largest coefficient for biases of 1 /
        # n_samples.
        assert np.abs(difference).max() < max(
            5 * float(np.sqrt((error**2).mean())), 0.01 * float(np.abs(expected).max())
        ), name


def test_result_serves_as_common_draws(problem):
    settings = dict(n_samples=256, n_replicates=2, tolerance=1e-8, record=[0, 3])
    recorded = settings | {"record": tp.Record([0, 3], draws=True)}
    ds = tp.perturbation(tp.MLP(2, "tanh", 0.05), problem, tp.Training(3, 0.3), **recorded)
    run = tp.sample(tp.MLP(2, "tanh", 0.05), problem, tp.Training(3, 0.3), common_draws=ds, **settings)
    np.testing.assert_allclose(ds.output, run.output, atol=1e-6)
    assert ds.step.values.tolist() == [0, 3] and ds.output_coefficient.shape == (2, 4, 5)
    apart = tp.perturbation(
        tp.MLP(2, "tanh", 0.05), problem, tp.Training(3, 0.3), keep_replicates=True, **settings
    )
    np.testing.assert_allclose(apart.output.mean("replicate"), ds.output, atol=1e-14)


@pytest.mark.parametrize(
    "message, error, options",
    [
        ("order=4 is more than is kept", tp.InputError, {"order": 4}),
        ("4 or more different", tp.InputError, {"probes": [0.1, 0.2, 0.2, 0.3]}),
        ("probes=-0.1 must be positive", tp.InputError, {"probes": [-0.1, 0.1, 0.2, 0.3]}),
        (
            "a static kernel, which weight decay moves.*tp.sample",
            tp.UnsupportedError,
            {"training": tp.Training(2, 0.1, weight_decay=0.1)},
        ),
        (
            "perturbation takes discrete steps only.*static_ntk",
            tp.UnsupportedError,
            {"training": tp.Training(flow=True, times=[1.0])},
        ),
    ],
)
def test_bad_input(problem, message, error, options):
    training = options.pop("training", tp.Training(2, 0.1))
    with pytest.raises(error, match=message):
        tp.perturbation(tp.MLP(2), problem, training, n_samples=64, n_replicates=1, **options)

"""Edges of scaling laws, and what cannot be used."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.scaling_laws.resolvent import largest_eigenvalue
from tests.helpers.scaling_cases import sl
from tests.helpers.stopping import interrupt_after

LAW = sl.PowerLaw(a=1.5, b=1.25, modes=60)
STEPS = sl.Descent(12, 0.1)


@pytest.mark.parametrize("richness", [0.0, 1.0])
@pytest.mark.parametrize("width, examples", [(None, None), (30, None), (None, 40), (np.inf, np.inf)])
def test_infinitely_many(width, examples, richness):
    """Reciprocals are 0: the limit of ever more, with an error of order 1/N."""
    limit = sl.solve(sl.Model(LAW, width, examples, 0.1, richness), STEPS)
    many = [
        sl.solve(
            sl.Model(LAW, width if width == 30 else n, examples if examples == 40 else n, 0.1, richness),
            STEPS,
        )
        for n in (10**5, 10**7)
    ]
    off = [float(np.abs(ds.test_loss - limit.test_loss).max()) for ds in many]
    assert off[1] < 1e-5 and 90 < off[0] / off[1] < 110
    one = np.eye(13)
    assert (width == 30) != np.array_equal(limit.feature_response, one) and (
        examples == 40
    ) != np.array_equal(limit.data_response, one)


def test_start_is_the_power_of_the_target():
    """At time 0 the test loss is the variance of the target, whatever N and P, and so is the mean training
    loss."""
    total = float((np.arange(1, 61) ** -1.5).sum())
    for model in (sl.Model(LAW, 7, 9, 0.3), sl.Model(LAW, None, 9, 0.3, 2.0), sl.Model(LAW, 7, None, 0.3)):
        assert abs(float(sl.solve(model, STEPS, [0]).test_loss[0]) - total - 0.3) < 1e-13
    flow = sl.solve_stationary(sl.Model(LAW, 7, 9, 0.3), sl.Flow([0.0, 1.0]))
    assert abs(float(flow.loss[0]) - total - 0.3) < 1e-13 and (flow.transfer_function[:, 0] == 1).all()
    early = sl.solve_stationary(sl.Model(LAW, 7, 9, 0.3), sl.Flow([1e-6, 1.0]))
    assert abs(float(early.test_loss[0]) - total - 0.3) < 1e-4


def test_as_many_features_as_examples():
    """Late times diverge (double descent) and say so; finite times are fine, the training loss goes to 0."""
    model = sl.Model(LAW, 20, 20, 0.1)
    with pytest.raises(tp.InputError, match="double descent"):
        sl.limits(model)
    ds = sl.solve_stationary(model, sl.Flow(np.logspace(0, 8, 9)))
    assert (
        np.isfinite(ds.test_loss).all() and ds.test_loss[-1] > 10 * ds.test_loss[2] and 0 < ds.loss[-1] < 1e-2
    )
    near = [float(sl.limits(sl.Model(LAW, 20, p, 0.1)).late_test_loss) for p in (21, 24, 40)]
    assert near[0] > near[1] > near[2]
    assert float(sl.limits(sl.Model(LAW, 60, 60)).late_test_loss) == 0  # as many as modes: all is learned
    with pytest.raises(tp.InputError, match="as many examples as modes, 60"):
        sl.limits(sl.Model(LAW, None, 60, 0.1))


def test_more_features_than_examples():
    """The training loss goes to 0; what comes out is the noise of the inversion, which is absolute."""
    model = sl.Model(LAW, 40, 20, 0.1)
    ds = sl.solve_stationary(model, sl.Flow([1e6]))
    assert abs(float(ds.loss[0])) < 1e-8 and abs(float(sl.limits(model).late_loss)) < 1e-25
    assert abs(float(ds.test_loss[0]) / float(sl.limits(model).late_test_loss) - 1) < 1e-6


def test_more_than_modes_is_least_squares():
    """N, P > M: nothing is out of reach, and least squares on M unknowns has the loss sigma^2 P / (P - M),
    training sigma^2 (1 - M / P)."""
    ds = sl.limits(sl.Model(LAW, None, 100, 0.2))
    assert (
        abs(float(ds.late_test_loss) - 0.2 * 100 / 40) < 1e-12
        and abs(float(ds.late_loss) - 0.2 * 40 / 100) < 1e-12
        and float(ds.resolution) == 0
    )
    late = sl.solve_stationary(sl.Model(LAW, None, 100, 0.2), sl.Flow([1e7]))
    np.testing.assert_allclose([late.test_loss[0], late.loss[0]], [0.5, 0.08], atol=1e-7)


def test_small_richness_is_lazy():
    lazy = sl.solve(sl.Model(LAW, 30, 40, 0.1), STEPS)
    for name in ("test_loss", "feature_gradient_correlation", "weight_correlation"):
        off = [
            np.abs(sl.solve(sl.Model(LAW, 30, 40, 0.1, g), STEPS)[name] - lazy[name]).max()
            for g in (1e-3, 1e-5)
        ]
        assert 0 < off[1] < 1e-4 and 95 < off[0] / off[1] < 105, name
    flow = [sl.solve_reduced(sl.Model(LAW, 30, richness=g), sl.Flow([1.0, 10.0])) for g in (0.0, 1e-6)]
    np.testing.assert_allclose(flow[1].test_loss, flow[0].test_loss, rtol=1e-5)
    assert (flow[0].kernel_scale == 0).all()


def test_small_batches():
    """Batches of 2 online: the exact recursion of infinite width; the theory of large batches leaves out what
    order 1/B adds to top modes."""
    training = {b: sl.Descent(20, 0.1, batch_size=b) for b in (2, 200)}
    model = sl.Model(LAW, noise=0.1)
    real = sl.simulate(model, training[2], 400, [0, 1, 5, 20], progress=False)
    exact = sl.solve_reduced(model, training[2], [0, 1, 5, 20])
    # Three correlated means of 400: beyond 4.5 standard errors by chance below 1e-4.
    assert (np.abs(real.test_loss - exact.test_loss)[1:] < 4.5 * real.test_loss_stderr[1:]).all()
    off = {
        b: float(
            np.abs(
                sl.solve(model, training[b]).test_loss / sl.solve_reduced(model, training[b]).test_loss - 1
            ).max()
        )
        for b in training
    }
    assert off[200] < 1e-3 and 50 < off[2] / off[200] < 200
    np.testing.assert_allclose(
        sl.solve(model, training[2]).transfer_function,
        sl.solve_reduced(model, training[2]).transfer_function,
        atol=1e-12,
    )


def test_label_noise_stays_where_it_is():
    """Full batches: the same noise at all times, so it is learned; online: new at every step."""
    full, online = sl.Model(LAW, None, 40, 0.5), sl.Model(LAW, None, None, 0.5)
    training = {full: STEPS, online: sl.Descent(12, 0.1, batch_size=40)}
    gradients = {}
    for model, steps in training.items():
        added = (
            sl.solve(model, steps).mode_gradient_correlation
            - sl.solve(sl.Model(LAW, None, model.examples), steps).mode_gradient_correlation
        )
        gradients[model] = float(added[0, 1] / added[0, 0])
    # Next gradients have the same noise, or the little that the last one has left.
    assert 0.8 < gradients[full] < 1 and abs(gradients[online]) < 0.1


def test_unstable():
    """Too large rates diverge: `solve` keeps what it has, the stationary solver knows beforehand."""
    model = sl.Model(LAW, 30, 40)
    with pytest.warns(tp.DivergenceWarning, match="At step"):
        ds = sl.solve(model, sl.Descent(80, 10.0))
    assert (
        ds.attrs["status"] == "diverged"
        and 2 < ds.sizes["time"] < 81
        and np.isfinite(ds.test_loss).all()
        and ds.sizes["time"] == ds.sizes["time_prime"]
    )
    with pytest.raises(tp.InputError, match="makes descent diverge: the largest eigenvalue"):
        sl.solve_stationary(model, sl.Descent(80, 10.0))
    with pytest.warns(tp.DivergenceWarning):
        ds = sl.simulate(model, sl.Descent(80, 10.0), 2, progress=False)
    assert ds.attrs["status"] == "diverged" and np.isfinite(ds.test_loss).all()
    with pytest.warns(tp.DivergenceWarning):
        assert (
            sl.solve_reduced(sl.Model(LAW, richness=1.0), sl.Descent(200, 3.0)).attrs["status"] == "diverged"
        )
    online = sl.Descent(2000, 1.2, batch_size=1)
    for run in (sl.solve_reduced, sl.solve_stationary):
        with pytest.raises(tp.InputError, match="noise of the batches comes back|makes descent diverge"):
            run(sl.Model(LAW), online)
    with pytest.raises(tp.InputError, match="noise of the batches comes back"):
        sl.solve_stationary(sl.Model(LAW, 300, 400), sl.Descent(150, 1.0, batch_size=1))


def test_learned_features_sharpen_the_spectrum():
    """On a hard task, whose target is mostly not in mode 1, the top grows to (1 + m) lam_1: beyond eta (1 +
    m) = 2 descent oscillates, m falls, and it goes on."""
    law = sl.PowerLaw(alpha=1.5, beta=0.5, modes=60)
    m = float(sl.solve_reduced(sl.Model(law, richness=1.0), sl.Flow([1e6])).kernel_scale[-1])
    below, above = (sl.Descent(800, share * 2 / (1 + m)) for share in (0.95, 1.15))
    below = sl.solve_reduced(sl.Model(law, richness=1.0), below)
    with pytest.warns(tp.StabilityWarning, match="depend on rounding"):
        above = sl.solve_reduced(sl.Model(law, richness=1.0), above)
    assert (np.diff(below.test_loss) < 0).all() and (np.diff(above.test_loss) > 0).any()
    assert (
        above.attrs["status"] == "completed"
        and above.weight_correlation[-1, -1] < 0.97 * m < 1.01 * below.weight_correlation[-1, -1]
    )
    lazy = sl.solve_reduced(sl.Model(law), sl.Descent(800, 1.15 * 2 / (1 + m)))
    assert (np.diff(lazy.test_loss) < 0).all()


@pytest.mark.parametrize("width, examples", [(100, None), (None, 100), (100, 150)])
def test_largest_eigenvalue(width, examples):
    """The edge that stability is judged by, against the mean of 40 matrices, known to 2 % and off by
    O(1/N)."""
    law, rng, found = sl.PowerLaw(a=1.5, b=1.25, modes=200).spectrum, np.random.default_rng(0), []
    for _ in range(40):
        factor = np.diag(np.sqrt(law.eigenvalues))
        if width:
            factor = rng.standard_normal((width, 200)) @ factor / np.sqrt(width)
        if examples:
            white = rng.standard_normal((200, examples)) / np.sqrt(examples)
            factor = factor @ white  # features see data through the modes
        found.append(np.linalg.eigvalsh(factor @ factor.T)[-1])
    edge = largest_eigenvalue(law, 1 / width if width else 0.0, 1 / examples if examples else 0.0)
    assert 0.95 * np.mean(found) < edge < np.max(found) * 1.05 and edge > 1


def test_bins_of_very_many_modes():
    """Whole numbers beyond what floats can count; sums agree with the zeta function."""
    from scipy.special import zeta

    law = sl.PowerLaw(a=1.5, b=1.25, modes=10**20, bin_ratio=1.1)
    assert (
        abs(law.spectrum.total_power / zeta(1.5) - 1) < 1e-9
        and abs(law.spectrum.multiplicity @ law.spectrum.eigenvalues / zeta(1.25) - 1) < 1e-4
    )
    assert law.modes == 10**20 and len(law.spectrum.power) < 600


def test_interrupted(monkeypatch):
    whole = sl.solve(sl.Model(LAW, 30, 40), STEPS)
    interrupt_after(monkeypatch, 5)
    with pytest.raises(
        tp.Interrupted, match="before step 5; the times before are kept. The result is `stop.result`"
    ) as stop:
        sl.solve(sl.Model(LAW, 30, 40), STEPS)
    ds = stop.value.result
    assert ds.attrs["status"] == "interrupted" and "before step 5" in ds.attrs["status_message"]
    np.testing.assert_array_equal(ds.error_correlation, whole.error_correlation[:5, :5])


def test_interrupted_while_rounding_is_judged(monkeypatch):
    """The second run ends, too; the result is that of the first, which was complete."""
    model, training = sl.Model(LAW, 20, 30, 0.1, richness=1.0), sl.Descent(60, 0.3)

    def judged(loss, other, change):
        interrupt_after(monkeypatch, 5)
        return other()

    whole = sl.solve(model, training)
    monkeypatch.setattr("tensorprog_mf.scaling_laws.causal.doubt", judged)
    with pytest.raises(tp.Interrupted, match="when the run had ended") as stop:
        sl.solve(model, training)
    assert stop.value.result.attrs["status"] == "completed"
    np.testing.assert_array_equal(stop.value.result.error_correlation, whole.error_correlation)


def test_spectrum_of_a_kernel():
    """Eigenvectors of the sample, their eigenvalues and what they carry of the target; what is in none of
    them is unexplained."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((40, 6))
    y = x @ rng.standard_normal(6) + 0.3 * rng.standard_normal(40)
    spectrum = sl.Spectrum.of_kernel(x @ x.T, y)
    assert len(spectrum.power) == 6 and (np.diff(spectrum.eigenvalues) < 0).all()
    np.testing.assert_allclose(spectrum.eigenvalues, np.linalg.eigvalsh(x.T @ x / 40)[::-1])
    left = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    assert (
        abs(spectrum.unexplained - (left**2).mean()) < 1e-12
        and abs(spectrum.total_power + spectrum.unexplained - (y**2).mean()) < 1e-12
    )
    both = sl.Spectrum.of_kernel(x @ x.T, np.stack([y, 2 * y], axis=1))
    np.testing.assert_allclose(both.power, 5 * spectrum.power)
    # Population descent on this kernel is descent of its modes: f = K K^-1 ... in the eigenbasis, step by
    # step.
    f, kernel = np.zeros(40), x @ x.T / 40
    for _ in range(20):
        f = f + 0.1 * kernel @ (y - f)
    ds = sl.solve(sl.Model(spectrum, noise=spectrum.unexplained), sl.Descent(20, 0.1))
    assert abs(float(ds.test_loss[-1]) - ((y - f) ** 2).mean()) < 1e-12


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: sl.PowerLaw(a=1.0, b=1.5), "a=1.0 must be above 1: .* not normalisable"),
        (lambda: sl.PowerLaw(alpha=1.5, beta=0.0), "beta=0.0 must be positive: .* not normalisable"),
        (lambda: sl.PowerLaw(a=1.5, b=0.0), "b=0.0 must be positive"),
        (lambda: sl.PowerLaw(a=1.5), "PowerLaw got a; give a and b, or alpha and beta"),
        (lambda: sl.PowerLaw(a=1.5, beta=0.5), "PowerLaw got a and beta"),
        (lambda: sl.PowerLaw(a=1.5, b=1.5, modes=0.5), "modes=0.5 must be a whole number"),
        (lambda: sl.PowerLaw(a=1.5, b=1.5, modes=1e9), "too many to hold one by one; pass bin_ratio"),
        (lambda: sl.PowerLaw(a=1.5, b=1.5, bin_ratio=1.0), "bin_ratio=1.0 must lie above 1"),
        (
            lambda: sl.PowerLaw(a=1.5, b=1.5, bin_ratio=1.1, exact_modes=3),
            "exact_modes=3 must be a whole number, 16 or more",
        ),
        (lambda: sl.Spectrum([], []), "give a list of one number or more"),
        (lambda: sl.Spectrum([1, 2], [1]), r"power has shape \(1,\), eigenvalues \(2,\)"),
        (lambda: sl.Spectrum([1, 0], [1, 1]), "eigenvalues must be finite and positive"),
        (lambda: sl.Spectrum([1, 2], [1, -1]), "power must be finite and 0 or more"),
        (lambda: sl.Spectrum([1, 2], [1, 1], [1, 0]), "multiplicity must be finite and positive"),
        (lambda: sl.Spectrum([1], [1], unexplained=-1), "unexplained=-1 must be 0 or more"),
        (lambda: sl.Spectrum.of_kernel(np.ones((2, 3)), [1, 2]), "give a square array"),
        (lambda: sl.Spectrum.of_kernel(np.eye(3), [1, 2]), "give one for each of the 3 examples"),
        (lambda: sl.Spectrum.of_kernel([[1, 1], [0, 1]], [1, 2]), "kernel is not symmetric"),
        (lambda: sl.Spectrum.of_kernel([[1, 2], [2, 1]], [1, 2]), "negative eigenvalue"),
        (lambda: sl.Spectrum.of_kernel([[np.nan]], [1]), "must be finite"),
        (lambda: sl.Model("law"), "must be a PowerLaw or a Spectrum"),
        (lambda: sl.Model(LAW, width=0), "width=0 must be a whole number, 1 or more"),
        (lambda: sl.Model(LAW, examples=1.5), "examples=1.5 must be a whole number"),
        (lambda: sl.Model(LAW, noise=-1), "noise=-1 must be 0 or more"),
        (lambda: sl.Model(LAW, richness=-1), "richness=-1 must be 0 or more"),
        (lambda: sl.Model(LAW, projected="no"), "projected='no' must be true or false"),
        (lambda: sl.Descent(-1, 0.1), "steps=-1 must be a whole number"),
        (lambda: sl.Descent(5, 0), "learning_rate=0 must be positive"),
        (lambda: sl.Descent(5, 0.1, 1.0), "momentum=1.0 must lie in"),
        (lambda: sl.Descent(5, 0.1, batch_size=0), "batch_size=0 must be a whole number"),
        (lambda: sl.Descent(5, 0.1, replacement=True), "replacement=True needs a batch_size"),
        (lambda: sl.Descent(5, 0.1, schedule=[1.0]), "schedule has 1 factors, but there are 5 steps"),
        (lambda: sl.Flow([]), "must list the times"),
        (lambda: sl.Flow([1.0, 0.5]), "times must increase"),
        (lambda: sl.Flow([-1.0]), "must be 0 or more"),
        (
            lambda: sl.solve(sl.Model(LAW, examples=5), sl.Descent(3, 0.1, batch_size=6)),
            "batch_size=6 is more than the 5 examples",
        ),
        (lambda: sl.solve(sl.Model(LAW), STEPS, [13]), "must hold whole steps between 0 and 12"),
        (
            lambda: sl.solve(sl.Model(LAW), STEPS, ensemble_sizes=[0]),
            "ensemble_sizes=0 must be a whole number, 1 or more",
        ),
        (lambda: sl.solve(sl.Model(LAW), STEPS, ensemble_sizes=3), "must be a list of whole numbers"),
        (lambda: sl.solve(sl.Model(LAW), STEPS, samples=-1), "samples=-1 must be a whole number"),
        (
            lambda: sl.solve(sl.Model(sl.PowerLaw(a=2, b=2, modes=10**5), 5, 5), sl.Descent(3000, 0.1)),
            "needs about .* GB of memory",
        ),
        (
            lambda: sl.solve_stationary(sl.Model(LAW), sl.Flow([1.0]), record=[0]),
            "a flow keeps the times that it is given",
        ),
        (lambda: sl.solve_stationary(sl.Model(LAW), sl.Flow([0.0, 1.0]), two_time=True), "leave out time 0"),
        (
            lambda: sl.solve_stationary(sl.Model(LAW), sl.Descent(500, 0.1), two_time=True),
            "two_time is for fewer than 200 steps",
        ),
        (
            lambda: sl.solve_stationary(
                sl.Model(LAW, 9, 9), sl.Descent(20, 0.1, batch_size=3), two_time=True
            ),
            "leave out two_time, or take solve",
        ),
        (
            lambda: sl.solve_reduced(sl.Model(LAW), sl.Descent(40_000_000, 0.1), [0]),
            "needs about .* GB of memory",
        ),
        (
            lambda: sl.solve_stationary(sl.Model(LAW, 9, 90), sl.Descent(6_000_000, 0.1, batch_size=80), [0]),
            "can be followed over 5000000 steps",
        ),
        (
            lambda: sl.solve_stationary(sl.Model(LAW), sl.Descent(5000, 0.1, 0.99)),
            "oscillates over .* steps, too many for late times",
        ),
        (
            lambda: sl.solve_reduced(sl.Model(LAW), sl.Flow([1.0]), record=[0]),
            "a flow keeps the times that it is given",
        ),
        (
            lambda: sl.compute_optimal(sl.Model(LAW), [1.0, 2.0], [5, 4, 3]),
            "widths must be a list of 3 or more positive numbers that increase",
        ),
        (lambda: sl.compute_optimal(sl.Model(LAW), [], [3, 4, 5]), "compute must be a list of 1 or more"),
        (lambda: sl.simulate(sl.Model(LAW), STEPS), "nothing is random"),
        (lambda: sl.simulate(sl.Model(LAW, 5), STEPS, 0), "n_replicates=0 must be a whole number, 1 or more"),
        (
            lambda: sl.simulate(sl.Model(sl.Spectrum([1.0], [1.0], [1.5]), 5), STEPS),
            "multiplicities must be whole",
        ),
        (
            lambda: sl.simulate(sl.Model(sl.PowerLaw(a=1.5, b=1.5, modes=1e7, bin_ratio=1.1), 5), STEPS),
            "multiplicities must be whole|too many to draw",
        ),
        (
            lambda: sl.simulate(sl.Model(LAW, 5), sl.Flow([1.0]), record=[0]),
            "a flow keeps the times that it is given",
        ),
        (lambda: sl.PowerLaw(a=1.5, b=1.2, modes=10**400, bin_ratio=1.05), "modes must be 1e.300 at most"),
        (
            lambda: sl.PowerLaw(a=1.5, b=1.2, modes=1e12, bin_ratio=1 + 1e-9),
            "too many bins; pass bin_ratio=1.05",
        ),
        (lambda: sl.Spectrum(["x"], [1]), "eigenvalues=.* must be real numbers in an array"),
        (lambda: sl.Spectrum([1j], [1]), "eigenvalues=.* must be real numbers in an array"),
        (lambda: sl.Spectrum([1], ["2"]), "power=.* must be real numbers in an array"),
        (lambda: sl.Spectrum([[1], [2, 3]], [1, 1]), "eigenvalues=.* must be real numbers in an array"),
        (lambda: sl.Spectrum([1], None), r"power has shape \(\), eigenvalues \(1,\)"),
        (lambda: sl.Spectrum.of_kernel(3.0, [1]), r"kernel has shape \(\); give a square array"),
        (lambda: sl.Spectrum.of_kernel("x", [1]), "entries of kernel are a text, 'x'"),
        (lambda: sl.Spectrum.of_kernel(np.eye(2) * 1j, [1, 2]), "kernel=.* must be real numbers"),
        (lambda: sl.Spectrum.of_kernel(np.zeros((2, 2)), [1, 2]), "kernel is 0 everywhere"),
        (lambda: sl.solve("x", STEPS), "model='x' must be a scaling_laws.Model"),
        (
            lambda: sl.solve(sl.Model(LAW), 5),
            "training=5 must be a scaling_laws.Descent, or a scaling_laws.Flow",
        ),
        (lambda: sl.solve_stationary("x", STEPS), "model='x' must be"),
        (lambda: sl.solve_stationary(sl.Model(LAW), "x"), "training='x' must be"),
        (lambda: sl.solve_reduced("x", STEPS), "model='x' must be"),
        (lambda: sl.solve_reduced(sl.Model(LAW), None), "training=None must be"),
        (lambda: sl.simulate("x", STEPS), "model='x' must be"),
        (lambda: sl.simulate(sl.Model(LAW, 5), "x"), "training='x' must be"),
        (lambda: sl.limits("x"), "model='x' must be"),
        (lambda: sl.compute_optimal("x", [1.0], [3, 4, 5]), "model='x' must be"),
        (lambda: sl.compute_optimal(sl.Model(LAW), "x", [3, 4, 5]), "compute=x must be real numbers"),
        (
            lambda: sl.solve_stationary(sl.Model(LAW), STEPS, two_time="no"),
            "two_time='no' must be true or false",
        ),
        (
            lambda: sl.solve_stationary(sl.Model(LAW, 5), sl.Flow([1e300])),
            "times=1e.300 is out of range; take 0, or times from 1e-100 to 1e.100",
        ),
        (
            lambda: sl.solve_stationary(sl.Model(LAW, 5), sl.Flow([0.0, 1e-300])),
            "times=1e-300 is out of range",
        ),
        (
            lambda: sl.solve_reduced(sl.Model(sl.Spectrum([1.0], [0.0]), 3), sl.Flow([1.0])),
            "the target has no power",
        ),
        (
            lambda: sl.solve_reduced(sl.Model(sl.Spectrum([1.0], [0.0])), sl.Flow([1.0])),
            "the target has no power",
        ),
        (
            lambda: sl.solve(sl.Model(LAW, 20), sl.Descent(40, 1e20), record=[40]),
            "diverged at step 1, before its first record",
        ),
        (
            lambda: sl.solve_reduced(sl.Model(LAW, richness=1.0), sl.Descent(40, 1e20), [40]),
            "diverged at step 1, before its first record",
        ),
        (
            lambda: sl.simulate(sl.Model(LAW, 20), sl.Descent(40, 1e20), 1, [40]),
            "diverged at step 40, before its first record",
        ),
        (
            lambda: sl.solve(sl.Model(sl.Spectrum([1.0], [1e200])), STEPS),
            "diverged at step 0, before its first record",
        ),
    ],
)
def test_what_cannot_be_used(make, message):
    with pytest.raises(tp.InputError, match=message):
        make()


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: sl.solve(sl.Model(LAW), sl.Flow([1.0])),
            "solve goes in steps; for gradient flow take solve_stationary",
        ),
        (
            lambda: sl.solve_stationary(sl.Model(LAW, richness=1.0), STEPS),
            "changes the kernel in time; take solve",
        ),
        (lambda: sl.solve_stationary(sl.Model(LAW), sl.Descent(5, 0.1, schedule="cosine")), "take solve"),
        (
            lambda: sl.solve_reduced(sl.Model(LAW, 5, 5), STEPS),
            "is for infinitely many examples; for examples=5 take solve",
        ),
        (
            lambda: sl.solve_reduced(sl.Model(LAW, 5, richness=1.0, projected=False), STEPS),
            "take solve, or projected=True",
        ),
        (
            lambda: sl.solve_reduced(sl.Model(LAW, 5), sl.Descent(5, 0.1, batch_size=3)),
            "batches are exact at infinite width",
        ),
        (lambda: sl.limits(sl.Model(LAW, 5, richness=1.0)), "take solve_reduced to late times"),
        (lambda: sl.compute_optimal(sl.Model(LAW, 5, 5), [1.0], [3, 4, 5]), "leave out examples"),
        (
            lambda: sl.simulate(sl.Model(LAW, 5, richness=1.0), sl.Flow([1.0])),
            "take Descent with a small learning rate",
        ),
        (lambda: sl.simulate(sl.Model(LAW, None, 5, richness=1.0), STEPS), "need a width"),
    ],
)
def test_what_is_not_supported(make, message):
    with pytest.raises(tp.UnsupportedError, match=message):
        make()

"""The limit against reference numbers, exact linear networks, and itself."""

import subprocess
import sys

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.results.dataset import slot_maps
from tests.reference.gate import CASES, KERNEL_FLOOR, OUTPUT_FLOOR, excess, excesses, setup

SAMPLED = [name for name, case in CASES.items() if case["params"]["route"] in ("sample", "solve_linear")]


@pytest.mark.parametrize("name", SAMPLED)
def test_reference_cases_pass_the_gate(name):
    ds = tp.sample(*setup(CASES[name]), n_samples=4096, n_replicates=8, samples=0)
    found = excesses(ds, CASES[name])
    # Largest of at most some hundred entries at 5 sigma with 7 degrees of freedom pooled over entries: false
    # alarm < 1e-4.
    assert max(found.values()) <= 1, found


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("richness", [0.25, 1.0, 4.0])
def test_linear_networks_agree_with_the_exact_solution(problem, depth, richness):
    network = tp.MLP(depth, "linear", richness)
    training = tp.Training(
        15,
        0.2 if richness <= 1 else 0.04,
        momentum=0.3 * (depth % 2),
        weight_decay=0.1 * (depth > 2),
        multipliers=np.linspace(0.5, 1.5, depth + 1) if depth == 3 else None,
    )
    exact = tp.solve_linear(network, problem, training)
    ds = tp.sample(network, problem, training, n_samples=4096, n_replicates=8, samples=0)
    assert exact.attrs["status"] == ds.attrs["status"] == "completed"
    for name, floor in (
        ("output", OUTPUT_FLOOR),
        ("feature_kernel", KERNEL_FLOOR),
        ("gradient_kernel", KERNEL_FLOOR),
    ):
        value, error, expected = (a.values for a in (ds[name], ds[f"{name}_stderr"], exact[name]))
        for layer in range(depth) if name != "output" else [slice(None)]:
            cut = (slice(None), layer) if name != "output" else ()
            assert excess(value[cut], error[cut], expected[cut], 0.0, floor) <= 1, (name, layer)


def test_parts_add_up_for_every_stored_field(problem):
    ds = tp.sample(
        tp.MLP(3, "tanh", 2.0), problem, tp.Training(6, 0.3, 0.4, 0.2), n_samples=512, n_replicates=1
    )
    for field in ("preactivation", "backward_field"):
        parts = [
            ds[f"{field}_{part}_part"].values.astype(float) for part in ("gaussian", "response", "learned")
        ]
        assert ds[field].dims == ("time", "layer", "example", "sample") and ds[field].shape == (7, 3, 5, 64)
        # Each part is stored in single precision: rounding 6e-8 of its size.
        bound = 1.2e-7 * (sum(np.abs(p) for p in parts) + np.abs(ds[field].values))
        assert (np.abs(sum(parts) - ds[field].values) <= bound).all()
    assert np.abs(ds.preactivation_response_part[:, 0]).max() == 0  # nothing answers below the first layer
    assert np.abs(ds.preactivation_response_part[:, 1:]).max() > 0.01
    assert np.abs(ds.backward_field_response_part[:, :2]).max() > 0.01
    assert (
        np.abs(ds.preactivation_learned_part[0]).max() == 0 < np.abs(ds.preactivation_learned_part[-1]).max()
    )


def test_parts_mean_what_they_say(problem):
    """cov of the Gaussian part of h^{l+1} is a(t)^2 Phi^l, of that of z^l a(t)^2 G^{l+1}; responses left in
    would show."""
    training = tp.Training(8, 0.3, 0.4, 0.3)
    ds = tp.sample(tp.MLP(3, "tanh", 2.0), problem, training, n_samples=8192, n_replicates=1, samples=8192)
    for t in (0, 8):
        kept = (1 - 0.3 * 0.3) ** (2 * t)
        for layer in (0, 1):
            for field, of, kernel in (
                ("preactivation", layer + 1, ds.feature_kernel[t, layer]),
                ("backward_field", layer, ds.gradient_kernel[t, layer + 1]),
            ):
                part = ds[f"{field}_gaussian_part"][t, of].values.astype(float)
                found, expected = part @ part.T / 8192, kept * kernel.values
                # Sobol draws: a few 1e-3 of the largest entry (pseudo-random ones would give 1.6e-2).
                np.testing.assert_allclose(found, expected, atol=0.015 * expected.max())
                whole = ds[f"{field}_gaussian_part"][t, of].values + ds[f"{field}_response_part"][
                    t, of
                ].values.astype(float)
                if t:
                    assert np.abs(whole @ whole.T / 8192 - expected).max() > 0.03 * expected.max()


def test_same_seed_same_bits_on_any_number_of_threads(problem):
    settings = dict(n_samples=4096, n_replicates=2)
    arguments = tp.MLP(3), problem, tp.Training(4, 0.3)
    one, two = (tp.sample(*arguments, threads=threads, **settings) for threads in (1, 2))
    other = tp.sample(*arguments, seed=1, **settings)
    for name in one:
        assert one[name].identical(two[name]), name
    assert (one.output[1:] != other.output[1:]).all()
    alone = [tp.sample(*arguments, threads=threads, n_samples=8192, n_replicates=1) for threads in (1, 2)]
    assert all(alone[0][name].identical(alone[1][name]) for name in alone[0])


_SCRIPT = """
import hashlib, numpy as np, tensorprog_mf as tp
problem = tp.Problem([[1.0, 0.5], [-0.3, 1.0]], [1.0, -1.0])
ds = tp.sample(tp.MLP(2), problem, tp.Training(3, 0.5), n_samples=1024, n_replicates=2)
print(hashlib.sha256(b"".join(ds[name].values.tobytes() for name in sorted(ds))).hexdigest())
"""


def test_same_seed_same_bits_in_two_processes():
    runs = [
        subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert runs[0] == runs[1] and len(runs[0]) == 65


def test_common_draws_cancel_in_differences(problem):
    """f at richness 0.55 minus f at 0.5: with the first run's slots its noise is at least ten times
    smaller."""
    training, settings = (
        tp.Training(10, 0.4),
        dict(n_samples=1024, n_replicates=16, samples=0, keep_replicates=True, tolerance=1e-5),
    )
    a = tp.sample(tp.MLP(2, "tanh", 0.5), problem, training, record=tp.Record(draws=True), **settings)
    common = tp.sample(
        tp.MLP(2, "tanh", 0.55), problem, training, common_draws=a, record=tp.Record(draws=True), **settings
    )
    independent = tp.sample(
        tp.MLP(2, "tanh", 0.55), problem, training, record=tp.Record(draws=True), **{**settings, "seed": 1}
    )
    assert slot_maps(common) == slot_maps(a) != slot_maps(independent)

    def noise(other):
        return float(np.sqrt((other.output - a.output)[:, 1:].var("replicate", ddof=1).mean()))

    # A ratio of two standard deviations of 16 replicates, many entries: known to about 20 %; it is near 30.
    assert noise(independent) > 10 * noise(common)
    np.testing.assert_allclose(common.output.mean(), independent.output.mean(), atol=5e-3)


def test_common_draws_must_fit(problem):
    a = tp.sample(
        tp.MLP(2), problem, tp.Training(2, 0.4), n_samples=64, n_replicates=1, record=tp.Record(draws=True)
    )
    settings = dict(n_samples=64, n_replicates=1, common_draws=a)
    for message, changed in (
        (
            "n_samples=64, this one 128",
            lambda: tp.sample(tp.MLP(2), problem, tp.Training(2, 0.4), **{**settings, "n_samples": 128}),
        ),
        (
            "tolerance=0.0001, this one 1e-08",
            lambda: tp.sample(tp.MLP(2), problem, tp.Training(2, 0.4), tolerance=1e-8, **settings),
        ),
        (
            "record=None, this one",
            lambda: tp.sample(tp.MLP(2), problem, tp.Training(2, 0.4), record=[2], **settings),
        ),
        ("another network", lambda: tp.sample(tp.MLP(2, "relu"), problem, tp.Training(2, 0.4), **settings)),
        ("another number of steps", lambda: tp.sample(tp.MLP(2), problem, tp.Training(9, 0.4), **settings)),
        (
            "another problem",
            lambda: tp.sample(tp.MLP(2), tp.Problem(np.eye(3), np.ones(3)), tp.Training(2, 0.4), **settings),
        ),
    ):
        with pytest.raises(tp.InputError, match=message):
            changed()
    finite = tp.train_finite(tp.MLP(2), problem, tp.Training(2, 0.4), width=16, n_replicates=1)
    with pytest.raises(tp.InputError, match="common_draws"):
        tp.sample(tp.MLP(2), problem, tp.Training(2, 0.4), n_samples=64, n_replicates=1, common_draws=finite)


def test_draws_are_kept_on_request(problem):
    """The everyday result has none of them, numbers do not depend on it, and who needs them is told how to
    keep them."""
    setting, size = (problem, tp.Training(2, 0.4)), dict(n_samples=64, n_replicates=2)
    plain = tp.sample(tp.MLP(2), *setting, **size)
    assert not {"draw_slot", "slot", "slot_field"} & set(plain.variables) and "slots_json" not in plain.attrs
    for route in (tp.sample, tp.gradient_independence, tp.perturbation):
        kept = route(tp.MLP(2), *setting, record=tp.Record([0, 2], draws=True), **size)
        assert kept.draw_slot.dims == ("slot", "slot_field") and "slots_json" in kept.attrs
        without = route(tp.MLP(2), *setting, record=[0, 2], **size)
        assert kept.output.identical(without.output) and "draw_slot" not in without
    earlier = tp.sample(tp.MLP(2), *setting, record=tp.Record([0, 2], draws=True), **size)
    again = tp.sample(tp.MLP(2), *setting, record=[0, 2], common_draws=earlier, **size)
    np.testing.assert_allclose(again.output, earlier.output, atol=1e-12)
    with pytest.raises(
        tp.InputError, match=r"did not keep its draws; run it with record=tp.Record\(draws=True\)"
    ):
        tp.sample(tp.MLP(2), *setting, common_draws=plain, **size)
    with pytest.raises(tp.InputError, match="train_finite has no draws to share"):
        tp.train_finite(tp.MLP(2), *setting, width=16, record=tp.Record(draws=True))
    with pytest.raises(tp.UnsupportedError, match="chosen steps only"):
        tp.static_ntk(tp.MLP(2), *setting, record=tp.Record(draws=True))
    with pytest.raises(tp.InputError, match="infinite depth"):
        tp.sample(tp.ResidualMLP(depth="infinite"), *setting, record=tp.Record(draws=True), **size)


def test_common_draws_that_do_not_reach_are_warned_of(problem):
    settings = dict(n_samples=1024, n_replicates=1, samples=0)
    a = tp.sample(
        tp.MLP(2, "tanh", 0.01), problem, tp.Training(10, 0.4), record=tp.Record(draws=True), **settings
    )
    with pytest.warns(tp.DrawsWarning, match="Let the richer"):
        tp.sample(tp.MLP(2, "tanh", 3.0), problem, tp.Training(10, 0.4), common_draws=a, **settings)


def test_common_draws_of_many_examples_repeat_a_run():
    """Three panels of vectors: the slots of a run, given to itself, make the same run."""
    rng = np.random.default_rng(0)
    problem = tp.Problem(rng.normal(size=(130, 20)), rng.normal(size=130))
    settings = dict(n_samples=1024, n_replicates=1, samples=0, tolerance=1e-2)
    a = tp.sample(tp.MLP(2), problem, tp.Training(2, 0.4), record=tp.Record(draws=True), **settings)
    b = tp.sample(
        tp.MLP(2), problem, tp.Training(2, 0.4), common_draws=a, record=tp.Record(draws=True), **settings
    )
    np.testing.assert_allclose(a.output, b.output, atol=1e-12)
    assert (a.draw_slot == b.draw_slot).all()


def test_lazy_limit_is_kernel_regression(problem):
    """richness -> 0: f follows the static tangent kernel of step 0, up to O(richness^2)."""
    training = tp.Training(20, 0.3)
    ds = tp.sample(tp.MLP(2, "tanh", 0.02), problem, training, n_samples=4096, n_replicates=1)
    f, kernel = np.zeros(5), ds.tangent_kernel[0].values
    for step in range(21):
        np.testing.assert_allclose(ds.output[step], f, atol=2e-3)
        f = f + training.learning_rate * kernel @ problem.error_signal(f)

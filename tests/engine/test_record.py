"""What can be kept beside outputs and kernels: moments, densities, chosen kernels, kernels and responses
between times."""

import json

import numpy as np
import pytest

import tensorprog_mf as tp
from tests.helpers.marks import near_full_rank

SETTING = dict(n_samples=512, n_replicates=2)


@pytest.fixture
def setting(problem):
    return tp.MLP(3, "tanh", 1.5), problem, tp.Training(5, 0.4)


def test_moments_and_densities_are_averages_over_all_sites(setting):
    names = ("preactivation", "backward_field", "feature", "gradient")
    edges = np.linspace(-8, 8, 65)
    ds = tp.sample(
        *setting,
        n_samples=512,
        n_replicates=1,
        samples=512,
        record=tp.Record(moments=names, densities=names, edges=edges),
    )
    h, z = ds.preactivation.values, ds.backward_field.values
    fields = {
        "preactivation": h,
        "backward_field": z,
        "feature": np.tanh(h),
        "gradient": (1 - np.tanh(h) ** 2) * z,
    }
    for name, field in fields.items():
        assert ds[f"{name}_moment"].dims == (
            "time",
            "layer",
            "example",
            "moment",
        ) and ds.moment.values.tolist() == [1, 2, 3, 4]
        for k in range(1, 5):
            np.testing.assert_allclose(
                ds[f"{name}_moment"].sel(moment=k), (field.astype(float) ** k).mean(-1), atol=1e-5
            )
        counts = np.array([np.histogram(row, edges)[0] for row in field.reshape(-1, 512)]).reshape(
            *field.shape[:-1], -1
        )
        assert (
            np.abs(ds[f"{name}_density"] * 512 * 0.25 - counts).max() <= 1.01
        )  # single precision may put a site in the next bin
        np.testing.assert_allclose((ds[f"{name}_density"] * 0.25).sum("bin"), 1, atol=1e-12)
    np.testing.assert_allclose(ds.bin, (edges[1:] + edges[:-1]) / 2)
    for kernel, field in (("feature_kernel", "feature"), ("gradient_kernel", "gradient")):
        diagonal = np.einsum("tlmm->tlm", ds[kernel].values)
        np.testing.assert_allclose(
            ds[f"{field}_moment"].sel(moment=2), diagonal, atol=2e-4
        )  # kernels leave out what is below the tolerance


def test_kernels_of_chosen_examples(setting):
    everything = tp.sample(*setting, **SETTING)
    some = tp.sample(*setting, **SETTING, record=tp.Record(kernel_examples=[3, 0]))
    assert some.output.identical(everything.output) and some.preactivation.identical(everything.preactivation)
    assert some.kernel_example.values.tolist() == [3, 0] and "example_prime" not in some.dims
    for name in ("feature_kernel", "gradient_kernel", "tangent_kernel", "tangent_kernel_stderr"):
        np.testing.assert_array_equal(
            some[name], everything[name].values[..., [3, 0], :][..., [3, 0]], err_msg=name
        )
    none = tp.sample(*setting, **SETTING, record=tp.Record(steps=[0, 5], kernel_examples=[]))
    assert not [name for name in none if "kernel" in name] and none.step.values.tolist() == [0, 5]
    assert none.output.identical(tp.sample(*setting, **SETTING, record=[0, 5]).output)


def test_kernels_between_times_of_a_linear_network(problem):
    """Against exact algebra: 4096 samples x 4, entries pooled, 5 sigma or 1 % of the layer's largest
    entry."""
    setting = tp.MLP(2, "linear", 1.3), problem, tp.Training(6, 0.2)
    exact = tp.solve_linear(*setting, two_time=True)
    ds = tp.sample(*setting, n_samples=4096, record=tp.Record(two_time=True), samples=0)
    for name in ("feature_kernel_two_time", "gradient_kernel_two_time"):
        assert ds[name].dims == exact[name].dims
        for layer in (1, 2):
            one, other = ds[name].sel(layer=layer).values, exact[name].sel(layer=layer).values
            sigma = np.sqrt((ds[f"{name}_stderr"].sel(layer=layer).values ** 2).mean())
            assert np.abs(one - other).max() < max(5 * sigma, 0.01 * np.abs(other).max()), (name, layer)
    equal = np.einsum("ttlmn->tlmn", ds.feature_kernel_two_time.values)
    np.testing.assert_allclose(equal, ds.feature_kernel, atol=1e-3)


def test_responses_contract_to_the_response_part(setting):
    """sum_s A(t, s) g(s) = Z-dot of the layer above, sum_s B(t, s) phi(s) = Z-dot of the layer below, at
    stored sites.

    A, B are regressions over 4096 sites on 60 fields: relative error about sqrt(60 / 4096) = 0.12 of what
    noise there is to fit; measured 0.02 to 0.04 of the part's size, asked 0.1. A response at the wrong time
    or of the wrong layer gives 1.
    """
    names = ("gradient", "feature")
    ds = tp.sample(
        *setting,
        n_samples=4096,
        n_replicates=1,
        samples=4096,
        record=tp.Record(responses=True, moments=names),
    )
    h, z = ds.preactivation.values.astype(float), ds.backward_field.values.astype(float)
    phi, g = np.tanh(h), (1 - np.tanh(h) ** 2) * z
    for response, field, part, above, at in (
        ("forward_response", g, "preactivation_response_part", 1, slice(1, None)),
        ("backward_response", phi, "backward_field_response_part", -1, slice(0, None)),
    ):
        for layer in (0, 1) if above == 1 else (1, 2):
            contracted = np.einsum("tsmn,snk->tmk", ds[response].values[:, :, layer], field[:, layer + above])
            expected = ds[part].values[:, layer + above]
            assert np.sqrt(((contracted - expected)[at] ** 2).mean() / (expected[at] ** 2).mean()) < 0.1, (
                response,
                layer,
            )
    later = np.triu_indices(6, 0)
    assert (
        ds.forward_response.values[later] == 0
    ).all()  # nothing answers to the future, features not even to the present


def test_fields_that_are_not_told_apart_have_no_responses(setting):
    with pytest.raises(tp.UnsupportedError, match="do not tell apart; .*matrix='conditioned'"):
        tp.train_finite(*setting, width=32, n_replicates=2, record=tp.Record(responses=True))
    with pytest.raises(tp.UnsupportedError, match="does not tell apart; take an MLP"):
        tp.sample(tp.ResidualMLP(2), *setting[1:], **SETTING, record=tp.Record(responses=True))


def test_a_record_is_described_and_read_from_tables(setting):
    ds = tp.sample(*setting, **SETTING, record=tp.Record(steps=[0, 5], moments="feature"))
    assert json.loads(ds.attrs["settings_json"])["record"] == {"steps": [0, 5], "moments": ["feature"]}
    again = tp.sample(*setting, **SETTING, record={"steps": [0, 5], "moments": ["feature"]})
    assert again.feature_moment.identical(ds.feature_moment)


@pytest.mark.parametrize(
    "message, record",
    [
        ("field 'phi' is unknown; choose from preactivation", dict(moments=["phi"])),
        ("edges must be two numbers or more that increase", dict(edges=[1.0, 0.0])),
        ("kernel_examples names example 9, but examples are 0 ... 4", dict(kernel_examples=[9])),
        ("per_output=True is for several outputs", dict(per_output=True)),
        ("an entry that tp.Record does not know: 'two_times'", dict(two_times=True)),
        ("kernel_examples=3 must be a list", dict(kernel_examples=3)),
        ("edges=5 must be a list", dict(edges=5)),
        ("whole steps between 0 and 5", dict(steps=[0.5])),
    ],
)
def test_bad_records(setting, message, record):
    with pytest.raises(tp.InputError, match=message):
        tp.sample(*setting, **SETTING, record=record)


def test_what_needs_one_output_or_another_route_says_so(setting):
    network, problem, training = setting
    two = tp.Problem(problem.inputs, np.ones((3, 2)))
    with pytest.raises(tp.UnsupportedError, match="is for one output"):
        tp.sample(network, two, training, **SETTING, record=tp.Record(two_time=True))
    with pytest.raises(tp.InputError, match="gradient need per_output=True with several outputs"):
        tp.sample(network, two, training, **SETTING, record=tp.Record(moments=["gradient"]))
    with pytest.raises(tp.UnsupportedError, match="at chosen steps only; for moments use tp.sample"):
        tp.static_ntk(network, problem, training, record=tp.Record(moments=["feature"]))


@near_full_rank
def test_what_is_recorded_is_in_the_estimate_of_memory(setting):
    """Fields of every position, fields kept for responses, densities: each makes the announced memory larger
    by what it takes."""

    def announced(network, problem, **record):
        return tp.sample(
            network,
            problem,
            setting[2],
            n_samples=256,
            n_replicates=1,
            samples=16,
            record=tp.Record(**record),
        ).attrs["memory_estimate_bytes"]

    plain = announced(*setting[:2])
    fields = 6 * 3 * 5 * 256 * 8  # times, layers, examples, sites
    assert announced(*setting[:2], responses=True) - plain >= 4 * fields
    assert announced(*setting[:2], densities=["feature"]) - plain >= 2 * 6 * 3 * 5 * 100 * 8
    image = tp.Problem(np.random.default_rng(0).normal(size=(5, 1, 32)), np.ones(5))
    ds = tp.sample(
        tp.CNN(3),
        image,
        setting[2],
        n_samples=256,
        n_replicates=1,
        samples=16,
        record=tp.Record(kernel_examples=[]),
    )
    assert ds.attrs["memory_estimate_bytes"] > ds.nbytes

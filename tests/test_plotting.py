import numpy as np
import pytest

import tensorprog_mf as tp

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


@pytest.fixture
def ds(problem):
    return tp.sample(tp.MLP(2), problem, tp.Training(3, 0.3), n_samples=128, n_replicates=2, samples=16)


def test_every_figure_draws_on_the_axis_it_is_given(ds):
    import matplotlib.pyplot as plt

    from tensorprog_mf import plotting

    for draw in (plotting.loss, plotting.kernel, plotting.alignment, plotting.density, plotting.parts):
        ax = plt.subplots()[1]
        assert draw(ds, ax=ax) is ax and (ax.lines or ax.images or ax.patches)
        assert draw(ds) is not ax
    assert len(plotting.overview(ds).axes) >= 6
    plt.close("all")


def test_parts_are_drawn_as_they_are(ds):
    from tensorprog_mf import plotting

    lines = plotting.parts(ds, layer=1, example=2, sample=5).lines
    np.testing.assert_allclose(lines[0].get_ydata(), sum(line.get_ydata() for line in lines[1:]), atol=1e-6)


def test_alignment_is_one_for_the_outer_product_of_targets(ds):
    from tensorprog_mf.plotting import kernel_alignment

    y = ds.target.values
    made = ds.copy()
    made["feature_kernel"] = 0 * ds.feature_kernel + np.outer(np.nan_to_num(y), np.nan_to_num(y))
    np.testing.assert_allclose(kernel_alignment(made), 1)
    assert (abs(kernel_alignment(ds)) < 1).all() and kernel_alignment(ds).dims == ("time", "layer")


def test_film_of_a_law():
    from tensorprog_mf import mean_field, plotting

    unit, data = mean_field.Neuron("tanh"), mean_field.FiniteData([-1.0, 1.0], [-0.5, 0.5])
    ds = mean_field.distributional_dynamics(unit, data, {"a": tp.Gaussian(), "w": tp.Gaussian()}, [0, 0.5, 1], 0.1, 256, bins=20)
    ax = plotting.film(ds, "w0", times=[0, 1])
    assert len(ax.patches) == 2 and [label.get_text() for label in ax.get_yticklabels()] == ["0", "1"] and ax.get_xlabel() == "w0"
    for k, patch in enumerate(reversed(ax.patches)):  # drawn from the last time to the first
        values, edges, baseline = patch.get_data()
        np.testing.assert_allclose(np.max(values) - k, 1.6)
        assert baseline == k and len(edges) == 21
    with pytest.raises(tp.InputError, match="no densities"):
        plotting.film(ds.drop_vars(["density", "bin_edge"]))

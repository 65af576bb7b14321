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

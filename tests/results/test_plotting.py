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
    from tensorprog_mf.results.plotting import kernel_alignment

    y = ds.target.values
    made = ds.copy()
    made["feature_kernel"] = 0 * ds.feature_kernel + np.outer(np.nan_to_num(y), np.nan_to_num(y))
    np.testing.assert_allclose(kernel_alignment(made), 1)
    assert (abs(kernel_alignment(ds)) < 1).all() and kernel_alignment(ds).dims == ("time", "layer")


def test_film_of_a_law():
    from tensorprog_mf import mean_field, plotting

    unit, data = mean_field.Neuron("tanh"), mean_field.FiniteData([-1.0, 1.0], [-0.5, 0.5])
    ds = mean_field.distributional_dynamics(
        unit, data, {"a": tp.Gaussian(), "w": tp.Gaussian()}, [0, 0.5, 1], 0.1, 256, bins=20
    )
    ax = plotting.film(ds, "w0", times=[0, 1])
    assert (
        len(ax.patches) == 2
        and [label.get_text() for label in ax.get_yticklabels()] == ["0", "1"]
        and ax.get_xlabel() == "w0"
    )
    for k, patch in enumerate(reversed(ax.patches)):  # drawn from the last time to the first
        values, edges, baseline = patch.get_data()
        np.testing.assert_allclose(np.max(values) - k, 1.6)
        assert baseline == k and len(edges) == 21
    with pytest.raises(tp.InputError, match="no densities"):
        plotting.film(ds.drop_vars(["density", "bin_edge"]))


SIZE = dict(n_samples=128, n_replicates=2, samples=8, tolerance=0.05)
DRAWN = {"loss", "kernel", "alignment", "density", "parts", "overview"}  # of a result with everything


@pytest.fixture(scope="module")
def everything():
    rng = np.random.default_rng(7)
    problem = tp.Problem(rng.normal(size=(3, 5)), rng.normal(size=3), rng.normal(size=(2, 5)))
    return tp.sample(tp.MLP(2), problem, tp.Training(2, 0.3), **SIZE)


def _sweep(ds, problem, **_):
    import xarray as xr

    other = tp.sample(tp.MLP(2), problem, tp.Training(2, 0.4), **SIZE)
    return xr.concat(
        [tp.by_step(ds), tp.by_step(other)], "learning_rate", join="exact", combine_attrs="drop_conflicts"
    )


def _stream(**_):
    return tp.sample(
        tp.MLP(2),
        tp.OnlineProblem(tp.GaussianStream(4, 1, teacher=lambda x: x[:, 0]), test_inputs=np.eye(4)),
        tp.Training(2, 0.1),
        **SIZE,
    )


def _images(network, shape):
    return tp.sample(
        network,
        tp.Problem(np.random.default_rng(1).normal(size=shape), [1.0, -1.0]),
        tp.Training(2, 0.1),
        **SIZE,
    )


def _not_a_number(ds, **_):
    made = ds.copy(deep=True)
    for name in ("feature_kernel", "preactivation", "loss", "output"):
        made[name][:] = np.nan
    return made


# What is made of a result (or of the problem), and the figures that cannot be drawn of it, with the sentence.
VARIANTS = {
    "as it is": (lambda ds, **_: ds, {}),
    "no attributes": (lambda ds, **_: ds.drop_attrs(), {}),
    "last time": (lambda ds, **_: ds.isel(time=-1), {}),
    "one time kept": (lambda ds, **_: ds.isel(time=[0]), {}),
    "last layer": (lambda ds, **_: ds.isel(layer=-1), {}),
    "some examples": (
        lambda ds, **_: ds.isel(example=[0, 1]),
        {"kernel": "between 2 and 5 examples", "alignment": "between 2 and 5 examples"},
    ),
    "the same of both": (lambda ds, **_: ds.isel(example=[2, 0], example_prime=[2, 0]), {}),
    "one example": (
        lambda ds, **_: ds.isel(example=0),
        {"kernel": "no dimensions example and", "alignment": "no dimensions example and"},
    ),
    "test examples": (
        lambda ds, **_: ds.isel(example=[3, 4], example_prime=[3, 4]),
        {"alignment": "over training examples, and feature_kernel has none"},
    ),
    "mean over examples": (
        lambda ds, **_: ds.mean("example"),
        {"kernel": "no dimensions example and", "alignment": "no dimensions example and"},
    ),
    "mean over time": (
        lambda ds, **_: ds.mean("time"),
        {
            "loss": "loss has no dimension time",
            "alignment": "no dimension time",
            "parts": "no dimension time",
            "overview": "no dimension time",
        },
    ),
    "no layer coordinate": (lambda ds, **_: ds.drop_vars(["layer", "split", "step"]), {}),
    "no loss": (
        lambda ds, **_: ds.drop_vars("loss"),
        {"loss": "loss is not in this result", "overview": "results of training; this one has no loss"},
    ),
    "no samples": (
        lambda problem, **_: tp.static_ntk(tp.MLP(2), problem, tp.Training(2, 0.1)),
        {"density": "samples of 1 or more, or record=tp.Record", "parts": "samples of 1 or more"},
    ),
    "replicates": (
        lambda problem, **_: tp.sample(tp.MLP(2), problem, tp.Training(2, 0.1), keep_replicates=True, **SIZE),
        {},
    ),
    "one replicate": (
        lambda problem, **_: tp.sample(
            tp.MLP(2), problem, tp.Training(2, 0.1), **SIZE | {"n_replicates": 1}, keep_replicates=True
        ),
        {},
    ),
    "chosen kernels": (
        lambda problem, **_: tp.sample(
            tp.MLP(2), problem, tp.Training(2, 0.1), record=tp.Record(kernel_examples=[4, 1, 0]), **SIZE
        ),
        {},
    ),
    "chosen twice": (
        lambda problem, **_: tp.sample(
            tp.MLP(2), problem, tp.Training(2, 0.1), record=tp.Record(kernel_examples=[4, 1]), **SIZE
        ).isel(example=[0, 1]),
        {"kernel": "taken out of this dataset", "alignment": "taken out of this dataset"},
    ),
    "no kernels": (
        lambda problem, **_: tp.sample(
            tp.MLP(2), problem, tp.Training(2, 0.1), record=tp.Record(kernel_examples=[]), **SIZE
        ),
        {
            "kernel": "feature_kernel is not in this result",
            "alignment": "feature_kernel is not in this result",
        },
    ),
    "classes": (
        lambda problem, **_: tp.sample(
            tp.MLP(2),
            tp.Problem(problem.inputs, [0, 1, 2], loss="cross_entropy"),
            tp.Training(2, 0.1),
            record=tp.Record(per_output=True),
            **SIZE,
        ),
        {},
    ),
    "stream": (_stream, {"alignment": "over training examples, and feature_kernel has none"}),
    "positions": (lambda **_: _images(tp.CNN(2, kernel=3, padding="zero", stride=2), (2, 2, 6)), {}),
    "tokens": (lambda **_: _images(tp.Transformer(1, head_dimension=4), (2, 3, 4)), {}),
    "residual": (lambda problem, **_: tp.sample(tp.ResidualMLP(2), problem, tp.Training(2, 0.1), **SIZE), {}),
    "flow": (
        lambda problem, **_: tp.static_ntk(
            tp.MLP(2),
            problem,
            tp.Training(flow=True, times=[0.0, 1.0]),
            kernel="sampled",
            n_samples=128,
            n_replicates=2,
        ),
        {},
    ),
    "not a number": (_not_a_number, {"density": "not a number at any of these sites"}),
    "sweep": (_sweep, {name: "has a dimension learning_rate; choose one entry first" for name in DRAWN}),
    "point of a sweep": (lambda **given: _sweep(**given).isel(learning_rate=1), {}),
    "two samples": (
        lambda ds, **_: {"a": ds},
        {name: "figures are drawn of results, xarray.Dataset, not of dict" for name in DRAWN},
    ),
}


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.filterwarnings("ignore::UserWarning")  # of ranks, of axes without positive numbers
def test_a_figure_is_drawn_or_a_sentence_says_why_not(name, problem, everything):
    import matplotlib.pyplot as plt

    from tensorprog_mf import plotting

    make, refused = VARIANTS[name]
    ds = make(ds=everything, problem=problem)
    for figure in sorted(DRAWN):
        before = plt.get_fignums()
        if refused.get(figure):
            with pytest.raises(tp.InputError, match=refused[figure]) as found:
                getattr(plotting, figure)(ds)
            assert (
                str(found.value).count(".") >= 1
                and "\n" not in str(found.value)
                and plt.get_fignums() == before
            )
            continue
        drawn = getattr(plotting, figure)(
            ds, **({} if figure == "overview" else {"ax": plt.figure().add_subplot()})
        )
        assert figure == "overview" or drawn.lines or drawn.images or drawn.patches
        if name in ("as it is", "not a number", "classes") and figure == "overview":
            drawn.canvas.draw()
    plt.close("all")


def test_a_recorded_density_is_the_one_that_is_drawn(problem):
    """Over all sites, normalised over what lies within the edges or not; stored sites where bins are asked
    for."""
    from tensorprog_mf import plotting

    edges = np.append(np.linspace(-1.0, 1.0, 9), 3.0)  # bins need not be equal
    ds = tp.sample(
        tp.MLP(2),
        problem,
        tp.Training(2, 0.3),
        n_samples=512,
        n_replicates=2,
        samples=8,
        record=tp.Record(densities=["preactivation", "gradient"], edges=edges),
    )
    recorded = ds.preactivation_density.isel(time=1, layer=0, example=2).values
    for given in (ds, ds.drop_vars("preactivation"), ds.isel(time=1)):
        (patch,) = plotting.density(given, time=1 if "time" in given.dims else 0, layer=0, example=2).patches
        drawn = patch.get_xy()[1:-1:2, 1]  # heights, each twice
        np.testing.assert_allclose(
            drawn, recorded[recorded.nonzero()[0].min() : recorded.nonzero()[0].max() + 1]
        )
    np.testing.assert_allclose(ds.bin_width, np.diff(edges))
    (patch,) = plotting.density(ds, time=1, layer=0, example=2, bins=edges).patches
    counts, _ = np.histogram(ds.preactivation.isel(time=1, layer=0, example=2), edges, density=True)
    np.testing.assert_allclose(patch.get_xy()[1:-1:2, 1], counts)
    assert plotting.density(ds, "gradient").get_xlabel() == "gradient field"
    with pytest.raises(tp.InputError, match="bins of its own: leave out bins="):
        plotting.density(ds, "gradient", bins=3)
    with pytest.raises(
        tp.InputError, match=r"feature is not in this result.*record=tp.Record\(densities=\['feature'\]\)"
    ):
        plotting.density(ds, "feature")
    with pytest.raises(tp.InputError, match="layer=5 is beyond the 2 entries"):
        plotting.density(ds, layer=5)


def test_film_of_a_sampled_result(problem):
    from tensorprog_mf import plotting

    setting = tp.MLP(2), problem, tp.Training(4, 0.3)
    ds = tp.sample(
        *setting,
        n_samples=256,
        n_replicates=1,
        samples=0,
        record=tp.Record(densities=["preactivation", "gradient"]),
    )
    ax = plotting.film(ds, times=[0, 0.6, 1.2], layer=0, example=1)
    assert (
        ax.get_title() == "density of the preactivation, layer 1, example 1"
        and ax.get_xlabel() == "preactivation"
    )
    for k, patch in enumerate(reversed(ax.patches)):
        line = ds.preactivation_density.isel(time=2 * k, layer=0, example=1).values
        np.testing.assert_allclose(patch.get_data().values - k, 1.6 * line / line.max())
        np.testing.assert_allclose(patch.get_data().edges, np.linspace(-5, 5, 101), atol=1e-12)
    assert plotting.film(ds, "gradient").get_xlabel() == "gradient field"
    for message, call in (
        ("among the fields with densities: preactivation, gradient", lambda: plotting.film(ds, "feature")),
        (r"times=\[7.0\] are not all recorded", lambda: plotting.film(ds, times=[7])),
        (
            r"bins > 0, for tp.sample record=tp.Record\(densities",
            lambda: plotting.film(tp.static_ntk(*setting)),
        ),
    ):
        with pytest.raises(tp.InputError, match=message):
            call()


def test_kernels_between_two_times(problem):
    from tensorprog_mf import plotting

    record = tp.Record([0, 1, 4], two_time=True, responses=True)
    ds = tp.sample(tp.MLP(2), problem, tp.Training(4, 0.3), n_samples=256, n_replicates=2, record=record)
    for name in (
        "feature_kernel_two_time",
        "gradient_kernel_two_time",
        "forward_response",
        "backward_response",
    ):
        ax = plotting.kernel(ds, name=name, layer=0, pair=(2, 1))
        np.testing.assert_array_equal(
            ax.images[0].get_array(), ds[name].isel(layer=0, example=2, example_prime=1)
        )
        assert ax.get_title().endswith("examples 2 and 1, layer 1")
        assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "0.3", "1.2"]
    exact = tp.solve_linear(tp.MLP(2, "linear"), problem, tp.Training(4, 0.3), two_time=True)
    assert plotting.kernel(exact, name="gradient_kernel_two_time").images
    with pytest.raises(tp.InputError, match="example_prime=9 is beyond the 5 entries"):
        plotting.kernel(ds, name="feature_kernel_two_time", pair=(0, 9))
    with pytest.raises(tp.InputError, match="pair=3 must be two indices"):
        plotting.kernel(ds, name="feature_kernel_two_time", pair=3)


def test_kernels_of_chosen_examples_and_of_outputs(problem):
    """Rows are the training examples among the chosen ones, in the order of their targets; outputs by their
    mean."""
    from tensorprog_mf import plotting

    ds = tp.sample(
        tp.MLP(2), problem, tp.Training(2, 0.3), record=tp.Record(kernel_examples=[4, 1, 0]), **SIZE
    )
    order = [1, 2] if ds.target[1] < ds.target[0] else [2, 1]
    ax = plotting.kernel(ds)
    np.testing.assert_array_equal(
        ax.images[0].get_array(), ds.feature_kernel[-1, -1].values[np.ix_(order, order)]
    )
    assert ax.get_title().endswith("2 of 3 training examples")
    whole = tp.sample(tp.MLP(2), problem, tp.Training(2, 0.3), **SIZE)
    both = [whole.isel(example=[0, 1], example_prime=[0, 1]), ds.assign_coords(split=ds.split)]
    np.testing.assert_allclose(*(plotting.kernel_alignment(each) for each in both), atol=1e-12)
    classes = tp.Problem(problem.inputs, [0, 1, 2], loss="cross_entropy")
    ds = tp.sample(tp.MLP(2), classes, tp.Training(2, 0.3), record=tp.Record(per_output=True), **SIZE)
    shown = plotting.kernel(ds, name="tangent_kernel").images[0].get_array()
    expected = np.einsum("mcnc->mn", ds.tangent_kernel[-1].values) / 3
    np.testing.assert_allclose(np.sort(shown, None), np.sort(expected, None))
    assert plotting.kernel_alignment(ds, "tangent_kernel").dims == ("time",)


def test_the_overview_says_whose_outputs_it_draws():
    import matplotlib.pyplot as plt

    from tensorprog_mf import plotting

    rng = np.random.default_rng(0)
    for count, test, title, lines in (
        (25, 3, "outputs: first 20 of 25 training examples,\n3 test examples (dotted)", 23),
        (4, 0, "outputs: 4 training examples", 4),
    ):
        problem = tp.Problem(
            rng.normal(size=(count, 3)), rng.normal(size=count), rng.normal(size=(test, 3)) if test else None
        )
        figure = plotting.overview(tp.static_ntk(tp.MLP(1), problem, tp.Training(2, 0.1)))
        ax = figure.axes[1]
        assert ax.get_title() == title and len(ax.lines) == lines
        assert "samples of 1 or more" in " ".join(figure.axes[5].texts[0].get_text().split())
    bare = tp.static_ntk(tp.MLP(1), problem, tp.Training(2, 0.1)).drop_attrs().drop_vars("split")
    figure = plotting.overview(bare)
    assert figure.axes[1].get_title() == "outputs: 4 examples" and figure.get_suptitle() == ""
    plt.close("all")


def test_routes_with_what_not_all_of_them_have(problem):
    import matplotlib.pyplot as plt

    from tensorprog_mf import plotting

    setting = tp.MLP(2), problem, tp.Training(3, 0.3)
    full, few = (
        tp.sample(*setting, n_samples=128, n_replicates=2, record=tp.Record(kernel_examples=chosen))
        for chosen in (None, [])
    )
    figure = plotting.routes({"full": full, "few": few.drop_attrs()})
    assert (
        len(figure.axes[1].lines) == 1
        and len(figure.axes[2].lines) == 2
        and "is not in all of" in figure.axes[3].texts[0].get_text()
    )
    with pytest.raises(tp.InputError, match="two results or more"):
        plotting.routes({"full": full})
    plt.close("all")

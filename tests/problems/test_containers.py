"""Arrays as people have them: every container gives the same numbers, or one sentence."""

import array
import types

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import xarray as xr

import tensorprog_mf as tp
from tensorprog_mf import mean_field, scaling_laws
from tensorprog_mf.problems import containers
from tests.helpers.tensor import Tensor

X = np.random.default_rng(0).normal(size=(4, 3))
Y = np.array([1.0, -1.0, 0.5, 2.0])
NAMES = ["a", "b", "c"]


class OnlyArray:
    """As an array of jax."""

    def __init__(self, data):
        self.data = np.asarray(data)

    def __array__(self, *given, **named):
        return self.data


class Frame(OnlyArray):
    """As a table of polars: columns and to_numpy, no index."""

    columns = NAMES

    def to_numpy(self):
        return self.data


class Exported:
    """What has to_numpy only."""

    def __init__(self, data):
        self.data = np.asarray(data)

    def to_numpy(self):
        return self.data


class Refusing:
    """As an array that lives on another device."""

    def __array__(self, *given, **named):
        raise RuntimeError("implicit conversion is not allowed;\n use .get()")


class OnDevice(Refusing):
    __cuda_array_interface__ = {}

    def get(self):
        return X


KINDS = {
    "list": X.tolist(),
    "tuple": tuple(map(tuple, X)),
    "numpy": X,
    "longdouble": X.astype(np.longdouble),
    "objects": X.astype(object),
    "rows of objects": np.array([*map(list, X), None], dtype=object)[:-1],
    "list of arrays": list(X),
    "memoryview": memoryview(X),
    "masked, nothing hidden": np.ma.array(X, mask=False),
    "frame": pd.DataFrame(X),
    "named frame": pd.DataFrame(X, columns=NAMES, index=list("pqrs")),
    "frame of objects": pd.DataFrame(X.astype(object)),
    "nullable frame": pd.DataFrame(X).convert_dtypes(),
    "series of rows": pd.Series(list(X)),
    "DataArray": xr.DataArray(X, dims=("example", "feature")),
    "turned DataArray": xr.DataArray(X.T, dims=("feature", "example")),
    "DataArray turned by its features": xr.DataArray(X.T, dims=("feature", "image")),
    "unnamed DataArray": xr.DataArray(X),
    "csr": scipy.sparse.csr_matrix(X),
    "coo": scipy.sparse.coo_array(X),
    "tensor": Tensor(X),
    "tensor with gradients": Tensor(X, True),
    "sparse tensor": Tensor(X, layout="sparse"),
    "bfloat16": Tensor(X, True, "bfloat16"),
    "list of tensors": [Tensor(row, True) for row in X],
    "jax": OnlyArray(X),
    "polars": Frame(X),
    "exported": Exported(X),
    "device": OnDevice(),
    "list of jax": [OnlyArray(row) for row in X],
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_container_gives_the_same_inputs(kind):
    problem = tp.Problem(KINDS[kind], Y, test_inputs=KINDS[kind])
    np.testing.assert_array_equal(problem.inputs, X)
    np.testing.assert_array_equal(problem.test_inputs, X)
    assert problem.inputs.dtype == float and not problem.inputs.flags.writeable


TARGETS = {
    "list": Y.tolist(),
    "numpy": Y,
    "series": pd.Series(Y),
    "index": pd.Index(Y),
    "DataArray": xr.DataArray(Y, dims="example"),
    "tensor": Tensor(Y, True),
    "list of numbers in arrays": [np.array(y) for y in Y],
    "jax": OnlyArray(Y),
    "array": array.array("d", Y),
    "categories": pd.Categorical(Y),
    "masked": np.ma.array(Y),
    "objects": Y.astype(object),
    "exported": Exported(Y),
}


@pytest.mark.parametrize("kind", TARGETS)
def test_every_container_gives_the_same_targets(kind):
    stream = tp.OnlineProblem([(X, TARGETS[kind])], X, test_targets=TARGETS[kind])
    for targets in (tp.Problem(X, TARGETS[kind]).targets, stream.batch(0)[1], stream.test_targets):
        np.testing.assert_array_equal(targets, Y)


def test_whole_numbers_and_truth_values_are_numbers():
    for given in (X > 0, (X > 0).astype(np.uint8), (X > 0).tolist(), pd.DataFrame(X > 0), np.float16(X > 0)):
        np.testing.assert_array_equal(tp.Problem(given, Y).inputs, X > 0)


def test_no_array_is_shared_with_its_owner():
    own = X.copy()
    problem = tp.Problem(own, Y)
    own[:] = 0
    np.testing.assert_array_equal(problem.inputs, X)


MASK = np.zeros_like(X, bool)
MASK[2, 1] = True
DATED = pd.DataFrame(X, columns=NAMES).assign(b=pd.to_datetime(["2020-01-01"] * 4))
REFUSED = [
    (np.ma.array(X, mask=MASK), "inputs hide 1 of 12 values behind a mask; drop those examples or fill"),
    (np.ma.array(X, mask=True), "inputs hide 12 of 12"),
    ([np.ma.array(row, mask=hidden) for row, hidden in zip(X, MASK)], "inputs\\[2\\] hide 1 of 3"),
    (np.where(MASK, np.nan, X), "contain NaN or infinite values, 1 of 12, the first in example 2 at 1; drop"),
    (np.where(MASK, np.inf, X), "contain NaN or infinite values"),
    (pd.DataFrame(np.where(MASK, np.nan, X), columns=NAMES), "the first in example 2, column 'b'"),
    (
        pd.DataFrame(X, columns=NAMES).assign(b=pd.array([1, 2, None, 3], dtype="Int64")),
        "missing values, the first in example 2, column 'b'",
    ),
    ([[1, None], [1, 2], [2, 3], [4, 5]], "missing values, the first in example 0 at 1"),
    ([[1, 2], [3, 4], [5], [6, 7]], "inputs are ragged: row 2 has 1 number, those before it 2 numbers"),
    ([[1, 2], 3, [5, 6], [6, 7]], "inputs are ragged: row 1 has a single number"),
    ([[[1, 2], [3, 4]], [[1, 2], [3]]], "inputs\\[1\\] are ragged: row 1 has 1 number"),
    (
        [np.ones((2, 2)), np.ones((2, 3))],
        "ragged: row 1 has shape \\(2, 3\\), those before it shape \\(2, 2\\)",
    ),
    (pd.Series([[1, 2], [3, 4], [5], [6, 7]]), "ragged: row 2"),
    ([Tensor(X[0]), Tensor(X[1, :2])], "ragged: row 1 has 2 numbers, those before it 3 numbers"),
    (X.astype("datetime64[s]"), "inputs are dates; take off one"),
    (X.astype("timedelta64[s]"), "inputs are durations; divide"),
    (DATED, "a Timestamp stands in example 0, column 'b'"),
    (X.astype(str), "the text '.*' stands in example 0 at 0; turn the texts into numbers first"),
    (X.astype("S"), "the text '.*' stands in example 0 at 0; turn the texts"),
    ([[1, "2"], [1, 2], [2, 3], [4, 5]], "the text '2' stands in example 0 at 1; turn the texts"),
    (
        pd.DataFrame(X, columns=NAMES).assign(b=["u", "v", "u", "v"]),
        "the text 'u' stands in example 0, column 'b'; give every word a column",
    ),
    (X * 1j, "inputs are complex"),
    (X.astype(object) * 1j, "a complex stands in example 0"),
    (np.zeros(4, dtype=[("u", float), ("v", float)]), "inputs have fields u, v; stack them"),
    (np.array([[{}]] * 4), "a dict stands in example 0"),
    (
        xr.Dataset({"image": (("example", "feature"), X)}),
        "a Dataset that holds image; pass one array of it, such as data\\['image'\\]",
    ),
    (xr.DataTree.from_dict({"digits": xr.Dataset({"x": 1})}), "a DataTree that holds digits"),
    ({"image": X}, "inputs are a dict with the entries image"),
    (scipy.sparse.csr_array((4, 2**27)), "inputs are sparse and would fill 4.0 GiB"),
    (Refusing(), "Refusing says 'implicit conversion is not allowed; use .get\\(\\)'"),
    (None, "inputs are None"),
    ("digits.csv", "inputs are a text, 'digits.csv'; .*tp.read_table"),
    ((row for row in X), "inputs are a generator"),
    ({1.0, 2.0}, "inputs are a set"),
    (np.sin, "inputs are a function or class, sin"),
    (np.ndarray, "inputs are a function or class, ndarray"),
    (3.0, "inputs have the shape \\(\\); 2 or 3 or 4 dimensions are needed"),
]


@pytest.mark.parametrize("given, message", REFUSED)
def test_what_is_no_array_of_numbers_is_told_in_one_sentence(given, message):
    with pytest.raises(tp.InputError, match=message) as caught:
        tp.Problem(given, Y)
    assert "\n" not in str(caught.value)
    with pytest.raises(
        tp.InputError,
        match=(
            "generator"
            if isinstance(given, types.GeneratorType)
            else message.replace("inputs", "test_inputs")
        ),
    ):
        tp.OnlineProblem([(X, Y)], given)


def test_targets_are_looked_at_as_closely():
    with pytest.raises(tp.InputError, match="targets hide 1 of 4 values"):
        tp.Problem(X, np.ma.array(Y, mask=[0, 1, 0, 0]))
    with pytest.raises(tp.InputError, match="test_targets are dates"):
        tp.Problem(X, Y, X, test_targets=Y.astype("datetime64[D]"))
    with pytest.raises(
        tp.InputError, match='words as targets are classes: take loss="cross_entropy", or name two'
    ):
        tp.Problem(X, list("abab"))
    with pytest.raises(tp.InputError, match="targets of step 0 hide 1 of 4"):
        tp.OnlineProblem([(X, np.ma.array(Y, mask=[0, 1, 0, 0]))], X)
    with pytest.raises(tp.InputError, match="targets of the teacher hide 1 of 2"):
        tp.GaussianStream(3, 2, lambda x: np.ma.array(x[:, 0], mask=[0, 1]))(0)
    with pytest.raises(tp.InputError, match="are they exchanged"):
        tp.Problem(Y, X)


def test_a_file_that_hands_out_masks_is_seen_through():
    class Variable:
        def __array__(self, *given, **named):
            return np.ma.array(X, mask=MASK)

    with pytest.raises(tp.InputError, match="hide 1 of 12"):
        tp.Problem(Variable(), Y)


def test_other_families_read_the_same_containers():
    for given in (Tensor(X, True), pd.DataFrame(X, index=list("pqrs")), scipy.sparse.csr_array(X)):
        np.testing.assert_array_equal(mean_field.FiniteData(given, Y).inputs, X)
        np.testing.assert_array_equal(
            mean_field.Spectrum.from_examples(given).variances, mean_field.Spectrum.from_examples(X).variances
        )
    kernel = X @ X.T + np.eye(4)
    ours, theirs = (
        scaling_laws.Spectrum.of_kernel(k, y) for k, y in ((Tensor(kernel), pd.Series(Y)), (kernel, Y))
    )
    np.testing.assert_array_equal(ours.power, theirs.power)
    for call in (
        lambda g: mean_field.FiniteData(g, Y),
        mean_field.Spectrum.from_examples,
        lambda g: scaling_laws.Spectrum.of_kernel(g, Y),
    ):
        with pytest.raises(tp.InputError, match="hide 1 of"):
            call(np.ma.array(X, mask=MASK))


IMAGES = np.random.default_rng(1).normal(size=(2, 3, 8, 9))  # example, channel, row, column
ORDERS = [
    ("example", "row", "column", "channel"),
    ("channel", "example", "row", "column"),
    ("column", "row", "channel", "example"),
]


@pytest.mark.parametrize("order", ORDERS)
def test_images_are_turned_by_name(order):
    named = xr.DataArray(IMAGES, dims=("example", "channel", "row", "column")).transpose(*order)
    np.testing.assert_array_equal(tp.Problem(named, [1.0, -1.0]).inputs, IMAGES)
    own = xr.DataArray(IMAGES, dims=("image", "channel", "y", "x")).transpose("image", "y", "x", "channel")
    np.testing.assert_array_equal(tp.Problem(own, [1.0, -1.0]).inputs, IMAGES)


@pytest.mark.parametrize("between", ["token", "position"])
def test_sequences_are_turned_by_name(between):
    named = xr.DataArray(IMAGES[:, 0], dims=("example", between, "feature")).transpose(
        "feature", between, "example"
    )
    np.testing.assert_array_equal(tp.Problem(named, [1.0, -1.0]).inputs, IMAGES[:, 0])


def _run(images):
    problem = tp.Problem(images, [1.0, -1.0])
    return tp.sample(
        tp.CNN(1, kernel=1),
        problem,
        tp.Training(0, 0.1),
        n_samples=64,
        n_replicates=1,
        samples=0,
        record=tp.Record(kernel_examples=[]),
    )


@pytest.mark.parametrize(
    "shape, said",
    [
        ((8, 9, 1), "8 channels of 9 x 1"),
        ((8, 9, 3), "8 channels of 9 x 3"),
        ((12, 4), "12 channels of 4 pixels"),
    ],
)
def test_channels_last_are_told_of(shape, said):
    images = np.ones((2, *shape))
    for given in (
        images,
        xr.DataArray(images, dims=("image", "y", "x", "c")[: images.ndim]),
    ):  # "c" says nothing
        with pytest.warns(
            tp.DataWarning, match=f"taken as {said}.*np.moveaxis\\(inputs, {len(shape)}, 1\\)"
        ) as caught:
            _run(given)
        assert caught[0].filename == __file__


@pytest.mark.parametrize("shape", [(1, 8, 9), (3, 8, 8), (16, 4, 4), (5, 1), (2, 4), (1, 32), (3, 32)])
def test_channels_first_and_named_ones_are_quiet(shape, recwarn):
    _run(np.ones((2, *shape)))
    names = ("example", "channel", "row", "column")
    _run(xr.DataArray(np.ones((2, 8, 1, 9)[: len(shape) + 1]), dims=names[: len(shape) + 1]))
    assert not [w for w in recwarn if w.category is tp.DataWarning]


def test_reading_keeps_what_labels_it_found():
    found = containers.read("inputs", pd.DataFrame(X, index=list("pqrs")))
    assert (
        list(found.of_axis(0).index) == list("pqrs") and found.of_axis(1).counted and found.of_axis(2) is None
    )
    turned = found.taken(np.array([1, 0, 3, 2]), 0)
    assert list(turned.of_axis(0).index) == list("qpsr")
    np.testing.assert_array_equal(turned.values, X[[1, 0, 3, 2]])

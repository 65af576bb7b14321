"""Which target belongs to which input: by labels where both have some, else by position."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import tensorprog_mf as tp
from tensorprog_mf import mean_field, scaling_laws

X = np.arange(8.0).reshape(4, 2) / 4
OWN = {"d": 4.0, "b": 2.0, "a": 1.0, "c": 3.0}  # the target of every label, in the order of the inputs
LABELS = list(OWN)


def frame(labels=LABELS, x=X, **more):
    return pd.DataFrame(x, index=labels, **more)


def array(labels=LABELS, x=X):
    return xr.DataArray(x, dims=("example", "feature"), coords={"example": list(labels)})


def series(labels, values=None):
    return pd.Series([OWN[label] for label in labels] if values is None else values, index=list(labels))


def line(labels):
    return xr.DataArray([OWN[label] for label in labels], dims="example", coords={"example": list(labels)})


@pytest.mark.parametrize("order", [LABELS, list("abcd"), list("dcba")])
@pytest.mark.parametrize("inputs", [frame, array])
@pytest.mark.parametrize("targets", [series, line])
def test_targets_come_into_the_order_of_the_inputs(inputs, targets, order):
    problem = tp.Problem(inputs(), targets(order), inputs(), test_targets=targets(order))
    np.testing.assert_array_equal(problem.inputs, X)
    np.testing.assert_array_equal(problem.targets, list(OWN.values()))
    np.testing.assert_array_equal(problem.test_targets, list(OWN.values()))
    stream = tp.OnlineProblem([(inputs(), targets(order))], inputs(), test_targets=targets(order))
    np.testing.assert_array_equal(stream.batch(0)[1], list(OWN.values()))
    np.testing.assert_array_equal(stream.test_targets, list(OWN.values()))


def test_words_and_tables_are_paired_too():
    words = pd.Series(list("uvuv"), index=list("abcd"))
    np.testing.assert_array_equal(
        tp.Problem(frame(), words, loss="cross_entropy").targets.argmax(axis=1), [1, 1, 0, 0]
    )
    table = pd.DataFrame({"u": [1.0, 2, 3, 4], "v": [5.0, 6, 7, 8]}, index=list("abcd"))
    np.testing.assert_array_equal(tp.Problem(frame(), table).targets, table.loc[LABELS])


def test_whole_numbers_as_labels_are_paired():
    """As after train_test_split of one and sort_index of the other."""
    given = pd.Series([1.0, 2, 3, 4], index=pd.Index([0, 1, 2, 3]))
    np.testing.assert_array_equal(tp.Problem(frame([2, 0, 1, 3]), given).targets, [3, 1, 2, 4])
    np.testing.assert_array_equal(
        tp.Problem(frame([2, 0, 9, 3]), given.set_axis([9, 0, 2, 3])).targets, [3, 2, 1, 4]
    )


@pytest.mark.parametrize(
    "inputs, targets",
    [
        (frame([2, 0, 9, 3]), pd.Series([1.0, 2, 3, 4], index=[2, 0, 9, 3])),  # shuffled alike
        (
            frame(list("aabb")),
            pd.Series([1.0, 2, 3, 4], index=list("aabb")),
        ),  # labels that repeat, but in the same order
        (frame(), [1.0, 2, 3, 4]),
        (X, pd.Series([1.0, 2, 3, 4], index=list("dcba"))),
        (frame(), pd.Series([1.0, 2, 3, 4])),  # an index that only counts is none
        (frame([12, 5, 7, 9]), pd.Series([1.0, 2, 3, 4])),
        (pd.DataFrame(X), pd.Series([1.0, 2, 3, 4], index=list("dcba"))),
        (pd.DataFrame(np.tile(X, (2, 1)))[4:], pd.Series(np.arange(5.0))[1:].set_axis([4, 5, 6, 7])),
        (xr.DataArray(X, dims=("example", "feature")), line("abcd")),
    ],
)
def test_without_labels_on_both_sides_examples_go_by_position(inputs, targets):
    np.testing.assert_array_equal(tp.Problem(inputs, targets).targets, np.asarray(targets))


@pytest.mark.parametrize(
    "inputs, targets, message",
    [
        (
            frame(),
            series("abcd").rename({"d": "e"}),
            "targets have no example with the label 'd', inputs have; .*targets.to_numpy",
        ),
        (
            array(),
            line("abcd").assign_coords(example=list("abce")),
            "targets have no example with the label 'd'",
        ),
        (
            frame(list("aabc")),
            series(list("abca"), [1.0, 2, 3, 4]),
            "targets have the label 'a' twice, so that targets and inputs cannot be paired",
        ),
        (frame(list("abcd")), series(list("abcc")), "targets have the label 'c' twice"),
        (
            frame([2, 0, 1, 3]),
            pd.Series([1.0, 2, 3, 4]),
            "another order, but one of them only counts 0, 1, 2, .*y.loc\\[x.index\\]",
        ),
        (
            pd.DataFrame(X),
            pd.Series([1.0, 2, 3, 4], index=[3, 2, 1, 0]),
            "another order, but one of them only counts",
        ),
        (frame([1, 2, 3, 4]), series(list("abcd"), [1.0, 2, 3, 4]), "no example with the label 1"),
    ],
)
def test_labels_that_do_not_pair_are_refused(inputs, targets, message):
    with pytest.raises(tp.InputError, match=message) as caught:
        tp.Problem(inputs, targets)
    assert "\n" not in str(caught.value)
    with pytest.raises(
        tp.InputError, match=message.replace("targets", "test_targets").replace("inputs", "test_inputs")
    ):
        tp.Problem(X, [1.0, 2, 3, 4], inputs, test_targets=targets)


def test_features_of_test_inputs_come_into_the_order_of_the_inputs():
    own, turned = frame(columns=["u", "v"]), frame(x=X[:, ::-1], columns=["v", "u"])
    np.testing.assert_array_equal(tp.Problem(own, series(LABELS), turned).test_inputs, X)
    np.testing.assert_array_equal(tp.OnlineProblem([(turned, series(LABELS))], own).batch(0)[0], X)
    named = array().assign_coords(feature=["u", "v"])
    np.testing.assert_array_equal(tp.Problem(named, series(LABELS), named[:, ::-1]).test_inputs, X)
    np.testing.assert_array_equal(tp.Problem(own, series(LABELS), X).test_inputs, X)
    with pytest.raises(tp.InputError, match="test_inputs have no column with the label 'v', inputs have"):
        tp.Problem(own, series(LABELS), frame(columns=["u", "w"]))


def test_outputs_of_test_targets_come_into_the_order_of_the_targets():
    targets = pd.DataFrame({"u": [1.0, 2, 3, 4], "v": [5.0, 6, 7, 8]})
    np.testing.assert_array_equal(
        tp.Problem(X, targets, X, test_targets=targets[["v", "u"]]).test_targets, targets
    )


def test_other_families_pair_too():
    np.testing.assert_array_equal(mean_field.FiniteData(frame(), series("abcd")).targets, list(OWN.values()))
    weights = pd.Series([0.1, 0.2, 0.3, 0.4], index=list("abcd"))
    np.testing.assert_array_equal(
        mean_field.FiniteData(frame(), series("abcd"), weights).weights, [0.4, 0.2, 0.1, 0.3]
    )
    kernel = frame(x=X @ X.T + np.eye(4))
    ours, theirs = (scaling_laws.Spectrum.of_kernel(kernel, y) for y in (series("abcd"), list(OWN.values())))
    np.testing.assert_array_equal(ours.power, theirs.power)

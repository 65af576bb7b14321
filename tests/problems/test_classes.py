"""Names of classes: every kind of label gives what 0 ... K - 1 or -1, +1 give; results know them."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import tensorprog_mf as tp
from tests.helpers.marks import near_full_rank
from tests.helpers.tensor import Tensor

X = np.random.default_rng(0).normal(size=(6, 3))
TEST = X[:2] + 0.5
PLACES = [0, 1, 0, 2, 1, 0]  # of three classes
WORDS = ["ant", "bee", "cow"]
TRAINING, FEW = tp.Training(2, 0.3), dict(n_samples=64, n_replicates=2, samples=0, progress=False)


def labels(*names):
    return [names[place] for place in PLACES]


THREE = {
    "from 0": (PLACES, (0, 1, 2)),
    "from 1": (labels(1, 2, 3), (1, 2, 3)),
    "gaps": (labels(-4, 7, 100), (-4, 7, 100)),
    "floats": (labels(1.0, 2.0, 5.0), (1, 2, 5)),
    "small integers": (np.array(labels(1, 2, 3), np.int8), (1, 2, 3)),
    "words": (labels(*WORDS), tuple(WORDS)),
    "array of words": (np.array(WORDS)[PLACES], tuple(WORDS)),
    "bytes": (np.array(WORDS, "S")[PLACES], tuple(WORDS)),
    "objects": (np.array(labels(*WORDS), object), tuple(WORDS)),
    "numbers before words": (labels(3, "a", "b"), (3, "a", "b")),
    "series": (pd.Series(labels(*WORDS)), tuple(WORDS)),
    "series of objects": (pd.Series(labels(*WORDS), dtype=object), tuple(WORDS)),
    "categories in their order": (
        pd.Categorical(labels("c", "a", "b"), categories=list("cab")),
        ("c", "a", "b"),
    ),
    "series of categories": (
        pd.Series(labels("c", "a", "b"), dtype=pd.CategoricalDtype(list("cab"))),
        ("c", "a", "b"),
    ),
    "numbers as categories": (pd.Categorical(labels(9, 3, 5), categories=[9, 3, 5]), (9, 3, 5)),
    "index": (pd.Index(labels(*WORDS)), tuple(WORDS)),
    "table with one column": (pd.DataFrame({"animal": labels(*WORDS)}), tuple(WORDS)),
    "column": (np.array(labels(*WORDS))[:, None], tuple(WORDS)),
    "DataArray": (xr.DataArray(labels(*WORDS), dims="example"), tuple(WORDS)),
    "tensor": (Tensor(labels(1, 2, 3)), (1, 2, 3)),
    "named probabilities": (pd.DataFrame(np.eye(3)[PLACES], columns=WORDS), tuple(WORDS)),
    "probabilities": (np.eye(3)[PLACES], None),
    "named DataArray": (
        xr.DataArray(np.eye(3)[PLACES], dims=("example", "class"), coords={"class": WORDS}),
        tuple(WORDS),
    ),
}


@pytest.mark.parametrize("kind", THREE)
def test_every_kind_of_label_gives_the_same_probabilities(kind, recwarn):
    given, classes = THREE[kind]
    problem = tp.Problem(X, given, loss="cross_entropy")
    assert problem.targets.tobytes() == np.eye(3)[PLACES].tobytes()
    assert problem.classes == classes and [type(c) for c in problem.classes or ()] == [
        type(c) for c in classes or ()
    ]
    assert (
        problem.describe().get("classes") == (None if classes is None else list(classes)) and not recwarn.list
    )
    json.dumps(problem.describe())
    again = dataclasses.replace(problem, inputs=2 * X)
    assert again.classes == problem.classes and again.targets.tobytes() == problem.targets.tobytes()


SIGNS = np.array([-1.0, 1, -1, -1, 1, 1])
TWO = {
    "signs": (SIGNS, None),
    "whole signs": (SIGNS.astype(int), None),
    "zeros and ones": ((SIGNS > 0) * 1, (1, 0)),
    "truth": (SIGNS > 0, (True, False)),
    "ones and twos": (1.5 + SIGNS / 2, (2, 1)),
    "words": (np.where(SIGNS > 0, "no", "ja"), ("no", "ja")),
    "objects": (np.where(SIGNS > 0, "no", "ja").astype(object), ("no", "ja")),
    "series": (pd.Series(np.where(SIGNS > 0, "no", "ja")), ("no", "ja")),
    "tensor": (Tensor((SIGNS > 0) * 1), (1, 0)),
    "categories": (pd.Categorical(np.where(SIGNS > 0, "a", "b"), categories=["b", "a"]), ("a", "b")),
}


@pytest.mark.parametrize("loss", ["logistic", "hinge"])
@pytest.mark.parametrize("kind", TWO)
def test_of_two_labels_the_second_is_positive(kind, loss, recwarn):
    given, classes = TWO[kind]
    problem = tp.Problem(X, given, loss=loss)
    assert problem.targets.tobytes() == SIGNS.tobytes() and problem.classes == classes and not recwarn.list
    column = tp.Problem(
        X,
        (
            np.reshape(np.asarray(getattr(given, "data", given)), (-1, 1))
            if kind != "categories"
            else pd.DataFrame({"y": given})
        ),
        loss=loss,
    )
    assert column.targets.shape == (6, 1) and column.outputs == 1
    again = dataclasses.replace(problem, inputs=2 * X)
    assert again.classes == classes and again.targets.tobytes() == SIGNS.tobytes()


@pytest.mark.parametrize("loss", ["squared", "logistic", "hinge"])
def test_of_named_classes_the_first_is_positive(loss):
    """As read_table has it, for the squared loss too, where labels are classes only if they are named."""
    words = np.where(SIGNS > 0, "ja", "no")
    problem = tp.Problem(X, words, TEST, loss, ["no", "ja"], classes=["ja", "no"])
    np.testing.assert_array_equal(problem.targets, SIGNS)
    np.testing.assert_array_equal(problem.test_targets, [-1, 1])
    assert problem.classes == ("ja", "no")
    ds = tp.sample(tp.MLP(1), problem, TRAINING, **FEW)
    assert (
        json.loads(ds.attrs["problem_json"])["classes"] == ["ja", "no"]
        and "+1 is 'ja', -1 is 'no'" in ds.target.attrs["comment"]
    )
    assert "class_label" not in ds.coords
    np.testing.assert_array_equal(
        ds.output, tp.sample(tp.MLP(1), tp.Problem(X, SIGNS, TEST, loss, [-1, 1]), TRAINING, **FEW).output
    )


@near_full_rank
def test_labels_from_one_have_no_class_too_many():
    """They began at log 3 with a class that nobody has; now to the same bits as labels from 0."""
    runs = [
        tp.sample(
            tp.MLP(2), tp.Problem(X, np.array([0, 1] * 3) + first, loss="cross_entropy"), TRAINING, **FEW
        )
        for first in (0, 1)
    ]
    assert runs[1].sizes["output"] == 2 and float(runs[1].loss[0]) == pytest.approx(np.log(2), abs=1e-12)
    np.testing.assert_array_equal(runs[0].output, runs[1].output)
    assert [ds.class_label.values.tolist() for ds in runs] == [[0, 1], [1, 2]]


ROUTES = {
    "sample": lambda p: tp.sample(tp.MLP(1), p, TRAINING, **FEW),
    "static_ntk": lambda p: tp.static_ntk(tp.MLP(1), p, TRAINING),
    "train_finite": lambda p: tp.train_finite(tp.MLP(1), p, TRAINING, width=8, n_replicates=2),
    "gradient_independence": lambda p: tp.gradient_independence(tp.MLP(1), p, TRAINING, **FEW),
    "solve_linear": lambda p: tp.solve_linear(
        tp.MLP(1, "linear"), tp.Problem(X, np.eye(3)[PLACES], classes=WORDS), TRAINING
    ),
}


@pytest.mark.parametrize("route", ROUTES)
def test_results_know_the_classes(route, tmp_path):
    problem = tp.Problem(X, labels(*WORDS), TEST, "cross_entropy", ["cow", "ant"])
    ds = ROUTES[route](problem)
    assert ds.class_label.dims == ("output",) and ds.class_label.values.tolist() == WORDS
    assert "output" in ds.data_vars and json.loads(ds.attrs["problem_json"])["classes"] == WORDS
    tp.save(ds, tmp_path / "run.nc")
    again = tp.load(tmp_path / "run.nc")
    xr.testing.assert_identical(again.class_label, ds.class_label)
    difference = again - ds
    assert difference.class_label.values.tolist() == WORDS and not difference.output.any()
    assert float(tp.compare(ds, again).output_max.max()) == 0
    bee = again.output.set_xindex("class_label").sel(class_label="bee")
    np.testing.assert_array_equal(bee, ds.output[:, :, 1])


@pytest.mark.parametrize(
    "names, stored", [((2, 5), [2, 5]), ((False, True), ["False", "True"]), ((3, "a"), ["3", "a"])]
)
def test_labels_of_any_kind_can_be_saved(names, stored, tmp_path):
    ds = tp.static_ntk(
        tp.MLP(1), tp.Problem(X, [names[place > 0] for place in PLACES], loss="cross_entropy"), TRAINING
    )
    tp.save(ds, tmp_path / "run.nc")
    assert tp.load(tmp_path / "run.nc").class_label.values.tolist() == stored


def test_runs_with_other_names_can_be_subtracted():
    runs = [
        tp.static_ntk(tp.MLP(1), tp.Problem(X, given, loss="cross_entropy"), TRAINING)
        for given in (PLACES, labels(*WORDS), np.eye(3)[PLACES])
    ]
    for ds in runs[1:]:
        assert not (runs[0] - ds).output.any() and (runs[0] - ds).sizes["output"] == 3


EMPTY = [
    (
        lambda: tp.Problem(
            X, pd.Categorical(labels(*WORDS), categories=[*WORDS, "dog"]), loss="cross_entropy"
        ),
        "Class 'dog' has no training example",
    ),
    (
        lambda: tp.Problem(X, labels(*WORDS), loss="cross_entropy", classes=["dog", *WORDS, "eel"]),
        "Classes 'dog', 'eel' have no training example",
    ),
    (lambda: tp.Problem(X, PLACES, TEST, "cross_entropy", [2, 3]), "Class 3 has no training example"),
    (lambda: tp.Problem(X, np.eye(4)[PLACES], loss="cross_entropy"), "Class 3 has no training example"),
    (
        lambda: tp.Problem(X, pd.DataFrame(np.eye(4)[PLACES], columns=[*WORDS, "dog"]), loss="cross_entropy"),
        "Class 'dog' has",
    ),
    (lambda: tp.Problem(X, labels(0, 1, 4), loss="cross_entropy", classes=range(5)), "Classes 2, 3 have no"),
]


@pytest.mark.parametrize("make, message", EMPTY)
def test_a_class_without_training_example_is_told_of(make, message):
    with pytest.warns(tp.DataWarning, match=message) as caught:
        make()
    assert len(caught) == 1 and caught[0].filename == __file__


def test_columns_of_probabilities_go_by_their_names():
    table = pd.DataFrame(np.eye(3)[PLACES], columns=WORDS)
    problem = tp.Problem(X, table, TEST, "cross_entropy", pd.DataFrame(np.eye(3)[:2], columns=WORDS[::-1]))
    np.testing.assert_array_equal(problem.test_targets, np.eye(3)[::-1][:2])
    np.testing.assert_array_equal(
        tp.Problem(X, table, loss="cross_entropy", classes=WORDS[::-1]).targets, np.eye(3)[PLACES][:, ::-1]
    )
    mixed = tp.Problem(X, table, TEST, "cross_entropy", ["cow", "ant"])
    np.testing.assert_array_equal(mixed.test_targets, np.eye(3)[[2, 0]])
    assert tp.Problem(X, np.eye(3)[PLACES], TEST, "cross_entropy", [2, 0]).classes == (0, 1, 2)


REFUSED = [
    (dict(targets=["a"] * 6, loss="cross_entropy"), "targets have 1 class; 2 to 10,000"),
    (
        dict(targets=[0.5, 1, 1, 1, 0, 0], loss="cross_entropy"),
        "whole numbers, words or truth values; 0.5 in example 0 is not",
    ),
    (dict(targets=["a", None, "b", "a", "b", "a"], loss="cross_entropy"), "missing value in example 1"),
    (
        dict(targets=pd.Categorical(["a", None, "b", "a", "b", "a"]), loss="cross_entropy"),
        "missing value in example 1",
    ),
    (dict(targets=[1, 2, np.nan, 1, 1, 1], loss="logistic"), "missing value in example 2"),
    (
        dict(targets=pd.to_datetime(["2020"] * 6), loss="cross_entropy"),
        "is not; if it names a class turn it into a word",
    ),
    (
        dict(targets=pd.cut(pd.Series(range(6)), 2), loss="cross_entropy"),
        "Interval.* is not; if it names a class",
    ),
    (
        dict(targets=np.ma.array(PLACES, mask=[0, 0, 0, 0, 0, 1]), loss="cross_entropy"),
        "targets hide 1 of 6 values",
    ),
    (
        dict(targets=labels(*WORDS), loss="cross_entropy", classes=["ant", "bee"]),
        "'cow' in example 3 is not one of the classes 'ant', 'bee'",
    ),
    (
        dict(targets=labels(*WORDS), loss="logistic"),
        "of two classes; these have 3, 'ant', 'bee', 'cow': take loss=\"cross_entropy\"",
    ),
    (
        dict(targets=["a"] * 6, loss="hinge"),
        "these have 1, 'a': name both with classes=\\(positive, negative\\)",
    ),
    (dict(targets=[0] * 6, loss="logistic"), "these have 1, 0: name both"),
    (dict(targets=[0.3] * 6, loss="logistic"), "must be -1 or \\+1, or two classes; 0.3"),
    (dict(targets=labels(*WORDS)), "words as targets are classes"),
    (
        dict(targets=labels(*WORDS), classes=WORDS),
        "'squared' tells two apart; for more take loss=\"cross_entropy\"",
    ),
    (dict(targets=SIGNS, classes=(-1, 1)), "would turn signs around"),
    (dict(targets=PLACES, loss="cross_entropy", classes="abc"), "classes='abc' must list two or more labels"),
    (dict(targets=PLACES, loss="cross_entropy", classes=[0]), "must list two or more labels"),
    (dict(targets=PLACES, loss="cross_entropy", classes=[0, 1, 1]), "must be different labels"),
    (
        dict(targets=np.eye(3)[PLACES], loss="cross_entropy", classes=[0, 1]),
        "targets have 3 columns, but there are 2 classes",
    ),
    (dict(targets=np.eye(3)[PLACES], classes=[0, 1]), "classes has 2 names, but targets are \\(6, 3\\)"),
]


@pytest.mark.parametrize("given, message", REFUSED)
def test_labels_that_are_none(given, message):
    with pytest.raises(tp.InputError, match=message) as caught:
        tp.Problem(X, **given)
    assert "\n" not in str(caught.value)


def test_streams_bring_labels_where_classes_are_named():
    batches = [(X[:2], ["cow", "ant"]), (X[2:4], ["ant", "ant"]), (X[:3], ["bee", "ant", "cow"])]
    problem = tp.OnlineProblem(batches, TEST, "cross_entropy", ["bee", "cow"], classes=WORDS)
    np.testing.assert_array_equal(problem.batch(1)[1], np.eye(3)[[0, 0]])
    ds = tp.sample(tp.MLP(1), problem, TRAINING, **FEW)
    assert (
        ds.class_label.values.tolist() == WORDS and json.loads(ds.attrs["problem_json"])["classes"] == WORDS
    )
    with pytest.raises(tp.InputError, match="probabilities \\(example, class\\), or labels with classes="):
        tp.OnlineProblem(batches, TEST, "cross_entropy")
    signs = tp.OnlineProblem([(X[:1], ["no"])], TEST, "logistic", ["ja", "no"], classes=("ja", "no"))
    assert signs.batch(0)[1].tolist() == [-1] and signs.test_targets.tolist() == [1, -1]
    with pytest.raises(tp.InputError, match="a batch need not hold both of them; name the two"):
        tp.OnlineProblem([(X[:2], [0, 1])], TEST, "logistic")


def table(folder, values):
    path = folder / "table.csv"
    path.write_text(
        "\n".join(["a,b,kind", *(f"{a:.3f},{b:.3f},{value}" for (a, b), value in zip(X[:, :2], values))])
    )
    return path


@pytest.mark.parametrize(
    "values, given, classes, places",
    [
        (labels(*WORDS), {}, tuple(WORDS), PLACES),
        (labels(1, 2, 3), {}, (1, 2, 3), PLACES),
        (labels("1.0", "x", "1"), {}, (1, "x"), [0, 1, 0, 0, 1, 0]),
        (labels(*WORDS), {"classes": ["cow", "ant", "bee"]}, ("cow", "ant", "bee"), [1, 2, 1, 0, 2, 1]),
        (labels(0.5, 1.5, 2.5), {}, ("0.5", "1.5", "2.5"), PLACES),
        (labels(*WORDS), {"classes": ["bee", "ant"]}, ("bee", "ant"), [1, 0, 1, 0, 1]),
    ],
)
def test_tables_have_classes(tmp_path, values, given, classes, places):
    problem = tp.read_table(table(tmp_path, values), loss="cross_entropy", **given)
    assert problem.classes == classes
    np.testing.assert_array_equal(problem.targets, np.eye(len(classes))[places])


@pytest.mark.parametrize("loss", ["squared", "logistic", "hinge"])
def test_tables_of_two_classes(tmp_path, loss):
    path = table(tmp_path, np.where(SIGNS > 0, "ja", "no"))
    problem = tp.read_table(path, classes=["ja", "no"], loss=loss)
    assert problem.classes == ("ja", "no") and problem.targets.tolist() == SIGNS.tolist()
    if loss == "squared":
        with pytest.raises(tp.InputError, match="name the two values to tell apart"):
            tp.read_table(path, loss=loss)
    else:
        found = tp.read_table(path, loss=loss)
        assert found.classes == ("no", "ja") and found.targets.tolist() == (-SIGNS).tolist()
        assert tp.read_table(table(tmp_path, SIGNS), loss=loss).targets.tolist() == SIGNS.tolist()


def test_configurations_have_classes(tmp_path):
    from tensorprog_mf.cli.config import read

    np.save(tmp_path / "x.npy", X)
    (tmp_path / "y.csv").write_text("\n".join(labels(*WORDS)))
    head = '[problem]\ninputs = "x.npy"\nloss = "cross_entropy"\n'
    tail = "\n[network]\ndepth = 1\n[training]\nsteps = 1\nlearning_rate = 0.1\n"
    for targets, classes in (
        ('targets = "y.csv"', tuple(WORDS)),
        (f"targets = {labels(*WORDS)}\nclasses = ['cow', 'ant', 'bee']", ("cow", "ant", "bee")),
        (f"targets = {labels(1, 2, 3)}", (1, 2, 3)),
    ):
        (tmp_path / "config.toml").write_text(head + targets + tail)
        problem = read(tmp_path / "config.toml").problem
        assert problem.classes == classes
        np.testing.assert_array_equal(
            problem.targets,
            np.array(labels(*WORDS) if classes[0] != 1 else labels(1, 2, 3))[:, None] == np.array(classes),
        )

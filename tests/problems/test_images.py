"""CIFAR-10 from a small file of its format."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tests.helpers.marks import near_full_rank


@pytest.fixture
def folder(tmp_path):
    """Two training files of 6 and 4 images, a test file of 5; pixel values name image and place."""
    rng = np.random.default_rng(0)
    for name, labels in (
        ("data_batch_1", [3, 5, 3, 0, 5, 9]),
        ("data_batch_2", [3, 3, 5, 1]),
        ("test_batch", [5, 3, 7, 5, 3]),
    ):
        pixels = rng.integers(256, size=(len(labels), 3072), dtype=np.uint8)
        np.hstack([np.array(labels, np.uint8)[:, None], pixels]).tofile(tmp_path / f"{name}.bin")
    return tmp_path


def test_two_classes(folder):
    problem = tp.read_cifar10(folder, 6, 3, classes=(3, 5))
    assert problem.inputs.shape == (6, 3, 32, 32) and problem.loss.name == "squared"
    assert problem.targets.tolist() == [1, -1, 1, -1, 1, 1] and problem.test_targets.tolist() == [-1, 1, -1]
    np.testing.assert_allclose(problem.inputs.mean(axis=0), 0, atol=1e-12)
    assert (problem.inputs**2).mean() == pytest.approx(1)
    raw = (
        np.fromfile(folder / "data_batch_1.bin", np.uint8)
        .reshape(-1, 3073)[:, 1:]
        .reshape(-1, 3, 32, 32)
        .astype(float)
    )
    difference, own = (
        raw[2] - raw[0],
        problem.inputs[2] - problem.inputs[0],
    )  # channel, row, column in this order
    np.testing.assert_allclose(own / own[1, 7, 30], difference / difference[1, 7, 30], atol=1e-9)


@near_full_rank
def test_ten_classes_and_a_network(folder):
    with pytest.warns(tp.DataWarning, match="Classes 1, 2, 4, 6, 7, 8 have no training example"):
        problem = tp.read_cifar10(folder, 8, 2, block=8)
    assert (
        problem.inputs.shape == (8, 3, 4, 4)
        and problem.targets.shape == (8, 10)
        and problem.loss.name == "cross_entropy"
    )
    assert problem.targets.argmax(axis=1).tolist() == [3, 5, 3, 0, 5, 9, 3, 3]
    assert tp.read_cifar10(folder, 8, block=8, loss="squared").targets.shape == (8, 10)
    pair = tp.read_cifar10(folder, 6, classes=(5, 3), loss="cross_entropy", block=8)
    assert pair.targets.argmax(axis=1).tolist() == [1, 0, 1, 0, 1, 1]
    ds = tp.sample(
        tp.CNN(2, stride=2, padding="zero"), problem, tp.Training(2, 0.5), n_samples=256, n_replicates=1
    )
    assert problem.classes == tuple(range(10)) and pair.classes == (5, 3)
    assert ds.class_label.values.tolist() == list(range(10)) and ds.class_label.dims == ("output",)
    assert ds.output.dims == ("time", "example", "output") and ds.input.dims == (
        "example",
        "channel",
        "row",
        "column",
    )


@pytest.mark.parametrize(
    "message, call",
    [
        ("data_batch_3.bin: no such file; unpack", dict(n_train=11)),
        ("holds 2 such images of the 3 asked for", dict(n_train=2, n_test=3, classes=(3, 0))),
        ("must be two different labels", dict(n_train=2, classes=(3, 10))),
        ("block=3 must divide 32", dict(n_train=2, block=3)),
        ("loss='hinge' tells two classes apart", dict(n_train=2, loss="hinge")),
    ],
)
def test_bad_requests(folder, message, call):
    with pytest.raises(tp.InputError, match=message):
        tp.read_cifar10(folder, **call)


def test_damaged_files(folder):
    data = (folder / "data_batch_1.bin").read_bytes()
    (folder / "data_batch_1.bin").write_bytes(data[:-1])
    with pytest.raises(tp.InputError, match="truncated or not CIFAR-10: 18437 bytes"):
        tp.read_cifar10(folder, 2)
    (folder / "data_batch_1.bin").write_bytes(b"\xff" + data[1:])
    with pytest.raises(tp.InputError, match="it has label 255"):
        tp.read_cifar10(folder, 2)

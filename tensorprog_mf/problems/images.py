"""Problems from image files: CIFAR-10 in its binary form."""

import pathlib
from collections.abc import Sequence

import numpy as np

from ..ground.calls import checked_call
from ..ground.errors import require, whole
from .problem import Problem

_SIDE, _CHANNELS, _CLASSES = 32, 3, 10
_RECORD = 1 + _CHANNELS * _SIDE * _SIDE
_TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
_TEST = "test_batch.bin"


@checked_call
def read_cifar10(
    folder: str | pathlib.Path,
    n_train: int,
    n_test: int = 0,
    classes: tuple[int, int] | None = None,
    loss: str | None = None,
    block: int = 1,
) -> Problem:
    """A `Problem` from the binary version of CIFAR-10 (Krizhevsky 2009), images (example, channel, row,
    column).

    Parameters
    ----------
    folder
        Where data_batch_1.bin ... data_batch_5.bin and test_batch.bin are, as unpacked; files of any number
        of images will do.
    n_train, n_test
        The first images of the training files, in order, and of the test file.
    classes
        Two labels: +1 and -1, others are left out. None: all ten classes.
    loss
        "cross_entropy" by default for ten classes, "squared" for two. Ten classes have ten outputs, with any
        loss.
    block
        Average over blocks of this many pixels per axis.

    Images are shifted by the mean of the training images, pixel by pixel, and scaled to |x|^2 / D = 1 on
    average per channel.

    Raises
    ------
    InputError
        A file that is missing or truncated, unknown labels, fewer images than asked for.
    """
    folder, n_train, n_test = pathlib.Path(folder), whole("n_train", n_train, 1), whole("n_test", n_test)
    block = whole("block", block, 1)
    require(_SIDE % block == 0, f"block={block} must divide {_SIDE}.")
    two = None if classes is None else _two(classes)
    train = _first([folder / name for name in _TRAIN], n_train, two)
    test = _first([folder / _TEST], n_test, two) if n_test else None
    images = np.concatenate([train[1], test[1]]) if test else train[1]
    side = _SIDE // block
    images = images.reshape(-1, _CHANNELS, side, block, side, block).mean(axis=(3, 5))
    images -= images[:n_train].mean(axis=0)
    scale = np.sqrt((images[:n_train] ** 2).mean())
    require(scale > 0, f"{folder}: all training images are the same; there is nothing to learn.")
    images /= scale
    labels = np.concatenate([train[0], test[0]]) if test else train[0]
    loss = loss or ("squared" if two else "cross_entropy")
    require(
        two is not None or loss not in ("logistic", "hinge"),
        f"loss={loss!r} tells two classes apart; name them with classes=(first, second).",
    )
    targets = np.eye(_CLASSES)[labels] if two is None and loss != "cross_entropy" else labels
    return Problem(
        images[:n_train],
        targets[:n_train],
        images[n_train:] if test else None,
        loss,
        targets[n_train:] if test else None,
        two or tuple(range(_CLASSES)),  # a few images need not hold every class
    )


def _two(classes: Sequence[int]) -> tuple[int, ...]:
    """The argument `classes`, checked."""
    require(np.ndim(classes) == 1 and len(classes) == 2, f"classes={classes!r} must be two labels.")
    found = tuple(whole("classes", label) for label in classes)
    require(
        len(set(found)) == 2 and max(found) < _CLASSES,
        f"classes={classes!r} must be two different labels 0 ... {_CLASSES - 1}.",
    )
    return found


def _first(
    files: list[pathlib.Path], count: int, classes: Sequence[int] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Labels and images (example, channel, row, column) of the first `count` records of some classes."""
    labels, images, found = [], [], 0
    for file in files:
        if found >= count:
            break
        own, pixels = _records(file)
        chosen = slice(None) if classes is None else np.isin(own, classes)
        labels.append(own[chosen])
        images.append(pixels[chosen])
        found += len(labels[-1])
    require(
        found >= count,
        f"{files[0].parent} holds {found} such images of the {count} asked for; ask for fewer.",
    )
    pixels = np.concatenate(images)[:count].reshape(-1, _CHANNELS, _SIDE, _SIDE)
    return np.concatenate(labels)[:count], pixels / 255.0


def _records(file: pathlib.Path) -> tuple[np.ndarray, np.ndarray]:
    require(file.is_file(), f"cannot read {file}: no such file; unpack the binary version of CIFAR-10 there.")
    data = np.fromfile(file, np.uint8)
    require(
        data.size > 0 and data.size % _RECORD == 0,
        f"{file} is truncated or not CIFAR-10: {data.size} bytes are not a whole number of records of"
        f" {_RECORD}; fetch it again.",
    )
    rows = data.reshape(-1, _RECORD)
    require(
        rows[:, 0].max() < _CLASSES,
        f"{file} is not CIFAR-10: it has label {rows[:, 0].max()}, labels are 0 ... {_CLASSES - 1}.",
    )
    return rows[:, 0].astype(int), rows[:, 1:]

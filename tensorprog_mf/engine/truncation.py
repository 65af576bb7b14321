"""What a tolerance leaves out of the outputs, and the tolerance that leaves out little.

A feature x = E c + rest of which `rest` was left out loses W rest from the field of the next layer, and with
it the output loses E[g . W rest] / gamma0 = E[z . rest] / gamma0, z = W^T g the field that comes back: to
first order all that is missing at given weights. Training then takes some of it back, or amplifies it, and
what is left out of backward queries makes gradients rough, which is not divided by gamma0. Measured on 25
networks, losses and rules from richness 1e-4 to 8, same weights at a tolerance of 1e-10: the first order
alone is 1 to 3 times what outputs are off by in lazy networks, and a third of it in rich ones, hence a
factor. Legend: gamma0 richness, eps what is left out of outputs, root mean square over examples.
"""

from dataclasses import dataclass

import numpy as np

USUAL = 1e-4
# down to which eps <= 2e-5 at the usual tolerance, below a tenth of the sampling error at n_samples = 4096
_RICH = 0.1
_FLOOR = 1e-10  # rounding: directions found below it are those of rounding
_OFTEN = 8
_AMPLIFIED = 2.0  # by training at richness of order one
NAME = "output_truncation"


def default_tolerance(richness: float, target: float | None = None) -> float:
    """1e-4 down to richness 0.1, below it in proportion, so that what is left out of outputs stays as small.

    One rule for every network: features are of order one in all of them and outputs are averages over them
    divided by `richness`. A `target` error of outputs smaller than that asks for less.
    """
    wanted = USUAL if richness >= _RICH else USUAL * richness / _RICH
    return max(_FLOOR, wanted if target is None else min(wanted, target * richness))


@dataclass
class LeftOut:
    """What is left out of the outputs of one run: `value`, now or in the root mean square up to now,
    whichever is more.

    Outputs keep what training has made of it; and at some steps E[z . rest] is small by chance, if examples
    are few.
    """

    richness: float
    value: float = 0.0
    _step: int = -1
    _squares: float = 0.0
    _count: int = 0

    def due(self, step: int) -> bool:
        """Whether to measure at this step: the first ones and every third, as all of them would cost 2 %."""
        return step != self._step and (step < _OFTEN or step - self._step > 2)

    def add(self, step: int, left: list[np.ndarray], errors: np.ndarray | None) -> None:
        """Take in E[z . rest] of every matrix, (column, example).

        With `errors` (example, output) the fields z are sums over outputs weighted by them: what is left out
        of the outputs, in their direction, stands for every output.
        """
        whole = sum(left[1:], left[0]) if left else np.zeros((1, 0))  # no matrix may have been asked
        total = whole / self.richness * (1 + _AMPLIFIED * min(self.richness, 1.0))
        if errors is not None:
            size = np.linalg.norm(errors[: total.shape[1]], axis=1)
            total = total[:, size > 0] / size[size > 0]
        square = float(np.mean(total**2)) if total.size else 0.0
        self._step, self._squares, self._count = step, self._squares + square, self._count + 1
        self.value = max(square, self._squares / self._count) ** 0.5


def combined(arrays: dict, splits: np.ndarray) -> dict:
    """Arrays, name to (dims, values), with eps joined in quadrature to the standard errors of outputs, losses
    and error signal.

    Losses follow from the outputs of training or of test examples, which `splits` tells apart: their errors
    grow by the same factor. A result of a stream holds no training examples; all others stand for them.
    """
    if not {NAME, "output_stderr"} <= arrays.keys():
        return arrays
    dims, sampled = arrays["output_stderr"]
    left = np.reshape(arrays[NAME][1], (-1, *[1] * (sampled.ndim - 1)))
    whole = np.hypot(sampled, left)
    found = arrays | {"output_stderr": (dims, whole)}
    train, test = splits == "train", splits == "test"
    train = train if train.any() else test
    for name, examples in (
        ("loss_stderr", train),
        ("error_signal_stderr", train),
        ("test_loss_stderr", test),
    ):
        if name in arrays:
            before, after = (
                _root_mean_square(np.compress(examples, values, axis=1)) for values in (sampled, whole)
            )
            factor = np.divide(after, before, out=np.ones_like(after), where=before > 0)
            dims, values = arrays[name]
            found[name] = (dims, values * factor.reshape(-1, *[1] * (values.ndim - 1)))
    return found


def _root_mean_square(values: np.ndarray) -> np.ndarray:
    """(time,), over all that follows."""
    return np.sqrt((values.reshape(len(values), -1) ** 2).mean(axis=1))

"""An array that behaves as a tensor of torch, which the tests do not need."""

import numpy as np


class Tensor:
    """As a tensor of torch: `values` is a method, numpy() refuses what follows gradients or is no type of
    it."""

    def __init__(self, data, requires_grad=False, dtype="float64", layout="strided"):
        self.data, self.requires_grad, self.dtype, self.layout = (
            np.asarray(data),
            requires_grad,
            dtype,
            layout,
        )

    def _with(self, **more):
        return Tensor(
            self.data,
            **({"requires_grad": self.requires_grad, "dtype": self.dtype, "layout": self.layout} | more),
        )

    def values(self):
        raise RuntimeError("values expected sparse tensor layout but got Strided")

    def detach(self):
        return self._with(requires_grad=False)

    def cpu(self):
        return self

    def float(self):
        return self._with(dtype="float32")

    is_sparse = property(lambda self: self.layout == "sparse")

    def to_dense(self):
        return self._with(layout="strided")

    def numpy(self):
        if self.requires_grad:
            raise RuntimeError(
                "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
            )
        if self.dtype == "bfloat16" or self.layout == "sparse":
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self.data

    def __array__(self, *given, **named):
        return self.numpy()

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        return self._with() if index is None else Tensor(self.data[index], self.requires_grad)

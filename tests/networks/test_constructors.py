"""What people write in a constructor is checked once; fields hold the checked form, and copies are equal."""

import dataclasses
import pickle

import numpy as np
import pytest

import tensorprog_mf as tp

WRITTEN = [
    (tp.MLP(np.int64(2), "relu", 2), tp.MLP(2.0, tp.Activation("relu"), 2.0, (1.0, 1.0, 1.0))),
    (
        tp.MLP(2, weight_std=[1, 2, 3], bias_std=0.5),
        tp.MLP(2, weight_std=(1, 2, 3), bias_std=np.full(2, 0.5)),
    ),
    (tp.ResidualMLP("infinite", n_tau=8), tp.ResidualMLP("infinite", branch_scale=1, n_tau=8.0)),
    (tp.CNN(2, kernel=3, stride=2, pooling=1), tp.CNN(2, kernel=[3], stride=np.array([2, 2]), pooling=(1,))),
    (tp.RNN(), tp.RNN("tanh", 1, "last")),
    (tp.Transformer(1, causal=np.True_), tp.Transformer(1, head_dimension=4.0, causal=True)),
    (tp.MeanFieldMLP(3), tp.MeanFieldMLP(3, hidden_mean=[1, tp.Gaussian(1, 0)], hidden_std=(1, 1))),
    (tp.MeanFieldMLP(1, input_weight=2), tp.MeanFieldMLP(1, input_weight=tp.Gaussian(2, 0), hidden_mean=[])),
]


@pytest.mark.parametrize("one, other", WRITTEN)
def test_one_network_written_in_two_ways(one, other):
    assert one == other and hash(one) == hash(other) and repr(one) == repr(other)
    assert one.describe() == other.describe()
    assert pickle.loads(pickle.dumps(one)) == one == dataclasses.replace(one)
    assert [field.name for field in dataclasses.fields(one)] == list(vars(one))
    changed = dataclasses.replace(one, activation="erf")
    assert changed != one and changed.activation == tp.Activation("erf")
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.activation = "erf"

"""Small networks of every architecture other than the MLP, and examples for them."""

import numpy as np

import tensorprog_mf as tp

# Every option once: the network, and the shape of an example.
NETWORKS = {
    "residual": (tp.ResidualMLP(3, branch_scale=0.8), (4,)),
    "cnn circular average": (tp.CNN(2), (2, 4)),
    "cnn zero flat": (tp.CNN(3, padding="zero", readout="flat"), (2, 5)),
    "cnn planes stride": (tp.CNN(2, stride=(1, 2), padding="zero"), (1, 3, 3)),
    "cnn planes pooling": (tp.CNN(2, pooling=2, kernel=(2, 3), readout="flat"), (1, 4, 2)),
    "cnn pooling strides kernel 2": (tp.CNN(3, kernel=2, stride=(2, 1, 1), pooling=(2, 1)), (2, 8)),
    "rnn last": (tp.RNN(), (3, 2)),
    "rnn average": (tp.RNN(readout="average"), (3, 2)),
    "attention": (tp.Transformer(2, head_dimension=2), (3, 4)),
    "attention infinite causal": (tp.Transformer(1, head_dimension="infinite", causal=True), (3, 4)),
    "attention mlp normalise": (
        tp.Transformer(2, head_dimension=3, causal=True, mlp=True, normalise=True, logit_exponent=1.0),
        (2, 4),
    ),
}


def examples(shape, count=3):
    return np.random.default_rng(len(shape) + shape[-1]).normal(size=(count, *shape))

"""Calls as users write them, which mypy checks: routes take by type what they take. Never run."""

import numpy as np
import xarray as xr

import tensorprog_mf as tp


def calls(teacher: tp.Activation) -> xr.Dataset:
    """Lists and arrays in place of tuples, streams in place of problems."""
    problem = tp.Problem([[1.0, 2.0], [0.0, 1.0]], [1, -1], test_inputs=np.eye(2), classes=("a", "b"))
    stream = tp.OnlineProblem(tp.GaussianStream(2, batch_size=2, teacher=lambda x: x[:, 0]), np.eye(2))
    network = tp.MLP(2, teacher, weight_std=[1.0, 1.0, 1.0], bias_std=np.ones(2))
    training = tp.Training(
        50, 0.4, multipliers=[1, 1, 1], schedule="cosine", batches=[[0], [1]], learning_rule="hebb"
    )
    flow = tp.Training(flow=True, times=np.linspace(0, 1, 3))
    until_the_end = tp.Training(flow=True, times=[0, float("inf")])
    record = tp.Record(
        tp.log_steps(100, 20), kernel_examples=range(3), densities=["feature"], edges=np.linspace(-1, 1, 9)
    )
    limit = tp.sample(network, problem, training, record=record)
    tp.static_ntk(network, problem, until_the_end, record=[0, 1])
    tp.gradient_independence(network, stream, flow)
    tp.train_finite(network, stream, training, width=16)
    return tp.compare(limit, tp.sample(tp.CNN(2, kernel=[3, 3]), stream, training))

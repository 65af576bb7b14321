"""One run of a table, in a process of its own: its peak of resident memory beside the estimate.

python tests/verification/memory_cases.py "MLP"
"""

import resource
import sys
import warnings

import numpy as np

import tensorprog_mf as tp

RNG = np.random.default_rng(0)
STREAM = tp.GaussianStream(30, 8, lambda x: x[:, 0])


def made(*shape, outputs=()):
    return tp.Problem(RNG.normal(size=shape), RNG.normal(size=(shape[0], *outputs)))


def case(network, problem, training, sites, route=tp.sample, **settings):
    size = "width" if route is tp.train_finite else "n_samples"
    last = training.last
    usual = {
        size: sites,
        "samples": 8,
        "n_replicates": 1,
        "threads": 1,
        "progress": False,
        "record": [0, last],
    }
    return lambda: route(network, problem, training, **usual | settings)


def steps(count, rate=0.3, **more):
    return tp.Training(count, rate, **more)


def flow(tolerance):
    return tp.Training(flow=True, times=[1.0, 4.0], tolerance=tolerance)


BETWEEN = tp.Record(two_time=True, responses=True)
FIELDS = tp.Record(moments=["preactivation", "feature"], densities=["preactivation"])
HEADS = dict(head_dimension=4)
CASES = {
    "MLP": case(tp.MLP(3), made(30, 20), steps(40), 8192),
    "MLP, momentum, two at once": case(
        tp.MLP(2), made(20, 10), steps(30, 0.2, momentum=0.5), 16384, n_replicates=2, threads=2
    ),
    "MLP, 300 examples": case(tp.MLP(2), made(300, 50), steps(10), 4096),
    "MLP, all records": case(
        tp.MLP(3), made(60, 20), steps(60, 0.1), 512, n_replicates=4, samples=64, record=None
    ),
    "MLP, ten outputs": case(tp.MLP(2), made(60, 20, outputs=(10,)), steps(30), 8192),
    "MLP, batches": case(tp.MLP(2), made(100, 30), steps(40, 0.2, batch_size=10), 8192),
    "MLP, feedback alignment": case(
        tp.MLP(3), made(20, 10), steps(30, 0.2, learning_rule="feedback_alignment"), 8192
    ),
    "MLP, gradient independence": case(tp.MLP(3), made(40, 20), steps(50), 8192, tp.gradient_independence),
    "MLP, moments": case(tp.MLP(2), made(100, 10), steps(30, 0.2), 4096, record=FIELDS),
    "MLP, two times and responses": case(tp.MLP(2), made(10, 10), steps(30, 0.2), 8192, record=BETWEEN),
    "MLP, stored": case(tp.MLP(3), made(40, 20), steps(20), 3072, tp.train_finite),
    "MLP, stored, momentum": case(tp.MLP(3), made(40, 20), steps(20, momentum=0.9), 3072, tp.train_finite),
    "MLP, online": case(tp.MLP(2), tp.OnlineProblem(STREAM, RNG.normal(size=(20, 30))), steps(60, 0.2), 8192),
    "MLP, flow to 1e-3": case(tp.MLP(2), made(20, 10), flow(1e-3), 8192),
    "MLP, flow to 1e-5": case(tp.MLP(2), made(20, 10), flow(1e-5), 8192),
    "MeanFieldMLP": case(tp.MeanFieldMLP(3), made(30, 20), steps(40), 8192),
    "ResidualMLP": case(tp.ResidualMLP(6), made(20, 20), steps(30), 8192),
    "CNN, rows": case(tp.CNN(3), made(8, 2, 12), steps(10), 4096),
    "CNN, rows, stride": case(tp.CNN(3, stride=2), made(8, 2, 32), steps(10), 4096),
    "CNN": case(tp.CNN(2), made(6, 1, 6, 6), steps(6), 2048),
    "CNN, stride and pooling": case(
        tp.CNN(3, stride=(1, 2, 1), pooling=2), made(10, 1, 8, 8), steps(10), 4096
    ),
    "CNN, flat readout": case(tp.CNN(2, stride=2, readout="flat"), made(10, 1, 8, 8), steps(10), 4096),
    "RNN": case(tp.RNN(), made(6, 8, 4), steps(10, 0.2), 8192),
    "Transformer": case(tp.Transformer(2, **HEADS), made(8, 6, 5), steps(10, 0.2), 8192),
    "Transformer with MLP": case(tp.Transformer(3, mlp=True, **HEADS), made(6, 6, 5), steps(10, 0.2), 4096),
}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    tp.sample(
        tp.MLP(2), made(2, 2), steps(1), n_samples=64, n_replicates=1, progress=False
    )  # imports and compilation
    with open("/proc/self/statm") as file:
        before = int(file.read().split()[1]) * resource.getpagesize()
    announced = CASES[sys.argv[1]]().attrs["memory_estimate_bytes"]
    taken = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before
    print(announced, taken)

"""Do two states of the code give the same bits? A small run of every route, architecture, variation of
training.

    python tests/verification/same_bits.py write FILE      # with one state of the code
    python tests/verification/same_bits.py compare FILE    # with the other: names what moved and by how much

Not collected as a test: it needs the numbers of another commit. Exit code 1 if anything moved.
"""

import pathlib
import sys
import warnings

import numpy as np

import tensorprog_mf as tp

ACTIVATIONS = ("tanh", "relu", "erf", "linear", "softplus", "quadratic")
ON_REQUEST = {"draw_slot", "slot", "slot_field"}  # no longer in every result
LIMIT = dict(n_samples=256, n_replicates=2, progress=False, samples=4)
REAL = dict(width=16, n_replicates=2, progress=False, samples=4)


def data(*shape: int, targets=None, test: int = 2, **more) -> tp.Problem:
    """A random problem of examples of a shape; targets of one output unless given."""
    rng = np.random.default_rng(3)
    y = rng.normal(size=shape[0]) if targets is None else targets
    return tp.Problem(rng.normal(size=shape), y, rng.normal(size=(test, *shape[1:])), **more)


def _networks() -> dict:
    table, line, plane, words = data(4, 5), data(3, 2, 6), data(2, 1, 4, 4), data(2, 3, 4)
    found = {
        **{f"mlp {a}": (tp.MLP(2, a), table) for a in ACTIVATIONS},
        "mlp 1": (tp.MLP(1, richness=0.3), table),
        "mlp 4 biases": (tp.MLP(4, bias_std=0.3, weight_std=(1.1,) * 5, output_bias=0.1), table),
        "mlp gain": (tp.MLP(2, tp.Activation("erf", 0.7), richness=2.0), table),
        "residual": (tp.ResidualMLP(3), table),
        "mean field": (tp.MeanFieldMLP(2, hidden_mean=1.0), table),
        "cnn": (tp.CNN(2), line),
        "cnn plane": (tp.CNN(2, padding="zero", readout="flat"), plane),
        "cnn pooling": (tp.CNN(2, pooling=2), plane),
        "rnn": (tp.RNN(), words),
        "transformer": (tp.Transformer(1, head_dimension=2), words),
        "transformer infinite": (tp.Transformer(1, head_dimension="infinite", causal=True), words),
        "transformer mlp": (tp.Transformer(1, head_dimension=2, mlp=True, normalise=True), words),
    }
    return found


def _trainings() -> dict:
    two = np.random.default_rng(5).normal(size=(4, 2))
    steps = dict(steps=4, learning_rate=0.3)
    return {
        "momentum": (data(4, 5), tp.Training(**steps, momentum=0.9)),
        "nesterov decay": (data(4, 5), tp.Training(**steps, momentum=0.9, nesterov=True, weight_decay=0.1)),
        "schedule": (data(4, 5), tp.Training(**steps, schedule="cosine")),
        "batches": (data(4, 5), tp.Training(**steps, batch_size=2)),
        "langevin": (data(4, 5), tp.Training(**steps, temperature=0.5, weight_decay=1.0)),
        "multipliers": (data(4, 5), tp.Training(**steps, multipliers=(1.0, 0.5, 2.0))),
        "flow": (data(4, 5), tp.Training(flow=True, times=[0.0, 0.3, 1.0], tolerance=1e-4)),
        "two outputs": (data(4, 5, targets=two), tp.Training(**steps)),
        "cross-entropy": (data(4, 5, targets=[0, 1, 2, 1], loss="cross_entropy"), tp.Training(**steps)),
        "logistic": (data(4, 5, targets=[1, -1, 1, -1], loss="logistic"), tp.Training(**steps)),
        "hinge": (data(4, 5, targets=[1, -1, 1, -1], loss="hinge"), tp.Training(**steps)),
        "feedback": (data(4, 5), tp.Training(**steps, learning_rule="feedback_alignment")),
        "direct feedback": (data(4, 5), tp.Training(**steps, learning_rule="direct_feedback_alignment")),
        "hebb": (data(4, 5), tp.Training(**steps, learning_rule="hebb")),
        "online": (
            tp.OnlineProblem(tp.GaussianStream(5, batch_size=2, teacher=lambda x: x[:, 0]), np.eye(5)[:2]),
            tp.Training(**steps),
        ),
    }


def _records() -> dict:
    fields = ["preactivation", "backward_field", "feature", "gradient"]
    return {
        "chosen": tp.Record(steps=[0, 3], kernel_examples=[0, 2]),
        "averages": tp.Record(moments=fields, densities=fields),
        "two-time": tp.Record(two_time=True, responses=True),
    }


def _variations(problem: tp.Problem) -> dict:
    """What is asked of every architecture beside the plain run: (problem, training, record)."""
    fields, steps = (
        ["preactivation", "backward_field", "feature", "gradient"],
        dict(steps=2, learning_rate=0.3),
    )
    shape, training = problem.inputs.shape, tp.Training(**steps)
    two = data(*shape, targets=np.random.default_rng(6).normal(size=(shape[0], 2)))
    return {
        "averages": (problem, training, tp.Record(moments=fields, densities=fields)),
        "two-time": (problem, training, tp.Record(two_time=True, responses=True)),
        "outputs": (two, training, None),
        "per output": (two, training, tp.Record(per_output=True, moments=fields)),
        "feedback": (problem, tp.Training(**steps, learning_rule="feedback_alignment"), None),
        "direct feedback": (two, tp.Training(**steps, learning_rule="direct_feedback_alignment"), None),
        "hebb": (problem, tp.Training(**steps, learning_rule="hebb"), None),
        "langevin": (problem, tp.Training(**steps, temperature=0.5, weight_decay=1.0), None),
        "batches flow": (problem, tp.Training(flow=True, times=[0.0, 0.2], tolerance=1e-3), None),
    }


def cases():
    """(name, function that makes a Dataset)."""
    yield from _plain_cases()
    few = LIMIT | dict(n_samples=128)
    for name, (network, problem) in _networks().items():
        for what, (own, training, record) in _variations(problem).items():
            run = dict(network=network, problem=own, training=training, record=record)
            yield f"sample {name}, {what}", lambda r=run: tp.sample(**r, **few)
            if what != "two-time":
                yield f"train_finite {name}, {what}", lambda r=run: tp.train_finite(**r, **REAL)
    yield (
        "finite autoencoders",
        lambda: tp.mean_field.train_autoencoder(
            [2.0, 1.0], "relu", 0.1, 0.1, [0.0, 0.5], step=0.1, width=16, n_replicates=2, progress=False
        ),
    )


def _plain_cases():
    plain, small = tp.Training(4, 0.3), tp.MLP(2)
    for name, (network, problem) in _networks().items():
        yield f"sample {name}", lambda n=network, p=problem: tp.sample(n, p, plain, **LIMIT)
        yield f"train_finite {name}", lambda n=network, p=problem: tp.train_finite(n, p, plain, **REAL)
    for name, (problem, training) in _trainings().items():
        yield f"sample {name}", lambda p=problem, t=training: tp.sample(small, p, t, **LIMIT)
        yield f"train_finite {name}", lambda p=problem, t=training: tp.train_finite(small, p, t, **REAL)
    for name, record in _records().items():
        yield f"sample {name}", lambda r=record: tp.sample(small, data(4, 5), plain, **LIMIT, record=r)
    table, lazy = data(4, 5), tp.Training(flow=True, times=[0.5, 2.0])
    yield "sample pseudo-random", lambda: tp.sample(small, table, plain, **LIMIT, draws="pseudo-random")
    many = LIMIT | dict(n_samples=2048)
    yield "sample deep", lambda: tp.sample(tp.MLP(3), table, tp.Training(20, 0.5), **many)
    yield "sample target", lambda: tp.sample(small, table, plain, **LIMIT, target_error=0.1)
    endless = tp.ResidualMLP("infinite")
    yield "sample infinite depth", lambda: tp.sample(endless, table, tp.Training(2, 0.3), **LIMIT)
    yield "conditioned", lambda: tp.train_finite(small, table, plain, **REAL, matrix="conditioned")
    for form in ("ntk", "standard", "mup"):
        yield (
            f"train_finite {form}",
            lambda f=form: tp.train_finite(small, table, plain, **REAL, parameterization=f),
        )
    yield "independence", lambda: tp.gradient_independence(small, table, plain, **LIMIT)
    for name in ("tanh", "relu", "erf", "quadratic"):
        yield f"lazy {name}", lambda a=name: tp.static_ntk(tp.MLP(2, a), table, plain, progress=False)
    yield "lazy flow", lambda: tp.static_ntk(small, table, lazy, progress=False)
    rich = tp.MLP(2, richness=0.2)
    yield "perturbation", lambda: tp.perturbation(rich, table, plain, n_samples=256, progress=False)
    yield "alternate", lambda: tp.alternate(small, table, plain, n_samples=256, iterations=4, progress=False)
    for name, training in (("steps", plain), ("momentum", tp.Training(4, 0.3, momentum=0.5))):
        yield f"linear {name}", lambda t=training: tp.solve_linear(tp.MLP(2, "linear"), table, t)
    yield from _own_solvers()


def _own_solvers():
    mf, sl, times = tp.mean_field, tp.scaling_laws, [0.0, 0.5, 1.0]
    unit = mf.Neuron(mf.PiecewiseLinear(0.5, 1.5, -2.5, 7.5), output_weight=False)
    gaussians, start = mf.IsotropicGaussians(40, 0.8), {"r": mf.NormOfGaussian(0.8, 40)}
    yield "dynamics", lambda: mf.distributional_dynamics(unit, gaussians, start, times, n_samples=256)
    yield (
        "particles",
        lambda: mf.train_particles(
            unit, gaussians, {"w": tp.Gaussian(0, 0.13)}, [0, 0.01], width=16, step=1e-3
        ),
    )
    yield "autoencoder", lambda: mf.autoencoder([2.0, 1.0], "relu", 0.1, 0.1, times)
    yield "autoencoder tanh", lambda: mf.autoencoder([2.0, 1.0], "tanh", 0.1, 0.1, times)
    law = sl.PowerLaw(alpha=1.5, beta=0.5, modes=30)
    lazy, rich = sl.Model(law, width=100, examples=50, noise=0.1), sl.Model(law, width=100, richness=1.0)
    yield "scaling laws", lambda: sl.solve(lazy, sl.Descent(10, 0.1))
    yield "scaling laws, flow", lambda: sl.solve_stationary(lazy, sl.Flow([1.0, 100.0]))
    yield "scaling laws, learned", lambda: sl.solve_reduced(rich, sl.Flow([1.0, 100.0]))
    yield "students", lambda: sl.simulate(lazy, sl.Descent(5, 0.1), n_replicates=2, progress=False)


def arrays(make) -> dict[str, np.ndarray]:
    """Every number of a result by name, or the sentence that refused it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ds = make()
        except tp.TensorProgError as error:
            return {"refused": np.array(type(error).__name__)}
    return {name: ds[name].values for name in ds.variables}


def _names_since(old: str) -> list[str]:
    """Names that a variable got later, from the table that `tp.load` goes by."""
    from tensorprog_mf.results.schema import RENAMED  # states of the code that only write may not have it

    plain, error = old.removesuffix("_stderr"), "_stderr" if old.endswith("_stderr") else ""
    return [entry.new + error for entry in RENAMED if entry.old == plain]


def moved(before: dict, after: dict) -> list[str]:
    """What is no longer there or has other bits, with the largest change."""
    lines = []
    for old, values in before.items():
        if old in ON_REQUEST:
            continue
        name = next((name for name in (old, *_names_since(old)) if name in after), old)
        if name not in after:
            lines.append(f"{old} is gone")
        elif values.shape != after[name].shape:
            lines.append(f"{name} has shape {after[name].shape}, not {values.shape}")
        elif values.dtype.kind == "f" and not np.array_equal(values, after[name], equal_nan=True):
            change = np.nanmax(np.abs(values - after[name])) / max(np.nanmax(np.abs(values)), 1e-300)
            lines.append(f"{name} moved by {change:.1e} of its largest entry")
        elif values.dtype.kind != "f" and not np.array_equal(values, after[name]):
            lines.append(f"{name} is another")
    return lines


def main(what: str, file: str) -> int:
    """Write the numbers of this state, or compare them with those written."""
    found = {name: arrays(make) for name, make in cases()}
    path = pathlib.Path(file)
    if what == "write":
        np.savez(path, **{f"{run}|{name}": values for run in found for name, values in found[run].items()})
        print(f"{len(found)} runs written to {path}")
        return 0
    before, differ = {}, 0
    for key, values in np.load(path).items():
        run, name = key.split("|")
        before.setdefault(run, {})[name] = values
    for name in before:
        lines = moved(before[name], found.get(name, {}))
        differ += bool(lines)
        for line in lines:
            print(f"{name}: {line}")
    print(f"{len(before) - differ} of {len(before)} runs have the same bits")
    return int(differ > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

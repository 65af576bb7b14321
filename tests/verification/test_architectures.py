"""Exact finite width: architectures that reveal their matrices have the law of densely trained ones, at width
16."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tests.helpers.figures import figure
from tests.helpers.moments import moments

pytestmark = pytest.mark.verification
WIDTH, SEEDS, LIMIT = 16, 1000, 4.5
EVERY = dict(causal=True, mlp=True, normalise=True, query_key_rate=2.5)
CASES = {  # network, shape of an example, momentum
    "residual": (tp.ResidualMLP(3, "tanh", 1.5), (3,), 0.5),
    "cnn": (tp.CNN(2, "tanh", 1.5), (2, 3), 0.5),
    "cnn stride": (tp.CNN(3, "relu", 1.5, padding="zero", stride=(1, 2, 1), readout="flat"), (2, 4), 0.0),
    "cnn pooling": (tp.CNN(3, "tanh", 1.5, kernel=2, pooling=(1, 2)), (2, 4), 0.5),
    "cnn planes": (tp.CNN(2, "tanh", 1.5, kernel=(2, 2), stride=(1, 2)), (1, 2, 2), 0.0),
    "rnn": (tp.RNN("tanh", 1.5), (3, 3), 0.5),
    "rnn average": (tp.RNN("relu", 1.5, "average"), (3, 3), 0.0),
    "attention": (tp.Transformer(1, "tanh", 1.5, 2), (3, 4), 0.5),
    "attention every option": (tp.Transformer(2, "tanh", 1.5, 2, **EVERY), (3, 4), 0.0),
    "attention infinite": (tp.Transformer(1, "tanh", 1.5, "infinite"), (3, 4), 0.0),
}
OBSERVED = (
    "output",
    "feature_kernel",
    "gradient_kernel",
    "preactivation_kernel",
    "tangent_kernel",
    "attention_mean",
    "attention_variance",
)


@pytest.mark.parametrize("name", CASES)
def test_means_and_deviations_equal_those_of_dense_networks(name):
    (network, shape, momentum), rng = CASES[name], np.random.default_rng(11)
    problem = tp.Problem(rng.normal(size=(2, *shape)), rng.normal(size=2), rng.normal(size=(1, *shape)))
    training = tp.Training(4, 0.5, momentum)
    settings = dict(
        width=WIDTH, n_replicates=SEEDS, keep_replicates=True, samples=0, record=[0, 2, 4], progress=False
    )
    dense = tp.train_finite(network, problem, training, seed=1, **settings)
    revealed = tp.train_finite(network, problem, training, seed=2, matrix="conditioned", **settings)
    scores = []
    for variable in [variable for variable in OBSERVED if variable in dense]:
        pairs = zip(moments(dense[variable]), moments(revealed[variable]))
        for (a, da), (b, db) in pairs if variable == "output" else [next(pairs)]:
            here = np.isfinite(a)  # not every layer has every position
            error, difference = np.hypot(da, db)[here], (a - b)[here]
            assert (here == np.isfinite(b)).all() and np.abs(difference[error < 1e-12]).max(initial=0) < 1e-9
            scores.append(difference[error >= 1e-12] / error[error >= 1e-12])
    z = np.concatenate(scores)
    with figure(f"exactness_{name.replace(' ', '_')}") as axis:
        axis.hist(z, np.linspace(-5, 5, 41), density=True)
        x = np.linspace(-5, 5, 200)
        axis.plot(x, np.exp(-x * x / 2) / np.sqrt(2 * np.pi))
        axis.set(
            xlabel="z, revealed against dense",
            ylabel="density",
            title=f"{name}, width {WIDTH}, 2 x {SEEDS} networks, max |z| {np.abs(z).max():.1f}",
        )
    print(f"{name}: {z.size} entries, rms z {np.sqrt((z**2).mean()):.2f}, max |z| {np.abs(z).max():.2f}")
    # Some hundreds of strongly correlated entries: with 1000 independent ones |z| > 4.5 would come up once
    # in 150 runs.
    assert np.abs(z).max() < LIMIT

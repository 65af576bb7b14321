"""Exact finite width: networks that reveal their matrices have the law of densely trained ones, at width
16."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tests.helpers.figures import figure
from tests.helpers.moments import moments

pytestmark = pytest.mark.verification
WIDTH, SEEDS, LIMIT = 16, 2000, 4.5


@pytest.mark.parametrize("activation, momentum, decay", [("tanh", 0.0, 0.0), ("relu", 0.5, 0.2)])
def test_means_and_deviations_equal_those_of_dense_networks(activation, momentum, decay):
    rng = np.random.default_rng(11)
    problem = tp.Problem(rng.normal(size=(2, 4)), rng.normal(size=2), rng.normal(size=(1, 4)))
    network, training = tp.MLP(3, activation, 1.5), tp.Training(6, 0.4, momentum, decay)
    settings = dict(width=WIDTH, n_replicates=SEEDS, keep_replicates=True, samples=0)
    dense = tp.train_finite(network, problem, training, seed=1, **settings)
    revealed = tp.train_finite(network, problem, training, seed=2, matrix="conditioned", **settings)
    scores = []
    for name in ("output", "feature_kernel", "gradient_kernel", "tangent_kernel"):
        for (a, da), (b, db) in zip(moments(dense[name]), moments(revealed[name])):
            error = np.sqrt(da**2 + db**2)
            scores.append(((a - b) / np.where(error > 0, error, 1)).ravel())
            assert np.abs((a - b)[error == 0]).max(initial=0) < 1e-12
    z = np.concatenate(scores)
    with figure(f"exactness_{activation}") as axis:
        axis.hist(z, np.linspace(-5, 5, 41), density=True)
        x = np.linspace(-5, 5, 200)
        axis.plot(x, np.exp(-x * x / 2) / np.sqrt(2 * np.pi))
        axis.set(
            xlabel="z, revealed against dense",
            ylabel="density",
            title=f"{activation}, width {WIDTH}, 2 x {SEEDS} networks, max |z| {np.abs(z).max():.1f}",
        )
    print(
        f"{activation}: {z.size} entries, rms z {np.sqrt((z**2).mean()):.2f}, max |z| {np.abs(z).max():.2f}"
    )
    # Some 700 strongly correlated entries: with independent ones |z| > 4.5 would come up once in 200 runs.
    assert np.abs(z).max() < LIMIT

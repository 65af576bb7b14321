"""The engine on matrices that reveal themselves, against the same networks stored and trained densely."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.engine import run
from tensorprog_mf.realization import Ensemble, Realization
from tensorprog_mf.recorder import Recorder

from .matrices.test_matrices import stored


class Plain:
    """A dense multilayer perceptron trained by explicit loops over parameters, written without this library."""

    def __init__(self, w0, hidden, readout, richness):
        self.weights, self.richness = [w0, *hidden, readout], richness
        self.velocity = [np.zeros_like(w) for w in self.weights]

    def gradients(self, x, y):
        n, d, batch = len(self.weights[0]), x.shape[1], len(y)
        hs, h = [], x @ self.weights[0].T / np.sqrt(d)
        for w in [*self.weights[1:-1], None]:
            hs.append(h)
            h = h if w is None else np.tanh(h) @ w.T / np.sqrt(n)
        f = np.tanh(hs[-1]) @ self.weights[-1] / (self.richness * n)
        delta = (y - f[:batch]) / batch
        back = np.outer(delta, self.weights[-1]) / (self.richness * n)
        grads = [np.tanh(hs[-1][:batch]).T @ delta / (self.richness * n)]
        for l in range(len(hs) - 1, -1, -1):
            g = back * (1 - np.tanh(hs[l][:batch]) ** 2)
            below = x[:batch] / np.sqrt(d) if l == 0 else np.tanh(hs[l - 1][:batch]) / np.sqrt(n)
            grads.insert(0, g.T @ below)
            back = g @ self.weights[l] / np.sqrt(n)
        return f, grads

    def train(self, x, y, training):
        outputs = []
        for _ in range(training.steps + 1):
            f, grads = self.gradients(x, y)
            outputs.append(f)
            for i, g in enumerate(grads):
                self.velocity[i] = training.momentum * self.velocity[i] + self.richness**2 * len(self.weights[0]) * g
                decay = 1 - training.learning_rate * training.weight_decay
                self.weights[i] = decay * self.weights[i] + training.learning_rate * self.velocity[i]
        return np.array(outputs)


@pytest.mark.parametrize("momentum, decay", [(0.0, 0.0), (0.6, 0.3)])
def test_a_revealed_network_is_a_dense_one(problem, monkeypatch, momentum, decay):
    """Train at width 24 without storing matrices; then store the matrices that were revealed and train them plainly."""
    network, training = tp.MLP(3, "tanh", 1.3), tp.Training(8, 0.4, momentum, decay)
    made = []
    monkeypatch.setattr("tensorprog_mf.engine.Realization", lambda *a: made.append(Realization(*a)) or made[-1])
    composed = []
    monkeypatch.setattr(tp.MLP, "compose", lambda self, *a, real=tp.MLP.compose: composed.append(real(self, *a)) or composed[-1])
    ensemble = Ensemble(24, "conditioned", "pseudo-random", 3, 1e-12, False)
    outcome = run(network, problem, training, ensemble, Recorder(np.arange(9), 24), limit=False)
    layers = composed[0].layers
    x = problem.all_inputs
    coordinates = layers[0].matrix.coordinates * np.sqrt(x.shape[1])
    w0 = layers[0].matrix.columns.T @ np.linalg.lstsq(coordinates, x, rcond=None)[0]
    hidden = [stored(matrix) for matrix in made[0].matrices]
    plain = Plain(w0, hidden, layers[-1].matrix.rows[0].copy(), network.richness)
    expected = plain.train(x, problem.targets, training)
    np.testing.assert_allclose(outcome.record["output"], expected, atol=1e-9)
    assert max(made[0].matrices[0].rank) == 24  # and that although the bases filled up on the way


def test_only_what_is_wanted_is_recorded(problem):
    ds = tp.sample(tp.MLP(2), problem, tp.Training(6, 0.2), n_samples=128, n_replicates=2, record=[0, 2, 6], samples=0)
    assert ds.step.values.tolist() == [0, 2, 6]
    np.testing.assert_allclose(ds.time, [0.0, 0.4, 1.2])
    assert "sample" not in ds.dims
    with pytest.raises(tp.InputError, match="whole steps between 0 and 6"):
        tp.sample(tp.MLP(2), problem, tp.Training(6, 0.2), n_samples=128, record=[0, 7])


def test_a_diverging_run_keeps_what_it_has(problem):
    with pytest.warns(tp.DivergenceWarning, match="At step .* smaller learning rate"):
        ds = tp.sample(tp.MLP(2, "quadratic"), problem, tp.Training(60, 50.0), n_samples=128, n_replicates=2)
    assert ds.attrs["status"] == "diverged" and "At step" in ds.attrs["status_message"]
    assert 1 <= ds.sizes["time"] < 61 and np.isfinite(ds.output).all()


def test_rank_warns_then_goes_on_as_a_finite_network(problem):
    with pytest.warns(tp.RankWarning, match="n_samples = 32.*more samples or a larger tolerance"):
        ds = tp.sample(tp.MLP(2), problem, tp.Training(30, 0.5), n_samples=32, n_replicates=2, tolerance=1e-6)
    assert ds.attrs["status"] == "finite_width" and "32 sites" in ds.attrs["status_message"]
    assert ds["rank_fraction"].max() == 1 and np.isfinite(ds.output).all()


def test_degenerate_inputs_are_no_trouble():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3))
    problem = tp.Problem(np.vstack([x, x[:1], np.zeros((1, 3))]), [1.0, -1.0, 1.0, 0.5], 2 * x)
    for activation in ("tanh", "relu"):
        ds = tp.sample(tp.MLP(2, activation), problem, tp.Training(4, 0.3), n_samples=256, n_replicates=2)
        np.testing.assert_allclose(ds.output[:, 0], ds.output[:, 2], atol=1e-12)
        assert (ds.output[:, 3] == 0).all()


def test_log_steps():
    steps = tp.log_steps(1000, 10)
    assert steps[0] == 0 and steps[-1] == 1000 and len(steps) == 10

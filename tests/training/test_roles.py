"""Parameters say their role, and multipliers go by it."""

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf.matrices.parameter import Parameter
from tensorprog_mf.matrices.realization import Realization
from tensorprog_mf.matrices.sampling import Sampling
from tensorprog_mf.training.roles import Role

W, R, B, OUT = Role.WEIGHT, Role.READOUT, Role.BIAS, Role.OUTPUT_BIAS
NETWORKS = {
    "mlp": (tp.MLP(2), (4,), {"W0": W, "W1": W, "w": R}),
    "mlp with biases": (
        tp.MLP(2, bias_std=0.3, output_bias=0.5),
        (4,),
        {"W0": W, "b0": B, "W1": W, "b1": B, "w": R, "b_out": OUT},
    ),
    "mean field": (
        tp.MeanFieldMLP(2, bias_std=0.3),
        (4,),
        {"W0": W, "b0": B, "W1": W, "b1": B, "w": R},
    ),
    "residual": (tp.ResidualMLP(2), (4,), {"W0": W, "W1": W, "W2": W, "w": R}),
    "cnn": (tp.CNN(2), (2, 6), {"W0": W, "W1": W, "w": R}),
    "flat cnn": (tp.CNN(1, readout="flat"), (2, 6), {"W0": W, "w": R}),
    "rnn": (tp.RNN(), (3, 4), {"U": W, "W": W, "w": R}),
}


def initial(network, shape):
    """Parameters before training."""
    realization = Realization(Sampling(n_samples=64, matrix="conditioned", draws="sobol", seed=0), 0)
    return network.compose(realization, np.ones((2, *shape))).layers.initial()


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_say_the_role_of_their_parameters(name):
    network, shape, expected = NETWORKS[name]
    found = {name: parameter.role for name, parameter in initial(network, shape).items()}
    assert list(found.items()) == list(expected.items())
    if isinstance(network, tp.MLP):
        assert network.roles == found


def test_all_weights_of_a_transformer_but_the_readout_are_alike():
    roles = [p.role for p in initial(tp.Transformer(1, head_dimension=2, mlp=True), (3, 4)).values()]
    assert roles == [W] * (len(roles) - 1) + [R] and len(roles) == 7


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("flow", [False, True], ids=["steps", "flow"])
def test_multipliers_go_by_role_in_the_order_of_the_layers(name, flow):
    network, shape, roles = NETWORKS[name]
    weights = [name for name, role in roles.items() if role in (W, R)]
    biases = [name for name, role in roles.items() if role is B]
    kind = dict(flow=True, times=[1.0]) if flow else dict(steps=1, learning_rate=0.1)
    given = np.arange(2.0, 2 + len(weights)), np.arange(0.25, 0.25 + len(biases))
    rates = tp.Training(**kind, multipliers=given[0], bias_multipliers=given[1]).rates(roles)
    expected = dict.fromkeys(roles, 1.0) | dict(zip(weights, given[0])) | dict(zip(biases, given[1]))
    assert list(rates.items()) == list(expected.items())
    with pytest.raises(tp.InputError, match=rf"1 multipliers but \d weights \({', '.join(weights)}\)"):
        tp.Training(**kind, multipliers=[1.0]).rates(roles)
    with pytest.raises(tp.InputError, match=rf"9 bias_multipliers but \d biases \({', '.join(biases)}\)"):
        tp.Training(**kind, bias_multipliers=[1.0] * 9).rates(roles)


def test_names_decide_nothing():
    """A weight may be called as biases are, and a bias as weights are."""
    roles = {"b0": W, "W0": B, "b_out": R, "w": OUT}
    rates = tp.Training(1, 0.1, multipliers=[2, 3], bias_multipliers=[5]).rates(roles)
    assert rates == {"b0": 2.0, "W0": 5.0, "b_out": 3.0, "w": 1.0}


def test_the_output_bias_moves_whatever_the_multipliers(problem):
    network = tp.MLP(1, bias_std=0.3, output_bias=0.5)
    still = tp.Training(3, 0.2, multipliers=[0, 0], bias_multipliers=[0])
    ds = tp.train_finite(network, problem, still, width=16, n_replicates=1, progress=False)
    moved = (ds.output - ds.output[0]).values
    assert (moved[-1] != 0).all()
    np.testing.assert_allclose(moved, moved[:, :1] * np.ones(moved.shape[1]), atol=1e-12)


def test_a_copy_keeps_the_role_of_a_parameter():
    parameter = Parameter(1.0, np.ones((1, 2)), Role.BIAS)
    assert parameter.copy().role is parameter.scaled(2.0).role is Role.BIAS
    assert parameter.add(1.0, Parameter(0.0, np.ones((1, 2)))).role is Role.BIAS

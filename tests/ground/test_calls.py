"""Calls that do not fit: one sentence with the remedy instead of Python's TypeError."""

import copy
import inspect
import pickle

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf import mean_field, scaling_laws
from tensorprog_mf.ground import calls

PROBLEM, NETWORK, TRAINING = tp.Problem(np.eye(2), [1.0, -1.0]), tp.MLP(2), tp.Training(1, 0.1)
ROUTES = [
    tp.sample,
    tp.train_finite,
    tp.static_ntk,
    tp.gradient_independence,
    tp.perturbation,
    tp.alternate,
    tp.solve_linear,
]
GIVEN = {"network": NETWORK, "problem": PROBLEM, "training": TRAINING}


def public():
    """Every function and class that the package shows, but exceptions, records and what takes any keyword."""
    homes = [(tp, tp._HOME), (mean_field, mean_field.__all__), (scaling_laws, scaling_laws.__all__)]
    homes += [
        (tp.schedules, ["constant", "step", "cosine", "warmup"]),
        (tp.rules, ["FeedbackAlignment", "DirectFeedbackAlignment", "Hebb"]),
    ]
    homes += [
        (tp.parameterization, ["scales", "to_mean_field", "table"]),
        (tp.plotting, ["kernel", "film", "parts", "routes", "overview"]),
    ]
    for home, names in homes:
        for name in names:
            thing = getattr(home, name)
            if (
                callable(thing)
                and not (inspect.isclass(thing) and issubclass(thing, (BaseException, tuple)))
                and name != "compare"
            ):
                yield name, thing


@pytest.mark.parametrize("name, thing", list(public()))
def test_everything_public_tells_of_misspelt_keywords(name, thing):
    with pytest.raises(
        tp.InputError, match=f"{name} .* 'no_such_keyword'|{name} takes no arguments"
    ) as caught:
        thing(no_such_keyword=1)
    assert "\n" not in str(caught.value)
    known = [
        p.name
        for p in inspect.signature(thing).parameters.values()
        if p.kind is not p.VAR_KEYWORD and len(p.name) > 5
    ]
    for own in known[:1]:
        with pytest.raises(tp.InputError, match=f"has no argument '{own}x'; did you mean '{own}'"):
            thing(**{own + "x": 1})


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: tp.sample(NETWORK, PROBLEM, TRAINING, n_sample=64),
            "sample has no argument 'n_sample'; did you mean 'n_samples'?",
        ),
        (
            lambda: tp.Training(steps=2, learningrate=0.1),
            "Training has no argument 'learningrate'; did you mean 'learning_rate'?",
        ),
        (
            lambda: tp.Training(steps=2, lr=0.1),
            "Training has no argument 'lr'; choose from steps, learning_rate,",
        ),
        (lambda: tp.Problem(np.eye(2), [1, -1], test_input=np.eye(2)), "did you mean 'test_inputs'?"),
        (lambda: tp.MLP(detph=2), "MLP has no argument 'detph'; did you mean 'depth'?"),
        (lambda: tp.Record(kernel_example=[0]), "did you mean 'kernel_examples'?"),
        (lambda: tp.MLP(), "MLP lacks depth; write MLP\\(depth, ...\\)"),
        (
            lambda: tp.sample(NETWORK, PROBLEM),
            "sample lacks training; write sample\\(network, problem, training, ...\\)",
        ),
        (lambda: tp.sample(), "sample lacks network and problem and training"),
        (lambda: tp.MLP(2, depth=3), "MLP is given depth twice, by position and by name"),
        (
            lambda: tp.solve_linear(NETWORK, PROBLEM, TRAINING, None, True),
            "4 arguments by position, network, problem, training, record, but 5 .* such as two_time=",
        ),
        (
            lambda: tp.RNN(1, 2, 3, 4),
            "RNN takes 3 arguments by position, activation, richness, readout, but 4 are given\\.",
        ),
        (lambda: tp.schedules.constant(rate=1), "constant takes no arguments, so no rate"),
    ],
)
def test_calls_that_do_not_fit(make, message):
    with pytest.raises(tp.InputError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value) and caught.value.__suppress_context__


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: r.__name__)
@pytest.mark.parametrize(
    "order", ["problem network training", "network training problem", "training problem network"]
)
def test_arguments_in_another_order(route, order):
    with pytest.raises(
        tp.InputError,
        match=f"{route.__name__} takes .* in this order, but was given {order.replace(' ', ', ')}; put",
    ):
        route(*(GIVEN[name] for name in order.split()))


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: r.__name__)
@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize(
    "wrong, said",
    [
        (None, "None"),
        (3, "3"),
        ("MLP", "'MLP'"),
        (tp.RNN, "the class RNN, not an instance of it"),
        (np.tanh, "the function tanh"),
        (np.eye(2), "of type ndarray"),
        ({"depth": 2}, "of type dict"),
        (object(), "of type object"),
    ],
)
def test_other_things_in_place_of_what_routes_take(route, name, wrong, said):
    with pytest.raises(
        tp.InputError, match=f"{route.__name__}: {name} is {said}; pass a {name} such as tp\\."
    ) as caught:
        route(**(GIVEN | {name: wrong}))
    assert "\n" not in str(caught.value)


def test_two_of_a_kind_and_order_by_name():
    with pytest.raises(
        tp.InputError, match="sample: problem is of type MLP; pass a problem such as tp.Problem"
    ):
        tp.sample(NETWORK, NETWORK, TRAINING)
    settings = dict(n_samples=64, n_replicates=1, progress=False)
    by_name = tp.sample(training=TRAINING, problem=PROBLEM, network=NETWORK, **settings)
    np.testing.assert_array_equal(by_name.output, tp.sample(NETWORK, PROBLEM, TRAINING, **settings).output)


def test_what_is_checked_is_still_what_it_was():
    assert (
        tp.sample.__doc__.startswith("Train an infinitely wide network")
        and list(inspect.signature(tp.MLP).parameters)[0] == "depth"
    )
    assert (
        pickle.loads(pickle.dumps(NETWORK)) == NETWORK and pickle.loads(pickle.dumps(tp.sample)) is tp.sample
    )
    assert copy.deepcopy(PROBLEM).targets.tolist() == [1, -1]

    @calls.checked_call
    def own(a, *rest, b=1, **more):
        """Mine."""
        if a == "fails":
            raise TypeError("its own")
        return a, rest, b, more

    assert own(1, 2, b=3, c=4) == (1, (2,), 3, {"c": 4}) and own.__doc__ == "Mine."
    with pytest.raises(TypeError, match="its own"):  # what is wrong inside is no matter of the call
        own("fails")
    with pytest.raises(tp.InputError, match="own lacks a; write own\\(a, ...\\)"):
        own(c=4)


def test_what_was_meant():
    assert calls.meant("n_sample", ["n_samples", "samples"]) == "did you mean 'n_samples'?"
    assert calls.meant("width", ["depth_", "rate"]) == "choose from depth_, rate."

"""The records of a call: made by keyword, checked once, frozen; plain values of them in the attributes."""

import dataclasses
import json

import pytest

import tensorprog_mf as tp
from tensorprog_mf.matrices.sampling import Coordinates, Sampling
from tensorprog_mf.routes.alternate.rounds import Rounds
from tensorprog_mf.routes.sampling.job import Execution, Job, Keeping

SMALL = dict(n_samples=64, n_replicates=1, progress=False)
LIMIT = {
    "n_samples": 64,
    "n_replicates": 1,
    "seed": 0,
    "tolerance": 1e-4,
    "draws": "sobol",
    "samples": 2,
    "record": [0, 2],
    "centred": True,
    "common_draws": None,
    "keep_replicates": False,
}
CALLS = {
    "sample": ({"samples": 2, **SMALL}, LIMIT),
    "gradient_independence": ({"samples": 2, **SMALL}, LIMIT),
    "train_finite": (
        {"width": 8, "n_replicates": 1, "samples": 2, "progress": False},
        {
            "width": 8,
            "matrix": "dense",
            "n_replicates": 1,
            "seed": 0,
            "samples": 2,
            "record": [0, 2],
            "centred": False,
            "tolerance": 1e-10,
            "draws": "pseudo-random",
            "keep_replicates": False,
            "parameterization": "mean_field",
        },
    ),
    "static_ntk": ({"samples": 2, **SMALL}, {"kernel": "closed_form", "record": [0, 2]}),
    "static_ntk, sampled": ({"kernel": "sampled", "samples": 2, **SMALL}, LIMIT | {"kernel": "sampled"}),
    "static_ntk, random": (
        {"ensemble": "mean_field", "width": 30, "starts": 3, **SMALL},
        {"kernel": "closed_form", "record": [0, 2], "ensemble": "mean_field", "width": 30, "starts": 3},
    ),
    "perturbation": (
        SMALL | {"n_replicates": 2, "order": 1},
        {name: value for name, value in LIMIT.items() if name != "samples"}
        | {"n_replicates": 2, "tolerance": 1e-8, "order": 1, "probes": [0.02, 0.04, 0.06, 0.08]},
    ),
    "alternate": (
        {"samples": 2, "iterations": 60, **SMALL},
        {name: value for name, value in LIMIT.items() if name != "common_draws"}
        | {"tolerance": 1e-2, "iterations": 60, "damping": 0.5, "target_residual": 1e-3},
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_attributes_hold_the_arguments_as_plain_values(problem, name):
    arguments, wanted = CALLS[name]
    route = getattr(tp, name.partition(",")[0])
    ds = route(tp.MLP(2, richness=0.1), problem, tp.Training(2, 0.1), record=[0, 2], **arguments)
    assert json.loads(ds.attrs["settings_json"]) == wanted
    assert ds.attrs["seed"] == str(wanted.get("seed", ""))


def test_a_seed_that_was_drawn_is_recorded_and_the_same_in_all_parts(problem):
    arguments = problem, tp.Training(2, 0.1)
    ds = tp.sample(tp.MLP(2), *arguments, seed=None, target_error=1.0, **SMALL | {"n_replicates": 2})
    again = tp.sample(
        tp.MLP(2), *arguments, seed=int(ds.attrs["seed"]), target_error=1.0, **SMALL | {"n_replicates": 2}
    )
    assert ds.output.identical(again.output)


@pytest.mark.parametrize("kind", [Sampling, Coordinates, Keeping, Execution, Rounds])
def test_records_are_frozen_and_made_by_keyword(kind):
    assert dataclasses.is_dataclass(kind) and kind.__dataclass_params__.frozen
    assert all(field.kw_only for field in dataclasses.fields(kind))
    with pytest.raises(TypeError):
        kind(64)


@pytest.mark.parametrize(
    "kind, wrong",
    [
        (Sampling, {"n_samples": 0}),
        (Sampling, {"n_samples": 64, "n_replicates": 1.5}),
        (Sampling, {"n_samples": 64, "seed": -1}),
        (Sampling, {"n_samples": 64, "tolerance": 2.0}),
        (Sampling, {"n_samples": 64, "centred": "no"}),
        (Sampling, {"n_samples": 64, "matrix": "sparse"}),
        (Keeping, {"samples": -1}),
        (Keeping, {"keep_replicates": "yes"}),
        (Execution, {"checkpoint": ""}),
        (Rounds, {"iterations": 0, "damping": 0.5, "target_residual": 0.1}),
        (Rounds, {"iterations": 1, "damping": 1.0, "target_residual": 0.1}),
        (Rounds, {"iterations": 1, "damping": 0.5, "target_residual": 0.0}),
    ],
)
def test_records_refuse_values_that_cannot_be_used(kind, wrong):
    with pytest.raises(tp.InputError, match=f"{list(wrong)[-1] if kind is not Rounds else '.'}"):
        kind(**wrong)


@pytest.mark.parametrize("draws, count", [("sobol", 100), ("latin", 64)])
def test_draws_that_cannot_be_had_are_refused_before_a_run(draws, count):
    with pytest.raises(tp.InputError, match="power of two|is unknown"):
        Sampling(n_samples=count, draws=draws).check_draws()


@pytest.mark.parametrize("route, size", [("sample", {"n_samples": 64}), ("train_finite", {"width": 16})])
def test_threads_are_checked_even_where_there_is_one(problem, route, size):
    with pytest.raises(tp.InputError, match="threads=0 must be a whole number"):
        getattr(tp, route)(tp.MLP(2), problem, tp.Training(1, 0.1), **size, threads=0, progress=False)


def test_parts_of_a_run_keep_their_checkpoints_in_folders_of_their_own(tmp_path):
    part = Execution(checkpoint=tmp_path, threads=3).part_in("256")
    assert part == Execution(checkpoint=tmp_path / "256", threads=3, part=True)
    assert Execution().part_in("256") == Execution(part=True)


def test_a_finite_network_is_no_limit(problem):
    call = "train_finite", tp.MLP(2), problem, tp.Training(1, 0.1), Sampling(n_samples=16)
    assert Job(*call).limit and not Job(*call, form="ntk").limit
    network, training = Job(*call, form="ntk").meant()
    assert network.richness == 0.25 and training.learning_rate == 0.1
    assert Job(*call).meant() == (tp.MLP(2), tp.Training(1, 0.1))

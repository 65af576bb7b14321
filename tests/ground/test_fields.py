"""Records that write their own constructor: subclasses, copies with one field changed, their fields."""

import dataclasses
import inspect

import numpy as np
import pytest

import tensorprog_mf as tp
from tensorprog_mf import mean_field, scaling_laws

INPUTS, TARGETS = np.eye(3), [1.0, -1.0, 1.0]
RECORDS = [
    (tp.MLP, (2,)),
    (tp.ResidualMLP, (2,)),
    (tp.MeanFieldMLP, (2,)),
    (tp.CNN, (2,)),
    (tp.RNN, ()),
    (tp.Transformer, (2,)),
    (tp.Training, (2, 0.1)),
    (tp.Problem, (INPUTS, TARGETS)),
    (tp.OnlineProblem, (tp.GaussianStream(3, 2, lambda x: x[:, 0]), INPUTS)),
    (mean_field.Neuron, ()),
    (mean_field.UserUnit, (lambda x, p: (x, p), ["a"])),
    (mean_field.IsotropicGaussians, (40, 0.8)),
    (mean_field.AnisotropicGaussians, (0.8, 0.5)),
    (mean_field.CovarianceSpectrum, ([2.0, 1.0],)),
    (scaling_laws.PowerLaw, (1.5, 1.5)),
    (scaling_laws.Spectrum, ([2.0, 1.0], [1.0, 1.0])),
    (scaling_laws.Model, (scaling_laws.PowerLaw(1.5, 1.5), 10)),
    (scaling_laws.Descent, (10, 0.1)),
    (scaling_laws.Flow, ([1.0, 2.0],)),
]


@pytest.mark.parametrize("record, given", RECORDS, ids=lambda value: getattr(value, "__name__", ""))
def test_subclasses_may_be_dataclasses(record, given):
    @dataclasses.dataclass(frozen=True, eq=False)
    class Own(record):
        extra: float = 1.0

    plain, own = record(*given), Own(*given, extra=2.0)
    for field in dataclasses.fields(plain):  # what the constructor checks and fills in is there
        assert repr(getattr(own, field.name)) == repr(getattr(plain, field.name)), field.name
    assert own.extra == 2.0


def test_what_a_dataclass_of_ones_own_adds_is_described():
    @dataclasses.dataclass(frozen=True)
    class Own(tp.MLP):
        activation: tp.Activation = "relu"
        extra: float = 1.0

    @dataclasses.dataclass(frozen=True)
    class Schooling(tp.Training):
        extra: float = 1.0

    assert Own(2).describe() == tp.MLP(2, "relu").describe() | {"architecture": "Own", "extra": 1.0}
    assert Schooling(2, 0.1).describe()["extra"] == 1.0
    with pytest.raises(tp.InputError, match="richness"):
        Own(2, richness=-1.0)


def test_subclasses_check_after_the_fields_are_set():
    class Wide(tp.MLP):
        def __post_init__(self):
            super().__post_init__()
            object.__setattr__(self, "layers", self.depth + 1)

    assert Wide(2).layers == 3 and dataclasses.replace(Wide(2), richness=2.0).layers == 3


@pytest.mark.parametrize("record", [record for record, _ in RECORDS])
def test_fields_have_the_defaults_of_arguments(record):
    arguments = inspect.signature(record).parameters
    for field in dataclasses.fields(record):
        if field.init:
            default = arguments[field.name].default
            assert field.default is (dataclasses.MISSING if default is inspect.Parameter.empty else default)


def test_fields_are_what_the_constructor_takes():
    problem = tp.Problem(**dataclasses.asdict(tp.Problem(INPUTS, TARGETS)) | {"loss": "squared"})
    assert problem.targets.tolist() == TARGETS

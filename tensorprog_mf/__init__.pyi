"""What editors and type checkers see of the names that `tensorprog_mf` loads lazily."""

from . import mean_field as mean_field
from . import scaling_laws as scaling_laws
from .engine.record import Record as Record
from .engine.record import log_steps as log_steps
from .ground.errors import CheckpointWarning as CheckpointWarning
from .ground.errors import ConvergenceWarning as ConvergenceWarning
from .ground.errors import DataWarning as DataWarning
from .ground.errors import DivergenceWarning as DivergenceWarning
from .ground.errors import DrawsWarning as DrawsWarning
from .ground.errors import HeavyTailWarning as HeavyTailWarning
from .ground.errors import InputError as InputError
from .ground.errors import Interrupted as Interrupted
from .ground.errors import QuadratureWarning as QuadratureWarning
from .ground.errors import RankWarning as RankWarning
from .ground.errors import SaddleWarning as SaddleWarning
from .ground.errors import StabilityWarning as StabilityWarning
from .ground.errors import TargetWarning as TargetWarning
from .ground.errors import TensorProgError as TensorProgError
from .ground.errors import ToleranceWarning as ToleranceWarning
from .ground.errors import UnsupportedError as UnsupportedError
from .networks import CNN as CNN
from .networks import MLP as MLP
from .networks import RNN as RNN
from .networks import Correlated as Correlated
from .networks import MeanFieldMLP as MeanFieldMLP
from .networks import ResidualMLP as ResidualMLP
from .networks import Transformer as Transformer
from .networks import parameterization as parameterization
from .problems.images import read_cifar10 as read_cifar10
from .problems.online import GaussianStream as GaussianStream
from .problems.online import OnlineProblem as OnlineProblem
from .problems.problem import Problem as Problem
from .problems.tables import read_table as read_table
from .results import plotting as plotting
from .results import schema as schema
from .results.comparison import compare as compare
from .results.files import load as load
from .results.files import save as save
from .results.fluctuations import fluctuations as fluctuations
from .results.intervals import interval as interval
from .results.steps import by_step as by_step
from .routes.alternate.route import alternate as alternate
from .routes.gradient_independence import gradient_independence as gradient_independence
from .routes.perturbation import perturbation as perturbation
from .routes.sample import sample as sample
from .routes.solve_linear.route import solve_linear as solve_linear
from .routes.static_ntk.route import static_ntk as static_ntk
from .routes.train_finite import train_finite as train_finite
from .sites.activations import Activation as Activation
from .sites.laws import Gaussian as Gaussian
from .sites.laws import Uniform as Uniform
from .training import rules as rules
from .training import schedules as schedules
from .training.training import Training as Training

__version__: str
__all__: list[str]

def __dir__() -> list[str]: ...

"""Which parameterisation keeps learning features as networks get wide?

    python recipes/parameterization.py [FOLDER]

Trains the same problem in mean-field, muP, NTK and standard form at several widths, and compares them with
the infinite-width limit. Writes parameterization.nc and, with matplotlib, parameterization.png into FOLDER
(default: output). The standard form diverges at a fixed learning rate, so here its learning rate falls as 1 /
width, as it must.
"""

import numpy as np
import xarray as xr
from digits import two_digits
from runner import Figure, recipe

import tensorprog_mf as tp
from tensorprog_mf import parameterization

WIDTHS = (64, 128, 256, 512, 1024, 2048)
PROBLEM = two_digits(3, 8, n_train=12, n_test=12)
NETWORK = tp.MLP(depth=2, activation="tanh", richness=1.0)
STEPS, RATE = 20, 0.5


def movement(ds: xr.Dataset) -> float:
    """Relative change of the last feature kernel over training."""
    before, after = (ds.feature_kernel.isel(time=time, layer=-1) for time in (0, -1))
    return float(np.sqrt(((after - before) ** 2).sum() / (before**2).sum()))


def run() -> xr.Dataset:
    """feature_movement and loss (parameterization, width), and those of the limit."""
    ends, found = [0, STEPS], {}
    for form in parameterization.FORMS:
        for width in WIDTHS:
            training = tp.Training(STEPS, RATE / width if form == "standard" else RATE)
            ds = tp.train_finite(
                NETWORK, PROBLEM, training, width, n_replicates=4, record=ends, parameterization=form
            )
            found[form, width] = movement(ds), float(ds.loss[-1])
    limit = tp.sample(NETWORK, PROBLEM, tp.Training(STEPS, RATE), record=ends)
    forms = list(dict.fromkeys(form for form, _ in found))
    values = np.array([[found[form, width] for width in WIDTHS] for form in forms])
    dims = ("parameterization", "width")
    return xr.Dataset(
        {
            "feature_movement": (
                dims,
                values[..., 0],
                {"long_name": "relative change of the last feature kernel", "units": ""},
            ),
            "loss": (dims, values[..., 1], {"long_name": "training loss at the end", "units": ""}),
        },
        {"parameterization": forms, "width": list(WIDTHS)},
        {"limit_feature_movement": movement(limit), "limit_loss": float(limit.loss[-1])},
    )


def report(ds: xr.Dataset) -> None:
    """Print how far features have moved at every width, and in the limit."""
    print(ds.feature_movement.to_pandas().round(3), f"\nlimit: {ds.attrs['limit_feature_movement']:.3f}")


def draw(ds: xr.Dataset) -> Figure:
    """Movement of features against width, one line per parameterisation."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(5.5, 4), layout="constrained")
    for form in ds.parameterization.values:
        style = "x--" if form == "mup" else "o-"  # mup is mean_field in other words
        axis.loglog(ds.width, ds.feature_movement.sel(parameterization=form), style, label=form)
    axis.axhline(
        ds.attrs["limit_feature_movement"], color="k", linestyle=":", label="infinite width, mean field"
    )
    axis.set(
        xlabel="width", ylabel=ds.feature_movement.attrs["long_name"], title=f"depth 2, tanh, {STEPS} steps"
    )
    axis.legend()
    return figure


if __name__ == "__main__":
    recipe(__file__, run, report, draw, dpi=110)

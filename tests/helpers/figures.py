"""Figures of the verification runs, in a folder beside the tests that draw them."""

import contextlib
import pathlib

FOLDER = pathlib.Path(__file__).parents[1] / "verification" / "figures"


@contextlib.contextmanager
def figure(name, **options):
    """An axis to draw on; saved as figures/<name>.png."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig, axis = plt.subplots(figsize=(5.5, 4), layout="constrained", **options)
    yield axis
    FOLDER.mkdir(exist_ok=True)
    fig.savefig(FOLDER / f"{name}.png", dpi=110)
    plt.close(fig)

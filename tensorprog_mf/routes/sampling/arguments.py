"""The first arguments of every route, (network, problem, training), and what people pass in their place."""

from ...ground.calls import checked_call
from ...ground.errors import InputError
from ...networks import Network
from ...problems.source import DataSource
from ...training.training import Training

_KINDS: dict[str, type] = {"network": Network, "problem": DataSource, "training": Training}
_EXAMPLES = {
    "network": "tp.MLP(depth=3)",
    "problem": "tp.Problem(inputs, targets)",
    "training": "tp.Training(steps=50, learning_rate=0.4)",
}


def _check(route: str, arguments: dict) -> None:
    """Refuse arguments of another kind, or the right ones in another order."""
    given = {name: arguments[name] for name in _KINDS}
    found = [
        next((name for name, kind in _KINDS.items() if isinstance(value, kind)), None)
        for value in given.values()
    ]
    if found == list(_KINDS):
        return
    if sorted(map(str, found)) == sorted(_KINDS):
        raise InputError(
            f"{route} takes network, problem, training in this order, but was given"
            f" {', '.join(map(str, found))}; put them in order, or pass them by name."
        )
    name, value = next((n, v) for n, v in given.items() if not isinstance(v, _KINDS[n]))
    raise InputError(f"{route}: {name} is {_what(value)}; pass a {name} such as {_EXAMPLES[name]}.")


def _what(value: object) -> str:
    """What was passed, in a few words."""
    if isinstance(value, type):
        return f"the class {value.__name__}, not an instance of it"
    if (
        value is None
        or isinstance(value, (bool, int, float, complex))
        or (isinstance(value, str) and len(value) < 50)
    ):
        return repr(value)
    if callable(value) and hasattr(value, "__name__"):
        return f"the function {value.__name__}"
    return f"of type {type(value).__name__}"


route = checked_call(then=_check)

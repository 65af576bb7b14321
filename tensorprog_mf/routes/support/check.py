"""The one place that answers whether a route does what it is asked for."""

from .features import Request
from .table import ROWS, WAYS, Row, Way


def check(route: str, request: Request, kind: str = "") -> None:
    """Refuse what a route does not do, before it does anything.

    `kind` is the value of the argument by which the route does one thing or another: `matrix` of
    train_finite, `kernel` of static_ntk.

    Raises
    ------
    UnsupportedError, InputError
        In the words of the first row of the table that refuses, with the routes that take the same request.
    """
    way = next(way for way in WAYS if (way.route, way.value) == (route, kind))
    row = refusing(way, request)
    if row is not None:
        raise row.error(sentence(way, row, request))


def refusing(way: Way, request: Request) -> Row | None:
    """The first row by which a way refuses a request; None if it takes it."""
    return next(
        (row for row in ROWS if way in row.ways and all(own.present(request) for own in row.features)), None
    )


def taking(request: Request) -> list[str]:
    """The routes that take a request, as they are written: with an argument only where the usual one does
    not."""
    found: dict[str, str] = {}
    for way in WAYS:
        if refusing(way, request) is None:
            usual = next(other for other in WAYS if other.route == way.route)
            found.setdefault(way.route, way.route if way == usual else way.call)
    return [f"tp.{call}" for call in found.values()]


def sentence(way: Way, row: Row, request: Request) -> str:
    """What does not go together, and what to do: another route for the very request if there is one."""
    routes, remedy = taking(request), _filled(row.remedy, request)
    deeper = refusing(WAYS[0], request)
    if deeper is not None and not (routes or remedy):  # no route takes it, not because of this row alone
        said = _said(WAYS[0], deeper, request)
        said = f"{_said(way, row, request)}, and {said}" if "{route}" in deeper.says else said
        return f"{said}; {_filled(deeper.remedy, request)}."
    what = _filled(row.features[0].words, request)
    for_what = f"for {what} " if len(row.features) == 1 else ""
    instead = f"{for_what}use {either(routes)}" if routes else ""
    return f"{_said(way, row, request)}; {', or '.join(filter(None, (instead, remedy)))}."


def _said(way: Way, row: Row, request: Request) -> str:
    """Why a row refuses; the way goes by the name of its route where the row refuses all ways of it."""
    every = all(other in row.ways for other in WAYS if other.route == way.route)
    return _filled(row.says, request, way.route if every else way.call)


def _filled(words: str, request: Request, route: str = "") -> str:
    """Words with the values of a request."""
    return words.format(
        request=request,
        network=request.network,
        problem=request.problem,
        training=request.training,
        route=route,
    )


def either(words: list[str]) -> str:
    """Words as alternatives: "a, b or c"."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)

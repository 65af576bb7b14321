"""The table in words, as the README has it."""

import re
import textwrap

from .check import either, refusing
from .examples import SECTIONS, TOGETHER, Example
from .features import Request
from .table import WAYS

BEGIN = "<!-- support: written by python -m tensorprog_mf.routes.support, do not edit -->"
END = "<!-- /support -->"
ROUTES = list(dict.fromkeys(way.route for way in WAYS))


def markdown() -> str:
    """Routes against networks, problems, trainings, records and arguments, with the marks of the README."""
    lines = [_line(["", *(f"`{route}`" for route in ROUTES)]), "|---" * (len(ROUTES) + 1) + "|"]
    for section, examples in SECTIONS.items():
        lines.append(_line([f"**{section}**", *[""] * len(ROUTES)]))
        alike: dict[tuple[str, ...], list[str]] = {}
        for example in examples:
            alike.setdefault(_cells(example), []).append(example.label)
        lines += [_line([", ".join(labels), *cells]) for cells, labels in alike.items()]
    nowhere = textwrap.fill(
        f"No route takes {_grouped()}.", 120, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join([BEGIN, "", *lines, "", nowhere, "", END])


def _grouped() -> str:
    """What no route takes, by the first of the things that do not go together."""
    groups: dict[str, list[str]] = {}
    for example in TOGETHER:
        if not any(_cells(example)):
            first, rest = re.split(r" (?=with |of |at |in )", example.label, maxsplit=1)
            groups.setdefault(first, []).append(rest)
    return "; ".join(f"{first} {either(rest)}" for first, rest in groups.items())


def _cells(example: Example) -> tuple[str, ...]:
    """What each route says to an example: yes, by which argument it does, or nothing."""
    request = example.request()
    return tuple(_cell(route, request) for route in ROUTES)


def _cell(route: str, request: Request) -> str:
    ways = [way for way in WAYS if way.route == route]
    able = [way for way in ways if refusing(way, request) is None]
    if not able:
        return ""
    return "yes" if able[0] == ways[0] else f'`{able[0].argument}="{able[0].value}"`'


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"

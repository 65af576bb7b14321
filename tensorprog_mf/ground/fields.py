"""Fields of frozen records, set by the constructor to what it has checked."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any


def set_fields(record: object, **values: object) -> None:
    """Set fields of a frozen record from inside its constructor."""
    for name, value in values.items():
        object.__setattr__(record, name, value)


def open_to_subclasses(record: Any) -> None:
    """Let subclasses of a dataclass that writes its own constructor be dataclasses as well.

    @dataclass gives a subclass a constructor that assigns what it was given, of the fields of both, and then
    calls `__post_init__`. So the fields get the defaults of the constructor's arguments, and the constructor
    checks in `__post_init__` what was assigned.
    """
    check: Callable[..., None] = record.__init__
    signature = inspect.signature(check)
    names = [name for name in signature.parameters if name != "self"]
    for field in fields(record):
        if field.name in names:
            default = signature.parameters[field.name].default
            field.default = MISSING if default is inspect.Parameter.empty else default

    @functools.wraps(check)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        given = signature.bind(self, *args, **kwargs)
        given.apply_defaults()
        set_fields(self, **{name: given.arguments[name] for name in names})
        self.__post_init__()

    def __post_init__(self: Any) -> None:
        check(self, **{name: getattr(self, name) for name in names})

    record.__init__, record.__post_init__ = __init__, __post_init__

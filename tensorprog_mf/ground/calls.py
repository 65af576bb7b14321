"""Calls as people write them: where Python would say TypeError there is one sentence with the remedy."""

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable
from dataclasses import is_dataclass
from typing import Any, TypeVar, overload

from .errors import InputError
from .fields import open_to_subclasses

T = TypeVar("T", bound=Callable[..., Any])
Then = Callable[[str, dict], None]


def meant(word: object, known: Iterable[str]) -> str:
    """The known name that was probably meant, as the end of a sentence; all of them if none is close."""
    known = list(known)
    near = difflib.get_close_matches(str(word), known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(known)}."


@overload
def checked_call(target: T) -> T: ...


@overload
def checked_call(*, then: Then) -> Callable[[T], T]: ...


def checked_call(target: Any = None, *, then: Then | None = None) -> Any:
    """Decorator of public functions and classes (above @dataclass): calls that do not fit raise `InputError`.

    Parameters
    ----------
    target
        The function or class.
    then
        Called before `target` with its name and its arguments by name; may raise `InputError` of its own.
    """
    if target is None:
        return functools.partial(checked_call, then=then)
    if inspect.isclass(target):
        kind: Any = target
        if is_dataclass(kind) and not vars(kind)["__dataclass_params__"].init:
            open_to_subclasses(kind)
        kind.__init__ = _checked(kind.__init__, kind.__name__, then)
        return kind
    return _checked(target, target.__name__, then)


def _checked(function: Callable[..., Any], name: str, then: Then | None) -> Callable[..., Any]:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            raise InputError(_complaint(name, signature, args, kwargs)) from None
        if then is not None:
            then(name, bound.arguments)
        return function(*args, **kwargs)

    return call


def _complaint(name: str, signature: inspect.Signature, args: tuple, kwargs: dict) -> str:
    """Why these arguments do not fit: an unknown name, too many, one given twice, one missing."""
    parameters = {n: p for n, p in signature.parameters.items() if n != "self"}
    args = args[len(signature.parameters) - len(parameters) :]
    named = [n for n, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    placed = [n for n, p in parameters.items() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for key in kwargs:
        if key not in named and not takes_any:
            return (
                f"{name} has no argument {key!r}; {meant(key, named)}"
                if named
                else f"{name} takes no arguments, so no {key}."
            )
    if len(args) > len(placed):
        by_name = [n for n in named if n not in placed]
        remedy = f"; give the others by name, such as {by_name[0]}=..." if by_name else ""
        takes = f"{name} takes {len(placed)} arguments by position, {', '.join(placed)}"
        return f"{takes}, but {len(args)} are given{remedy}."
    for n in placed[: len(args)]:
        if n in kwargs:
            return f"{name} is given {n} twice, by position and by name; give it once."
    missing = [
        n
        for n, p in parameters.items()
        if p.default is p.empty and n in named and n not in (*placed[: len(args)], *kwargs)
    ]
    usual = ", ".join(n for n in named if parameters[n].default is inspect.Parameter.empty)
    return f"{name} lacks {' and '.join(missing)}; write {name}({usual}, ...)."

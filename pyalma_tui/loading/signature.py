"""Which arguments a `run` takes beyond the three: what it declares, through decorators, partials and methods."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any

import msgspec

EXTRAS = ("worker_id", "iteration", "seed", "progress", "record")
WANTED = "run(instance, save, state)"
_P = inspect.Parameter


class Accepted(msgspec.Struct, frozen=True):
    """What a `run` takes in addition to `instance, save, state`; `why` it cannot be called, "" if it can."""

    extras: frozenset[str]
    why: str = ""


class _Layer(msgspec.Struct, frozen=True):
    """What one function of a chain of decorators declares itself.

    `positional` counts the arguments that it names by position, `named` are those that it takes by name beyond the
    three, `required` those of them that it cannot be called without, `fixed` those that a partial has chosen.
    """

    positional: int
    named: frozenset[str]
    required: tuple[str, ...]
    fixed: frozenset[str]
    any_positional: bool
    any_named: bool

    @property
    def passes_on(self) -> bool:
        """Whether the three go through its `*args`: then what `**kwargs` may hold is for another function to say."""
        return self.positional < 3 and self.any_positional

    @property
    def takes_all(self) -> bool:
        """Whether its `**kwargs` are its own to fill: it names the three."""
        return self.any_named and not self.passes_on


def taken(run: Callable[..., object]) -> Accepted:
    """What this `run` takes.

    A decorator's function that declares the three itself decides. What one of `(*args, **kwargs)` takes is told by the
    function that it wraps, if it says which (`functools.wraps`); otherwise it gets the three and nothing else.
    """
    layers = list(_layers(run))
    for layer in layers:
        if layer.positional < 3 and not layer.any_positional:
            return Accepted(frozenset(), "it takes too few")
        if not layer.passes_on:
            break
    if layers and (unknown := [name for name in layers[0].required if name not in EXTRAS]):
        return Accepted(
            frozenset(), f"nobody passes {', '.join(unknown)}"
        )  # a wrapped one may get them from its wrapper
    extras = frozenset(EXTRAS) if layers and layers[-1].takes_all else frozenset().union(*(_.named for _ in layers))
    return Accepted(extras & frozenset(EXTRAS) - frozenset().union(*(_.fixed for _ in layers)))


def _layers(run: Any) -> Iterator[_Layer]:
    """The function, and those behind it as far as they decide what it takes."""
    bound = 0  # arguments by position that methods and partials bring along
    while run is not None:
        try:
            layer = _layer(run, bound)
        except (TypeError, ValueError):  # written in C: as good as the one that it wraps, as functools.cache is
            layer = None
        if layer is not None:
            yield layer
            if not layer.any_named:
                return
        run, brought = _behind(run)
        bound += brought


def _behind(run: Any) -> tuple[Any, int]:
    """The function that this one calls, None if nobody knows, and how many arguments it brings along."""
    wrapped = getattr(run, "__wrapped__", None)
    if isinstance(run, functools.partial):
        return run.func, len(run.args)
    if isinstance(run, MethodType):
        return wrapped, 1
    if wrapped is None and not inspect.isroutine(run) and not inspect.isclass(run):
        call = getattr(run, "__call__", None)  # noqa: B004 - the method of an object, which may be decorated
        return (call, 0) if isinstance(call, MethodType) else (None, 0)
    return wrapped, 0


def _layer(run: Any, bound: int) -> _Layer:
    parameters = list(inspect.signature(run, follow_wrapped=False).parameters.values())
    places = [p for p in parameters if p.kind in (_P.POSITIONAL_ONLY, _P.POSITIONAL_OR_KEYWORD)][bound:]
    beyond = [p for p in places[3:] if p.kind == _P.POSITIONAL_OR_KEYWORD]
    beyond += [p for p in parameters if p.kind == _P.KEYWORD_ONLY]
    required = [p for p in places[3:] if p.default is _P.empty]
    required += [p for p in parameters if p.kind == _P.KEYWORD_ONLY and p.default is _P.empty]
    return _Layer(
        positional=len(places),
        named=frozenset(p.name for p in beyond),
        required=tuple(p.name for p in required),
        fixed=frozenset(run.keywords if isinstance(run, functools.partial) else ()),
        any_positional=any(p.kind == _P.VAR_POSITIONAL for p in parameters),
        any_named=any(p.kind == _P.VAR_KEYWORD for p in parameters),
    )

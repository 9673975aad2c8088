"""Which arguments a `run` gets beyond the three, for every way in which people make functions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from pyalma_tui.loading.signature import EXTRAS, taken


def plain(function: Callable[..., Any]) -> Callable[..., Any]:
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner


def wrapping(function: Callable[..., Any]) -> Callable[..., Any]:
    return functools.wraps(function)(plain(function))


def narrow(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(instance: Any, save: Any, state: Any) -> Any:
        return function(instance, save, state, seed=1)

    return inner


def positional(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(*args: Any) -> Any:
        return function(*args, seed=1)

    return inner


def adding(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(*args: Any, worker_id: int, **kwargs: Any) -> Any:
        return function(*args, **kwargs), worker_id

    return inner


def supplying(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, connection=1, **kwargs)

    return inner


def adapting(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def inner(instance: Any, save: Any, state: Any) -> Any:
        return function(instance)

    return inner


def three(instance: Any, save: Any, state: Any) -> None: ...
def seeded(instance: Any, save: Any, state: Any, seed: int) -> None: ...
def seeded_by_name(instance: Any, save: Any, state: Any, *, seed: int, depth: int = 1) -> None: ...
def anything(instance: Any, save: Any, state: Any, **kwargs: Any) -> None: ...
def anything_more(instance: Any, save: Any, state: Any, *args: Any, **kwargs: Any) -> None: ...
def words(*args: Any) -> None: ...
def everything(*args: Any, **kwargs: Any) -> None: ...
def configured(config: Any, instance: Any, save: Any, state: Any, seed: int) -> None: ...
def only_by_position(instance: Any, save: Any, state: Any, seed: int = 0, /) -> None: ...
def connected(instance: Any, save: Any, state: Any, *, connection: Any, seed: int) -> None: ...
def alone(instance: Any) -> None: ...
def two(instance: Any, save: Any) -> None: ...


class Solver:
    def __init__(self, *anything: Any) -> None: ...

    def run(self, instance: Any, save: Any, state: Any, seed: int) -> None: ...

    @wrapping
    def decorated(self, instance: Any, save: Any, state: Any, progress: Any) -> None: ...

    @classmethod
    def of_class(cls, instance: Any, save: Any, state: Any, iteration: int) -> None: ...

    @wrapping
    def __call__(self, instance: Any, save: Any, state: Any, worker_id: int) -> None: ...


class Task:
    def __init__(self, instance: Any, save: Any, state: Any, seed: int) -> None: ...


class Wrapper:
    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)

    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...


ALL = set(EXTRAS)
TAKEN: dict[str, tuple[Any, set[str]]] = {
    "three": (three, set()),
    "seeded": (seeded, {"seed"}),
    "seeded_by_name": (seeded_by_name, {"seed"}),
    "anything": (anything, ALL),
    "anything_more": (anything_more, ALL),
    "words": (words, set()),
    "everything": (everything, set()),
    "only_by_position": (only_by_position, set()),
    "plain decorator": (plain(three), set()),
    "plain decorator of a seeded one": (plain(seeded), set()),
    "wraps": (wrapping(three), set()),
    "wraps a seeded one": (wrapping(seeded), {"seed"}),
    "wraps anything": (wrapping(anything), ALL),
    "wraps everything": (wrapping(everything), set()),
    "wraps twice": (wrapping(wrapping(seeded)), {"seed"}),
    "wraps what is plain": (wrapping(plain(seeded)), set()),
    "narrower than what it wraps": (narrow(seeded), set()),
    "wraps the narrower": (wrapping(narrow(seeded)), set()),
    "by position only": (positional(seeded), set()),
    "takes more itself": (adding(seeded), {"seed", "worker_id"}),
    "supplies what nobody passes": (supplying(connected), {"seed"}),
    "adapts": (adapting(alone), set()),
    "cache": (functools.lru_cache(seeded), {"seed"}),
    "partial": (functools.partial(seeded_by_name, depth=3), {"seed"}),
    "partial that fixes the seed": (functools.partial(seeded_by_name, seed=3), set()),
    "partial by position": (functools.partial(configured, "config"), {"seed"}),
    "partial of anything": (functools.partial(anything, depth=3), ALL),
    "partial of a decorated one": (functools.partial(wrapping(configured), "config"), {"seed"}),
    "method": (Solver().run, {"seed"}),
    "decorated method": (Solver().decorated, {"progress"}),
    "method of a class": (Solver.of_class, {"iteration"}),
    "object": (Solver(), {"worker_id"}),
    "object that wraps": (Wrapper(seeded), {"seed"}),
    "class": (Task, {"seed"}),
    "written in C": (str.format, set()),
}
REFUSED: dict[str, tuple[Any, str]] = {
    "two": (two, "it takes too few"),
    "wraps two": (wrapping(two), "it takes too few"),
    "partial of three": (functools.partial(three, "instance"), "it takes too few"),
    "connected": (connected, "nobody passes connection"),
    "configured": (configured, "nobody passes state"),
    "partial of connected": (functools.partial(connected, seed=1), "nobody passes connection"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_it_gets_what_it_declares_and_nothing_else(name: str) -> None:
    run, extras = TAKEN[name]
    found = taken(run)
    assert (set(found.extras), found.why) == (extras, "")
    if "plain" not in name or name == "plain decorator":  # those hide what the function that they call needs
        run("an instance", "save", "state", **dict.fromkeys(extras, 1))


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_called_is_refused(name: str) -> None:
    run, why = REFUSED[name]
    assert taken(run).why == why

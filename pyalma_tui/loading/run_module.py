"""Importing a run module and checking that `run` and `done` can be called.

Called in a worker only: a module may print, exit, hang or crash while it is imported.
"""

from __future__ import annotations

import builtins
import difflib
import importlib
import importlib.machinery
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from pyalma_tui.errors import LoadError
from pyalma_tui.loading.local_code import LocalCode
from pyalma_tui.loading.signature import EXTRAS, WANTED, taken
from pyalma_tui.loading.surroundings import Surroundings, enter, imports_relatively, is_free, surroundings


class RunModule(msgspec.Struct, frozen=True):
    """A module that can be run: `extras` are the additional arguments its `run` declares, `local` is its code."""

    module: ModuleType
    run: Callable[..., object]
    done: Callable[[], object] | None
    extras: frozenset[str]
    local: LocalCode


def import_module(
    path: Path, copy: Path, arguments: Sequence[str] = (), kept: Mapping[str, bytes] | None = None
) -> RunModule:
    """Import the file as a module named by its stem, its folder first on `sys.path`, and check it.

    `copy` is where its text is read from: the file itself, or what it was when the session began. `kept` are the texts
    of what it imports from beside it, by their names, where they are not to be read from there. `sys.argv` is the path
    and the arguments from now on.

    Raises LoadError for a file that cannot be read and a missing or unusable `run`, SyntaxError and whatever the module
    itself raises.
    """
    try:
        code = copy.read_bytes()
    except OSError as error:
        raise LoadError(f"{copy}: {error.strerror}. Put it back, or correct its permissions") from error
    sys.argv = [str(path), *arguments]
    place = surroundings(path)
    local = LocalCode(place, path, kept or {})
    local.add(code, str(path))
    local.begin()
    module = _new_module(path, code, place)
    compiled = builtins.compile(code, str(path), "exec", dont_inherit=True)
    exec(compiled, module.__dict__)
    local.settle()
    return _check(module, path, local)


def _new_module(path: Path, code: bytes, place: Surroundings) -> ModuleType:
    """The module before its code has run, known to others by its name.

    One that imports relatively is named as a part of its package: under its stem alone nobody could import it, as the
    processes do that it starts. Raises whatever the package raises, and SyntaxError.
    """
    enter(place)
    full_name = f"{place.package}.{path.stem}" if place.package else path.stem
    spec = importlib.util.spec_from_file_location(
        full_name, path, loader=importlib.machinery.SourceFileLoader(full_name, str(path))
    )
    if spec is None:
        raise LoadError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    if place.package and imports_relatively(code, path):
        importlib.import_module(place.package)  # before it is known: the package may import its own copy of it
        sys.modules[full_name] = module
        return module
    module.__name__ = path.stem
    if is_free(path.stem, place):
        sys.modules[path.stem] = module
    return module


def _check(module: ModuleType, path: Path, local: LocalCode) -> RunModule:
    run = _function(module, path)
    done = getattr(module, "done", None)
    if done is not None:
        _check_done(done, path)
    return RunModule(module, run, done, _extras(run, path), local)


def _function(module: ModuleType, path: Path) -> Callable[..., object]:
    run: Any = getattr(module, "run", None)
    if run is None:
        found = [n for n, v in vars(module).items() if not n.startswith("_") and callable(v) and _is_own(v, module)]
        names = [n for n in vars(module) if not n.startswith("_")]
        near = difflib.get_close_matches("run", [n for n in names if n.casefold() != "run"], 1, 0.5)
        near = [n for n in names if n.casefold() == "run"] or near
        has = f"it has {', '.join(f'{n}()' for n in found[:5])}" if found else "it has no functions"
        hint = f"rename {near[0]} to run?" if near else f"add `def {WANTED}:`"
        raise LoadError(f"{path}: no function named run: {has}. {hint[0].upper()}{hint[1:]}")
    if not callable(run):
        raise LoadError(f"{path}: run is {_a(run)}, not a function. Make it `def {WANTED}:`")
    called = (run, getattr(run, "__call__", None))  # noqa: B004 - an object may be one by its method
    if any(inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each) for each in called):
        line = _line(run)
        raise LoadError(f"{path}{line}: run is an `async def`. Make it a plain `def`, with asyncio.run(…) inside")
    if any(map(inspect.isgeneratorfunction, called)):
        raise LoadError(f"{path}{_line(run)}: run is a generator (it has a `yield`). Call save(…) instead of yielding")
    function: Callable[..., object] = run
    return function


def _is_own(value: object, module: ModuleType) -> bool:
    return getattr(value, "__module__", None) == module.__name__


def _extras(run: Callable[..., object], path: Path) -> frozenset[str]:
    found = taken(run)
    if found.why:
        extras = ", ".join(EXTRAS)
        raise LoadError(
            f"{path}{_line(run)}: found run{inspect.signature(run)}, wanted {WANTED}: {found.why}. "
            f"Beyond the three it may declare: {extras}, or parameters with defaults"
        )
    return found.extras


def _check_done(done: object, path: Path) -> None:
    if not callable(done):
        raise LoadError(f"{path}: done is {_a(done)}, not a function. Make it `def done():` or name it otherwise")
    if inspect.iscoroutinefunction(done) or inspect.isgeneratorfunction(done):
        raise LoadError(f"{path}{_line(done)}: done is not a plain function. Make it `def done():`")
    try:
        parameters = inspect.signature(done).parameters.values()
    except (TypeError, ValueError):
        return
    if any(p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        raise LoadError(f"{path}{_line(done)}: found done{inspect.signature(done)}, wanted done() without parameters")


def _a(value: object) -> str:
    kind = type(value).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _line(function: Any) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f":{code.co_firstlineno}" if code else ""

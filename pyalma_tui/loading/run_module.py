"""Importing a run module and checking that `run` and `done` can be called.

Called in a worker only: a module may print, exit, hang or crash while it is imported.
"""

from __future__ import annotations

import builtins
import difflib
import hashlib
import importlib.machinery
import importlib.util
import inspect
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

from pyalma_tui.errors import LoadError

EXTRAS = ("worker_id", "iteration", "seed", "progress")
WANTED = "run(instance, save, state)"


class RunModule(msgspec.Struct, frozen=True):
    """A module that can be run: `extras` are the additional arguments its `run` declares."""

    module: ModuleType
    run: Callable[..., object]
    done: Callable[[], object] | None
    extras: frozenset[str]
    hash: str


class _StandardLibraryFirst:
    """Finds standard library modules where they belong, even if the run module's folder has a file of that name."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if path is not None or name not in sys.stdlib_module_names:
            return None
        return PathFinder.find_spec(name, [p for p in sys.path if p != self._folder])


def code_hash(code: bytes) -> str:
    """The hash that tells versions of a run module apart: 12 hexadecimal digits of SHA-256."""
    return hashlib.sha256(code).hexdigest()[:12]


def import_module(path: Path, copy: Path) -> RunModule:
    """Import the file as a module named by its stem, its folder first on `sys.path`, and check it.

    `copy` is where its text is read from: the file itself, or what it was when the session began.

    Raises LoadError for a file that cannot be read and a missing or unusable `run`, SyntaxError and whatever the module
    itself raises.
    """
    try:
        code = copy.read_bytes()
    except OSError as error:
        raise LoadError(f"{copy}: {error.strerror}. Put it back, or correct its permissions") from error
    name, folder = path.stem, str(path.parent)
    sys.path.insert(0, folder)
    sys.meta_path.insert(0, _StandardLibraryFirst(folder))
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    if spec is None:
        raise LoadError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    if name not in sys.stdlib_module_names and name not in sys.modules:
        sys.modules[name] = module
    compiled = builtins.compile(code, str(path), "exec", dont_inherit=True)
    exec(compiled, module.__dict__)
    return _check(module, path, code_hash(code))


def _check(module: ModuleType, path: Path, digest: str) -> RunModule:
    run = _function(module, path)
    done = getattr(module, "done", None)
    if done is not None:
        _check_done(done, path)
    return RunModule(module, run, done, _extras(run, path), digest)


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
    if inspect.iscoroutinefunction(run) or inspect.isasyncgenfunction(run):
        line = _line(run)
        raise LoadError(f"{path}{line}: run is an `async def`. Make it a plain `def`, with asyncio.run(…) inside")
    if inspect.isgeneratorfunction(run):
        raise LoadError(f"{path}{_line(run)}: run is a generator (it has a `yield`). Call save(…) instead of yielding")
    function: Callable[..., object] = run
    return function


def _is_own(value: object, module: ModuleType) -> bool:
    return getattr(value, "__module__", None) == module.__name__


def _extras(run: Callable[..., object], path: Path) -> frozenset[str]:
    try:
        parameters = list(inspect.signature(run).parameters.values())
    except (TypeError, ValueError):  # a builtin: nothing can be said
        return frozenset()
    kinds = inspect.Parameter
    positional = [p for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)]
    open_ended = any(p.kind == kinds.VAR_POSITIONAL for p in parameters)
    named = {p.name for p in positional[3:] if p.kind == kinds.POSITIONAL_OR_KEYWORD}
    named |= {p.name for p in parameters if p.kind == kinds.KEYWORD_ONLY}
    required = [p.name for p in positional[3:] if p.default is kinds.empty]
    required += [p.name for p in parameters if p.kind == kinds.KEYWORD_ONLY and p.default is kinds.empty]
    unknown = [name for name in required if name not in EXTRAS]
    if (len(positional) < 3 and not open_ended) or unknown:
        signature = f"run{inspect.signature(run)}"
        extras = ", ".join(EXTRAS)
        why = f"nobody passes {', '.join(unknown)}" if unknown else "it takes too few"
        raise LoadError(
            f"{path}{_line(run)}: found {signature}, wanted {WANTED}: {why}. "
            f"Beyond the three it may declare: {extras}, or parameters with defaults"
        )
    if any(p.kind == kinds.VAR_KEYWORD for p in parameters):
        return frozenset(EXTRAS)
    return frozenset(named & set(EXTRAS))


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

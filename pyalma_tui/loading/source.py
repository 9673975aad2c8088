"""What the text of a run module tells without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

OWN_STATE = {"Random", "SystemRandom", "default_rng", "Generator", "RandomState", "SeedSequence", "seed", "setstate"}
SEEDED = {"seed", "setstate", "set_state"}
LIBRARIES = {"random", "numpy.random"}  # whose functions draw from one state of the whole process


def signature(module: Path, name: str) -> str:
    """`run(instance, save, state)` as it is written in the file; only the name where it is made otherwise."""
    tree = _tree(module)
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return f"{name}({ast.unparse(found[-1].args)})" if found else f"{name}()"


def drawn(module: Path) -> tuple[str, int] | None:
    """A call that draws from the global state of `random` or `numpy.random`, and its line.

    None if there is none, or if a function of the module seeds that state: at its import it would do so once for all.
    """
    tree = _tree(module)
    names = dict(_imported(tree))
    calls = [(_dotted(node.func, names), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    known = [(name.rpartition("."), node) for name, node in calls if name.rpartition(".")[0] in LIBRARIES]
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    called_later = {id(inner) for node in functions for inner in ast.walk(node)}
    if any(function in SEEDED and id(node) in called_later for (_, _, function), node in known):
        return None
    draws = [(f"{library}.{function}()", node) for (library, _, function), node in known if function not in OWN_STATE]
    name, first = min(draws, key=lambda draw: draw[1].lineno, default=("", None))
    return (name, first.lineno) if first is not None else None


def _tree(module: Path) -> ast.Module:
    try:
        return ast.parse(module.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each name that an import binds, and what it stands for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (first, first)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _dotted(function: ast.expr, names: dict[str, str]) -> str:
    """What a call calls, `numpy.random.choice`, "" if that is no imported name."""
    if isinstance(function, ast.Name):
        return names.get(function.id, "")
    if isinstance(function, ast.Attribute):
        before = _dotted(function.value, names)
        return before and f"{before}.{function.attr}"
    return ""

"""What a run module may import: the files beside it, as a script, and those of its package, as a part of it."""

from __future__ import annotations

import ast
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

import msgspec


class Surroundings(msgspec.Struct, frozen=True):
    """Where a run module stands.

    `folder` is that of the file itself, not that of a link to it, as for Python's own scripts. `package` is the dotted
    name of the package that it is in, "" if there is none, and `root` the folder of the outermost.
    """

    file: Path
    folder: str
    package: str
    root: str


def surroundings(path: Path) -> Surroundings:
    """Where the module of this path stands."""
    file = Path(os.path.realpath(path))
    names: list[str] = []
    root = file.parent
    while (root / "__init__.py").is_file() and "." not in root.name:  # a dot would be another package's name
        names.insert(0, root.name)
        root = root.parent
    return Surroundings(file, str(file.parent), ".".join(names), str(root))


def enter(place: Surroundings) -> None:
    """Let this process import what is beside the module, then what is beside its package, then all others."""
    folders = list(dict.fromkeys((place.folder, place.root)))
    sys.path[:0] = folders
    sys.meta_path.insert(0, _StandardLibraryFirst(folders))


def is_free(name: str, place: Surroundings) -> bool:
    """Whether the module may be known by this name to others.

    Not where they mean the standard library's, or what Python itself finds under it: a package `solver/` beside
    `solver.py` comes first.
    """
    if name in sys.stdlib_module_names or name in sys.modules:
        return False
    found = PathFinder.find_spec(name, [place.folder])
    return found is None or found.origin is None or os.path.realpath(found.origin) == str(place.file)


def imports_relatively(code: bytes, path: Path) -> bool:
    """Whether the module says `from .helpers import …` anywhere; raises SyntaxError."""
    imports = (node for node in ast.walk(ast.parse(code, str(path))) if isinstance(node, ast.ImportFrom))
    return any(node.level for node in imports)


class _StandardLibraryFirst:
    """Finds standard library modules where they belong, even if the run module's folder has a file of that name."""

    def __init__(self, folders: list[str]) -> None:
        self._folders = folders

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if path is not None or name not in sys.stdlib_module_names:
            return None
        return PathFinder.find_spec(name, [p for p in sys.path if p not in self._folders])

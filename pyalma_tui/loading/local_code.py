"""What is imported from beside the run module, or from its package: noted when Python reads it, by content.

A file may be edited between its import and the end of the run that imported it, so nothing is looked up afterwards.
Modules that are loaded by their path (`spec_from_file_location`) are noted as well: hence the loader that all of them
share is asked, and no finder is put before Python's own.
"""

from __future__ import annotations

import io
import linecache
import os
import sys
import time
from collections.abc import Callable, Mapping
from importlib.machinery import BYTECODE_SUFFIXES, EXTENSION_SUFFIXES, SourceFileLoader
from importlib.util import decode_source
from pathlib import Path
from typing import Any

from pyalma_tui.loading.surroundings import Surroundings, surroundings
from pyalma_tui.model.code import Code, code_hash

ELSEWHERE = {"site-packages", "dist-packages"}  # folders whose content is installed, also in an environment beside us
OURS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")
PYTHON = os.path.join(os.path.dirname(os.__file__), "")  # may be in the home of the user, as the module may
COMPILED = (*EXTENSION_SUFFIXES, *BYTECODE_SUFFIXES)
FRESH = 2.0  # seconds: a compiled form tells its source by size and second alone, so a second edit may look like it
STATS, DATA = SourceFileLoader.path_stats, SourceFileLoader.get_data  # Python's own


class LocalCode:
    """The code that this process has imported; a fork has what was imported before it as well.

    `texts` are sources by their names, as Python has read them; `code` is what was imported by the last call of
    `settle`, and `identity` its own.
    """

    def __init__(self, place: Surroundings, path: Path, kept: Mapping[str, bytes]) -> None:
        """`path` is the module's as it was given, `kept` are texts to run instead of what files of these names hold."""
        self.texts: dict[str, bytes] = {}
        self.code = Code("", {})
        self.identity = ""
        self._module = name_of(place)
        self._roots = _roots(place, path)
        self._not_local = (PYTHON,) if str(place.file).startswith(OURS) else (OURS, PYTHON)  # else an example of ours
        self._kept = kept
        self._digests: dict[str, str] = {}
        self._grown = False
        self._modules = 0  # how many there were at the last look
        self._installed: set[str] = set()
        self._untold: set[str] = set()  # those of them that nobody has asked for yet

    def add(self, text: bytes, path: str) -> None:
        """Note the text of the run module itself, which is compiled as that of `path`."""
        self._note(self._module, text, path)

    def begin(self) -> None:
        """Note from now on what is imported."""
        SourceFileLoader.path_stats = self._path_stats()  # type: ignore[method-assign]
        SourceFileLoader.get_data = self._get_data()  # type: ignore[method-assign]

    def _path_stats(self) -> Callable[..., Any]:
        """Asked for each source that is imported, before it is compiled: no frame of ours is in a traceback."""

        def path_stats(loader: SourceFileLoader, path: str) -> Mapping[str, Any]:
            name = self._local(path)
            if name is not None and name in self._kept:
                self._note(name, self._kept[name], path)
                raise OSError("what is run is a kept text: the compiled form beside the file is not its own")
            stats = STATS(loader, path)
            if name is not None:
                self._note(name, Path(path).read_bytes(), path)
                if time.time() - stats["mtime"] < FRESH:
                    raise OSError("it was edited just now: a compiled form is neither trusted nor written")
            return stats

        return path_stats

    def _get_data(self) -> Callable[..., bytes]:
        def get_data(loader: SourceFileLoader, path: str) -> bytes:
            name = self._local(path) if self._kept else None
            return self._kept[name] if name is not None and name in self._kept else DATA(loader, path)

        return get_data

    def _note(self, name: str, text: bytes, path: str) -> None:
        _quote(path, text)
        digest = code_hash(text)
        if self._digests.get(name) != digest:
            self._digests[name] = digest
            self.texts[name] = text
            self._grown = True

    def _local(self, path: str) -> str | None:
        """The name of a file that is imported if it is beside the module or in its package, else None."""
        for folder, root in self._roots:
            if path.startswith(folder):
                name = os.path.relpath(path, root)
                return None if path.startswith(self._not_local) or ELSEWHERE.intersection(Path(name).parts) else name
        return None

    def settle(self) -> bool:
        """Take in what was imported since the last call; whether anything was, or is other than before."""
        self.look()
        grown, self._grown = self._grown, False
        if grown:
            self.code = Code(self._module, dict(sorted(self._digests.copy().items())), self.code.base or self.identity)
            self.identity = self.code.identity
        return grown

    def look(self) -> None:
        """Note what was imported without a source, or from where it is installed.

        Forks of a process that has looked need not look again: that takes 3 ms in one, as it copies what it touches.
        """
        if len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            self._note_compiled()
            new = _installed() - self._installed
            self._installed |= new
            self._untold |= new

    def _note_compiled(self) -> None:
        """Modules without a source are no text: only what tells them apart is noted."""
        for module in list(sys.modules.values()):
            path = getattr(module, "__file__", None)
            if not isinstance(path, str) or not path.endswith(COMPILED):
                continue
            if (name := self._local(path)) is None or name in self._digests:
                continue
            try:
                self._digests[name] = code_hash(Path(path).read_bytes())
            except OSError:  # it was removed since: nobody can tell what it was
                continue
            self._grown = True

    def newly_installed(self) -> list[str]:
        """The names of packages and modules that were imported from where they are installed, since the last call."""
        self.look()
        new = sorted(self._untold)
        self._untold.clear()
        return new


def _quote(path: str, text: bytes) -> None:
    """Let tracebacks show the lines that run, also once the file is edited: Python would read it when something fails.

    `linecache` asks no file for an entry that has no time of change.
    """
    try:
        lines = io.StringIO(decode_source(text)).readlines()
    except (SyntaxError, UnicodeDecodeError):  # Python says so itself when it compiles this
        return
    linecache.cache[path] = len(text), None, lines, path


def _installed() -> set[str]:
    found = set()
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str) and any(f"{os.sep}{each}{os.sep}" in path for each in ELSEWHERE):
            found.add(name.partition(".")[0])
    return found


def name_of(place: Surroundings) -> str:
    """What the run module is called among the files of its code."""
    return os.path.relpath(place.file, place.root if place.package else place.folder)


def code_root(module: Path) -> Path:
    """The folder from which the files of a run module's code are named."""
    place = surroundings(module)
    return Path(place.root if place.package else place.folder)


def module_name(module: Path) -> str:
    """What the run module is called among the files of its code."""
    return name_of(surroundings(module))


def _roots(place: Surroundings, path: Path) -> tuple[tuple[str, str], ...]:
    """Folders with a slash whose files are local, each with what their names are seen from.

    Both as links lead there and resolved: `sys.path` has the one, what a module makes of its `__file__` the other.
    """
    levels = place.package.count(".") + 1 if place.package else 0
    given = Path(os.path.abspath(path)).parent
    found = {}
    for folder in (place.file.parent, *([given] if os.path.realpath(given) == place.folder else [])):
        top = folder.parents[levels - 2] if levels > 1 else folder
        found[os.path.join(top, "")] = str(top.parent if levels else top)
    return tuple(found.items())

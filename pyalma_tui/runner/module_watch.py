"""Watching the code: whether the run module, or what it imports from beside it, is edited while it is used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from pyalma_tui.model.code import Code, code_hash


class ModuleWatch:
    """The files of a code, compared with what the session began with: the module each time, of the others one."""

    def __init__(self, root: Path, code: Code) -> None:
        """`root` is what the names of the files are seen from."""
        self._module = FileWatch(root / code.module, code.module, code.files[code.module])
        self._others = [
            FileWatch(root / name, name, digest) for name, digest in code.files.items() if name != code.module
        ]
        self._turns = cycle(self._others)

    def news(self) -> list[str]:
        """What to tell the user of edits since the last look."""
        return [text for file in (self._module, *self._next()) for text in file.news()]

    def take_as_told(self) -> None:
        """Whoever asks for what is there now to be imported knows of the edits, and waits for another answer."""
        for file in (self._module, *self._others):
            file.news()

    def _next(self) -> Iterator[FileWatch]:
        if (other := next(self._turns, None)) is not None:
            yield other


class FileWatch:
    """One file, compared with what it was."""

    def __init__(self, path: Path, name: str, digest: str) -> None:
        self._path = path
        self._name = name
        self._ours = self._digest = digest
        self._stamp = _stamp(path)

    def news(self) -> list[str]:
        """What to tell the user of an edit since the last look."""
        found = self._look()
        if not found:
            return []
        if found == self._ours:
            return [f"{self._name} on disk is again the code of this session ({found})"]
        change = f"{self._ours} → {found}"
        goes_on = "this session goes on with the code it has, on its screen f and r ask which"
        return [f"{self._name} has changed on disk ({change}); {goes_on}"]

    def _look(self) -> str:
        """Its hash if it has become other code since the last look, else ""; one stat while nobody writes to it."""
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return ""
        self._stamp = stamp
        try:
            digest = code_hash(self._path.read_bytes())
        except OSError:  # on its way to be replaced
            return ""
        before, self._digest = self._digest, digest
        return digest if digest != before else ""


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns)

"""Watching the run module: whether it is edited while its experiment runs."""

from __future__ import annotations

import os
from pathlib import Path

from pyalma_tui.model.code import code_hash


class ModuleWatch:
    """A module file, compared with the code that the session began with."""

    def __init__(self, module: Path, digest: str) -> None:
        self._module = module
        self._ours = self._digest = digest
        self._stamp = _stamp(module)

    def news(self) -> list[str]:
        """What to tell the user of an edit since the last look."""
        found = self._look()
        if not found:
            return []
        name = self._module.name
        if found == self._ours:
            return [f"{name} on disk is again the code of this session ({found})"]
        change = f"{self._ours} → {found}"
        return [f"{name} has changed on disk ({change}); this session goes on with the code it began with"]

    def _look(self) -> str:
        """Its hash if it has become other code since the last look, else ""; one stat while nobody writes to it."""
        stamp = _stamp(self._module)
        if stamp == self._stamp:
            return ""
        self._stamp = stamp
        try:
            digest = code_hash(self._module.read_bytes())
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

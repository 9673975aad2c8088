"""The copy of the run module that a session keeps, so that workers started later run the same code."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from pyalma_tui.model.code import code_hash
from pyalma_tui.store.disk import make_folder, open_regular, read_regular
from pyalma_tui.store.layout import code_copy


class KeptCode(msgspec.Struct, frozen=True):
    """Where the copy is, and what it says, for the case that somebody removes it."""

    path: Path
    text: bytes

    def write(self, umask: int) -> None:
        """Put the file there; raises OSError."""
        make_folder(self.path.parent, umask)
        with os.fdopen(open_regular(self.path, os.O_WRONLY | os.O_CREAT, umask), "wb") as file:
            file.truncate()
            file.write(self.text)


def keep_code(state_dir: Path, module: Path, digest: str, umask: int) -> KeptCode | None:
    """The module's text as it was loaded, kept; None where it cannot be: workers read the module itself then.

    Raises OSError where something that is no file of ours has its name, or may not be read.
    """
    path = code_copy(state_dir, digest)
    with suppress(FileNotFoundError):
        text = read_regular(path)
        if code_hash(text) == digest:
            return KeptCode(path, text)
    try:
        kept = KeptCode(path, module.read_bytes())
        if code_hash(kept.text) != digest:  # edited since a moment ago: no copy is better than a wrong one
            return None
        kept.write(umask)
    except OSError:
        return None
    return kept

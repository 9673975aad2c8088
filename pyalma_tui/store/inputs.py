"""What is known of instance files: how large and how old they were when runs began to read them, and what they held.

`sessions/inputs.json` has one entry for each file. A file counts as another one only if its content does: a copy, a
checkout or a `touch` changes its times.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from stat import S_ISREG
from typing import Literal, TypeAlias

import msgspec

from pyalma_tui.model import jsontext
from pyalma_tui.store import layout
from pyalma_tui.store.disk import make_folder, open_regular, read_regular

LARGEST = 256 << 20  # bytes of a file whose content is looked at: more takes a second, and the disk from runs
PIECE = 1 << 20  # bytes read at a time
Verdict: TypeAlias = Literal["same", "another", "unknown"]


class Input(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One file as it was: bytes, nanoseconds of its last change, its SHA-256, "" if not read."""

    size: int
    changed: int
    digest: str = ""


class FileNow(msgspec.Struct, frozen=True, gc=False):
    """One file as it is now; `touched` are the seconds of the epoch since which nothing of it can have changed."""

    size: int
    changed: int
    touched: float


def read_inputs(state_dir: Path) -> dict[str, Input]:
    """What is known, by path; nothing where that cannot be read, since it is no more than a hint."""
    with suppress(OSError, msgspec.DecodeError):
        known: dict[str, Input] = jsontext.decode_as(read_regular(layout.inputs(state_dir)), dict[str, Input])
        return known
    return {}


def write_inputs(state_dir: Path, known: dict[str, Input], umask: int) -> None:
    """Replace what is known; raises OSError."""
    make_folder(layout.sessions(state_dir), umask)
    replace_whole(layout.inputs(state_dir), jsontext.encode(known) + b"\n", umask)


def replace_whole(path: Path, content: bytes, umask: int) -> None:
    """Write a file that is there whole or as it was; raises OSError."""
    temporary = path.with_name(path.name + layout.TEMPORARY)
    with os.fdopen(open_regular(temporary, os.O_WRONLY | os.O_CREAT, umask), "wb") as file:
        file.truncate()
        file.write(content)
    os.replace(temporary, path)


def look_at(path: str) -> FileNow | None:
    """A regular file as it is now, None if there is none."""
    with suppress(OSError, ValueError):
        found = os.stat(path)
        if S_ISREG(found.st_mode):
            return FileNow(found.st_size, found.st_mtime_ns, max(found.st_ctime, found.st_mtime))
    return None


def digest_of(path: str, size: int) -> str:
    """What tells the content of a file from others, "" if it is too large or cannot be read."""
    if size > LARGEST:
        return ""
    sha = hashlib.sha256()
    with suppress(OSError), open(path, "rb") as file:
        while piece := file.read(PIECE):
            sha.update(piece)
        return sha.hexdigest()
    return ""


def judge(
    path: str, found: FileNow | None, known: Input | None, began: Iterable[float]
) -> tuple[Verdict, Input | None]:
    """Whether a file is another one than runs that began at these moments have read, and what is to be known of it.

    `found` is what it is now. It is read only where its time is not what is known, and a run began before that can have
    happened.
    """
    if found is None:  # a missing file is told elsewhere
        return "same", known
    if known is None:
        return "same", Input(found.size, found.changed)
    if (found.size, found.changed) == (known.size, known.changed):
        return "same", known
    if not any(moment < found.touched for moment in began):
        return "same", Input(found.size, found.changed)
    if found.size != known.size:
        return "another", known
    digest = digest_of(path, found.size) if known.digest else ""
    if not digest:
        return "unknown", known
    return ("same", Input(found.size, found.changed, digest)) if digest == known.digest else ("another", known)

"""What in a state directory is ours: known by its name and its kind. Everything else is left alone.

The directory may be one of the user's own, with files of his beside ours, and a copy from elsewhere may hold links and
pipes in the place of ours.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from pyalma_tui.store import layout
from pyalma_tui.store.checkpoint import CheckpointStorage
from pyalma_tui.store.disk import irregular, not_a_folder, refuse_irregular
from pyalma_tui.store.lock import is_of_a_lock
from pyalma_tui.store.schema import TABLES

Names: TypeAlias = "Mapping[str, Names | None]"  # pattern of a name → what is ours in that folder, None for a file

NUMBERED_LOG = re.compile(r"[0-9]+\.(log|times)")
OF_SESSION = re.compile(r"([0-9]{6,18}|inputs)\.json(\.tmp)?")
NUMBERED: Names = {NUMBERED_LOG.pattern: None}
NAMES: Names = {
    r"db\.json(\.bak)?(\.tmp)?": None,
    r"(session|crash)\.log": None,
    "lock": None,
    layout.LEASES: None,
    r"screen\.filter": None,
    r"series\.json(\.tmp)?": None,
    layout.JOURNAL: {layout.SEGMENT.pattern + r"(\.(damaged|stale)-[0-9]{8}-[0-9]{6})?": None},
    layout.ROWS: {layout.SEGMENT.pattern: None},
    layout.LOGS: {
        r"[0-9]+": NUMBERED,
        layout.DONE_LOGS: NUMBERED,
        layout.LOAD_LOGS: {r"[0-9]{6,}-([0-9]{3,}|agent[0-9]+)\.log|first\.log": None},
    },
    layout.CODE: {r"[0-9a-f]{12}\.(py|json)": None},
    layout.SESSIONS: {OF_SESSION.pattern: None},
}
FILES = (
    layout.DATABASE,
    layout.BACKUP,
    layout.DATABASE + layout.TEMPORARY,
    layout.BACKUP + layout.TEMPORARY,
    layout.LOCK,
    layout.LEASES,
    layout.SESSION_LOG,
    layout.CRASH_LOG,
    layout.FILTER,
    layout.SERIES,
    layout.SERIES + layout.TEMPORARY,
)
FOLDERS = (
    layout.JOURNAL,
    layout.ROWS,
    layout.LOGS,
    f"{layout.LOGS}/{layout.DONE_LOGS}",
    f"{layout.LOGS}/{layout.LOAD_LOGS}",
    layout.CODE,
    layout.SESSIONS,
)


def refuse_disguised(state_dir: Path) -> None:
    """Raise OSError if something has the name of a file or folder of ours, and is a link, a pipe or another kind."""
    if not state_dir.is_dir():
        if os.path.lexists(state_dir):
            raise not_a_folder(state_dir)
        return
    for name in FILES:
        refuse_irregular(state_dir / name)
    for name in FOLDERS:
        path = state_dir / name
        try:
            found = os.lstat(path)
        except FileNotFoundError:
            continue
        if not stat.S_ISDIR(found.st_mode):
            raise not_a_folder(path)
    for entry in (*_listed(layout.journal(state_dir)), *_listed(layout.rows(state_dir))):
        if layout.SEGMENT.fullmatch(entry.name) and not entry.is_file(follow_symlinks=False):
            raise irregular(entry.path)


def is_begun(state_dir: Path) -> bool:
    """Whether anything of ours is there: else it is a folder like any other."""
    return os.path.lexists(layout.database(state_dir)) or _has_marks(state_dir)


def _has_marks(state_dir: Path) -> bool:
    return os.path.lexists(layout.journal(state_dir)) or is_of_a_lock(layout.lock(state_dir))


def refuse_foreign(state_dir: Path) -> None:
    """Raise OSError if nothing was begun in a folder and yet files there have names of ours: they are the user's own.

    A `db.json` of his with tables in it is shared with him instead; raises StoreError if it is none.
    """
    if _has_marks(state_dir) or TABLES[0] in (CheckpointStorage(layout.database(state_dir)).tables() or {}):
        return
    theirs = next(_with_names_of_ours(state_dir), None)
    if theirs is not None and not _has_marks(state_dir):  # else another start has begun there meanwhile
        why = "pyalma-tui has not made it, and would write into a file of that name"
        raise OSError(errno.EEXIST, why, str(theirs))


def _with_names_of_ours(state_dir: Path) -> Iterator[Path]:
    for name in FILES:
        path = state_dir / name
        if name != layout.DATABASE and os.path.lexists(path) and path.lstat().st_size:
            yield path
    for folder in _listed(layout.logs(state_dir)):
        if folder.name.isdecimal() or folder.name in (layout.DONE_LOGS, layout.LOAD_LOGS):
            logs = (log for log in _listed(Path(folder.path)) if NUMBERED_LOG.fullmatch(log.name))
            yield from (Path(log.path) for log in logs if log.is_file(follow_symlinks=False))  # else none is written

    yield from (Path(file.path) for file in _listed(layout.sessions(state_dir)) if OF_SESSION.fullmatch(file.name))


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []


def remove_ours(state_dir: Path, keep: frozenset[str]) -> list[str]:
    """Remove what we made, but for the names to keep; the places of what else lies there, folders with a slash.

    Raises OSError. Folders of ours go if nothing is left in them; no link is followed.
    """
    folder = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        return list(_clear(folder, "", NAMES, keep))
    finally:
        os.close(folder)


def _clear(folder: int, place: str, names: Names, keep: frozenset[str] = frozenset()) -> Iterator[str]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        is_folder = entry.is_dir(follow_symlinks=False)
        inside = next((inner for name, inner in names.items() if re.fullmatch(name, entry.name)), NOTHING)
        if entry.name in keep:
            continue
        if inside is None and entry.is_file(follow_symlinks=False):
            os.unlink(entry.name, dir_fd=folder)
        elif inside and is_folder:
            yield from _clear_folder(folder, entry.name, f"{place}{entry.name}/", inside)
        else:
            yield f"{place}{entry.name}{'/' * is_folder}"


NOTHING: Names = {}


def _clear_folder(parent: int, name: str, place: str, names: Names) -> Iterator[str]:
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=parent)
    try:
        yield from _clear(folder, place, names)
    finally:
        os.close(folder)
    try:
        os.rmdir(name, dir_fd=parent)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):  # else: what is not ours stays in it
            raise

"""Which paths a pattern matches: as `glob` has it, but a link that leads in a circle is followed once."""

from __future__ import annotations

import errno
import glob
import os
from collections.abc import Callable, Iterator

ANY_DEPTH = "**"
Pause = Callable[[], None]
"""Is called before each folder that `**` goes into; what it raises ends the search."""

PassOver = Callable[[str], None]
"""Is told of each folder that nobody can look into, which may hold what a pattern means."""
NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


def no_pause() -> None:
    """Go on."""


def nothing_told(_: str) -> None:
    """Pass it over, as `glob` does."""


def matches(pattern: str, root: str, pause: Pause = no_pause, passed_over: PassOver = nothing_told) -> Iterator[str]:
    """The names that a pattern matches, relative to `root` unless it is absolute, in no order, some perhaps twice.

    `**` stands for any number of folders, hidden ones excepted. A folder that is reached by a link from inside of
    itself is left out: with two such links side by side there are 2⁴⁰ ways until the kernel has enough.
    """
    parts = pattern.split("/")
    if ANY_DEPTH not in parts:
        _tell_closed(pattern, root, passed_over)
        yield from glob.iglob(pattern, root_dir=root)
        return
    at = parts.index(ANY_DEPTH)
    head, tail = "/".join(parts[:at]) + "/" * bool(at), parts[at + 1 :]
    while tail[:1] == [ANY_DEPTH]:  # it says the same once more
        del tail[0]
    _tell_closed(head, root, passed_over)
    for top in glob.iglob(head, root_dir=root) if head else ("",):
        for folder, names in _folders(top, root, frozenset(), pause, passed_over):
            if not tail:
                if folder == top != "":
                    yield top
                yield from (folder + name for name in names)
            elif tail == [""]:
                yield folder
            else:
                below = matches("/".join(tail), os.path.join(root, folder), pause, passed_over)
                yield from (folder + name for name in below)


def _folders(
    folder: str, root: str, above: frozenset[tuple[int, int]], pause: Pause, passed_over: PassOver
) -> Iterator[tuple[str, list[str]]]:
    """A folder, "" or ending in a slash, and all below it, with the names in each; `above` are those that it is in."""
    pause()
    path = os.path.join(root, folder)
    try:
        found = os.stat(path)
        with os.scandir(path) as entries:
            visible = [entry for entry in entries if entry.name[0] != "."]
    except OSError as error:
        if error.errno not in NOT_THERE:
            passed_over(path)
        return
    if (identity := (found.st_dev, found.st_ino)) in above:
        return
    yield folder, [entry.name for entry in visible]
    for entry in visible:
        if _is_folder(entry):
            yield from _folders(f"{folder}{entry.name}/", root, above | {identity}, pause, passed_over)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _tell_closed(pattern: str, root: str, passed_over: PassOver) -> None:
    """Tell of the folders that the parts of a pattern without `**` lead into, and that are not for us."""
    folder, name = os.path.split(pattern)
    if passed_over is nothing_told or not folder.strip("/"):
        return
    _tell_closed(folder, root, passed_over)
    if not name:  # it means folders, whatever is in them
        return
    for each in glob.iglob(f"{folder}/", root_dir=root) if glob.has_magic(folder) else (folder,):
        path = os.path.join(root, each)
        try:
            if glob.has_magic(name):
                os.scandir(path).close()
            else:
                os.stat(f"{path}/.")
        except PermissionError:
            passed_over(path)
        except (OSError, ValueError):  # it is not there, or cannot be
            pass

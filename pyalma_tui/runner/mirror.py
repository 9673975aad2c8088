"""A copy of what a run may read and write, below another root: `/data/a.cnf` is `<root>/data/a.cnf` there.

What leads from one place to another leads there in the copy as well, by `..` and by links, and never out of it. Only
paths that stand in code, in an instance's data or in the environment lead where they always did.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace

from pyalma_tui.errors import InputError
from pyalma_tui.model.words import size

LARGEST = 1_000_000_000  # bytes of all that is copied
MOST = 20_000  # files of it
BESIDE = 100_000_000, 2_000  # bytes and files of an instance's folder that is copied whole
NAMED = 4  # folders that a message names
LEFT_OUT = ("__pycache__", ".git", ".hg", ".venv", "venv", "node_modules")  # what a run neither reads nor writes
SCRATCH = re.compile(r"pyalma-tui-(verify|reproduce)-\w{8}")  # where mirrors are made, which may be in the folder
PACE = 300_000_000, 8_000  # bytes and files that are copied in a second, about


class Weight(msgspec.Struct, frozen=True):
    """How many bytes and files lie below a path, and where links among them lead."""

    bytes: int = 0
    files: int = 0
    links: frozenset[str] = frozenset()

    def plus(self, other: Weight) -> Weight:
        """Both together."""
        return Weight(self.bytes + other.bytes, self.files + other.files, self.links | other.links)


NOTHING = Weight()


class Mirror(msgspec.Struct, frozen=True, kw_only=True):
    """What is copied: real paths of folders and files, each with all that is below it.

    `folder` is the one from which names of files are told, `here` where the run is called. `names` are other
    names of folders, which are links in the copy, `left_out` is what was too large.
    """

    folder: Path
    here: Path
    trees: tuple[str, ...]
    weight: Weight
    names: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """About how long it takes to copy it."""
        return self.weight.bytes / PACE[0] + self.weight.files / PACE[1]


def told_of_left_out(mirrors: Iterable[Mirror]) -> Iterator[str]:
    """What there is to tell of folders that are not in the copy, though a run may read them."""
    if paths := sorted({path for mirror in mirrors for path in mirror.left_out}):
        names = ", ".join(paths[:NAMED]) + ", …" * (len(paths) > NAMED)
        yield f"too large to be copied, so runs find only their code and instance there: {names}"


def mirror_of(root: Path, here: Path) -> Mirror:
    """A mirror of all of `here` if the code, which is below `root`, is below it, else of both, as far as `here` fits.

    Raises InputError if the code's folder is too large to be copied.
    """
    weight = _weight(os.fspath(here)) if root.is_relative_to(here) else None
    folder = root if weight is None else here
    if weight is None and (weight := _weight(os.fspath(root))) is None:
        raise InputError(
            f"{root}: it has more than {size(LARGEST)} or {MOST:,} files, and a run that is called apart works on a "
            f"copy. Put the module into a smaller folder. Nothing was started"
        )
    mirror = Mirror(folder=folder, here=folder, trees=(os.fspath(folder),), weight=weight)
    mirror = _with(mirror, os.fspath(root))  # which may be in a folder that is left out
    if here.is_relative_to(folder):
        return replace(mirror, here=here)
    if root.is_relative_to(here) or (weight := _weight(os.fspath(here), mirror.weight, *BESIDE)) is None:
        return replace(mirror, left_out=(os.fspath(here),))
    return replace(_and(mirror, os.fspath(here), weight), here=here)


def with_instance(mirror: Mirror, file: str) -> Mirror:
    """The mirror with an instance's file, "" for none, with what lies beside it and what links lead to, if that fits.

    Raises InputError if the file itself does not.
    """
    if file:
        place = os.path.realpath(os.path.dirname(file))
        for path in dict.fromkeys((os.path.join(place, os.path.basename(file)), os.path.realpath(file))):
            mirror = _beside(mirror, path)
        if place != os.path.dirname(file):
            mirror = replace(mirror, names=(os.path.dirname(file),))
    todo, seen = list(mirror.weight.links), set(mirror.left_out)
    while todo:
        if (path := todo.pop()) in seen or _has(mirror, path):
            continue
        seen.add(path)
        if (weight := _weight(path, mirror.weight)) is None:
            mirror = replace(mirror, left_out=(*mirror.left_out, path))
        else:
            mirror = _and(mirror, path, weight)
            todo += weight.links
    return replace(mirror, left_out=tuple(sorted(mirror.left_out)))


def _beside(mirror: Mirror, path: str) -> Mirror:
    """The mirror with a path, and with all that lies beside it unless that is large."""
    if _has(mirror, path) or not os.path.lexists(path):
        return mirror
    folder = os.path.dirname(path)
    if (weight := _weight(folder, mirror.weight, *BESIDE)) is not None:
        return _and(mirror, folder, weight)
    return replace(_with(mirror, path), left_out=(*mirror.left_out, folder))


def _with(mirror: Mirror, path: str) -> Mirror:
    if _has(mirror, path):
        return mirror
    if (weight := _weight(path, mirror.weight)) is None:
        raise InputError(
            f"{path}: it has more than {size(LARGEST)} or {MOST:,} files together with {mirror.folder}, and a run that "
            f"is called apart works on a copy. Nothing was started"
        )
    return _and(mirror, path, weight)


def _and(mirror: Mirror, path: str, weight: Weight) -> Mirror:
    return replace(mirror, trees=(*mirror.trees, path), weight=mirror.weight.plus(weight))


def _has(mirror: Mirror, path: str) -> bool:
    """Whether a real path is copied, with all below it."""
    return any(path == tree or _is_kept_below(tree, path) for tree in mirror.trees)


def _is_kept_below(tree: str, path: str) -> bool:
    below = path.startswith(os.path.join(tree, ""))
    return below and not any(map(_is_left_out, os.path.relpath(path, tree).split(os.sep)))


def _weight(path: str, before: Weight = NOTHING, most: int = LARGEST, many: int = MOST) -> Weight | None:
    """What a path weighs, None if that is more than so many bytes or files, or all is together with what was `before`.

    What is there no more weighs nothing.
    """
    total, files, links = 0, 0, set()
    for each in (path, *_below(path)):
        try:
            found = os.lstat(each)
        except OSError:
            continue
        if stat.S_ISLNK(found.st_mode):
            links.add(os.path.realpath(each))
        elif stat.S_ISREG(found.st_mode):
            total += found.st_size
        files += not stat.S_ISDIR(found.st_mode)
        if total > most or files > many or total + before.bytes > LARGEST or files + before.files > MOST:
            return None
    return Weight(total, files, frozenset(links))


# --- copying ----------------------------------------------------------------------------------------------------------


def copy(mirror: Mirror, root: Path, later: Path) -> None:
    """Make the copy, whose links lead to where it is to be `later`; raises OSError.

    What the user may not read is not in it, nor are pipes, sockets and devices.
    """
    for tree in mirror.trees:
        os.makedirs(_in(root, os.path.dirname(tree)), exist_ok=True)
        for path in (tree, *_below(tree)):
            with suppress(FileNotFoundError, PermissionError):  # it is gone, or the run cannot read it either
                _copy(path, root, later)
    for name in mirror.names:
        if not os.path.lexists(_in(root, name)):
            os.makedirs(_in(root, os.path.dirname(name)), exist_ok=True)
            os.symlink(_in(later, os.path.realpath(name)), _in(root, name))


def _copy(path: str, root: Path, later: Path) -> None:
    mode, new = os.lstat(path).st_mode, _in(root, path)
    if os.path.lexists(new):  # another tree has it
        return
    if stat.S_ISLNK(mode):
        os.symlink(_target(path, later), new)
    elif stat.S_ISDIR(mode):
        os.mkdir(new)
    elif stat.S_ISREG(mode):
        shutil.copy2(path, new)


def _target(link: str, root: Path) -> str:
    """What a link of the copy has to say: as it was, if it leads into the copy like that."""
    text, real = os.readlink(link), os.path.realpath(link)
    if os.path.normpath(os.path.join(_in(root, os.path.dirname(link)), text)) == _in(root, real):
        return text
    with suppress(OSError):
        if stat.S_ISCHR(os.stat(real).st_mode):  # /dev/null
            return real
    return _in(root, real)


def files_in(mirror: Mirror, root: Path) -> dict[str, Path]:
    """The regular files and links in a copy, by their names as seen from the folder, those elsewhere by their paths."""
    found = {}
    for tree in ("/", *mirror.trees):
        for path in _below(_in(root, tree)):
            if stat.S_IFMT(os.lstat(path).st_mode) in (stat.S_IFREG, stat.S_IFLNK):
                original = Path(path[len(os.fspath(root)) :])
                inside = original.is_relative_to(mirror.folder)
                found[os.fspath(original.relative_to(mirror.folder) if inside else original)] = Path(path)
    return found


def _in(root: Path, path: str) -> str:
    return os.path.normpath(f"{root}{path}")


def _below(folder: str) -> Iterator[str]:
    """All paths below a folder, a folder before what is in it; no link is followed."""
    todo = [folder]
    while todo:
        try:
            with os.scandir(todo.pop()) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:  # no folder, or one that nobody may list
            continue
        for entry in _kept(entries):
            yield entry.path
            if entry.is_dir(follow_symlinks=False):
                todo.append(entry.path)


def _kept(entries: Iterable[os.DirEntry[str]]) -> Iterator[os.DirEntry[str]]:
    return (entry for entry in entries if not _is_left_out(entry.name))


def _is_left_out(name: str) -> bool:
    return name in LEFT_OUT or name.endswith(".alma") or SCRATCH.fullmatch(name) is not None

"""Entries of a batch, wherever they came from, before they are numbered as instances."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import Any, TypeAlias, overload

import msgspec

from pyalma_tui.loading.json_file import Origin, Warn, described, quoted, unknown_key
from pyalma_tui.loading.pattern import Pause, matches, no_pause, nothing_told
from pyalma_tui.model import jsontext
from pyalma_tui.model.exact import TOO_DEEP
from pyalma_tui.model.instance import Files, Instance, compact
from pyalma_tui.model.words import plural

KEYS = ("file", "data", "name")
NO_DATA = b"{}"
ESCAPED_SURROGATE = b"\\ud"
# A bracket counts only when it is closed before the next slash, as glob has it: `x[/]y` is a name.
PATTERN = re.compile(r"[*?]|\[[^/]+\]")
# From this many files of one folder on, listing it is cheaper than asking for each, above all on a network.
WORTH_LISTING = 200
NAMED = 3  # folders in a warning


# Lines are paths: what may be a pattern, has a part that normpath takes out, ends in a slash, or is nothing at all.
UNUSUAL = ("*", "?", "[", "\0", "//", "/\n", "\n\n", "/./", "/../", "\n./", "\n../", "/.\n", "/..\n", "\n.\n", "\n..\n")


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One thing to run: `file` is an absolute path or "", `data` an object's data as JSON, None for a string.

    `title` is what people are to read instead, "" for nothing. `bare` data was given without an object around it.
    """

    file: str
    data: bytes | None = None
    title: str = ""
    bare: bool = False


class Paths(Sequence[Entry]):
    """Entries that are paths and nothing else, as they are seen from a folder, which ends with a slash."""

    __slots__ = ("paths", "prefix")

    def __init__(self, paths: Sequence[str], prefix: str) -> None:
        self.paths = paths
        self.prefix = prefix

    def __len__(self) -> int:
        return len(self.paths)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | list[Entry]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self.paths)))]
        return Entry(absolute(self.paths[index], self.prefix))


Where: TypeAlias = Callable[[int, str], str]
"""The place of the value with an index, or of a key in it ("" for the value itself), as messages name it."""


def in_list(place: str) -> Where:
    """The places of the values of a list that stands at this path, such as `$.instances`."""
    return lambda index, key: f"{place}[{index}]{'.' * bool(key)}{key}"


def expand_arguments(
    arguments: Sequence[str], folder: Path, warn: Warn = nothing_told, pause: Pause = no_pause
) -> list[Entry]:
    """The entries that the INSTANCE arguments of a command line mean, in their order.

    A directory stands for its regular files, a glob pattern that is no existing file for its matches, both sorted;
    any other path is passed, whether it exists or not. What ends in a slash is a folder, or a pattern of folders, that
    is passed itself. Folders that cannot be looked into are warned of. Raises InputError for what stands for nothing,
    and what `pause` raises.
    """
    base = _with_slash(os.path.abspath(folder))
    paths = [absolute(argument, base) for argument in arguments]
    files = _listed_files(paths)
    entries: list[Entry] = []
    for argument, path in zip(arguments, paths, strict=True):
        if path in files:
            entries.append(Entry(path))
            continue
        origin = Origin("cannot find the instances", argument or '""')
        if not argument:
            raise origin.error("an empty argument names no file", "Take it out, or check the variable it came from")
        if os.path.isdir(path) and not argument.endswith("/"):
            entries += map(Entry, _files_of(path, origin))
        elif not _is_pattern(argument, path):
            entries.append(Entry(path))
        else:
            entries += map(Entry, _matches(argument, base, origin, warn, pause=pause))
    return entries


def from_values(values: Sequence[object], folder: Path, source: str, warn: Warn) -> Sequence[Entry]:
    """The entries of a module's `instances`: paths and globs relative to `folder`, objects with `file`, `data`, `name`.

    Messages name `source` and a place in it such as `instances[3]`. Raises InputError.
    """
    origin = Origin("cannot read the instances", source)
    return entries_at(in_list("instances"), values, os.path.abspath(folder), origin, warn, data_alone=True)


def entries_at(
    where: Where, values: Sequence[object], folder: str, origin: Origin, warn: Warn, *, data_alone: bool = False
) -> Sequence[Entry]:
    """The entries that decoded JSON values of a file mean; `folder` is absolute.

    With `data_alone` an object with neither `file` nor `data` is the data. Raises InputError.
    """
    prefix = _with_slash(folder)
    if len(values) >= WORTH_LISTING and (paths := _usual_paths(values)) is not None:
        return Paths(paths, prefix)
    entries: list[Entry] = []
    unknown: dict[str, list[int]] = {}
    for index, value in enumerate(values):
        if isinstance(value, str) and value:
            path = absolute(value, prefix)
            if _is_pattern(value, path):
                entries += map(Entry, _matches(value, prefix, origin, warn, where(index, "")))
            else:
                entries.append(Entry(path))
        elif isinstance(value, dict) and data_alone and "file" not in value and "data" not in value:
            entries.append(Entry("", _data_text(value, origin, where, index, ""), title_of(value), bare=True))
        elif isinstance(value, dict):
            for key in value:
                if key not in KEYS:
                    unknown.setdefault(key, []).append(index)
            entries.append(_from_object(value, prefix, origin, where, index))
        else:
            why = f"a path or an object was expected, found {described(value)}"
            raise origin.error(why, 'Write "a.cnf" or {"file": "a.cnf", "data": {}}', where(index, ""))
    for key, places in unknown.items():
        warn(unknown_key(origin, where(places[0], ""), key, KEYS, len(places)))
    return entries


def _usual_paths(values: Sequence[object]) -> list[str] | None:
    """The values, if all are paths with nothing in them that needs a closer look: for a million this takes 0.1 s."""
    if set(map(type, values)) != {str}:
        return None
    paths: list[str] = list(values)  # type: ignore[arg-type]  # as the types of all of them say
    text = "\n".join(("", *paths, ""))
    return paths if text.count("\n") == len(paths) + 1 and not any(sign in text for sign in UNUSUAL) else None


def title_of(data: dict[str, Any]) -> str:
    """What people are to read of data that has a `name`, "" where that is no text."""
    name = data.get("name")
    return name if isinstance(name, str) else ""


def _from_object(value: dict[str, Any], prefix: str, origin: Origin, where: Where, index: int) -> Entry:
    file, title = value.get("file", ""), value.get("name", "")
    if not isinstance(file, str):
        why = f"a path was expected, found {described(file)}"
        raise origin.error(why, 'Write it in double quotes or leave "file" out', where(index, "file"))
    if not isinstance(title, str):
        why = f"a text was expected, found {described(title)}"
        raise origin.error(why, 'It is what is shown; what run() is to get belongs into "data"', where(index, "name"))
    data = value.get("data", {})
    text = NO_DATA if data == {} else _data_text(data, origin, where, index, "data")
    return Entry(absolute(file, prefix) if file else "", text, title)


def _data_text(data: object, origin: Origin, where: Where, index: int, key: str) -> bytes:
    """The text of decoded JSON, of which only the depth can be wrong; raises InputError."""
    try:
        text = jsontext.encode(data)
        deep = jsontext.is_deep(text)
    except RecursionError:
        deep = True
    if deep:
        raise origin.error(TOO_DEEP, "Make it flatter", where(index, key))
    return text


def number(entries: Sequence[Entry], base: Path) -> Sequence[Instance]:
    """The entries as instances with ids from 0; equal ones are told apart by their occurrence, counted from 1.

    A file inside `base` is named by its path from there, so that an experiment may be moved as a whole.
    """
    inside = _with_slash(os.path.abspath(base))
    cut = len(inside)
    if isinstance(entries, Paths) and (files := _files(entries, inside)) is not None:
        return files
    instances: list[Instance] = []
    seen: dict[str | tuple[str, bytes], int] = {}
    called: dict[tuple[str, bytes | None, str], int] = {}
    for id_, entry in enumerate(entries):
        file, data = entry.file, entry.data
        name = file[cut:] if file.startswith(inside) else file
        if data is None:
            occurrence = seen[name] = seen.get(name, 0) + 1
        else:
            if not file:
                name = _readable(data)
            elif data != NO_DATA:
                name = f"{name} {_readable(data)}"
            occurrence = seen[name, data] = seen.get((name, data), 0) + 1
        title = entry.title
        if title:
            times = called[name, data, title] = called.get((name, data, title), 0) + 1
            title += f" #{times}" * (times > 1)
        instances.append(Instance(id_, name, file, data, occurrence, title=title, bare=entry.bare))
    return compact(instances)


def _files(entries: Paths, inside: str) -> Files | None:
    """The entries as instances without one object for each, None if that cannot be."""
    if not entries.prefix.startswith(inside):
        return None
    names, between = entries.paths, entries.prefix[len(inside) :]
    if any(name.startswith("/") for name in names):  # some of which may be inside, and are named from there
        return None
    if between:
        names = [between + name for name in names]
    return Files(names, inside) if len(set(names)) == len(names) else None


def _listed_files(paths: Iterable[str]) -> set[str]:
    """Paths that are surely regular files, as far as folders show that hold many of the given ones.

    It spares asking for each of 100,000 files; nothing follows for a path that is not in the set.
    """
    folders = Counter(path.rpartition("/")[0] for path in paths)
    files: set[str] = set()
    for folder, count in folders.items():
        if count < WORTH_LISTING:
            continue
        with suppress(OSError, ValueError), os.scandir(folder or "/") as found:
            files.update(entry.path for entry in found if entry.is_file(follow_symlinks=False))
    return files


def _is_pattern(text: str, path: str) -> bool:
    return PATTERN.search(text) is not None and not os.path.lexists(path)


def _matches(
    pattern: str, prefix: str, origin: Origin, warn: Warn, place: str = "", pause: Pause = no_pause
) -> list[str]:
    """The absolute paths that match a pattern, sorted; folders only if it ends in a slash, as in a shell."""
    closed: list[str] = []
    try:
        found = sorted({absolute(name, prefix) for name in matches(pattern, prefix, pause, closed.append)})
    except ValueError:  # a NUL, which glob of some Python versions does not expect
        found = []
    paths = found if pattern.endswith("/") else _without_folders(found)
    if paths:
        if closed:
            where = "" if origin.at(place) == pattern else f"{origin.at(place)}: "
            warn(f"{where}{quoted(pattern)} passes over {_named(closed)}. Check the permissions")
        return paths
    where = "" if pattern.startswith("/") else f" in {os.path.dirname(prefix)}"
    if found:
        why = f"only folders match {quoted(pattern)}{where}"
        advice = f"Write {quoted(pattern + '/*')} for the files in them, {quoted(pattern + '/')} for the folders"
        raise origin.error(why, advice, place)
    _refuse_unlisted(pattern, prefix, origin, place)
    if closed:
        why = f"no file matches {quoted(pattern)}{where} outside of {_named(closed)}"
        raise origin.error(why, "Check the permissions, or correct the pattern", place)
    raise origin.error(f"no file matches {quoted(pattern)}{where}", "Correct the pattern or the folder", place)


def _refuse_unlisted(pattern: str, prefix: str, origin: Origin, place: str) -> None:
    """Say so if nobody can know what matches: the folder that a pattern begins in is not for us."""
    folder = "/".join(takewhile(lambda part: PATTERN.search(part) is None, pattern.split("/")[:-1]))
    try:
        os.scandir(absolute(folder or ("/" if pattern.startswith("/") else "."), prefix)).close()
    except PermissionError as error:
        why = f"what matches {quoted(pattern)} cannot be listed, {os.strerror(error.errno or 0).lower()}"
        raise origin.error(why, "Check the permissions of its folder", place) from None
    except (OSError, ValueError):  # a folder that is not there has no files
        return


def _named(closed: Iterable[str]) -> str:
    """How many folders cannot be looked into, and the first of them."""
    folders = sorted({os.path.normpath(path) for path in closed})
    named = ", ".join(folders[:NAMED]) + ", …" * (len(folders) > NAMED)
    return f"{plural(len(folders), 'folder')} that cannot be looked into: {named}"


def _without_folders(paths: Sequence[str]) -> list[str]:
    files = _listed_files(paths)
    return [path for path in paths if path in files or not os.path.isdir(path)]


def _files_of(folder: str, origin: Origin) -> list[str]:
    """The regular files directly in a folder, sorted, without hidden ones."""
    try:
        with os.scandir(folder) as found:
            files = [entry.path for entry in found if entry.name[0] != "." and _is_file(entry)]
    except OSError as error:
        why = f"the folder cannot be listed, {os.strerror(error.errno or 0).lower()}"
        raise origin.error(why, "Check its permissions") from None
    if not files:
        raise origin.error("this folder holds no files, apart from hidden ones", "Name the files or another folder")
    return sorted(files)


def _is_file(entry: os.DirEntry[str]) -> bool:
    # A link that leads in a circle makes entry.is_file() raise; os.path.isfile() just says no.
    return os.path.isfile(entry.path) if entry.is_symlink() else entry.is_file()


def _readable(data: bytes) -> str:
    """JSON text for people: what is not ASCII stays as it is, only surrogates are escaped."""
    if ESCAPED_SURROGATE not in data:
        return data.decode()
    text = json.dumps(jsontext.decode(data), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace").decode()


def absolute(path: str, prefix: str) -> str:
    """What os.path.abspath makes of a path that is seen from an absolute folder, given with its slash."""
    return os.path.normpath(path if path.startswith("/") else prefix + path)


def _with_slash(folder: str) -> str:
    return folder if folder.endswith("/") else folder + "/"

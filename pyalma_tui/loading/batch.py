"""Batches: which instances a file lists, or what comes through a pipe; a `.batch` in pyalma's order.

The keys of a `.batch` are in pyalma_tui/README.md, "File formats".
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import msgspec

from pyalma_tui.loading import entries
from pyalma_tui.loading.entries import Entry, entries_at, in_list
from pyalma_tui.loading.json_file import (
    BOM,
    Origin,
    Warn,
    described,
    expect_list,
    expect_object,
    expect_path,
    json_value,
    read_regular,
    text_of_file,
    unknown_key,
)
from pyalma_tui.loading.lists import ADVICE, READERS, json_lines, path_lines
from pyalma_tui.loading.stream import STANDARD_INPUT, is_stream, read_stream

KEYS = ("dir", "include", "instances", "batches")
ALL_KEYS = (*KEYS, *entries.KEYS)
MAX_LEVELS = 16
EXAMPLE = '{"instances": ["data/*.cnf"]}'
OF_JSON = (".batch", ".json", ".experiment")  # names of files that cannot be meant to be anything else


class BatchContext(msgspec.Struct, frozen=True):
    """Where a batch object stands: `path` in the file of `origin`, on which level, and the `folder` it inherits.

    `root` is the folder of the outermost file. `open_files` are the real paths of the files that are being read,
    outermost first: to include one of them again would never end.
    """

    origin: Origin
    root: str
    folder: str
    open_files: tuple[str, ...]
    path: str = "$"
    level: int = 1


Parts: TypeAlias = Iterator[Sequence[Entry]]
"""What the parts of a batch list, one after the other: a long list stays what it is."""


def read_batch(path: Path, warn: Warn) -> Sequence[Entry]:
    """The entries of a batch file: its own instances, then those of nested batches, then of included files.

    A `.txt`, `.csv` or `.jsonl` is read line by line; `-` is standard input. Raises InputError, also when there is no
    instance in any of them. `warn` gets one line for each unknown key.
    """
    shown = os.fspath(path)
    advice = ADVICE.get(_ending(shown), f"Add some, as in {EXAMPLE}")
    if is_stream(shown):
        advice = f"Write a path a line, or JSON, as in {EXAMPLE}"
        origin = Origin("cannot read the batch", "stdin" if shown == STANDARD_INPUT else shown)
        found = _from_stream(read_stream(shown, origin), os.getcwd(), origin, warn)
    else:
        origin = Origin("cannot read the batch", shown)
        absolute = os.path.abspath(shown)
        folder = os.path.dirname(absolute)
        found = _joined(_from_file(absolute, BatchContext(origin, folder, folder, (_real(absolute),)), warn))
    if not found:
        raise origin.error("it lists no instances", advice)
    return found


def _joined(parts: Parts) -> Sequence[Entry]:
    found = [part for part in parts if part]
    return found[0] if len(found) == 1 else list(chain.from_iterable(found))


def _from_file(file: str, at: BatchContext, warn: Warn) -> Parts:
    """The entries of a file that `at` names, read as its name tells."""
    raw = read_regular(file, at.origin)
    by_line = READERS.get(_ending(file))
    if by_line is not None:
        yield by_line(raw, at.folder, at.origin, warn)
        return
    text = text_of_file(raw, at.origin)
    if _ending(file) not in OF_JSON and not text.lstrip().startswith(("{", "[")):
        why = "it does not begin as JSON does, and its name tells of nothing else"
        raise at.origin.error(why, "Call a list of paths .txt, a table with commas .csv, an object a line .jsonl")
    yield from _entries(json_value(text, at.origin, ALL_KEYS, warn), at, warn)


def _ending(file: str) -> str:
    return os.path.splitext(file)[1].lower()


def _from_stream(raw: bytes, folder: str, origin: Origin, warn: Warn) -> Sequence[Entry]:
    """The entries of what has no name that tells how to read it: JSON if it begins so, else a path a line."""
    if not raw.removeprefix(BOM).lstrip().startswith((b"{", b"[")):
        return path_lines(raw, folder, origin, warn)
    text = text_of_file(raw, origin)
    if not _is_one_value(text) and _is_one_value(text.lstrip().partition("\n")[0]):
        return json_lines(raw, folder, origin, warn)
    value = json_value(text, origin, ALL_KEYS, warn)
    if isinstance(value, list):
        return entries_at(in_list("$"), value, folder, origin, warn, data_alone=True)
    if any(key in KEYS for key in value):
        return _joined(_entries(value, BatchContext(origin, folder, folder, ()), warn))
    return json_lines(raw, folder, origin, warn)


def _is_one_value(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _entries(value: object, at: BatchContext, warn: Warn) -> Parts:
    """The entries of one batch object and of everything below it."""
    if at.level > MAX_LEVELS:
        raise at.origin.error(f"batches and includes are more than {MAX_LEVELS} levels deep", "Nest them less", at.path)
    batch = expect_object(value, at.origin, at.path, 'Write {"instances": ["a.cnf"]}')
    for key in batch:
        if key not in KEYS:
            warn(unknown_key(at.origin, at.path, key, KEYS))
    folder = _folder(batch.get("dir", ""), at)
    instances, batches, includes = (
        expect_list(batch.get(key, []), at.origin, f"{at.path}.{key}") for key in ("instances", "batches", "include")
    )
    yield entries_at(in_list(f"{at.path}.instances"), instances, folder, at.origin, warn)
    for index, nested in enumerate(batches):
        below = BatchContext(at.origin, at.root, folder, at.open_files, f"{at.path}.batches[{index}]", at.level + 1)
        yield from _entries(nested, below, warn)
    for index, include in enumerate(includes):
        yield from _included(include, f"{at.path}.include[{index}]", folder, at, warn)


def _folder(value: object, at: BatchContext) -> str:
    """The folder that the paths of a batch are relative to."""
    if isinstance(value, str):
        return os.path.normpath(os.path.join(at.folder, value))
    why = f"a folder was expected, found {described(value)}"
    raise at.origin.error(why, 'Write it in double quotes or leave "dir" out', f"{at.path}.dir")


def _included(value: object, path: str, folder: str, at: BatchContext, warn: Warn) -> Parts:
    """The entries of an included file, which is a root of its own: only the level and the chain go on."""
    file = os.path.normpath(os.path.join(folder, expect_path(value, at.origin, path)))
    origin = Origin(at.origin.failed, _shown(file, at), (*at.origin.included_by, at.origin.shown))
    real = _real(file)
    if real in at.open_files:
        raise origin.error("the includes form a cycle", "Take one of them out")
    place = BatchContext(origin, at.root, os.path.dirname(file), (*at.open_files, real), level=at.level + 1)
    yield from _from_file(file, place, warn)


def _shown(file: str, at: BatchContext) -> str:
    """An included file as the user would name it: by the folder typed for the outermost file, if it is below that."""
    outermost = (*at.origin.included_by, at.origin.shown)[0]
    if not file.startswith(at.root + "/"):
        return file
    return os.path.join(os.path.dirname(outermost), file[len(at.root) + 1 :])


def _real(file: str) -> str:
    """The path without links; a name that no file can have stays as it is."""
    try:
        return os.path.realpath(file)
    except ValueError:
        return file

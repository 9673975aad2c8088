"""What is known of each start: `sessions/<session>.json`, for whoever asks later where a result comes from."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import msgspec

from pyalma_tui.model import jsontext
from pyalma_tui.model.bounds import Moment
from pyalma_tui.model.chosen import Argument
from pyalma_tui.store import layout
from pyalma_tui.store.disk import make_folder, read_regular
from pyalma_tui.store.inputs import replace_whole

CLOCKS = 1.0  # seconds that the record of a start may say later than its first run
NAME = re.compile(r"([0-9]{6,18})\.json")


class Git(msgspec.Struct, frozen=True):
    """The repository that the run module is in: its commit, whether anything in it was changed since, and what.

    `diff` is the text of `git diff HEAD`, cut where it is `cut`, "" where git took too long; files that git does not
    know are not in it.
    """

    commit: str
    branch: str = ""
    dirty: bool = False
    diff: str = ""
    cut: bool = False


class Renewal(msgspec.Struct, frozen=True):
    """The module was imported again while the session ran: when, in seconds of the epoch, and which code that is."""

    at: Moment
    code: str
    files: dict[str, str] = {}


class SessionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One start: who ran what where and with what.

    `began` are seconds of the epoch. `command` is what was typed, `directory` where. `code` is the identity of the
    code, `files` the hashes of its files by name. `on` is what leads to the other hosts that workers are on, "" for
    this one. `environment` are the variables that change results, as far as they are set. `distributions` are versions
    of what the module and its runs have imported, by name. `renewals` are later imports of the module, in their order.
    """

    session: int
    began: Moment
    pyalma_tui: str
    python: str
    implementation: str
    platform: str
    machine: str
    host: str
    processors: int
    processor: str = ""
    user: str = ""
    command: tuple[str, ...] = ()
    directory: str = ""
    target: str = ""
    module: str = ""
    arguments: tuple[Argument, ...] = ()
    code: str = ""
    files: dict[str, str] = {}
    seed: int = 0
    seed_globals: bool = False
    workers: int = 1
    on: str = ""
    environment: dict[str, str] = {}
    distributions: dict[str, str] = {}
    git: Git | None = None
    renewals: tuple[Renewal, ...] = ()


def without_diff(record: SessionRecord) -> SessionRecord:
    """The record without a text that may be long."""
    if record.git is None:
        return record
    return msgspec.structs.replace(record, git=msgspec.structs.replace(record.git, diff=""))


def write_record(state_dir: Path, record: SessionRecord, umask: int) -> None:
    """Put it there, whole; raises OSError."""
    make_folder(layout.sessions(state_dir), umask)
    text = _indented(jsontext.encode(record))
    replace_whole(layout.session_record(state_dir, record.session), text + b"\n", umask)


def _indented(text: bytes) -> bytes:
    try:
        return msgspec.json.format(text, indent=1)
    except msgspec.DecodeError:  # it takes no half of a character, as the name of a file that is no UTF-8 has them
        return json.dumps(json.loads(text), indent=1).encode()


def read_record(state_dir: Path, session: int) -> SessionRecord | None:
    """What is known of a start, None if nothing is, or nobody can read it."""
    with suppress(OSError, msgspec.DecodeError):
        record: SessionRecord = jsontext.decode_as(
            read_regular(layout.session_record(state_dir, session)), SessionRecord
        )
        return record if record.session == session else None
    return None


def read_records(state_dir: Path) -> Iterator[SessionRecord]:
    """What is known of all starts, in their order."""
    for number in _numbers(state_dir):
        if (record := read_record(state_dir, number)) is not None:
            yield record


def newest_records(state_dir: Path, most: int) -> Iterator[SessionRecord]:
    """What is known of the last starts, at most so many, the newest first."""
    found = (read_record(state_dir, number) for number in reversed(_numbers(state_dir)))
    return islice((record for record in found if record is not None), most)


def last_record(state_dir: Path) -> SessionRecord | None:
    """What is known of the last start of which anything is: one that only resets runs records nothing."""
    found = (read_record(state_dir, number) for number in reversed(_numbers(state_dir)))
    return next((record for record in found if record is not None), None)


def session_of(records: Sequence[SessionRecord], began: float) -> SessionRecord | None:
    """The start that an attempt belongs to which began at this moment: the last one before it."""
    before = [record for record in records if record.began <= began + CLOCKS]
    return before[-1] if before else next(iter(records), None)


def _numbers(state_dir: Path) -> list[int]:
    try:
        names = os.listdir(layout.sessions(state_dir))
    except OSError:
        return []
    return sorted(int(found[1]) for found in map(NAME.fullmatch, names) if found)

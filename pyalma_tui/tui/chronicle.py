"""All that an experiment has been through: its starts, what people did, and which code its runs used."""

from __future__ import annotations

import calendar
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyalma_tui.model import status as s
from pyalma_tui.model import words
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.printable import clip
from pyalma_tui.store.disk import read_end
from pyalma_tui.store.kept_code import read_code
from pyalma_tui.store.layout import session_log
from pyalma_tui.store.session_records import SessionRecord, newest_records, without_diff

SESSIONS: Final = 300  # the newest ones
LOG: Final = 1 << 20  # bytes of the session log, from its end
NAMED: Final = 3  # files of a code
COMMAND: Final = 300  # characters: the shell may have made three hundred names of a pattern
LINE: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d) (.*)")
HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened, with its time; `more` is what stands below it. Texts may be anybody's."""

    at: float
    kind: str  # "session" or "note"
    text: str
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CodeVersion:
    """A code that is kept or was run: its files, and how many runs used it last, and are done."""

    identity: str
    files: tuple[str, ...]
    runs: int
    done: int
    now: bool

    @property
    def text(self) -> str:
        """In one line."""
        named = ", ".join(self.files[:NAMED]) + (f" and {len(self.files) - NAMED} more" * (len(self.files) > NAMED))
        used = f"{words.plural(self.runs, 'run')}, {self.done:,} done"
        return f"{self.identity}  {named}  {used}{'  · now' * self.now}"


def entries(state_dir: Path) -> list[Happening]:
    """Starts and what the session log tells, the newest first. The log knows seconds: in one, the last is newest."""
    found = [_of_session(record) for record in newest_records(state_dir, SESSIONS)]
    with suppress(OSError):  # nothing was told so far, or it cannot be read: starts are known all the same
        found += _of_log(read_end(session_log(state_dir), LOG))
    found.sort(key=lambda each: (int(each.at), each.kind == "note", each.at))
    return found[::-1]


def _of_session(record: SessionRecord) -> Happening:
    record = without_diff(record)
    command = clip(" ".join(record.command), COMMAND) or record.target
    git = record.git
    workers = words.plural(record.workers, "worker") + f" on {clip(record.on, COMMAND)}" * bool(record.on)
    where = [workers, f"{record.processors} processors of {record.host or 'unknown'}"]
    where += [f"Python {record.python}", f"pyalma-tui {record.pyalma_tui}"]
    came = [f"in {record.directory}"] if record.directory else []
    if git is not None:
        came.append(f"git {git.commit[:10]}{f' {git.branch}' * bool(git.branch)}{' with changes' * git.dirty}")
    came.append(", then ".join([f"code {record.code or 'unknown'}", *(each.code for each in record.renewals)]))
    return Happening(record.began, "session", f"session {record.session}  {command}", (*where, *came))


def _of_log(text: bytes) -> Iterator[Happening]:
    for line in text.decode("utf-8", "replace").splitlines():
        if (found := LINE.fullmatch(line)) is not None:
            with suppress(ValueError, OverflowError):  # no time that ever was
                yield Happening(_moment(tuple(int(part) for part in found.groups()[:6])), "note", found[7])


def _moment(parts: tuple[int, ...]) -> float:
    """Seconds of the epoch of a local time, as the session log has it."""
    year, month, day, hour, minute, second = parts
    calendar.monthrange(year, month)  # raises ValueError for what is no month
    return time.mktime((year, month, day, hour, minute, second, 0, 0, -1))


class Versions:
    """Which runs used which code, counted little by little: there may be very many runs."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.counted = 0
        self._runs = iter(runs)
        self._used: Counter[str] = Counter()
        self._done: Counter[str] = Counter()
        self.ready = False

    def go_on(self, enough: Callable[[], bool]) -> None:
        """Count until it is `enough`, or all are counted."""
        for run in self._runs:
            self.counted += 1
            if run.module:
                self._used[run.module] += 1
                self._done[run.module] += isinstance(run.status, s.Done)
            if not self.counted % 64 and enough():
                return
        self.ready = True

    def told(self, state_dir: Path, module: str, now: str) -> list[CodeVersion]:
        """What is known so far, the code of `now` first, then by how many runs used it."""
        known = {*self._used, *([now] if now else [])}
        made = []
        for identity in known:
            files: tuple[str, ...] = (module,)
            with suppress(OSError):  # something else has its name: nobody knows what it was
                files = tuple(read_code(state_dir, identity, module).files)
            made.append(CodeVersion(identity, files, self._used[identity], self._done[identity], identity == now))
        return sorted(made, key=lambda each: (not each.now, -each.runs, each.identity))

"""pyalma-tui, or one that is wrong on purpose, as PYALMA_TUI_MUTANT_RUNNER says.

With PYALMA_TUI_STALE its file system shows nothing of what other hosts have appended, as NFS may for a while.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from pyalma_tui.model import experiment
from pyalma_tui.model import status as s
from pyalma_tui.model.records import Record, Saved
from pyalma_tui.runner import retries
from pyalma_tui.runner.workers import place
from pyalma_tui.store import heard, journal, leases

retries.LONGEST = 0.1
_poll, _take, _save = journal.Journal.poll, journal.Journal.take, experiment._save
_queue: list[tuple[str, str, int, list[str]]] = []


def _end(self: heard.Heard, writer: str) -> Iterator[Record]:
    """Its files say nothing that was not told."""
    self._segments.pop(writer, None)
    return iter(())


def _put(self: journal.Journal, writer: str, name: str, position: int, lines: Iterable[str]) -> Iterator[Record]:
    """What is told waits in a queue."""
    _queue.append((writer, name, position, list(lines)))
    return iter(())


def _swap(self: journal.Journal, writer: str, name: str, position: int, lines: Iterable[str]) -> Iterator[Record]:
    """What is told is taken after what is told next."""
    _queue.append((writer, name, position, list(lines)))
    if len(_queue) == 2:
        yield from _take(self, *_queue[1])
        yield from _take(self, *_queue[0])
        _queue.clear()


def _poll_later(self: journal.Journal) -> Iterator[Record]:
    """What waits there is taken into the ledger now and then."""
    for told in _queue:
        yield from _take(self, *told)
    _queue.clear()
    yield from _poll(self)


def _forget(self: heard.HeardSegment, position: int) -> None:
    """How far it is known is forgotten."""


def _save_again(run: experiment.Run, status: s.Running, record: Saved) -> experiment.Run:
    """A save that is known counts again, and so do some before it, which its line stands for."""
    return _save(replace(run, last_save=min(run.last_save, record.number - 5)), status, record)


if os.environ.get("PYALMA_TUI_STALE"):
    heard.Heard.end = _end  # type: ignore[method-assign]
match os.environ.get("PYALMA_TUI_MUTANT_RUNNER"):
    case "no wait":
        place.Place.safe_at = property(lambda self: 0.0)  # type: ignore[assignment,method-assign]
    case "no memory":
        leases.left = lambda state_dir: 0.0
    case "told later":
        journal.Journal.take = _put  # type: ignore[method-assign]
        journal.Journal.poll = _poll_later  # type: ignore[method-assign]
    case "told out of order":
        journal.Journal.take = _swap  # type: ignore[method-assign]
    case "told twice":
        heard.HeardSegment.position = property(lambda self: 0, _forget)  # type: ignore[assignment]
        experiment._save = _save_again

from pyalma_tui.cli.main import main  # noqa: E402 - what is wrong comes first

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

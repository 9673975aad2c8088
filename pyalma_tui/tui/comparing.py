"""What two runs have, beside each other: read when it is asked for, a bounded part of what is long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Final

from pyalma_tui.logs.reader import Reader
from pyalma_tui.model import jsontext, words
from pyalma_tui.model import status as s
from pyalma_tui.model.difference import Difference, differences
from pyalma_tui.model.experiment import Run, worked
from pyalma_tui.model.extents import rows_in
from pyalma_tui.model.states import one_line
from pyalma_tui.store.layout import log_path, rows
from pyalma_tui.store.rows import RowReader
from pyalma_tui.tui import cells
from pyalma_tui.tui.view_moment import Moment

DIFFERENCES: Final = 40  # places that are told of states, and as many of rows
ROWS_READ: Final = 1000  # of each run
TAIL: Final = 10  # lines of a log


@dataclass(frozen=True, slots=True)
class Pair:
    """What is known of both under one name; texts may be anybody's."""

    label: str
    one: str
    other: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs: facts, the places where states and rows differ, the ends of the logs.

    `more_of_state` and `more_of_rows` tell that there are more places than those.
    """

    names: tuple[str, str]
    facts: tuple[Pair, ...]
    state: tuple[Difference, ...]
    more_of_state: bool
    rows: tuple[Difference, ...]
    more_of_rows: bool
    tails: tuple[tuple[bytes, ...], tuple[bytes, ...]]


def compared(moment: Moment, one: Run, other: Run) -> Comparison:
    """Read what is compared of two runs."""
    state = list(islice(differences("state", one.state, other.state), DIFFERENCES + 1))
    found = list(islice(_in_rows(moment, one, other), DIFFERENCES + 1))
    return Comparison(
        names=(moment.name(one), moment.name(other)),
        facts=tuple(_facts(moment, one, other)),
        state=tuple(state[:DIFFERENCES]),
        more_of_state=len(state) > DIFFERENCES,
        rows=tuple(found[:DIFFERENCES]),
        more_of_rows=len(found) > DIFFERENCES,
        tails=(_tail(moment, one), _tail(moment, other)),
    )


def _facts(moment: Moment, one: Run, other: Run) -> Iterator[Pair]:
    def pair(label: str, of_run: Callable[[Run], str]) -> Pair:
        return Pair(label, of_run(one), of_run(other))

    now = moment.now
    yield pair("status", lambda run: s.word(run.status))
    yield pair("why", lambda run: s.reason(run.status) or "")
    yield pair("state", lambda run: "none" if run.state is None else one_line(run.state))
    yield pair("time", lambda run: words.duration(worked(run, now)))
    yield pair("saves", lambda run: f"{run.saves:,}")
    yield pair("attempts", lambda run: f"{run.called:,}")
    yield pair("rows", lambda run: f"{rows_in(run.extents):,}")
    yield pair("seed", lambda run: str(run.seed))
    yield pair("code", lambda run: run.module or "unknown")
    yield pair("began", lambda run: "" if run.began is None else cells.exact(run.began, now))
    yield pair("where", _where)


def _where(run: Run) -> str:
    if run.slot is None:
        return ""
    return f"worker {run.slot} on {run.host}" if run.host else f"worker {run.slot}"


def _in_rows(moment: Moment, one: Run, other: Run) -> Iterator[Difference]:
    """Where their rows differ, of the first thousand of each."""
    if not (one.extents or other.extents):
        return
    with RowReader(rows(moment.snapshot.state_dir)) as reader:
        pairs = zip_longest(reader.rows(one, 0, ROWS_READ), reader.rows(other, 0, ROWS_READ))
        for number, (left, right) in enumerate(pairs):
            yield from differences(
                f"row {number:,}",
                None if left is None else jsontext.encode(left),
                None if right is None else jsontext.encode(right),
            )
        if reader.missing:
            yield Difference("rows", remark=f"{words.plural(reader.missing, 'row')} cannot be read: {reader.why}")


def _tail(moment: Moment, run: Run) -> tuple[bytes, ...]:
    """The last lines of the log of its last attempt, none if there is none."""
    if not run.called:
        return ()
    reader = Reader(log_path(moment.snapshot.state_dir, run.id, run.called))
    reader.refresh()
    with closing(reader):
        return tuple([line.data for line in reader.lines(reader.before(reader.size, TAIL), TAIL)])

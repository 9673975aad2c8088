"""What the history of an experiment says against what its store says, and what its files hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from pyalma_tui.model import status as s
from pyalma_tui.report.results import pieces, table_of
from pyalma_tui.store import layout
from pyalma_tui.store.opening import read_store
from pyalma_tui.store.rows import RowReader
from tests.kill_loop import SAVES, rows_of


@dataclass
class Verdict:
    """What was seen; `broken` are sentences, one for each broken promise."""

    acknowledged: int = 0
    lost: int = 0
    overlaps: int = 0
    done_calls: int = 0
    written: int = 0
    rows: int = 0
    broken: list[str] = field(default_factory=list)


@dataclass
class Struck:
    """Whom the nemesis has hit: workers and agents that were killed, starts that were killed or interrupted as a whole.

    A process is told by `LIFE AGENT WORKER`: the number of the start, two process ids.
    """

    lives: set[int] = field(default_factory=set)
    pids: set[int] = field(default_factory=set)

    def has(self, process: str) -> bool:
        """Whether this worker was hit, by itself, with its agent or with its start, which kills what it interrupts."""
        life, *pids = map(int, process.split())
        return life in self.lives or not self.pids.isdisjoint(pids)


def check_instance(history: Path, verdict: Verdict) -> None:
    """Every start hands in the last acknowledged state, or one that was being saved when the kill came."""
    acknowledged = called = 0
    for line in history.read_text().splitlines():
        word, _, number = line.partition(" ")
        if word == "start":
            if not acknowledged <= int(number) <= called:
                verdict.lost += 1
                verdict.broken.append(f"{history.name}: started with {number} after {acknowledged} was acknowledged")
            acknowledged = called = int(number)
        elif word == "call":
            called = int(number)
        elif word == "saved":
            acknowledged = int(number)
            verdict.acknowledged += 1
        elif word == "overlap":
            verdict.overlaps += 1
            verdict.broken.append(f"{history.name}: two workers at once")


def check_store(state_dir: Path, histories: Path, instances: int, *, finished: bool, verdict: Verdict) -> None:
    """The store knows every run, at least as far as it was acknowledged, and none is done before run() returned."""
    store = read_store(state_dir)
    if store is None:
        return
    runs = list(store.ledger.runs)
    if len(runs) != instances:
        verdict.broken.append(f"{instances - len(runs)} runs are missing")
    for run in runs:
        name = store.ledger.instances[run.instance].name
        lines = _lines(histories / name)
        acknowledged = max((int(line[6:]) for line in lines if line.startswith("saved ")), default=0)
        stored = int((run.state or b'"0"').strip(b'"'))
        if stored < acknowledged:
            verdict.lost += 1
            verdict.broken.append(f"{name}: {stored} is stored, {acknowledged} was acknowledged")
        if isinstance(run.status, s.Done) and "return" not in lines:
            verdict.broken.append(f"{name}: done before run() returned")
        if finished and not (isinstance(run.status, s.Done) and stored == SAVES):
            verdict.broken.append(f"{name}: {s.word(run.status)} with state {stored} at the end")


def check_rows(state_dir: Path, *, verdict: Verdict) -> None:
    """The rows that count are those of the numbers up to the one that is stored; and one more of what is done."""
    store = read_store(state_dir)
    if store is None:
        return
    with RowReader(layout.rows(state_dir)) as reader:
        for run in store.ledger.runs:
            name = store.ledger.instances[run.instance].name
            stored = int((run.state or b'"0"').strip(b'"'))
            expected = [row for number in range(1, stored + 1) for row in rows_of(number)]
            found = list(reader.rows(run))
            last = [found.pop()] if isinstance(run.status, s.Done) and found else []
            if found != expected or len(last) != isinstance(run.status, s.Done):
                verdict.broken.append(
                    f"{name}: {s.word(run.status)} with {stored} stored has {len(found)} rows, expected {len(expected)}"
                )
            verdict.rows += len(found) + len(last)
        if reader.missing:
            verdict.broken.append(f"{reader.missing} rows that count are missing: {reader.why}")


def table_in(folder: Path) -> str:
    """The table of results as text."""
    return "".join(pieces(table_of(folder / "experiment.alma"), "csv"))


def check_table(folder: Path, undisturbed: str, verdict: Verdict) -> None:
    """It is that of an experiment which nobody has disturbed, byte for byte."""
    for number, (found, expected) in enumerate(
        zip_longest(table_in(folder).splitlines(), undisturbed.splitlines(), fillvalue="nothing"), start=1
    ):
        if found != expected:
            verdict.broken.append(f"line {number} of the table is {found!r}, undisturbed it is {expected!r}")
            return


def check_written(folder: Path, struck: Struck, verdict: Verdict) -> None:
    """What a run has written into a file that nobody flushes is there, once, unless its worker was hit.

    A worker that was hit and has come to its exit functions none the less has flushed before.
    """
    histories = folder / "history"
    results = folder / "results.txt"
    held = Counter(results.read_text().splitlines() if results.exists() else [])
    ended = {line.removesuffix(" ends") for line in _lines(histories / "workers")}
    for path in sorted(histories.glob("*.txt")):
        wrote = [line.removeprefix("wrote ") for line in _lines(path) if line.startswith("wrote ")]
        for number, line in enumerate(wrote, 1):
            process = line.rsplit(maxsplit=2)[0]
            if not held[line] and (process in ended or not struck.has(process)):
                verdict.broken.append(f"{path.name}: {line!r} is not in {results.name}, and its worker was not killed")
            if number < len(wrote) and not struck.has(process):
                verdict.broken.append(f"{path.name}: {line!r} is not the last, and its worker was not killed")
    verdict.written += len(held)
    verdict.broken += [f"{line!r} is {number} times in {results.name}" for line, number in held.items() if number > 1]


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []

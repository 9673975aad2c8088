"""Row 10: opening what is remembered."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import msgspec

from pyalma_tui.model.instance import Files
from pyalma_tui.model.records import Returned, Saved, Started
from pyalma_tui.store import checkpoint, opening, planning
from pyalma_tui.store.layout import segment_name
from pyalma_tui.store.ledger import Ledger
from pyalma_tui.store.schema import Meta
from pyalma_tui.store.segment import SegmentWriter, line_of

from .figures import Figure, Figures, interleaved, milliseconds, ratio

RUNS, RECORDS = 100_000, 20_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """A state directory, and how many of its runs are done by what the journal says."""

    state_dir: Path
    done: int


def test_reopening(place: Path, figures: Figures, full: bool) -> None:
    """Row 10."""
    prepared = _prepare(place / "reopened.alma")
    text = prepared.state_dir / "db.json"

    def reopen() -> float:
        began = time.perf_counter()
        store = opening.read_store(prepared.state_dir)
        seconds = time.perf_counter() - began
        assert store is not None
        assert len(store.ledger.runs) == RUNS
        assert store.ledger.counts.done == RUNS // 2 + prepared.done
        return seconds

    def load() -> float:
        began = time.perf_counter()
        assert json.loads(text.read_bytes())
        return time.perf_counter() - began

    found = interleaved({"reopen": reopen, "json": load}, 15 if full else 7)
    share, seconds = ratio(found["reopen"], found["json"]), median(found["reopen"])
    what, measured = "reopen 100,000 runs, 20,000 records", milliseconds(found["reopen"])
    reference = f"json.loads of db.json {milliseconds(found['json'])}"
    figures.add(Figure(10, what, measured, reference, f"{share:.2f}", "≤ 0.5", True, share <= 0.5))
    figures.add(Figure(10, what, measured, "", "", "≤ 250 ms", False, seconds <= 0.25))


def _prepare(state_dir: Path) -> Prepared:
    """Half of the runs done in the checkpoint; in the journal of two workers others that start, save and return."""
    journal = state_dir / "journal"
    journal.mkdir(parents=True)
    instances = Files([f"files/i{i:06d}.cnf" for i in range(RUNS)], "/data/")
    ledger = planning.new_ledger(instances, 1, 1)
    for run in range(1, RUNS // 2 + 1):
        _live(ledger, run)
    meta = Meta(session=1, serial=1)
    checkpoint.write_checkpoint(state_dir, checkpoint.Checkpoint(meta, instances, ledger.runs.freeze(), {}))
    writers = [SegmentWriter(journal, segment_name(1, f"w{number:04d}", 1)) for number in (1, 2)]
    done = 0
    for number in range(RECORDS // 4):
        run = RUNS // 2 + 1 + number
        for record in _life(run):
            writers[number % 2].append(line_of(record))
        done += 1
    for writer in writers:
        writer.close()
    return Prepared(state_dir, done)


def _life(run: int) -> tuple[Started, Saved, Saved, Returned]:
    first, second = msgspec.Raw(b'"restart 1 of 2"'), msgspec.Raw(b'"restart 2 of 2"')
    return (
        Started(run, 1, 0, 1.7e9 + run, "0123456789ab", 4242),
        Saved(run, 1, 1, 100, first),
        Saved(run, 1, 2, 200, second),
        Returned(run, 1, 0.3),
    )


def _live(ledger: Ledger, run: int) -> None:
    for record in _life(run):
        ledger.apply(record)

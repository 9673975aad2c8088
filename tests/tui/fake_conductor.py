"""A conductor that runs nothing: it holds a snapshot and remembers the commands it was sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.vector import Vector
from pyalma_tui.model.view import InstanceRow, Tally
from pyalma_tui.runner.commands import Command
from pyalma_tui.runner.snapshot import Slot, Snapshot, StopProgress

NOW = 1_700_000_000.0
MONOTONIC = 5_000.0
TRACEBACK = """Traceback (most recent call last):
  File "/home/user/sat/sat.py", line 41, in run
    clauses = parse(instance)
  File "/home/user/sat/dimacs.py", line 17, in parse
    raise ValueError(f"line {number}: {count} literals, expected 3")
ValueError: line 92: 2 literals, expected 3
"""


class FakeConductor:
    """Satisfies `Conductor`; a test sets `now` and reads `sent`."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.now = snapshot
        self.sent: list[Command] = []
        self.looks = 0

    def snapshot(self) -> Snapshot:
        self.looks += 1
        return self.now

    def send(self, command: Command) -> None:
        self.sent.append(command)

    def change(self, **fields: Any) -> None:
        """Replace fields of the snapshot."""
        self.now = msgspec.structs.replace(self.now, serial=self.now.serial + 1, **fields)


class Experiment:
    """Builds snapshots: runs are replaced one by one, the rest follows from them."""

    def __init__(self, names: Iterable[str], iterations: int = 1, **fields: Any) -> None:
        self.instances: Sequence[Instance] = [Instance(i, name, f"/data/{name}") for i, name in enumerate(names)]
        count = len(self.instances)
        ids = [[k * count + i + 1 for k in range(iterations)] for i in range(count)]
        self.runs_of: Sequence[Sequence[int]] = ids
        self.runs = Vector(
            Run(id=k * count + i + 1, instance=i, iteration=k, seed=5_000_000_000 + k * count + i)
            for k in range(iterations)
            for i in range(count)
        )
        self.rows = Vector(InstanceRow(Tally(pending=iterations), ids[i][0]) for i in range(count))
        self.counts = Tally(pending=count * iterations)
        self.fields: dict[str, Any] = {
            "title": "sat",
            "target": Path("/home/user/sat/sat.py"),
            "state_dir": Path("/nowhere/sat.alma"),
            "phase": "idle",
            "at": NOW,
            "done_hook": s.DoneHook(s.HookNotYet()),
        } | fields
        self.slots: list[Slot] = []

    def put(self, run_id: int, **changes: Any) -> Run:
        """Replace a run; its row and the tallies follow."""
        old = self.runs[run_id - 1]
        run = msgspec.structs.replace(old, **changes)
        self.runs[run_id - 1] = run
        before, after = s.word(old.status), s.word(run.status)
        row = self.rows[run.instance]
        seconds = row.seconds + run.seconds - old.seconds
        self.rows[run.instance] = InstanceRow(row.tally.moved(before, after), run_id, seconds)
        self.counts = self.counts.moved(before, after)
        return run

    def pending(self, run_id: int) -> Run:
        return self.put(run_id, status=s.PENDING)

    def running(self, run_id: int, slot: int = 0, seconds: float = 41, **changes: Any) -> Run:
        stopping = changes.pop("stopping", None)
        status = s.Running(attempt=1, slot=slot, since=NOW - seconds)
        self.slots = [known for known in self.slots if known.number != slot]
        self.slots.append(Slot(slot, 4000 + slot, "running", NOW - seconds, run_id, stopping))
        return self.put(run_id, **({"status": status, "attempt": 1} | changes))

    def done(self, run_id: int, seconds: float = 192, state: bytes | None = b'"0"', **changes: Any) -> Run:
        status = s.Done(at=NOW - 600, duration=seconds)
        facts = {"state": state, "saves": 40, "saved_at": NOW - 600, "attempt": 1, "last_save": 40, "seconds": seconds}
        return self.put(run_id, **({"status": status} | facts | changes))

    def failed(self, run_id: int, message: str = "", traceback: str = TRACEBACK, **changes: Any) -> Run:
        error = s.Error(message or "ValueError: line 92: 2 literals, expected 3", traceback)
        status = s.Failed(error=error, at=NOW - 300)
        facts = {"state": b'"12"', "saves": 18, "saved_at": NOW - 301, "attempt": 1, "last_save": 18, "seconds": 74.0}
        return self.put(run_id, **({"status": status} | facts | changes))

    def interrupted(self, run_id: int, **changes: Any) -> Run:
        status = s.Interrupted(why="asked by ctrl+c", at=NOW - 120)
        facts = {"state": b'"4"', "earlier": (b'"5"', b'"6"'), "saves": 33, "saved_at": NOW - 121}
        return self.put(
            run_id, **({"status": status, "attempt": 1, "last_save": 33, "seconds": 88.0} | facts | changes)
        )

    def snapshot(self, **fields: Any) -> Snapshot:
        return Snapshot(
            **(
                self.fields
                | {
                    "instances": self.instances,
                    "runs": self.runs.freeze(),
                    "rows": self.rows.freeze(),
                    "runs_of": self.runs_of,
                    "counts": self.counts,
                    "slots": tuple(self.slots),
                }
                | fields
            )
        )


def asked(seconds: float = 7.0) -> StopProgress:
    """The first step of a stop, with this time left."""
    return StopProgress("asked", "SIGINT", MONOTONIC + seconds)


def small() -> Experiment:
    """Six instances, one of each kind: 0 running, 1 done, 2 failed, 3 interrupted, 4 and 5 pending."""
    made = Experiment([f"uf20-{i:02}.cnf" for i in range(1, 7)], phase="busy", workers=2, saved_at=NOW - 3)
    made.running(1, state=b'"7"', earlier=(b'"8"', b'"9"'), saves=41, saved_at=NOW - 3, last_save=41)
    made.done(2)
    made.failed(3)
    made.interrupted(4)
    return made


def large(count: int) -> Experiment:
    """Many instances; the first two run."""
    made = Experiment([f"uf20-{i:06}.cnf" for i in range(count)], phase="busy", workers=2, saved_at=NOW - 1)
    made.running(1, slot=0, state=b'"7"', saves=3, saved_at=NOW - 1, last_save=3)
    made.running(2, slot=1, state=b'"9"', saves=1, saved_at=NOW - 1, last_save=1)
    return made

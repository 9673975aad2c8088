"""Any sequence of saves, checkpoints, quits, crashes and edits by plain TinyDB ends where a dict says."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from tinydb import TinyDB, where

from pyalma_tui.model import jsontext
from pyalma_tui.model import status as s
from pyalma_tui.model.records import Started
from pyalma_tui.store import layout
from pyalma_tui.store.rows import RowReader
from pyalma_tui.store.segment import line_of, saved_line, saved_prefix
from tests.crash.disk import Disk
from tests.crash.enumerator import scratch
from tests.crash.history import AFTER, BLANK, Facts, reopen
from tests.crash.lab import Hand, Lab
from tests.crash.mutants import positions_count_what_was_not_read

RUNS = 3
STATES = st.one_of(st.text(max_size=12), st.integers(), st.dictionaries(st.text(max_size=3), st.booleans(), max_size=2))


class Experiment(RuleBasedStateMachine):
    """One experiment over many starts; `model` is what must be true of each run."""

    def __init__(self) -> None:
        super().__init__()
        self._stack = contextlib.ExitStack()
        base = self._stack.enter_context(scratch())
        self.lab = Lab(Disk(base), "flush", RUNS)
        self.model: dict[int, Facts] = dict.fromkeys(range(1, RUNS + 1), BLANK)
        self.before: dict[int, Facts] = {}  # what was reset in this session
        self.foreign = 0
        self.hand: Hand | None = None
        self.running = 0

    def teardown(self) -> None:
        """Quit, and look once more."""
        if self.hand is None:
            self.open()
        self.close()
        self._stack.close()

    def _set(self, run: int, *, word: str | None = None, **saved: Any) -> None:
        old, state, saves, rows = self.model[run]
        now = rows + tuple(self.hand.recorded) if self.hand is not None and (saved or word == "done") else rows
        self.model[run] = (word or old, saved.get("state", state), saves + len(saved), now)

    def _check_on_disk(self) -> None:
        found = reopen(self.lab.state_dir)
        assert found.refused == ""
        assert dict(enumerate(found.facts, start=1)) == self.model
        assert found.plain == ""

    @precondition(lambda self: self.hand is None)
    @rule()
    def open(self) -> None:
        """Start: what ran when the last session died is interrupted."""
        self.lab.history.acts = {run: [] for run in range(RUNS + 1)}
        self.lab.open()
        self.before.clear()
        self.hand, self.running = self.lab.hand(), 0
        for run, (word, *_) in self.model.items():
            if word == "running":
                self._set(run, word="interrupted")
        assert self._ledger() == self.model

    def _ledger(self) -> dict[int, Facts]:
        found: dict[int, Facts] = {}
        with RowReader(layout.rows(self.lab.state_dir)) as reader:
            for run in self.lab.session.ledger.runs:
                state = None if run.state is None else jsontext.decode(run.state)
                rows = tuple(row["row"] for row in reader.rows(run))
                found[run.id] = (s.word(run.status), state, run.saves, rows)
            assert reader.missing == 0, reader.why
        return found

    @precondition(lambda self: self.hand is not None and not self.running)
    @rule(run=st.integers(1, RUNS))
    def start(self, run: int) -> None:
        """A run is handed out, if it is not done."""
        assert self.hand is not None
        if self.model[run][0] != "done":
            self.hand.start(run)
            self.before.pop(run, None)
            self.running = run
            self._set(run, word="running")

    @precondition(lambda self: self.hand is not None and self.running)
    @rule(states=st.lists(STATES, min_size=1, max_size=8))
    def save(self, states: list[Any]) -> None:
        """save() in a loop."""
        assert self.hand is not None
        for state in states:
            self._set(self.running, state=state)
            self.hand.save(state)

    @precondition(lambda self: self.hand is not None and self.running)
    @rule(rows=st.lists(STATES, min_size=1, max_size=4))
    def record(self, rows: list[Any]) -> None:
        """record(): nothing counts before a save or the return."""
        assert self.hand is not None
        for row in rows:
            self.hand.record(row)

    @precondition(lambda self: self.hand is not None and self.running)
    @rule(how=st.sampled_from(["return", "raise", "lose"]))
    def end(self, how: str) -> None:
        """run() ends, or its worker dies."""
        assert self.hand is not None
        if how == "lose":
            self.lab.bury(self.hand)
            self.hand = self.lab.hand()
        elif how == "return":
            self._set(self.running, word="done")
            self.hand.returns()
        else:
            self.hand.raises()
        if how != "return":
            self._set(self.running, word=AFTER[how])
        self.running = 0

    @precondition(lambda self: self.hand is not None)
    @rule(run=st.integers(1, RUNS))
    def reset(self, run: int) -> None:
        """A run is forgotten, if it is not running."""
        self.lab.poll()
        if run != self.running:
            if self.model[run][0] != "pending":
                self.before[run] = self.model[run]
            self.lab.reset(run)
            self.model[run] = BLANK

    @precondition(lambda self: self.hand is not None and self.before)
    @rule(run=st.integers(1, RUNS))
    def restore(self, run: int) -> None:
        """A reset is taken back, if the run has not begun since."""
        if run in self.before:
            self.lab.restore(run)
            self.model[run] = self.before.pop(run)

    @precondition(lambda self: self.hand is not None)
    @rule()
    def look(self) -> None:
        """The runner reads the journals."""
        self.lab.poll()
        assert self._ledger() == self.model

    @precondition(lambda self: self.hand is not None)
    @rule(read=st.booleans(), idle=st.booleans())
    def checkpoint(self, read: bool, idle: bool) -> None:
        """A checkpoint, of what was read so far."""
        if read:
            self.lab.tend(idle)
        else:
            self.lab.checkpoint()
        self._check_on_disk()

    @precondition(lambda self: self.hand is not None)
    @rule()
    def close(self) -> None:
        """Quit; the journal is empty then."""
        assert self.hand is not None
        if self.running:
            self.end("raise")
        self.hand.segment.close()
        self.hand.rows.renew()
        self.lab.session.absorb(self.lab.session.journal.end(self.hand.writer))
        self.lab.close()
        self.hand = None
        self._check_on_disk()
        assert list((self.lab.state_dir / "journal").glob("*.jsonl")) == []

    @precondition(lambda self: self.hand is not None)
    @rule(share=st.floats(0, 1))
    def crash(self, share: float) -> None:
        """kill -9 of everything, in the middle of one more write."""
        hand = self.hand
        assert hand is not None
        line = line_of(Started(1, 0, 0, 0.0, "", 0))  # of an attempt long gone
        if self.running:
            hand.rows.flush()
            prefix = saved_prefix(self.running, hand.attempt)
            line = saved_line(prefix, hand.number + 1, 5, b'"unfinished"', hand.rows.told)
        done = line[: round(share * len(line))]
        with open(self.lab.state_dir / "journal" / hand.segment.name, "ab") as file:
            file.write(done)
        if self.running and done == line:
            self._set(self.running, state="unfinished")
        self.lab.die()
        hand.segment.close()
        hand.rows.renew()
        self.hand = None
        self._check_on_disk()

    @precondition(lambda self: self.hand is None and (self.lab.state_dir / "db.json").exists())
    @rule()
    def edit(self) -> None:
        """Somebody adds a table with plain TinyDB, and reads ours."""
        with TinyDB(self.lab.state_dir / "db.json") as db:
            db.table("mine").insert({"n": self.foreign})
            assert len(db.table("runs").search(where("status") == "pending")) <= RUNS
        self.foreign += 1
        self._check_on_disk()

    @invariant()
    def foreign_tables_are_kept(self) -> None:
        """Whatever else happened."""
        if self.foreign:
            with TinyDB(self.lab.state_dir / "db.json") as db:
                assert [row["n"] for row in db.table("mine").all()] == list(range(self.foreign))


def test_the_machine_reports_a_journal_whose_positions_count_what_was_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    positions_count_what_was_not_read(monkeypatch)
    quick = settings(TestExperiment.settings, max_examples=200, phases=[Phase.generate], database=None)
    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(Experiment, settings=quick)


TestExperiment = Experiment.TestCase
TestExperiment.settings = settings(max_examples=40, stateful_step_count=30, suppress_health_check=list(HealthCheck))

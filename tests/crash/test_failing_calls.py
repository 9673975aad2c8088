"""F73: whichever call fails, and however: no acknowledged save is lost, and what is wrong is said."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from pyalma_tui.errors import InUseError, PyalmaError
from pyalma_tui.model.records import Raised
from pyalma_tui.model.status import Error
from pyalma_tui.store import leases
from pyalma_tui.store.segment import SegmentWriter, line_of
from tests.crash.disk import Disk, Fault
from tests.crash.enumerator import scratch
from tests.crash.history import broken, reopen
from tests.crash.lab import Hand, Lab

FAULTS = {
    "EIO": Fault(0, errno.EIO),
    "ENOSPC": Fault(0, errno.ENOSPC),
    "short write": Fault(0, short=True),
    "a disk that stays full": Fault(0, errno.ENOSPC, lasting=True),
    "a disk that stays broken": Fault(0, errno.EIO, lasting=True),
}


class Stubborn:
    """Plays on as the program does where a call failed: a worker's save raises, the runner tries again or ends."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.ended = False
        self.failures: list[str] = []

    def play(self) -> None:
        """A short workload with everything in it."""
        try:
            self.lab.open()
            one, two = self.lab.hand(), self.lab.hand()
        except (PyalmaError, OSError) as error:
            self._end(error)
            return
        self._work(one, 1, [f"a{i}" for i in range(10)], returns=True)
        self._runner("poll")
        self._work(two, 2, ["b0", "b1"], returns=False)
        self._runner("tend")
        self._work(one, 3, ["c0"], returns=True)
        self._runner("checkpoint")
        self._work(two, 2, ["b2"], returns=True)
        self._runner("poll")
        self._runner("close")

    def _work(self, hand: Hand, run: int, values: list[str], *, returns: bool) -> None:
        if self.ended or not self._runner("poll"):
            return
        if self.lab.session.ledger.run(run).status.__class__.__name__ in ("Running", "Done"):
            return  # its end could not be recorded: the runner would not hand it out
        acts = self.lab.history.acts[run]
        before = len(acts)
        try:
            hand.start(run)
        except OSError as error:
            if len(acts) == before:  # what the runner reads first
                self._end(error)
            else:
                self._failed(run, error)
            return
        try:
            for value in values:
                hand.record(f"row of {value}")
                hand.save(value)
            if returns:
                hand.returns()
            else:
                hand.raises()
        except OSError as error:  # SaveFailed for user code; the attempt has failed
            self._failed(run, error)
            act = self.lab.began(run, "raise")
            try:
                hand.segment.append(line_of(Raised(run, hand.attempt, 0.5, Error("SaveFailed"))))
            except OSError as failure:
                self._failed(run, failure)
            else:
                act.acknowledged["kill"] = self.lab.now()

    def _failed(self, run: int, error: OSError) -> None:
        self.failures.append(str(error))
        self.lab.history.acts[run][-1].failed = True

    def _runner(self, step: str) -> bool:
        if self.ended:
            return False
        try:
            getattr(self.lab, step)()
        except (PyalmaError, OSError) as error:
            self._end(error)
        return not self.ended

    def _end(self, error: Exception) -> None:
        assert not isinstance(error, InUseError)
        self.failures.append(str(error))
        self.ended = True


def played(base: Path, sync: str, fault: Fault | None) -> tuple[Disk, Stubborn]:
    """Let the workload happen, with one fault in it."""
    with Disk(base, fault) as disk:
        player = Stubborn(Lab(disk, sync, runs=3))  # type: ignore[arg-type]
        player.play()
        if hasattr(player.lab, "session"):
            disk.fault = None
            player.lab.die()
    return disk, player


@pytest.mark.parametrize("sync", ["flush", "fsync"])
@pytest.mark.parametrize("kind", FAULTS)
def test_f73_no_acknowledged_save_is_lost_whichever_call_fails(
    kind: str, sync: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "USUAL", leases.SHORTEST)  # for which a start waits that cannot read what is granted
    with scratch() as base:
        healthy, player = played(base, sync, None)
        assert player.failures == []
    fault = FAULTS[kind]
    problems = []
    felt = 0
    for at in range(1, len(healthy.calls) + 1):
        with scratch() as base:
            disk, player = played(base, sync, Fault(at, fault.error, fault.short, fault.lasting))
            found = reopen(base / "x.alma")
        felt += bool(disk.hit)
        wrong = broken(player.lab.history, found, len(disk.events) + 1, "kill")
        problems += [f"call {at}, {disk.hit or 'none'} ({player.failures}): {problem}" for problem in wrong]
    assert problems == []
    assert felt >= len(healthy.calls) // (6 if fault.short else 2)


def test_f73_the_test_above_reports_a_writer_that_leaves_torn_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SegmentWriter, "_cut_back", lambda self: None)

    def rest(self: SegmentWriter, rest: bytes) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(SegmentWriter, "_rest", rest)
    with pytest.raises(AssertionError, match="expected one of"):
        test_f73_no_acknowledged_save_is_lost_whichever_call_fails("short write", "flush", monkeypatch)

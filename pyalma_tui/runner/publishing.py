"""From the runner's state to what a front end reads: phases, reasons, the forecast, the next moment."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from pyalma_tui.errors import Failure
from pyalma_tui.model.forecast import Forecast
from pyalma_tui.model.messages import Load
from pyalma_tui.runner.commands import Limits
from pyalma_tui.runner.dispatch import done_is_due
from pyalma_tui.runner.foresight import BULK, LAST, Foresight, Waiting, longest_of
from pyalma_tui.runner.sampling import Sampling
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.runner.snapshot import Change, Phase, Slot, SlotPhase, Snapshot
from pyalma_tui.runner.state import Calling, Coming, Leaving, Running, Seat, State
from pyalma_tui.runner.steps import all_done


def phase_of(state: State, now: float) -> Phase:
    """In which phase the experiment is; `now` of time.monotonic."""
    if state.closing or any(seat.stop is not None and seat.stop.wished for seat in state.seats.values()):
        return "stopping"
    if state.active or (state.renewing is not None and state.renewing.then is not None):
        return "busy"
    waiting = len(state.queue) > 0 or state.retries
    gate = replace(state.gate, blocked=None) if state.room.is_expected(now) else state.gate
    return "busy" if (waiting and gate.is_open) or done_is_due(state) else "idle"


def idle_reason(state: State) -> str:
    """Why nothing runs, in a few words."""
    if state.gate.blocked is not None:
        return state.gate.blocked.message
    if all_done(state):
        return "all done"
    if state.gate.halted:
        return "interrupted"
    if state.gate.paused:
        return "paused"
    failed = state.ledger.counts.failed
    return f"{failed} failed" if failed else "nothing to run"


class Publisher:
    """Owned by the runner thread; `snapshot` is for any thread."""

    def __init__(self, settings: Settings, session: Session) -> None:
        self.snapshot = Snapshot()
        self.loads: Mapping[int, Load] = {}  # by worker
        self._settings = settings
        self._session = session
        self._foresight = Foresight(aside=True)
        self._sampling = Sampling(session.state_dir, session.umask)

    def learn(self, changes: Sequence[Change]) -> None:
        """Take in what has changed, for the forecast."""
        for record, run in changes:
            if run is not None:
                self._foresight.learn(record, run)
                self._sampling.learn(record, run)

    def pace(self, state: State) -> float:
        """The seconds that a run takes to its first save, as far as that is known."""
        running = [seat.run for seat in state.seats.values() if seat.run]
        return self._foresight.pace(state.ledger, running, time.time())

    def keep(self, *, at_once: bool = False) -> None:
        """Write down what plots need, if it is time; only while the state directory is ours."""
        self._sampling.keep(time.monotonic(), at_once=at_once)

    @property
    def is_due(self) -> bool:
        """Whether the time left is to be told anew although nothing has happened, as while no worker has come yet."""
        return self.snapshot.phase == "busy" and self._foresight.is_due

    def publish(self, state: State, failure: Failure | None, *, closed: bool = False) -> bool:
        """Make the next moment; whether the phase has turned."""
        ledger, session, settings = state.ledger, self._session, self._settings
        phase: Phase = "closed" if closed else phase_of(state, time.monotonic())
        if self.snapshot.serial == 0:
            phase = "opening"
        turned = phase != self.snapshot.phase
        self._sampling.measure(time.time(), self.loads, len(state.active))
        gate = state.gate
        self.snapshot = Snapshot(
            serial=self.snapshot.serial + 1,
            at=time.time(),
            title=settings.target.stem,
            target=settings.target,
            code=session.meta.code,
            codes=session.codes,
            renewable=None if settings.on or settings.foreground else session.place,
            args=session.meta.chosen.args or (),
            state_dir=session.state_dir,
            phase=phase,
            workers=state.workers,
            paused=gate.paused,
            instances=ledger.instances,
            runs=ledger.runs.freeze(),
            rows=ledger.rows.freeze(),
            runs_of=ledger.runs_of,
            counts=ledger.counts,
            aside=ledger.aside,
            limits=Limits(state.timeout, state.retries.limit),
            slots=tuple(self._slot(seat) for _, seat in sorted(state.seats.items())),
            complete=all_done(state),
            done_hook=ledger.hook,
            forecast=self._forecast(state) if phase == "busy" else None,
            saved_at=ledger.saved_at,
            notes=ledger.notes,
            samples=self._sampling.samples(),
            not_saved=session.not_saved,
            idle_reason=idle_reason(state) if phase == "idle" else "",
            blocked=gate.blocked.failure if gate.blocked is not None else None,
            failure=failure,
        )
        return turned

    def _slot(self, seat: Seat) -> Slot:
        return Slot(
            number=seat.slot,
            pid=seat.pid,
            host=seat.host,
            phase=_slot_phase(seat),
            since=seat.since,
            run=seat.run or None,
            stopping=seat.stop.shown if seat.stop is not None else None,
            responding=seat.responding,
            unheard=seat.unheard,
            load=self.loads.get(seat.worker),
        )

    def _forecast(self, state: State) -> Forecast | None:
        queue, again = state.queue, set(state.retries.waiting)

        def waiting() -> Waiting:
            sample, last = queue.ahead(BULK, LAST)
            last += again
            return Waiting(sample, last, len(queue) + len(again))

        return self._foresight.look(
            state.ledger,
            [seat.run for seat in state.seats.values() if seat.run],
            waiting,
            max(1, state.workers),
            again=again,
            longest=longest_of(state.timeout, state.retries.limit),
        )


def _slot_phase(seat: Seat) -> SlotPhase:
    match seat.doing:
        case Coming():
            return "loading" if seat.pid else "coming"
        case Running():
            return "running"
        case Calling():
            return "done()"
        case Leaving():
            return "ending"
        case _:
            return "ready"

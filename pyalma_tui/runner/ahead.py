"""One order ahead: a worker whose runs take less than telling it has the next one at hand while it still calls one.

Such an order lies where it can be taken back until the worker has it, and a worker says that its run has ended before
it takes one. So what is to be decided about waiting runs is decided when every order ahead has come back, or is that of
a run which has begun: nothing is ever both waiting and begun.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from pyalma_tui.model import messages as m
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.instructions import Clock
from pyalma_tui.runner.state import Doing, Ready, Running, Seat, State

BRISK = 0.01  # seconds that the last run took at the most, order and reply included
LARGEST = 16_000  # bytes of an order: what lies ready is in the kernel's memory


def is_welcome(seat: Seat, state: State) -> bool:
    """Whether this worker may have an order ahead."""
    most = state.policy.runs_per_worker
    return (
        seat.brisk
        and seat.ahead is None
        and seat.stop is None
        and seat.responding
        and isinstance(seat.doing, Running)
        and not state.is_outdated(seat)
        and (most is None or seat.served < most)
    )


def is_small(order: m.RunOrder) -> bool:
    """Whether an order may lie ready."""
    return len(bytes(order.state)) + len(bytes(order.data)) + len(order.file) <= LARGEST


def ended(seat: Seat, state: State, clock: Clock, *, fit: bool) -> None:
    """A run is over: its worker goes on with what it has at hand if it is `fit` to, else it waits."""
    taken = seat.ahead if fit else None
    doing: Doing = taken or Ready()
    state.seats[seat.slot] = replace(
        seat,
        doing=doing,
        ahead=None if fit else seat.ahead,
        began=clock.now,
        since=clock.at,
        stop=None,
        served=seat.served + (taken is not None),
        brisk=fit and clock.now - seat.began < BRISK,
    )


def recalls(state: State, clock: Clock) -> Iterator[i.Recall]:
    """Take back what its worker is not to begin, or another one could begin sooner."""
    seats = [seat for seat in state.seats.values() if seat.ahead is not None]
    if not seats:
        return
    idle = any(isinstance(seat.doing, Ready) and seat.ahead is None for seat in state.seats.values())
    everything = bool(state.held) or not state.begins or idle
    for seat in seats:
        lasts = not isinstance(seat.doing, Running) or clock.now - seat.began >= BRISK
        if everything or lasts or seat.stop is not None or not seat.responding or state.is_outdated(seat):
            assert seat.ahead is not None, "only these were asked for"
            yield i.Recall(seat.worker, seat.ahead.run)


def recalled(event: i.Recalled, state: State) -> None:
    """It is known what became of an order ahead: if it has come back its run waits, else that was told already."""
    seat = state.seat_of(event.worker)
    if event.back and seat is not None and seat.ahead is not None and seat.ahead.run == event.run:
        state.queue.add([event.run])
        state.seats[seat.slot] = replace(seat, ahead=None, brisk=False)

"""What the runner knows when it begins."""

from __future__ import annotations

from pyalma_tui.model import status as s
from pyalma_tui.runner.queue import Queue
from pyalma_tui.runner.retries import Retries
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.runner.state import Gate, Policy, Present, State


def state_of(settings: Settings, session: Session, *, has_done: bool) -> State:
    """The state at the start: all that starts by itself waits, failed runs if they were asked for."""
    ledger, order = session.ledger, session.order
    queue = Queue(order)
    wanted: list[s.Word] = ["pending", "interrupted"]
    if settings.retry_failed:
        wanted.append("failed")
    if settings.only is not None:
        queue.add([settings.only])
    elif ledger.counts.pending == len(ledger.runs):
        queue.add(order)
    else:
        queue.add(ledger.standing(order, *wanted))
    policy = Policy(
        module=str(settings.module),
        grace=settings.grace,
        no_done=settings.no_done,
        runs_per_worker=settings.runs_per_worker,
        cuts=settings.cuts,
        seed=session.meta.seed,
        renews=not settings.on,
    )
    return State(
        ledger=ledger,
        order=order,
        policy=policy,
        queue=queue,
        retries=Retries(settings.retries),
        workers=settings.workers,
        timeout=settings.timeout,
        gate=Gate(settings.paused),
        agent=Present(),
        has_done=has_done,
        planned=session.planned,
    )

"""What a worker knows of the requests that were made of it."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator

import pytest

from pyalma_tui.model import jsontext
from pyalma_tui.model.messages import InterruptAttempt, NewSegment, Request, Signalled, Timeout
from pyalma_tui.worker import stopping as module
from pyalma_tui.worker.stopping import Stopping

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[socket.socket, Stopping]]:
    over = threading.Event()

    def end() -> None:
        over.set()
        sys.exit()  # the watching thread alone, not this process

    monkeypatch.setattr(module, "end_group", end)
    ours, theirs = socket.socketpair()
    stopping = Stopping()
    stopping.watch(theirs)
    with theirs:
        with ours:
            yield ours, stopping
        assert over.wait(60)


def ask(control: socket.socket, *requests: Request) -> None:
    control.sendall(b"".join(jsontext.encode(request) + b"\n" for request in requests))


def test_whoever_was_hit_by_a_signal_knows_whose_it_was(ends: tuple[socket.socket, Stopping]) -> None:
    """The runner announces a signal and sends it; the attempt may end before the watching thread has been called."""
    control, stopping = ends
    for attempt in range(1, 3000):
        ask(control, Signalled(7, attempt))
        assert stopping.catch_up()
        assert stopping.signalled == (7, attempt)


def test_the_seconds_of_an_attempt_are_those_that_were_granted_last(ends: tuple[socket.socket, Stopping]) -> None:
    control, stopping = ends
    stopping.begin((7, 1), 3.0)
    assert stopping.timeout == 3.0
    ask(control, Timeout(7, 1, 60.0))
    stopping.catch_up()
    assert stopping.timeout == 60.0
    ask(control, Timeout(6, 1, 1.0))  # too late for that one
    stopping.catch_up()
    assert stopping.timeout == 60.0
    stopping.active = None
    ask(control, Timeout(8, 1, None))  # it overtakes the order
    stopping.catch_up()
    stopping.begin((8, 1), 3.0)
    assert stopping.timeout is None


def test_a_new_segment_is_asked_for_once_for_each_request(ends: tuple[socket.socket, Stopping]) -> None:
    control, stopping = ends
    renewed: list[int] = []
    stopping.renew = lambda: renewed.append(1)
    ask(control, NewSegment())
    ask(control, InterruptAttempt(7, 1), InterruptAttempt(7, 2, 3.0))
    stopping.catch_up()
    assert (stopping.asked, stopping.timed_out) == ((7, 2), 3.0)
    ask(control, NewSegment())
    stopping.catch_up()
    assert 1 <= len(renewed) <= 2

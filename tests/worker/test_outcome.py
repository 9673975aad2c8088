"""How an attempt ended: one table, from what is known of it to the record that says so."""

from __future__ import annotations

import errno
import sys
import time
from asyncio import CancelledError
from collections.abc import Callable
from typing import Any

import pytest

from pyalma_tui.errors import Interrupted, SaveFailed
from pyalma_tui.model.records import Raised, Returned, Stopped
from pyalma_tui.worker.failure import causes
from pyalma_tui.worker.outcome import Facts, not_recorded, outcome

Shape = Callable[[BaseException], BaseException]


def chained(inner: BaseException, *, cause: bool = False, hidden: bool = False) -> RuntimeError:
    """A RuntimeError that came of another exception, as user code that cleans up raises it."""
    try:
        try:
            raise inner
        except BaseException as error:
            if hidden:
                raise RuntimeError("solver failed") from None
            if cause:
                raise RuntimeError("solver failed") from error
            raise RuntimeError("solver failed")  # noqa: B904 - the context is what is meant
    except RuntimeError as error:
        return error


def cyclic(inner: BaseException) -> BaseException:
    first, second = RuntimeError("first"), RuntimeError("second")
    first.__context__, second.__context__, second.__cause__ = second, first, inner
    return first


def deep(inner: BaseException) -> BaseException:
    for _ in range(10 * sys.getrecursionlimit()):
        inner = BaseExceptionGroup("unhandled errors", [ValueError("beside it"), inner])
    return inner


def long(inner: BaseException) -> BaseException:
    for _ in range(10 * sys.getrecursionlimit()):
        outer = RuntimeError("again")
        outer.__context__ = inner
        inner = outer
    return inner


class SecretiveError(Exception):
    """What user code makes of attributes is not asked."""

    def __getattribute__(self, name: str) -> Any:
        raise AttributeError(name)


def secretive(inner: BaseException) -> BaseException:
    error = SecretiveError()
    BaseException.__dict__["__context__"].__set__(error, inner)
    return error


SHAPES: dict[str, Shape] = {
    "itself": lambda inner: inner,
    "in its context": chained,
    "in its cause": lambda inner: chained(inner, cause=True),
    "in a context that is hidden": lambda inner: chained(inner, hidden=True),
    "in a group": lambda inner: BaseExceptionGroup("of a TaskGroup", [ValueError("x"), inner]),
    "in the context of a member of a group": lambda inner: ExceptionGroup("g", [ValueError("x"), chained(inner)]),
    "deep in groups": deep,
    "at the end of a long chain": long,
    "in a cycle": cyclic,
    "behind a class that raises": secretive,
}


def facts(**known: Any) -> Facts:
    return Facts(**({"run": 7, "attempt": 2, "seconds": 2.0} | known))


def told(**known: Any) -> tuple[type, str]:
    """The kind of the record and what it says."""
    record = outcome(facts(**known), at=9.0)
    assert (record.run, record.attempt, record.seconds) == (7, 2, known.get("seconds", 2.0))
    if isinstance(record, Raised):
        return Raised, record.error.message
    return type(record), record.why if isinstance(record, Stopped) else ""


DONE = (Returned, "")
INTERRUPTED = (Stopped, "interrupted")
RETURNED_ANYWAY = (Stopped, "it returned after it was interrupted")
OWN = ValueError("no solution")
FAILED = (Raised, "ValueError: no solution")
UNSAVED = "the state could not be stored: why"
FULL = (Stopped, f"the disk was full: {UNSAVED}")
BROKEN = (Stopped, f"the file system failed: {UNSAVED}")
LATE = (Raised, "timed out after 3 s (ran 12 s)")
TABLE: dict[str, tuple[dict[str, Any], tuple[type, str]]] = {
    "returned": ({}, DONE),
    "returned within its time": ({"timeout": 2.0}, DONE),
    "returned though it was asked, before any save": ({"asked": True}, DONE),
    "returned after Interrupted was raised in it": ({"asked": True, "interrupted": True}, RETURNED_ANYWAY),
    "returned after our SIGINT": ({"asked": True, "signalled": True}, RETURNED_ANYWAY),
    "raised": ({"raised": OWN}, FAILED),
    "raised though it was asked": ({"raised": OWN, "asked": True}, FAILED),
    "raised Interrupted by itself": ({"raised": Interrupted()}, (Raised, "Interrupted")),
    "raised KeyboardInterrupt by itself": ({"raised": KeyboardInterrupt()}, (Raised, "KeyboardInterrupt")),
    "raised KeyboardInterrupt though it was asked": (
        {"raised": KeyboardInterrupt(), "asked": True},
        (Raised, "KeyboardInterrupt"),
    ),
    "called sys.exit": ({"raised": SystemExit(0)}, (Raised, "called sys.exit(0) instead of returning")),
    "raised KeyboardInterrupt after our SIGINT": ({"raised": KeyboardInterrupt(), "signalled": True}, INTERRUPTED),
    "cancelled by asyncio after our SIGINT": ({"raised": CancelledError(), "signalled": True}, INTERRUPTED),
    "left by its own handler after our SIGINT": ({"raised": SystemExit(1), "signalled": True}, INTERRUPTED),
    "raised what its handler makes of our SIGINT": ({"raised": OWN, "signalled": True}, INTERRUPTED),
    "raised after it had swallowed Interrupted": ({"raised": OWN, "interrupted": True}, INTERRUPTED),
    "returned late": ({"seconds": 12.0, "timeout": 3.0}, LATE),
    "returned late, as it was asked to": ({"seconds": 12.0, "timeout": 3.0, "timed_out": True, "asked": True}, LATE),
    "swallowed the timeout": ({"seconds": 12.0, "timeout": 3.0, "timed_out": True, "interrupted": True}, LATE),
    "killed for the timeout": ({"seconds": 12.0, "timeout": 3.0, "timed_out": True, "signalled": True}, LATE),
    "interrupted late": ({"seconds": 12.0, "timeout": 3.0, "raised": Interrupted(), "interrupted": True}, LATE),
    "raised late": ({"seconds": 12.0, "timeout": 3.0, "raised": OWN}, LATE),
    "asked for its timeout a moment before it": (
        {"seconds": 2.999, "timeout": 3.0, "timed_out": True, "raised": Interrupted(), "interrupted": True},
        (Raised, "timed out after 3 s (ran 3 s)"),
    ),
    "a state that could not be stored, and returned": (
        {"unsaved": UNSAVED, "errno": errno.EBADF},
        (Raised, f"SaveFailed: {UNSAVED}"),
    ),
    "a state that could not be stored": (
        {"unsaved": UNSAVED, "errno": errno.EBADF, "raised": SaveFailed(UNSAVED)},
        (Raised, f"SaveFailed: {UNSAVED}"),
    ),
    "a broken disk, and returned": ({"unsaved": UNSAVED, "errno": errno.EIO}, BROKEN),
    "a mount that is gone": ({"unsaved": UNSAVED, "errno": errno.ENOTCONN, "raised": SaveFailed(UNSAVED)}, BROKEN),
    "a mount that is gone, and another error": ({"unsaved": UNSAVED, "errno": errno.ESTALE, "raised": OWN}, FAILED),
    "a full disk, and returned": ({"unsaved": UNSAVED, "errno": errno.ENOSPC}, FULL),
    "a full disk": ({"unsaved": UNSAVED, "errno": errno.ENOSPC, "raised": SaveFailed(UNSAVED)}, FULL),
    "a full quota": ({"unsaved": UNSAVED, "errno": errno.EDQUOT, "raised": chained(SaveFailed(UNSAVED))}, FULL),
    "a limit on files": ({"unsaved": UNSAVED, "errno": errno.EFBIG, "raised": SaveFailed(UNSAVED)}, FULL),
    "a full disk, and another error later": ({"unsaved": UNSAVED, "errno": errno.ENOSPC, "raised": OWN}, FAILED),
    "interrupted on a full disk": (
        {"unsaved": UNSAVED, "errno": errno.ENOSPC, "interrupted": True, "raised": Interrupted()},
        INTERRUPTED,
    ),
}


@pytest.mark.parametrize(("known", "end"), TABLE.values(), ids=TABLE)
def test_how_an_attempt_ended(known: dict[str, Any], end: tuple[type, str]) -> None:
    assert told(**known) == end


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_interrupted_is_found_wherever_user_code_has_put_it(shape: Shape) -> None:
    assert told(raised=shape(Interrupted()), asked=True) == INTERRUPTED


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_what_user_code_raised_by_itself_is_no_interrupt_in_any_shape(shape: Shape) -> None:
    raised = shape(OWN)
    assert OWN in causes(raised)
    assert not any(isinstance(error, Interrupted) for error in causes(raised))


def test_a_late_error_of_its_own_keeps_its_traceback() -> None:
    record = outcome(facts(seconds=12.0, timeout=3.0, raised=OWN), 9.0)
    assert isinstance(record, Raised)
    assert "ValueError: no solution" in record.error.traceback


RETURNED = Returned(7, 2, 2.0)
REFUSED: dict[str, tuple[Any, int, tuple[type, str]]] = {
    "returned on a full disk": (
        RETURNED,
        errno.ENOSPC,
        (Stopped, "the disk was full: that it returned could not be recorded: why"),
    ),
    "returned on a broken disk": (
        RETURNED,
        errno.EIO,
        (Stopped, "the file system failed: that it returned could not be recorded: why"),
    ),
    "returned without a journal": (
        RETURNED,
        errno.EBADF,
        (Raised, "returned (after 2.0 s, not recorded: why)"),
    ),
    "interrupted": (Stopped(7, 2, 2.0, 1.0, "interrupted"), errno.EIO, (Stopped, "interrupted")),
    "raised on a full disk": (
        outcome(facts(raised=OWN), 1.0),
        errno.ENOSPC,
        (Raised, "ValueError: no solution (after 2.0 s, not recorded: why)"),
    ),
}


@pytest.mark.parametrize(("end", "number", "instead"), REFUSED.values(), ids=REFUSED)
def test_what_is_said_instead_of_an_end_that_the_journal_did_not_take(
    end: Any, number: int, instead: tuple[type, str]
) -> None:
    record = not_recorded(end, OSError(number, "why"), time.time())
    assert (type(record), record.error.message if isinstance(record, Raised) else record.why) == instead

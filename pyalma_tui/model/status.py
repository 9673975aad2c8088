"""Where a run stands, and where `done()` stands: sum types that carry their own facts."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from pyalma_tui.model.bounds import Moment, Seconds


class Error(msgspec.Struct, frozen=True, gc=False):
    """Why something failed: one line for lists, and the user's traceback where there is one."""

    message: str
    traceback: str = ""


class Pending(msgspec.Struct, frozen=True, gc=False, tag="pending"):
    """Never called, or forgotten by a reset."""


class Running(msgspec.Struct, frozen=True, gc=False, tag="running"):
    """Being called now; `since` in seconds of the epoch, `pid` of the worker (0 if nobody wrote it down)."""

    attempt: int
    slot: int
    since: Moment
    pid: int = 0


class Interrupted(msgspec.Struct, frozen=True, gc=False, tag="interrupted"):
    """Ended before it returned because somebody asked; called again with its state."""

    why: str
    at: Moment


class Failed(msgspec.Struct, frozen=True, gc=False, tag="failed"):
    """Raised, exited, or its worker died; called again only when asked."""

    error: Error
    at: Moment


class Done(msgspec.Struct, frozen=True, gc=False, tag="done"):
    """`run` returned; `duration` in seconds is that of the attempt that returned."""

    at: Moment
    duration: Seconds


Status: TypeAlias = Pending | Running | Interrupted | Failed | Done
Word: TypeAlias = Literal["pending", "running", "interrupted", "failed", "done"]

WORDS: tuple[Word, ...] = ("pending", "running", "interrupted", "failed", "done")

LETTER: dict[Word, int] = {word: ord(word[0]) for word in WORDS}  # no two begin with the same: a byte tells a word
OF_LETTER: dict[int, Word] = {letter: word for word, letter in LETTER.items()}
PENDING = Pending()

_WORD_OF: dict[type, Word] = {
    Pending: "pending",
    Running: "running",
    Interrupted: "interrupted",
    Failed: "failed",
    Done: "done",
}


def reason(status: Status) -> str | None:
    """Why the last attempt ended, in one line; None for a run that is running or was never called."""
    match status:
        case Done():
            return "returned"
        case Failed(error=error):
            return error.message
        case Interrupted(why=why):
            return why
        case Pending() | Running():
            return None


def word(status: Status) -> Word:
    """The status as one word."""
    return _WORD_OF[type(status)]


class HookAbsent(msgspec.Struct, frozen=True, gc=False, tag="absent"):
    """The run module has no `done()`."""


class HookNotYet(msgspec.Struct, frozen=True, gc=False, tag="not yet"):
    """Not called for this completion."""


class HookRunning(msgspec.Struct, frozen=True, gc=False, tag="running"):
    """Being called now."""

    since: Moment


class HookDone(msgspec.Struct, frozen=True, gc=False, tag="done"):
    """Returned."""

    at: Moment
    duration: Seconds


class HookFailed(msgspec.Struct, frozen=True, gc=False, tag="failed"):
    """Raised, or called `sys.exit`."""

    error: Error
    at: Moment


class HookCutOff(msgspec.Struct, frozen=True, gc=False, tag="cut off"):
    """Began and neither returned nor raised: it may or may not have taken effect."""

    since: Moment


HookStatus: TypeAlias = HookAbsent | HookNotYet | HookRunning | HookDone | HookFailed | HookCutOff

_HOOK_WORD: dict[type, str] = {
    HookAbsent: "absent",
    HookNotYet: "not yet",
    HookRunning: "running",
    HookDone: "done",
    HookFailed: "failed",
    HookCutOff: "cut off",
}


class Completion(msgspec.Struct, frozen=True, gc=False):
    """What became of done() for one set of results; `identity` is that of `completion.identity_of`."""

    identity: str
    status: HookStatus


class DoneHook(msgspec.Struct, frozen=True, gc=False):
    """The history of `done()`: where it stands, and how often it was called in all.

    `ahead` tells that a run was reset while it was being called: another completion follows. `identity` is the set of
    results that it stands there for, "" if they are not all there or nobody wrote it down; `earlier` are the others
    that it was called for.
    """

    status: HookStatus = HookNotYet()
    calls: int = 0
    ahead: bool = False
    identity: str = ""
    earlier: tuple[Completion, ...] = ()


def hook_word(status: HookStatus) -> str:
    """The status of `done()` as in `status --json`."""
    return _HOOK_WORD[type(status)]

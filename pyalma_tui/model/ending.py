"""How an attempt ended, in the words that the worker, the runner and whoever reads the files share."""

from __future__ import annotations

import errno

INTERRUPTED = "interrupted"
RETURNED_ANYWAY = "it returned after it was interrupted"
SESSION_ENDED = "its session ended"
HOST_LOST = "host lost"
SESSION_KILLED = "its session was killed"

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_EMPTIED = (errno.ENOSPC, errno.EDQUOT)
_BROKEN = (  # what a disk, or a file system of a network, has to say that is broken, gone, or can only be read
    errno.EIO,
    errno.EROFS,
    errno.ENOTCONN,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENODEV,
    errno.ENXIO,
)


def timed_out(limit: float, seconds: float) -> str:
    """What is said of an attempt that ran longer than it may; both in seconds."""
    return f"timed out after {limit:g} s (ran {round(seconds, 1):g} s)"


def refused(code: int | None, why: str) -> str:
    """What is said of an attempt whose state, or end, was not stored by no fault of its own, else ""."""
    if is_full(code):
        return f"the disk was full: {why}"
    return f"the file system failed: {why}" if code in _BROKEN else ""


def is_full(code: int | None) -> bool:
    """Whether this errno says that there is no room on the disk, or none for us: no fault of the run."""
    return code in _FULL


def may_have_room_again(code: int | None) -> bool:
    """Whether there may be room a while later; a limit on the size of files stays as it is as long as we live."""
    return code in _EMPTIED

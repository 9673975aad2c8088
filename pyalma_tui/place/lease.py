"""How long a place may go on without a word of the runner.

The place asks, and counts from the moment at which it asked: however long the answer is under way, the runner knows
that nothing runs any more once a lease has passed since it answered last. The kernel keeps the time, also while the
machine sleeps (CLOCK_BOOTTIME), and kills us: a place that hangs, or is stopped, cannot miss it. Its agent and the
workers die with it (PR_SET_PDEATHSIG), and the guard ends what they have started. But who is killed in the midst of a
call to a file system that hangs dies when that answers: the guard, which no file can hold up, hears of the end of the
lease from the kernel as well, and ends all the rest then.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

from pyalma_tui.store.disk import high
from pyalma_tui.store.leases import now

TIMER_ABSTIME = TFD_TIMER_ABSTIME = 1
SIGEV_SIGNAL = 0
CLOCK_BOOTTIME = 7  # of Linux's <time.h>


class _Event(ctypes.Structure):
    """`struct sigevent` of Linux, 64 bytes."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signo", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("pad", ctypes.c_char * 48),
    )


class _Spec(ctypes.Structure):
    """`struct itimerspec`."""

    _fields_ = (
        ("interval_sec", ctypes.c_long),
        ("interval_nsec", ctypes.c_long),
        ("sec", ctypes.c_long),
        ("nsec", ctypes.c_long),
    )


class Lease:
    """The permission to go on, at first from now; at its end the kernel kills this process. Raises OSError.

    `over` is a descriptor that can be read from then on, by whoever has it, also when this process has died.
    """

    def __init__(self, seconds: float) -> None:
        if sys.platform != "linux":
            raise OSError(0, "a timer of the kernel that ends a process (timer_create)")
        self.seconds = seconds
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._timer = ctypes.c_void_p()
        event = _Event(signo=signal.SIGKILL, notify=SIGEV_SIGNAL)
        if self._libc.timer_create(CLOCK_BOOTTIME, ctypes.byref(event), ctypes.byref(self._timer)):
            raise _failed("timer_create")
        if (over := self._libc.timerfd_create(CLOCK_BOOTTIME, os.O_NONBLOCK)) < 0:
            raise _failed("timerfd_create")
        self.over = high(over)
        self._end = 0.0
        self.renew(now())

    def renew(self, asked: float) -> None:
        """Go on for a lease from `asked` on, a moment of `now`."""
        end = asked + self.seconds
        if end <= self._end:
            return
        self._end = end
        spec = _Spec(0, 0, int(end), int(end % 1 * 1e9))
        # first that of the guard: nobody may end the others as long as we live
        if self._libc.timerfd_settime(self.over, TFD_TIMER_ABSTIME, ctypes.byref(spec), None):
            raise _failed("timerfd_settime")
        if self._libc.timer_settime(self._timer, TIMER_ABSTIME, ctypes.byref(spec), None):
            raise _failed("timer_settime")

    @property
    def left(self) -> float:
        """Seconds until the end."""
        return self._end - now()


def _failed(call: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, f"{call}: {os.strerror(number)}")

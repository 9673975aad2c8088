"""Between two runs of a worker: its process is again what it was before the first one."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what `signal` wraps: all handlers in 1 µs, not 19, for each run
import faulthandler
import os
import resource
import signal
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from operator import is_not

from pyalma_tui.store.disk import high
from pyalma_tui.worker.descriptors import watched

SIGNALS = sorted(int(number) for number in signal.valid_signals())
FATAL = (signal.SIGSEGV, signal.SIGFPE, signal.SIGABRT, signal.SIGBUS, signal.SIGILL)  # those of faulthandler
TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)  # the first one is that of alarm(), too
LIMITS = {number: name for name, number in sorted(vars(resource).items(), reverse=True) if name.startswith("RLIMIT_")}
PLACE = getattr(os, "O_PATH", os.O_RDONLY)  # a folder that may be entered need not be readable
OFTEN = 0.001  # seconds between two looks at the limits: they take 10 µs
TRIES = 100  # while handlers of user code raise meanwhile


class Before:
    """What the process was after the import of the module and before its first run; 10 µs a run keep it so.

    The environment, leaks and what the module keeps are not looked at: a worker is one process for many runs.
    """

    def __init__(self) -> None:
        self._umask = os.umask(0o077)
        os.umask(self._umask)
        self._folder = ""
        self._home_is_ours: Callable[[], bool] = lambda: False
        with suppress(OSError):  # it was removed, or may not be looked at
            self._folder = os.getcwd()
            self._open_home()
        self._handlers = [_signal.getsignal(number) for number in SIGNALS]
        self._mask = _signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self._wakeup = _signal.set_wakeup_fd(-1)
        self._wake_as_before()
        self._unset = [timer for timer in TIMERS if not signal.getitimer(timer)[0]]  # the others are the module's own
        self._looked = 0.0
        self._limits = {number: resource.getrlimit(number) for number in LIMITS}

    def put_back(self) -> None:
        """Make it so again, timers first: an alarm of a run that is over must not end its worker."""
        for _ in range(TRIES):
            try:
                self._put_back()
            except BaseException:  # noqa: BLE001 - what came in the last moment has called a handler of user code
                continue
            return
        self._put_back()

    @property
    def limits_files(self) -> bool:
        """Whether a run has limited the size of files that its process may write."""
        return resource.getrlimit(resource.RLIMIT_FSIZE) != self._limits[resource.RLIMIT_FSIZE]

    def allow_files(self) -> None:
        """Let files grow again as far as they may: how the run ended is still to be written."""
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

    def changed_limits(self) -> list[str]:
        """The resource limits that are not what they were: most cannot be raised again, and what they count goes on.

        Of runs that take less than OFTEN a few may pass before that shows.
        """
        moment = time.monotonic()
        if moment - self._looked < OFTEN:
            return []
        self._looked = moment
        return [LIMITS[number] for number, old in self._limits.items() if resource.getrlimit(number) != old]

    def _put_back(self) -> None:
        for timer in self._unset:
            signal.setitimer(timer, 0)
        handlers = list(map(_signal.getsignal, SIGNALS))
        if any(map(is_not, handlers, self._handlers)):
            known = zip(SIGNALS, handlers, self._handlers, strict=True)
            self._handle_as_before([number for number, now, before in known if now is not before])
        mask = _signal.pthread_sigmask(signal.SIG_BLOCK, ())
        if mask != self._mask:
            self._handle_as_before(_signal.sigpending() - self._mask)
            _signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        self._wake_as_before()
        os.umask(self._umask)
        self._go_home()

    def _handle_as_before(self, numbers: Collection[int]) -> None:
        """Put handlers back. A signal that is blocked and pending was meant for the run: ignoring it takes it away."""
        for number, handler in zip(SIGNALS, self._handlers, strict=True):
            if number in numbers:
                _signal.signal(number, _signal.SIG_IGN)
                _signal.signal(number, _signal.SIG_DFL if handler is None else handler)  # None: none of Python's
        if faulthandler.is_enabled() and any(number in numbers for number in FATAL):
            faulthandler.disable()
            faulthandler.enable(2)

    def _wake_as_before(self) -> None:
        _signal.set_wakeup_fd(-1)
        if self._wakeup >= 0:
            with suppress(OSError, ValueError):  # the module has closed it
                _signal.set_wakeup_fd(self._wakeup)

    def _go_home(self) -> None:
        with suppress(OSError):  # the folder is gone: the next run finds that out by itself
            if os.getcwd() == self._folder:
                return
        with suppress(OSError):
            if self._home_is_ours():
                os.fchdir(self._home)
            elif self._folder:
                os.chdir(self._folder)
                self._open_home()

    def _open_home(self) -> None:
        self._home = high(os.open(".", PLACE | os.O_CLOEXEC))
        self._home_is_ours = watched(self._home)

"""Two processes for one program with a screen: the outer one is the shell's, the inner one does everything.

A shell waits for the process that it has started, and no process can leave one that waits. So the inner one, which is a
fork from before there was any thread, can go on in a session of its own while the outer one ends and the shell has its
terminal again. Until then the outer one hands on signals and stops, goes on and ends as the inner one does.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress

import msgspec

from pyalma_tui.cli import waiter
from pyalma_tui.cli.speak import leave_terminal


class Outer(msgspec.Struct, frozen=True):
    """What the inner process knows of the outer one: its id, and the end of a pipe that hangs up when it is gone."""

    pid: int
    lifeline: int

    def keep_up(self) -> None:
        """Let the outer process go on as we do: whoever let us go on may have told us alone."""
        if waiter.is_stopped(self.pid):
            os.kill(self.pid, signal.SIGCONT)

    def part(self) -> None:
        """Give the terminal back to the shell, and go on in a session of our own."""
        os.setsid()
        leave_terminal()
        os.kill(self.pid, waiter.PARTED)


def divide() -> Outer | None:
    """Become the inner process of two; None where that cannot be: no fork is to be had, or no kernel that tells enough.

    The outer one never returns. Call it before there is a second thread.
    """
    if not hasattr(signal, "sigwaitinfo"):  # macOS: a ctrl+c would come twice
        return None
    ours, theirs = os.pipe()
    children = signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, they would leave nothing to wait for
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, waiter.HEARD)
    outer = os.getpid()
    try:
        inner = os.fork()
    except OSError:
        inner = -1
    if inner > 0:
        os.close(ours)
        os.set_inheritable(theirs, True)
        _wait_for(inner)
    signal.signal(signal.SIGCHLD, children)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    os.close(theirs)
    if inner < 0:
        os.close(ours)
        return None
    return Outer(outer, ours)


def _wait_for(inner: int) -> None:
    """Become a process that only waits, as small as one can be; where that cannot be started, wait as we are."""
    script = waiter.__file__
    if sys.executable and os.path.isfile(script) and not getattr(sys, "frozen", False):
        with suppress(OSError):
            os.execv(
                sys.executable, [sys.executable, "-I", "-S", "-E", script, str(inner), *sys.argv]
            )  # as `ps` has it
    waiter.wait_for(inner)

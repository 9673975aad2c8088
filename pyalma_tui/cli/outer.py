"""Two processes for one program with a screen: the outer one is the shell's, the inner one does everything.

A shell waits for the process that it has started, and no process can leave one that waits. So the inner one, which is a
fork from before there was any thread, can go on in a session of its own while the outer one ends and the shell has its
terminal again. Until then the outer one hands on signals and stops, goes on and ends as the inner one does.
"""

from __future__ import annotations

import os
import resource
import signal
from typing import Final, NoReturn

import msgspec

from pyalma_tui.cli.speak import leave_terminal

PARTED: Final = signal.SIGUSR1  # from the inner process: the shell is to have its terminal
PASSED: Final = (
    signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP, signal.SIGUSR1, signal.SIGUSR2,
)  # fmt: skip
HEARD: Final = (*PASSED, signal.SIGCHLD)


class Outer(msgspec.Struct, frozen=True):
    """What the inner process knows of the outer one: its id, and the end of a pipe that hangs up when it is gone."""

    pid: int
    lifeline: int

    def keep_up(self) -> None:
        """Let the outer process go on as we do: whoever let us go on may have told us alone."""
        if _is_stopped(self.pid):
            os.kill(self.pid, signal.SIGCONT)

    def part(self) -> None:
        """Give the terminal back to the shell, and go on in a session of our own."""
        os.setsid()
        leave_terminal()
        os.kill(self.pid, PARTED)


def divide() -> Outer | None:
    """Become the inner process of two; None where that cannot be: no fork is to be had, or no kernel that tells enough.

    The outer one never returns. Call it before there is a second thread.
    """
    if not hasattr(signal, "sigwaitinfo"):  # macOS: a ctrl+c would come twice
        return None
    ours, theirs = os.pipe()
    children = signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, they would leave nothing to wait for
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    outer = os.getpid()
    try:
        inner = os.fork()
    except OSError:
        inner = -1
    if inner > 0:
        os.close(ours)
        _wait_for(inner)
    signal.signal(signal.SIGCHLD, children)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    os.close(theirs)
    if inner < 0:
        os.close(ours)
        return None
    return Outer(outer, ours)


def _wait_for(inner: int) -> NoReturn:
    """Do as the inner process does, until it ends or parts with us."""
    while True:
        told = signal.sigwaitinfo(HEARD)
        if told.si_signo == signal.SIGCHLD:
            _follow(inner)
        elif told.si_signo == PARTED and told.si_pid == inner:
            os._exit(0)
        elif told.si_code <= 0:  # a process sent it, to us alone perhaps; the kernel signals the whole group
            os.kill(inner, told.si_signo)


def _follow(inner: int) -> None:
    """Stop or end as it has."""
    pid, how = os.waitpid(inner, os.WNOHANG | os.WUNTRACED)
    if pid == 0:
        return
    if os.WIFSTOPPED(how):
        os.kill(os.getpid(), signal.SIGSTOP)
        if _is_stopped(inner):  # whoever let us go on has not told the whole group
            os.kill(inner, signal.SIGCONT)
        return
    if os.WIFSIGNALED(how):
        number = os.WTERMSIG(how)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # there is one of it already
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(how) % 256)


def _is_stopped(pid: int) -> bool:
    """Whether a signal has stopped a process of ours, as Linux tells it; psutil would take 20 ms of each start."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] == b"T"
    except OSError:
        return False

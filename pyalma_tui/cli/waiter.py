"""The outer process of a program with a screen, as a script: `python -I -S -E waiter.py PID`, PID the inner one's.

A Python that imports nothing has 3 MB; what it has been forked from would be 10 MB that the inner process has as well.
Nothing is imported here that is not built in.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what `signal` wraps with enums, which take 0.8 MB
import os
import sys

PARTED = int(_signal.SIGUSR1)  # from the inner process: the shell is to have its terminal
PASSED = tuple(
    int(getattr(_signal, name)) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGTSTP", "SIGUSR1", "SIGUSR2")
)
HEARD = (*PASSED, int(_signal.SIGCHLD))  # blocked since before the inner process was forked
UNFORESEEN = tuple(
    int(getattr(_signal, name)) for name in ("SIGKILL", "SIGSEGV", "SIGBUS", "SIGABRT", "SIGILL", "SIGFPE")
)  # what they end has tidied nothing
PATIENCE = 1  # second in which a terminal takes nothing
SCREEN = 2  # the descriptor that Textual paints on
LEAVE = (
    b"\x1b[?2048l\x1b[?2004l\x1b[?1016l\x1b[?1015l\x1b[?1006l\x1b[?1004l\x1b[?1003l\x1b[?1002l\x1b[?1000l"
    b"\x1b[<u\x1b[?7h\x1b[?25h\x1b[?1049l\x1b[23;2t"
)  # reports of sizes, pastes, the mouse and the focus; the keyboard, wrapping, the cursor, the full screen, the title


def wait_for(inner: int) -> None:
    """Do as the inner process does, until it ends or parts with us: then this ends the process."""
    while True:
        told = _signal.sigwaitinfo(HEARD)
        if told.si_signo == _signal.SIGCHLD:
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
        if stopped() and is_stopped(inner):  # whoever let us go on has not told the whole group
            os.kill(inner, _signal.SIGCONT)
        return
    if os.WIFSIGNALED(how):
        import resource

        number = os.WTERMSIG(how)
        if number in UNFORESEEN:
            give_terminal_back()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # there is one of it already
        if number not in (_signal.SIGKILL, _signal.SIGSTOP):
            _signal.signal(number, _signal.SIG_DFL)
        _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [number])
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(how) % 256)


def stopped() -> bool:
    """Stop as a job does until somebody lets us go on.

    False where the kernel stops no job: there is no shell that would hear of it, and let it go on.
    """
    _signal.pthread_sigmask(_signal.SIG_BLOCK, [_signal.SIGCONT])
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [_signal.SIGTSTP])
    os.kill(os.getpid(), _signal.SIGTSTP)
    _signal.pthread_sigmask(_signal.SIG_BLOCK, [_signal.SIGTSTP])
    went_on = _signal.SIGCONT in _signal.sigpending()
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, [_signal.SIGCONT])
    return went_on


def give_terminal_back() -> None:
    """Leave the full screen for one who could not any more; a shell sees to echo and lines by itself."""
    _signal.signal(_signal.SIGALRM, _give_up)
    _signal.alarm(PATIENCE)
    try:
        if os.tcgetpgrp(SCREEN) == os.getpgrp():
            os.write(SCREEN, LEAVE)
    except OSError:  # there is no terminal any more, or it takes nothing: nothing to give back
        return
    finally:
        _signal.alarm(0)


def _give_up(number: int, frame: object) -> None:
    raise TimeoutError


def is_stopped(pid: int) -> bool:
    """Whether a signal has stopped a process of ours, as Linux tells it; psutil would take 20 ms of each start."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] == b"T"
    except OSError:
        return False


if __name__ == "__main__":
    wait_for(int(sys.argv[1]))

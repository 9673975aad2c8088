"""The guard of a worker: a tiny process in its group that outlives it by a moment, to end what it started.

When the runner's process is killed, the kernel kills the worker (PR_SET_PDEATHSIG), but nobody would end the children
of user code; a thread of the worker could not either, for it dies with it, or waits for a long call that holds the
interpreter's lock.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
from contextlib import suppress

from pyalma_tui.model.messages import WORKER_MARK
from pyalma_tui.store.disk import high
from pyalma_tui.worker.descriptors import close_in_children

LATE = 1000  # milliseconds by which a dying runner may close its socket after the kernel has killed the worker


def start(control: socket.socket, work: socket.socket) -> int:
    """Fork the guard; to be called before any thread is started. Its process id.

    It is no child of ours: user code may wait until it has none. The runner inherits it, as it does orphans, and ends
    it when it has seen that the worker is gone. Raises OSError if no process can be started.
    """
    ours, low = (end.detach() for end in socket.socketpair())
    mine = high(low)
    between = os.fork()
    if between == 0:
        try:
            if os.fork() == 0:
                os.close(mine)
                work.close()  # else the runner would not see that the worker is gone
                os.write(ours, b"%d" % os.getpid())
                _guard(control.fileno(), ours)
        finally:
            os._exit(0)
    os.close(ours)
    with suppress(ChildProcessError):  # SIGCHLD is ignored, as some parents bequeath it
        os.waitpid(between, 0)
    told = os.read(mine, 32)
    if not told:  # the process in between could not fork
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    pid = int(told)
    close_in_children(mine)
    return pid


def _guard(control: int, worker: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nowhere, fd)
    poll = select.poll()
    poll.register(control, 0)  # a hang-up is always told; what the runner says is not ours to read
    poll.register(worker, select.POLLIN)
    gone = control in {fd for fd, _ in poll.poll()}
    if not gone:  # the worker is: with its runner? or user code has closed our descriptor
        poll.unregister(worker)
        while not (gone := bool(poll.poll(LATE))) and _exists(os.getpgrp()):
            continue
    if gone:
        end_all()
    os._exit(0)


def _exists(pid: int) -> bool:
    """Whether the process is there, be it only to be waited for."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it has become somebody else
        return True
    return True


def end_all() -> None:
    """Nobody is there to be told anything: end this process, its group, and what has left the group."""
    _sweep()
    os.killpg(0, signal.SIGKILL)


def _sweep() -> None:
    """Kill what has left the group, known by the mark in its environment, where the system shows that."""
    mark = f"{WORKER_MARK}={os.environ.get(WORKER_MARK)}".encode()
    for pid in map(int, filter(str.isdecimal, os.listdir("/proc") if os.path.isdir("/proc") else ())):
        try:
            if os.getpgid(pid) == os.getpgrp():  # worker and guard sweep at the same time: never each other
                continue
            with open(f"/proc/{pid}/environ", "rb") as environment:
                if mark in environment.read().split(b"\0"):
                    os.kill(pid, signal.SIGKILL)
        except OSError:  # it went meanwhile, or is not ours to look at
            continue

"""The guard of an agent: a tiny process that outlives it by a moment, to end what its workers started.

When the runner's process is killed, the kernel kills the agent and its workers (PR_SET_PDEATHSIG), but nobody would end
what user code has started; a thread of a worker could not either, for it dies with it, or waits for a long call that
holds the interpreter's lock.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
from contextlib import suppress

from pyalma_tui.store.disk import high
from pyalma_tui.worker.sweeping import sweep


def start(channel: socket.socket, agent: str) -> int:
    """Fork the guard; to be called before any thread is started. A descriptor to be kept open.

    It is no child of ours: user code may wait until it has none. `agent` is what the marks of ours begin with. Raises
    OSError if no process can be started.
    """
    ours, low = (end.detach() for end in socket.socketpair())
    mine = high(low)
    between = os.fork()
    if between == 0:
        try:
            if os.fork() == 0:
                os.close(mine)
                os.setsid()  # no signal to the agent's group reaches it
                os.write(ours, b"!")
                _guard(channel.fileno(), ours, agent)
        finally:
            os._exit(0)
    os.close(ours)
    with suppress(ChildProcessError):  # SIGCHLD is ignored, as some parents bequeath it
        os.waitpid(between, 0)
    if not os.read(mine, 1):  # the process in between could not fork
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return mine


def let_go(guard: int) -> None:
    """In a fork: only the agent holds the guard's pipe, whose end tells that it has ended."""
    os.close(guard)


def _guard(channel: int, agent: int, mark: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nowhere, fd)
    poll = select.poll()
    poll.register(channel, 0)  # a hang-up is always told; what the runner says is not ours to read
    poll.register(agent, 0)
    poll.poll()
    sweep(mark)  # the runner is gone, or the agent: nothing that it has started outlives it
    os._exit(0)

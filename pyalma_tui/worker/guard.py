"""The guard of an agent: a tiny process that outlives it by a moment, to end what its workers started.

When the runner's process is killed, the kernel kills the agent and its workers (PR_SET_PDEATHSIG), but nobody would end
what user code has started; a thread of a worker could not either, for it dies with it, or waits for a long call that
holds the interpreter's lock.

Where all of it lives on a lease (`store.leases`), the guard ends it when that does: the agent and whoever has started
it may have been killed by then and not have died, as they wait for a file system that hangs. The guard has no files.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
from contextlib import suppress

from pyalma_tui.marks import sweep
from pyalma_tui.model import taking
from pyalma_tui.store.disk import high

LOCK, END = b"l", b"e"  # what the agent says to its guard; END it says back
LETS_GO = 2.0  # seconds that this is waited for: much longer than it takes, unless somebody has stopped the guard
MOST = 1 << 20  # as many descriptors as a process may usually have


def start(channel: socket.socket, agent: str, lease: int) -> tuple[int, int]:
    """Fork a guard, the first one before any thread is started. Its process id, and a descriptor to be kept open.

    It is forked by a process in between: user code may wait until it has no children. `agent` is what the marks of ours
    begin with; the descriptor `lease` can be read when its lease is over, -1 if it has none. Raises OSError if no
    process can be started.
    """
    ours, low = (end.detach() for end in socket.socketpair())
    mine = high(low)
    between = os.fork()
    if between == 0:
        try:
            if os.fork() == 0:
                _close_all_but(channel.fileno(), ours, lease)
                os.setsid()  # no signal to the agent's group reaches it
                os.write(ours, b"%d" % os.getpid())
                _guard(channel.fileno(), ours, lease, agent)
        finally:
            os._exit(0)
    os.close(ours)
    with suppress(ChildProcessError):  # SIGCHLD is ignored, as some parents bequeath it
        os.waitpid(between, 0)
    told = os.read(mine, 32)
    if not told:  # the process in between could not fork
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return int(told), mine


def share_lock(guard: int, lock: int) -> None:
    """Let the guard hold the runner's lock too, so that nobody else begins before it has ended what is left."""
    with suppress(OSError), socket.socket(fileno=os.dup(guard)) as line:  # one that was killed has a successor
        socket.send_fds(line, [LOCK], [lock])


def dismiss(guard: int) -> None:
    """All is in order at the agent's end: the guard lets go of the lock, and looks whether anything is left.

    Who looks after that finds the lock free.
    """
    with suppress(OSError), socket.socket(fileno=os.dup(guard)) as line:
        line.settimeout(LETS_GO)
        line.send(END)
        line.recv(1)


def let_go(*held: int) -> None:
    """For a fork of the agent: only that holds the guard's line, whose end tells that it has ended."""
    for fd in held:
        if fd >= 0:  # else there is none, or the guard was killed, and has no successor yet
            os.close(fd)


def _close_all_but(*kept: int) -> None:
    """Nobody waits for a descriptor that only a guard still holds."""
    low = 3
    for fd in (*sorted(fd for fd in kept if fd >= 0), MOST):
        os.closerange(low, fd)
        low = fd + 1


def _guard(channel: int, agent: int, lease: int, mark: str) -> None:
    for number in (signal.SIGINT, signal.SIGHUP, *taking.SIGNALS):
        signal.signal(number, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nowhere, fd)
    poll = select.poll()
    poll.register(channel, 0)  # a hang-up is always told; what the runner says is not ours to read
    poll.register(agent, select.POLLIN)
    if lease >= 0:
        poll.register(lease, select.POLLIN)
    line = socket.socket(fileno=agent)
    said, held = LOCK, list[int]()
    while said and not {channel, lease} & dict(poll.poll()).keys():
        said, fds, _, _ = socket.recv_fds(line, 1, 1)
        held += fds
        if said == END:
            while held:
                os.close(held.pop())
            with suppress(OSError):  # the agent has ended meanwhile
                line.send(END)
    sweep(mark)  # the runner is gone, or the agent, or the lease is over: nothing that it has started outlives it
    os._exit(0)

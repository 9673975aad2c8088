"""A place that is wrong on purpose, as PYALMA_TUI_MUTANT says: the nemesis has to notice.

Or one that is right, whose disk does not take the first segment that it is to sync.
"""

from __future__ import annotations

import errno
import os

from pyalma_tui.model import afar
from pyalma_tui.place import following, relay
from pyalma_tui.place.__main__ import main
from pyalma_tui.place.lease import Lease
from pyalma_tui.runner.workers.protocol import AgentEvent, Said
from pyalma_tui.store.disk import sync_data
from pyalma_tui.store.leases import now

_renew, _pass_on = Lease.renew, relay.Relay._pass_on


def _never(self: Lease, asked: float) -> None:
    """The timer is not armed."""
    _renew(self, asked + 3600)


def _from_the_answer(self: Lease, asked: float) -> None:
    """The lease counts from when it was answered."""
    _renew(self, now())


def _before_it_is_told(self: relay.Relay, event: AgentEvent) -> None:
    """What a worker says goes out before what it has appended."""
    if isinstance(event, Said):
        self._line.put(afar.Answered(event.worker, event.reply))
        self._take_reply(event.worker, event.reply)
    else:
        _pass_on(self, event)


def _not_the_first(fd: int) -> None:
    """The kernel says once that the disk did not take it, and drops what it had."""
    following.sync_data = sync_data  # type: ignore[attr-defined]
    raise OSError(errno.EIO, os.strerror(errno.EIO))


match os.environ["PYALMA_TUI_MUTANT"]:
    case "timer":
        Lease.renew = _never  # type: ignore[method-assign]
    case "answer":
        Lease.renew = _from_the_answer  # type: ignore[method-assign]
    case "outlives":
        Lease.renew = _never  # type: ignore[method-assign]
        relay.CUT = ""
    case "ended first":
        relay.Relay._pass_on = _before_it_is_told  # type: ignore[method-assign]
    case "disk":
        following.sync_data = _not_the_first  # type: ignore[attr-defined]

if __name__ == "__main__":
    main()

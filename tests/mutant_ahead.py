"""The program with one wrong change: an order that is taken back stays in its tray, so its worker has it too."""

from __future__ import annotations

import socket
import sys

from pyalma_tui.cli.main import main
from pyalma_tui.runner.workers.work import Tray


def _look(self: Tray) -> bool:
    """Whether anything is in it."""
    try:
        self._way_out.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK)
    except OSError:
        return False
    return True


Tray.empty = _look  # type: ignore[method-assign]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

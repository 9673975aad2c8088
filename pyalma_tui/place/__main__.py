"""`python -P -m pyalma_tui.place STATE_DIR`: the directory is only named for whoever looks at the processes there."""

from __future__ import annotations

from pyalma_tui.model import afar
from pyalma_tui.place.relay import Relay
from pyalma_tui.place.stdio import StdioChannel


def main() -> None:
    """Hear where the experiment is, then be a place of it."""
    line = StdioChannel()
    while not line.closed:
        for message in line.receive():
            if isinstance(message, afar.Hello):
                Relay(line, message).main()
                return


if __name__ == "__main__":
    main()

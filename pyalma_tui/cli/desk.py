"""Where those who visit a served experiment ask for something: a socket that only processes of ours can reach."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path
from typing import Final

from pyalma_tui.model.printable import printable
from pyalma_tui.runner.commands import Remark
from pyalma_tui.runner.snapshot import Conductor
from pyalma_tui.runner.visitor import Live, asked_in, deed, line_of, live_of

LOOK: Final = 0.1  # seconds between two looks at what is to be told
LONGEST: Final = 1 << 26  # bytes of a command that names all runs of a large experiment


class Desk:
    """Hands commands on to the runner, each after a note of who asks, and tells each visitor what no file tells."""

    def __init__(self, conductor: Conductor, path: Path) -> None:
        """`path` is that of the socket, in a folder that nobody else can enter."""
        self.path = path
        self._conductor = conductor
        self._server: asyncio.Server | None = None
        self._numbers = itertools.count(1)

    def name(self, address: str) -> str:
        """What a visitor from this address is called in the history."""
        return f"visitor {next(self._numbers)} ({address})"

    async def open(self) -> None:
        """Listen; raises OSError."""
        self._server = await asyncio.start_unix_server(self._visit, self.path, limit=LONGEST)

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        telling: asyncio.Task[None] | None = None
        try:
            who = (await reader.readline()).decode("utf-8", "replace").strip()
            telling = asyncio.create_task(self._tell(writer))
            while line := await reader.readline():
                command = asked_in(line)
                self._conductor.send(Remark(printable(f"{who}: {deed(command)}")))
                self._conductor.send(command)
        except (ConnectionError, ValueError):  # it is gone, or not what we have started
            return
        finally:
            if telling is not None:
                telling.cancel()
            writer.close()

    async def _tell(self, writer: asyncio.StreamWriter) -> None:
        last: Live | None = None
        while not writer.is_closing():
            live = live_of(self._conductor.snapshot())
            if live != last:
                writer.write(line_of(live))
                await writer.drain()
                last = live
            await asyncio.sleep(LOOK)

"""A connection of distributed as a cable: bytes both ways in their order, no more under way than a window."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Protocol

CHUNK = 1 << 16  # bytes that are read at a time
WINDOW = 1 << 20  # bytes that may be under way: a connection of distributed takes whatever it is given, and keeps it


class Comm(Protocol):
    """What distributed.comm.Comm has, so far as it is used here."""

    async def read(self) -> Any:
        """The next message; raises OSError when the other side is gone."""

    async def write(self, msg: Any) -> Any:
        """Take a message, to send it when that can be; raises OSError when the other side is gone."""

    async def close(self) -> None:
        """Send what was taken, and let go."""


class Cable:
    """One end: what is read here is written there. Messages are bytes, a number of bytes that were written, or an end.

    b"" tells that no more comes; the end is a dict, after which nothing comes at all.
    """

    def __init__(self, comm: Comm, writer: asyncio.StreamWriter) -> None:
        self._comm = comm
        self._writer = writer
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue()  # as much as the window of the other side
        self._under_way = 0
        self._room = asyncio.Event()
        self._cut = False

    async def say(self, message: bytes | int | dict[str, str]) -> None:
        """Send this, unless nobody is there any more."""
        try:
            if not self._cut:
                await self._comm.write(message)
        except OSError:
            self._cut = True
            self._room.set()

    async def send_all(self, reader: asyncio.StreamReader) -> None:
        """Send what comes here until nothing does, to nobody if nobody is there."""
        data = b"first"
        while data:
            try:
                data = await reader.read(CHUNK)
            except OSError:
                data = b""
            self._under_way += len(data)
            await self.say(data)
            while self._under_way > WINDOW and not self._cut:
                self._room.clear()
                await self._room.wait()

    async def hear_all(self) -> dict[str, str] | None:
        """Write here what comes until the end, which is returned; None if the cable was cut."""
        writing = asyncio.create_task(self._write_all())
        end: dict[str, str] | None = None
        try:
            while end is None:
                match await self._comm.read():
                    case bytes(data):
                        self._arrived.put_nowait(data)
                    case int(written):
                        self._under_way -= written
                        self._room.set()
                    case dict(end):
                        pass
        except OSError:
            pass  # None tells
        finally:
            self._cut = True
            self._room.set()
            self._arrived.put_nowait(b"")
        await writing
        return end

    async def _write_all(self) -> None:
        """What has come is written before the end is seen, also when it takes its time."""
        while data := await self._arrived.get():
            with suppress(OSError):  # whoever reads it is gone, which shows where it is waited for
                self._writer.write(data)
                await self._writer.drain()
            await self.say(len(data))
        self._writer.close()

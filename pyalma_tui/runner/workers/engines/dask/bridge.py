"""`python -P -m pyalma_tui.runner.workers.engines.dask.bridge CLUSTER STATE_DIR`: the client of a Dask cluster.

Standard input is the socket to the engine. When that ends, we end, and with us all connections, at whose other ends
places ask what runs there to stop. CLUSTER is an address, or the path of a scheduler file.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

from distributed import Client
from distributed.comm.core import connect

from pyalma_tui.model import jsontext
from pyalma_tui.runner.workers.engines.dask import words as w
from pyalma_tui.runner.workers.engines.dask.attending import CALLED, attend
from pyalma_tui.runner.workers.engines.dask.cable import Cable

LOOK = 0.5  # seconds between two looks at which dask workers there are
PATIENCE = 5.0  # seconds in which a scheduler and a dask worker answer
STUBBORN = 5.0  # seconds that a place gets to say how it ended after it was let go
_request = jsontext.decoder(w.ToBridge)


class Bridge:
    """Owned by the event loop."""

    def __init__(self, engine: socket.socket, state_dir: str) -> None:
        self._engine = engine
        self._state_dir = state_dir
        self._client: Client | None = None
        self._pending = b""
        self._sockets: list[socket.socket] = []  # that have come with Open, in their order
        self._workers: tuple[str, ...] | None = None
        self._topic = f"pyalma-tui-{secrets.token_hex(8)}"
        self._begun: dict[str, asyncio.Event] = {}  # by nonces
        self._closing: dict[int, asyncio.Event] = {}  # by channels
        self._channels: set[asyncio.Task[None]] = set()
        self._left = asyncio.Event()  # the engine has

    async def main(self, cluster: str) -> None:
        """Be there until the engine has left, or the cluster."""
        self._engine.setblocking(False)
        asyncio.get_running_loop().add_reader(self._engine, self._hear)
        connecting, leaving = asyncio.create_task(_connected(cluster)), asyncio.create_task(self._left.wait())
        await asyncio.wait((connecting, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not connecting.done():
            os._exit(0)  # nothing is there yet, and what waits for an answer would not end at once
        try:
            self._client = client = connecting.result()
        except (OSError, ValueError) as error:
            self._say(w.Failed(f"no scheduler answers: {_words(error)}; start one, or name where it is"))
            return
        lost = ""
        while not (self._left.is_set() or (lost and not self._channels)):
            lost = await self._look(client)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._left.wait(), LOOK)
        for closing in self._closing.values():
            closing.set()
        if self._channels:
            await asyncio.wait(self._channels, timeout=STUBBORN + 1)
        if not self._left.is_set():
            self._say(w.Failed(f"the scheduler is lost: {lost}"))
        with suppress(OSError):
            await asyncio.wait_for(client.close(), 1.0)

    async def _look(self, client: Client) -> str:
        """Tell which dask workers there are, if others than before; why that cannot be known, "" if it can."""
        try:
            assert client.scheduler is not None, "it was connected to"
            there = tuple(sorted(await asyncio.wait_for(client.scheduler.ncores(), PATIENCE)))
        except OSError as error:
            return _words(error)
        if there != self._workers:
            self._workers = there
            self._say(w.Workers(there))
        return ""

    # --- the engine --------------------------------------------------------------------------------------------------

    def _say(self, message: w.FromBridge) -> None:
        """Few and short: the engine reads them ten times a second, or is gone, which ends us."""
        self._engine.setblocking(True)
        with suppress(OSError):
            self._engine.sendall(jsontext.encode(message) + b"\n")
        self._engine.setblocking(False)

    def _hear(self) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(self._engine, 1 << 16, 1)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        self._sockets += [socket.socket(fileno=fd) for fd in fds]
        if not data:
            asyncio.get_running_loop().remove_reader(self._engine)
            self._left.set()
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            match _request(line):
                case w.Open() as order:
                    assert self._client is not None, "the engine knows a dask worker from it"
                    self._closing[order.channel] = asyncio.Event()
                    task = asyncio.create_task(self._be_channel(self._client, order, self._sockets.pop(0)))
                    self._channels.add(task)
                    task.add_done_callback(self._channels.discard)
                case w.Close(channel):
                    if channel in self._closing:
                        self._closing[channel].set()

    def _hear_topic(self, event: tuple[float, object]) -> None:
        if isinstance(nonce := event[1], str) and nonce in self._begun:
            self._begun[nonce].set()

    # --- one channel -------------------------------------------------------------------------------------------------

    async def _be_channel(self, client: Client, order: w.Open, ours: socket.socket) -> None:
        """Bring a place there, and carry until it has ended."""
        ours.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=ours)
        try:
            end = await self._carry(client, order, reader, writer)
        except Exception as error:  # noqa: BLE001 - whatever a cluster raises ends this channel, and is told
            end = {"how": _words(error)}
        del self._closing[order.channel]
        self._say(w.Ended(order.channel, end["how"], end.get("said", "")))
        writer.close()

    async def _carry(
        self, client: Client, order: w.Open, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> dict[str, str]:
        nonce, closing = secrets.token_hex(16), self._closing[order.channel]
        begun = self._begun[nonce] = asyncio.Event()
        # each time, as a scheduler that was started again knows of no topic, and before it knows of the task
        client.subscribe_topic(self._topic, self._hear_topic)
        future = client.submit(
            *(attend, nonce, self._topic, self._state_dir),
            key=f"pyalma-tui-{nonce}",
            workers=[order.worker],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )
        try:
            ended = asyncio.ensure_future(future.result())
            ended.add_done_callback(lambda task: task.cancelled() or task.exception())
            while not begun.is_set():
                waits = [asyncio.ensure_future(each.wait()) for each in (begun, closing)]
                await asyncio.wait((*waits, ended), timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
                for each in waits:
                    each.cancel()
                if closing.is_set():
                    return {"how": "it was let go before it began"}
                if ended.done() and not begun.is_set():
                    await ended
                    return {"how": "its task ended before it began"}
                if order.worker not in (self._workers or ()):
                    return {"how": "the dask worker is gone"}
            try:
                comm = await connect(order.worker, timeout=PATIENCE, **client.connection_args)
            except OSError as error:
                return {"how": f"the dask worker cannot be reached from here: {_words(error)}"}
            try:
                await comm.write({"op": CALLED, "nonce": nonce, "reply": False})
                cable = Cable(comm, writer)
                sending = asyncio.create_task(cable.send_all(reader))
                letting_go = asyncio.create_task(_let_go(closing, cable, comm.abort))
                end = await cable.hear_all()
                sending.cancel()
                letting_go.cancel()
            finally:
                await comm.close()
            return end or {"how": "the dask worker ended, or the line to it"}
        finally:
            del self._begun[nonce]
            future.release()  # so that the scheduler does not run it anew


async def _connected(cluster: str) -> Client:
    address = _address(cluster)
    client = Client(address, asynchronous=True, set_as_default=False, name="pyalma-tui", timeout=PATIENCE)
    await client
    return client


async def _let_go(closing: asyncio.Event, cable: Cable, abort: Callable[[], None]) -> None:
    await closing.wait()
    await cable.say(b"")
    await asyncio.sleep(STUBBORN)
    abort()


def _address(cluster: str) -> str:
    """That of the scheduler; raises OSError or ValueError where a scheduler file is none."""
    if not cluster.startswith("/"):
        return cluster
    with open(cluster, encoding="utf-8") as file:
        try:
            return str(json.load(file)["address"])
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{cluster} is no scheduler file") from error


def _words(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error).strip().partition("\n")[0] or type(error).__name__


def main(cluster: str, state_dir: str) -> None:
    """Hear from standard input whom to bring where."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    engine = socket.socket(fileno=os.dup(0))
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is told to the engine

    async def bridge() -> None:
        await Bridge(engine, state_dir).main(cluster)

    asyncio.run(bridge())


if __name__ == "__main__":
    main(*sys.argv[1:])

"""The driver of a terminal that goes away, and an app that is asked to leave at any moment."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
import time
from collections.abc import Callable

import pytest
from textual import constants
from textual.events import Key
from textual.message import Message

from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.tui.app import ExperimentApp
from pyalma_tui.tui.preferences import Preferences
from pyalma_tui.tui.screens.main import MainScreen
from pyalma_tui.tui.terminal import Terminal
from tests.tui.fake_conductor import FakeConductor


@pytest.mark.timeout(20)
async def test_a_terminal_that_has_gone_away_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as stream:
        monkeypatch.setattr(sys, "__stdin__", stream)
        monkeypatch.setattr(sys, "__stderr__", stream)
        terminal = Terminal(ExperimentApp(FakeConductor(Snapshot())))
        terminal.start_application_mode()
        os.close(ours)
        for _ in range(100):  # more than Textual's queue takes when nobody empties it
            terminal.write("x")
        terminal.stop_application_mode()
        terminal.close()
        os.dup2(os.open(os.devnull, os.O_WRONLY), theirs)  # for what the stream still holds


@pytest.mark.timeout(20)
async def test_asked_to_leave_while_its_screen_is_made_it_ends_without_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    app = ExperimentApp(FakeConductor(Snapshot()))

    def making() -> MainScreen:
        app.leave()
        return MainScreen(app.moment, Preferences())

    monkeypatch.setattr(app, "get_default_screen", making)
    await app.run_async(headless=True)
    assert app.crash is None


ANSWER = ("\x1b", "]11;rgb:ffff/ffff/ffff\x1b", "\\")
TYPED = {
    "a key and another one": (("\x1b", "q"), ["escape", "q"]),
    "two of them": (("\x1b", "\x1b", "q"), ["escape", "escape", "q"]),
    "not ascii": (("\x1b", "\xe4"), ["escape", "\xe4"]),
    "nothing more": (("\x1b",), ["escape"]),
    "an arrow that is cut": (("\x1b", "[A"), ["up"]),
    "an arrow and a key": (("\x1b[B", "\x1b", "q"), ["down", "escape", "q"]),
    "alt and a key": (("\x1bq",), ["alt+q"]),
    "an answer alone": (("".join(ANSWER), "q"), ["q"]),
    "an answer that is cut": ((*ANSWER, "q"), ["q"]),
}


@pytest.mark.parametrize(("reads", "keys"), TYPED.values(), ids=TYPED)
async def test_an_escape_is_a_key_unless_a_terminal_goes_on_behind_it(
    reads: tuple[str, ...], keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = pty.openpty()
    taken, seen = bytearray(), []
    read = os.read

    def taking(fd: int, size: int) -> bytes:
        data = read(fd, size)
        if fd == theirs:
            taken.extend(data)
        return data

    def note(_: Terminal, message: Message) -> None:
        if isinstance(message, Key):
            seen.append(message.key)

    async def until(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not condition() and time.monotonic() < deadline:
            await asyncio.sleep(0.001)

    monkeypatch.setattr(Terminal, "process_message", note)
    monkeypatch.setattr(os, "read", taking)
    if len(reads) > 1:  # whatever is typed next comes in time
        monkeypatch.setattr(constants, "ESCAPE_DELAY", 60)
    with os.fdopen(theirs, "w") as stream, os.fdopen(ours, "wb", buffering=0) as typing:
        monkeypatch.setattr(sys, "__stdin__", stream)
        monkeypatch.setattr(sys, "__stderr__", stream)
        terminal = Terminal(ExperimentApp(FakeConductor(Snapshot())))
        terminal.start_application_mode()
        for text in reads:
            taken.clear()
            typing.write(text.encode())
            await until(lambda typed=text: taken == typed.encode())  # type: ignore[misc]
        await until(lambda: len(seen) >= len(keys))
        terminal.stop_application_mode()
        terminal.close()
    assert seen == keys

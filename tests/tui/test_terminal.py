"""The driver of a terminal that goes away, and an app that is asked to leave at any moment."""

from __future__ import annotations

import os
import pty
import sys

import pytest

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

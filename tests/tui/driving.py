"""Opening the app on a snapshot, pressing keys, waiting for what should become true, reading the screen."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from textual.pilot import Pilot
from textual.screen import Screen

from pyalma_tui.runner.commands import Command
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.tui.app import ExperimentApp
from pyalma_tui.tui.preferences import Preferences
from pyalma_tui.tui.screens.main import MainScreen
from pyalma_tui.tui.widgets.instance_list import InstanceList
from tests.tui.fake_conductor import MONOTONIC, NOW, FakeConductor

PATIENCE = 20.0  # seconds, on a machine that is busy with other tests
LOOK = 0.01  # seconds between two looks


@dataclass
class Opened:
    """A running app and what drives it."""

    app: ExperimentApp
    pilot: Pilot[None]
    conductor: FakeConductor

    @property
    def main(self) -> MainScreen:
        return cast(MainScreen, self.app.screen_stack[0])

    @property
    def listing(self) -> InstanceList:
        return self.main.query_one(InstanceList)

    @property
    def sent(self) -> list[Command]:
        return self.conductor.sent

    def text(self) -> str:
        """What stands on the terminal."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text for strip in strips)

    def lines(self) -> list[str]:
        return self.text().split("\n")

    def toasts(self) -> str:
        return "\n".join(notification.message for notification in self.app._notifications)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def click(self, text: str) -> None:
        """Click on what stands there, where it begins."""
        y, line = next((y, line) for y, line in enumerate(self.lines()) if text in line)
        await self.pilot.click(offset=(line.index(text), y))
        await self.pilot.pause()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition, and fail with the screen if it never comes true.

        The patience is that of a machine that has time for at least every other look, and for threads of the app.
        """
        end, looks = time.monotonic() + PATIENCE, 0
        while time.monotonic() < end or looks * LOOK < PATIENCE / 2:
            if condition():
                return
            await self.pilot.pause(LOOK)
            looks += 1
        raise AssertionError(f"never came true; the screen was\n{self.text()}")

    async def sees(self, *texts: str) -> None:
        await self.until(lambda: all(text in self.text() for text in texts))

    async def sends(self, *commands: Command) -> None:
        """Wait until exactly these commands were sent."""
        await self.until(lambda: len(self.sent) >= len(commands))
        assert self.sent == list(commands)

    async def says(self, *texts: str) -> None:
        """Wait for messages."""
        await self.until(lambda: all(text in self.toasts() for text in texts))

    async def on(self, kind: type[Screen[Any]]) -> None:
        """Wait until a screen of this kind is on top."""
        await self.until(lambda: isinstance(self.app.screen, kind))

    async def show(self, snapshot: Snapshot) -> None:
        """Let the conductor have another snapshot, and wait until the app has taken it over."""
        self.conductor.now = snapshot
        await self.until(lambda: self.app.moment.snapshot is snapshot)
        await self.pilot.pause()


@asynccontextmanager
async def opened(snapshot: Snapshot, size: tuple[int, int] = (140, 36), **options: Any) -> AsyncIterator[Opened]:
    """The app on this snapshot, with both clocks standing still; what failed is first, where nothing else is asked."""
    conductor = FakeConductor(snapshot)
    usual: dict[str, Any] = {
        "clock": lambda: NOW,
        "monotonic": lambda: MONOTONIC,
        "preferences": Preferences(sort="status"),
    }
    options = usual | options
    app = ExperimentApp(conductor, **options)
    async with app.run_test(size=size, notifications=True) as pilot:
        driven = Opened(app, pilot, conductor)
        await driven.until(lambda: app.moment.snapshot is snapshot)
        await pilot.pause()
        yield driven

"""Keys in their turn: one is handed to the app when the one before has gone all its way.

Each widget has a queue of its own, and a key goes from the one with the focus through all around it to the app. Of
`/g0` that came at once, as from a slow line or a paste, `g` would reach the list before `/` has opened the field.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any, Final

from textual.app import App
from textual.dom import DOMNode
from textual.driver import Driver
from textual.events import Key
from textual.message import Message
from textual.message_pump import MessagePump

PATIENCE: Final = 0.3  # seconds for a key whose way is held up
ROUNDS: Final = 3  # of a key, of what it sets off, as Enter that a field is submitted, and of what that sets off


class InTurn:
    """Hands on what the terminal sends, in its order. All is called in the app's loop."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._waiting: deque[Message] = deque()
        self._under_way: asyncio.TimerHandle | None = None

    def hand_on(self, message: Message) -> None:
        """Hand it to the app as soon as it has its turn."""
        self._waiting.append(message)
        if self._under_way is None:
            self._next()

    def _next(self) -> None:
        """The key before has gone its way, or is not waited for any longer."""
        if self._under_way is not None:
            self._under_way.cancel()
            self._under_way = None
        while self._waiting and self._under_way is None:
            message = self._waiting.popleft()
            self._app.post_message(message)
            if isinstance(message, Key):
                self._under_way = asyncio.get_running_loop().call_later(PATIENCE, self._next)
                self._app.call_later(self._follow, self._under_way)

    def _follow(self, key: asyncio.TimerHandle) -> None:
        """Go behind the key through each queue that it goes through, and again for what it has set off there."""
        focused = self._app.focused or self._app.screen
        self._climb(key, chain.from_iterable(repeat([*focused.ancestors_with_self, self._app], ROUNDS)))

    def _climb(self, key: asyncio.TimerHandle, way: Iterator[MessagePump | DOMNode]) -> None:
        for pump in way:
            if pump.call_later(self._climb, key, way):
                return
        if self._under_way is key:
            self._next()


class InTurnDriver(Driver):
    """A driver that hands on in turn what its thread reads."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._in_turn = InTurn(app)

    def send_message(self, message: Message) -> None:
        """Hand a message to the app, a key when the one before has gone its way."""
        self._loop.call_soon_threadsafe(self._in_turn.hand_on, message)

"""Work beside the keys that nobody waits for when the screen is left; Textual's own threads hold up the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from textual.app import App

Found = TypeVar("Found")


def beside(app: App[Any], find: Callable[[], Found], tell: Callable[[Found], None]) -> None:
    """Call `find` in a thread that ends with the program, then `tell` what it found in the app's loop.

    It is called in that loop, where what `find` raises is raised.
    """
    loop = asyncio.get_running_loop()

    def run() -> None:
        try:
            found = find()
        except Exception as error:  # noqa: BLE001 - it is raised in the loop
            told = partial(app.call_later, _raise, error)
        else:
            told = partial(app.call_later, tell, found)
        with suppress(RuntimeError):  # the loop is closed: the screen was left meanwhile
            loop.call_soon_threadsafe(told)

    threading.Thread(target=run, name=f"beside {type(app).__name__}", daemon=True).start()


def _raise(error: Exception) -> None:
    raise error

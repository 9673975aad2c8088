"""All that the runner knows of an engine and of the lines through it; each engine fulfils both."""

from __future__ import annotations

from typing import Protocol

from pyalma_tui.runner.workers.engines.on import Site


class Channel(Protocol):
    """A line to `python -P -m pyalma_tui.place STATE_DIR` on another host, and back; no method waits."""

    @property
    def site(self) -> Site:
        """What it was opened for."""

    def fileno(self) -> int:
        """A descriptor that is readable when `receive` has something, also that nothing can come any more.

        It is -1 once the line was let go: its number is that of another one before long.
        """

    def send(self, data: bytes = b"") -> None:
        """Send this, and what could not be sent before, as far as it can be; a closed line shows elsewhere."""

    @property
    def waits(self) -> bool:
        """Whether something could not be sent yet."""

    @property
    def way_out(self) -> int:
        """A descriptor, not that of `fileno`, that can be written when more can be sent; -1 once it was let go."""

    def receive(self) -> bytes | None:
        """What has come, in its order, b"" if nothing has, None once nothing can come any more; more is readable."""

    @property
    def has_ended(self) -> bool:
        """Whether what leads there has ended, so that `why` knows all that can be known."""

    def why(self) -> str:
        """What is known of its end, and what to do, in one line for people."""

    def close(self) -> None:
        """Let go of the line, and let what leads there end; more than once is as once."""


class Engine(Protocol):
    """Opens channels as often as there is need, and again after a pause when they have ended."""

    def open(self, wanted: int, now: float) -> tuple[list[Channel], list[str]]:
        """Open what so many workers need and is not there yet; the new channels, and what could not be opened.

        It is called at each tick, must not wait, and sees to what has been closed. `now` is of time.monotonic.
        """

    def look(self, now: float) -> tuple[list[Channel], list[str]] | None:
        """Open one at each site that is known, for a look at it; None as long as that cannot be known yet."""

    def ended(self, site: Site, now: float, *, well: bool) -> float:
        """A place has ended, `well` if it had come and was of use: in how many seconds the next one may come.

        It is 0.0 where the site is there no more.
        """

    def has_let_go(self, now: float) -> bool:
        """Let all end, and see to that; whether it has. Asked at each tick until it is so; must not wait."""

"""Messages that go away: they lie over the keys and the frame above them, and over nothing else."""

from __future__ import annotations

from typing import Final

from textual.app import App
from textual.content import Content
from textual.notifications import SeverityLevel

from pyalma_tui.model.printable import clip, printable

LINES: Final = 2  # of a message
AROUND: Final = 3  # cells beside it


def shortened(text: str, width: int) -> str:
    """What of a printable text stands on the lines of a message of this width, with … at its end if that is not all."""
    text = text[: (LINES + 1) * width]
    lines = Content(text).wrap(max(1, width))
    if len(lines) <= LINES:
        return text
    whole = [line.plain.rstrip() for line in lines[: LINES - 1]]
    return "\n".join([*whole, clip(" ".join(line.plain.strip() for line in lines[LINES - 1 :]), width)])


class SayingApp(App[None]):
    """Says one thing at a time."""

    def say(self, text: str, *, severity: SeverityLevel = "information", timeout: float = 4) -> None:
        """A short message, cut to its lines; it takes the place of the one before."""
        self.clear_notifications()
        told = shortened(printable(text), self.size.width - AROUND)
        self.notify(told, severity=severity, timeout=timeout, markup=False)

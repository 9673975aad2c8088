"""The timeout and the retries, changed while the experiment runs."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from pyalma_tui.errors import UsageError
from pyalma_tui.runner.commands import Limits
from pyalma_tui.tui.keys import key_to, strokes
from pyalma_tui.tui.literal import literal
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.screens.box import Box
from pyalma_tui.tui.view_moment import Moment

HELP = (
    "From now on, also for the runs that run now. A timeout counts from the begin of an attempt; its state is kept. "
    "What has failed already is tried again with {retry}."
)


class LimitsBox(Box[Limits | None]):
    """Asks for both; closes with None where nothing is to be changed."""

    BINDINGS: ClassVar[list[BindingType]] = strokes("limits")
    AUTO_FOCUS = "#timeout"

    def __init__(self, moment: Moment) -> None:
        super().__init__(moment, "limits", "enter changes · esc leaves it")
        self._limits = moment.snapshot.limits

    def content(self) -> ComposeResult:
        """Two fields with what holds now, and what they mean."""
        timeout = "" if self._limits.timeout is None else f"{self._limits.timeout:g}"
        with Horizontal(classes="field"):
            yield Static("timeout")
            yield Input(timeout, id="timeout", placeholder="seconds; none", compact=True)
        with Horizontal(classes="field"):
            yield Static("retries")
            yield Input(str(self._limits.retries), id="retries", placeholder="0", compact=True)
        yield Static(Content.styled(HELP.format(retry=key_to("retry")), MUTED), id="limits-text", classes="quiet")

    @on(Input.Submitted)
    def _submitted(self) -> None:
        try:
            limits = limits_of(self.query_one("#timeout", Input).value, self.query_one("#retries", Input).value)
        except UsageError as error:
            self.query_one("#limits-text", Static).update(literal(error.message, COLOURS["failed"]))
        else:
            self.dismiss(limits)


def limits_of(timeout: str, retries: str) -> Limits:
    """What was typed, as limits; an empty field is none. Raises UsageError with what is wrong."""
    try:
        seconds = float(timeout) if timeout.strip() else None
    except ValueError:
        raise UsageError(f"timeout: {timeout}: it is a number of seconds, or empty for none") from None
    if seconds is not None and not 0 < seconds < float("inf"):
        raise UsageError(f"timeout: {timeout}: it must be more than 0 seconds; empty for none")
    try:
        times = int(retries) if retries.strip() else 0
    except ValueError:
        raise UsageError(f"retries: {retries}: it is a whole number") from None
    if times < 0:
        raise UsageError(f"retries: {retries}: it must be at least 0")
    return Limits(seconds, times)

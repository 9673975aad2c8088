"""What screens and widgets ask of the app: messages that go up to it, for none of them knows the app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from textual.message import Message

from pyalma_tui.runner.commands import Command


@dataclass
class Send(Message):
    """Ask the runner for something; it says in a note what it does."""

    command: Command


@dataclass
class Perform(Message):
    """Do the action with this id as if its key had been pressed, or say why it is not possible now."""

    action: str


@dataclass
class Say(Message):
    """Show a short text, which may be anybody's, for a while."""

    text: str


@dataclass
class Copy(Message):
    """Hand a text to the terminal's clipboard, and say that it was `what`."""

    text: str
    what: str


@dataclass
class FilterChanged(Message):
    """The list is filtered by this text now."""

    text: str


@dataclass
class MarksChanged(Message):
    """The marks of a list have changed; `put_back` makes them what they were, as long as the list `is_there`."""

    put_back: Callable[[], None]
    is_there: Callable[[], bool]


@dataclass
class Edit(Message):
    """Open a file in the user's editor; None is one that does not exist yet."""

    path: Path | None


@dataclass
class OpenPager(Message):
    """Open a file in the user's pager; None is one that does not exist yet."""

    path: Path | None


@dataclass
class Prefer(Message):
    """Keep what was changed on the screen for the next time, by the fields of Preferences; None is the usual."""

    changes: Mapping[str, str | bool | list[str] | None]


@dataclass
class TakeOver(Message):
    """Leave a read-only view, to go on here with what another process runs."""

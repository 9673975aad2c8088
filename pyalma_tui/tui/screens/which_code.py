"""With which code runs are called: that of the session, or that of its files as they are now, edited since."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Static

from pyalma_tui.model import status as s
from pyalma_tui.model import words
from pyalma_tui.runner.outdated import EditedFile, edits_since
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.tui.keys import strokes
from pyalma_tui.tui.literal import literal
from pyalma_tui.tui.look import MUTED
from pyalma_tui.tui.obstacles import KeyScope
from pyalma_tui.tui.screens.box import Box, choice
from pyalma_tui.tui.view_moment import Moment

NAMED: Final = 3  # files


class WhichCode(Box[bool | None]):
    """Closes with True for the code as it is now, with False for that of the session, with None for nothing."""

    scope: ClassVar[KeyScope] = "which code"
    BINDINGS: ClassVar[list[BindingType]] = strokes("which code")

    def __init__(self, moment: Moment, title: str, text: Content | None, edits: Sequence[EditedFile]) -> None:
        """`text` is what else there is to ask, None for nothing."""
        super().__init__(moment, title)
        self._text, self._edits = text, edits

    def content(self) -> ComposeResult:
        """What was edited, and what each key does."""
        yield Static(which_code_text(self.snapshot, self._text, self._edits))

    def action_choose(self, now: bool) -> None:
        """Close with this answer."""
        self.dismiss(now)


def edits_of(snapshot: Snapshot) -> tuple[EditedFile, ...]:
    """What was edited of the code of this session; none where workers cannot be given another one."""
    if snapshot.renewable is None:
        return ()
    known: dict[str, bytes] = {}
    found = (edit for code in sorted(snapshot.codes) for edit in edits_since(snapshot.renewable, code, known))
    return tuple({edit.name: edit for edit in found}.values())


def which_code_text(snapshot: Snapshot, text: Content | None, edits: Sequence[EditedFile]) -> Content:
    """The question, then the edits, then a line for each answer."""
    lines = [text, Content("")] if text is not None else []
    named = ", ".join(edit.text for edit in edits[:NAMED])
    if len(edits) > NAMED:
        named += f" and {words.plural(len(edits) - NAMED, 'file')} more"
    lines.append(Content.assemble(literal(named, "bold"), " since this session imported it."))
    lines += [
        choice("which code", "m", "call with the mended code"),
        Content.styled(f"   It is imported first; if that fails nothing is called.{_left(snapshot)}", MUTED),
        choice("which code", "o", "call with the old code, that of this session"),
        choice("which code", "escape", "call nothing"),
    ]
    return Content("\n").join(lines)


def _left(snapshot: Snapshot) -> str:
    """What keeps the code of before."""
    if isinstance(snapshot.done_hook.status, s.HookRunning):
        return " done() goes on with the old."
    running = snapshot.counts.running
    return f" {words.plural(running, 'run goes', 'runs go')} on with the old." if running else ""

"""All keys, from the registry."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from pyalma_tui.tui.look import COLOURS, GLYPHS, MUTED
from pyalma_tui.tui.registry import MOVING, groups, shown_keys
from pyalma_tui.tui.widgets.facts import Fact, laid_out

KEYS = 16  # cells for the keys
TITLE = "bold $text-primary"


class Help(ModalScreen[None]):
    """What every key does, what the signs mean."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter", "dismiss", "Close")]

    def compose(self) -> ComposeResult:
        """A text that scrolls where it does not fit."""
        with VerticalScroll(classes="box") as box:
            box.border_title = "help"
            box.border_subtitle = "esc closes"
            yield Static(id="help-text")

    def on_mount(self) -> None:
        """Keys scroll it."""
        self.query_one(VerticalScroll).focus()

    def on_resize(self) -> None:
        """The explanations stay in their column."""
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        width = self.query_one(VerticalScroll).scrollable_content_region.width
        self.query_one("#help-text", Static).update(help_text(width))


def help_text(width: int) -> Content:
    """The keys by group, then the signs."""
    parts = [_group("Moving", [Fact(keys, Content(text)) for keys, text in MOVING], width)]
    parts += [
        _group(group, [Fact(shown_keys(action), Content(action.help)) for action in actions], width)
        for group, actions in groups()
    ]
    signs = [Content.assemble((f"{GLYPHS[word]} {word}", COLOURS[word]), "   ") for word in GLYPHS]
    parts.append(Content.assemble(("Signs", TITLE), "\n", *signs))
    parts.append(Content.styled("≈ a progress that is estimated from states that count down to zero", MUTED))
    return Content("\n\n").join(parts)


def _group(name: str, keys: list[Fact], width: int) -> Content:
    return Content.assemble((name, TITLE), "\n", Content("\n").join(laid_out(keys, width, KEYS, "bold $text-accent")))

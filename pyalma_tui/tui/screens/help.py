"""All keys, from the registry."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from pyalma_tui.tui.keys import closing, moving, shown_keys
from pyalma_tui.tui.look import COLOURS, GLYPHS, MUTED
from pyalma_tui.tui.registry import groups
from pyalma_tui.tui.screens.box import TextBox
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.facts import Fact, laid_out

KEYS = 16  # cells for the keys
TITLE = "bold $text-primary"


class HelpBox(TextBox):
    """What every key does, what the signs mean."""

    BINDINGS: ClassVar[list[BindingType]] = closing("help")

    def __init__(self, moment: Moment) -> None:
        super().__init__(moment, "help")

    def subject(self) -> object:
        """It is always the same."""
        return None

    def text(self, width: int) -> Content:
        """The explanations stay in their column."""
        return help_text(width)


def help_text(width: int) -> Content:
    """The keys by group, then the signs."""
    parts = [_group("Moving", [Fact(keys, Content(text)) for keys, text in moving()], width)]
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

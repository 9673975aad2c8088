"""All keys, from the registry: first those of the place where one is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content

from pyalma_tui.tui.action import Action
from pyalma_tui.tui.keys import answered, closing, moving, shown_keys
from pyalma_tui.tui.look import COLOURS, GLYPHS, MUTED
from pyalma_tui.tui.obstacles import KeyScope
from pyalma_tui.tui.registry import groups
from pyalma_tui.tui.screens.box import TextBox
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.facts import Fact, laid_out

KEYS = 16  # cells for the keys
TITLE = "bold $text-primary"


class HelpBox(TextBox):
    """What every key does, what the signs mean."""

    BINDINGS: ClassVar[list[BindingType]] = closing("help")

    def __init__(self, moment: Moment, about: KeyScope) -> None:
        super().__init__(moment, "help")
        self._about = about

    def subject(self) -> object:
        """It is always the same."""
        return None

    def text(self, width: int) -> Content:
        """The explanations stay in their column."""
        return help_text(width, self._about)


def help_text(width: int, scope: KeyScope) -> Content:
    """The keys of this place alone, then the others that are answered in it by group, the signs, then all others."""
    own, here = "nowhere" if scope == "main" else scope, answered(scope, "app")
    parts = list(_groups(width, lambda action: action.scope == own, here))
    parts.append(_group("Moving", [Fact(keys, Content(text)) for keys, text in moving(scope)], width))
    parts += _groups(width, lambda action: action.scope != own and action.binding in here, here)
    signs = [Content.assemble((f"{GLYPHS[word]} {word}", COLOURS[word]), "   ") for word in GLYPHS]
    parts.append(Content.assemble(("Signs", TITLE), "\n", *signs))
    parts.append(Content.styled("≈ a progress that is estimated from states that count down to zero", MUTED))
    parts.append(Content.styled("Elsewhere", f"underline {TITLE}"))
    parts += _groups(width, lambda action: action.scope != own and action.binding not in here, {})
    return Content("\n\n").join(parts)


def _groups(width: int, told: Callable[[Action], bool], here: Mapping[str, str]) -> Iterator[Content]:
    for group, actions in groups():
        if chosen := [action for action in actions if told(action)]:
            keys = [Fact(here.get(action.binding, shown_keys(action)), Content(action.help)) for action in chosen]
            yield _group(group, keys, width)


def _group(name: str, keys: list[Fact], width: int) -> Content:
    return Content.assemble((name, TITLE), "\n", Content("\n").join(laid_out(keys, width, KEYS, "bold $text-accent")))

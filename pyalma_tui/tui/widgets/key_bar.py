"""The keys at the bottom: as many as fit, those that are not possible now dimmed."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.widget import Widget

from pyalma_tui.tui.action import Action
from pyalma_tui.tui.keys import answered
from pyalma_tui.tui.look import MUTED
from pyalma_tui.tui.obstacles import KeyScope, Situation
from pyalma_tui.tui.registry import of
from pyalma_tui.tui.requests import Perform

AIR = 2


class KeyBar(Widget):
    """One line made from the registry. A click does the action."""

    ALLOW_SELECT = False

    def __init__(self, *scopes: KeyScope) -> None:
        super().__init__()
        self._keys = answered(*scopes)
        there = (action for scope in scopes for action in of(scope) if action.bar and action.binding in self._keys)
        self._actions = sorted(there, key=lambda action: action.bar)
        self._refused: tuple[bool, ...] = (False,) * len(self._actions)
        self._spans: list[tuple[int, int, Action]] = []

    def show(self, situation: Situation) -> None:
        """Dim what is not possible now."""
        refused = tuple(bool(action.refused(situation)) for action in self._actions)
        if refused != self._refused:
            self._refused = refused
            self.refresh()

    def render(self) -> Content:
        """The keys in the order of the registry, as many of the lowest rank as fit."""
        room = self.content_size.width
        self._spans = []
        parts: list[Content] = []
        x = 0
        for action, refused in zip(self._actions, self._refused, strict=True):
            key = self._keys[action.binding].partition(" ")[0]
            width = len(key) + 1 + len(action.label) + AIR
            if x + width - AIR > room:
                break
            parts.append(Content.styled(key, MUTED if refused else "bold $text-accent"))
            parts.append(Content.styled(f" {action.label}{' ' * AIR}", MUTED if refused else ""))
            self._spans.append((x, x + width, action))
            x += width
        return Content.assemble(*parts)

    def on_click(self, event: events.Click) -> None:
        """Do what was clicked."""
        x = event.x - self.styles.padding.left
        for start, end, action in self._spans:
            if start <= x < end:
                self.post_message(Perform(action.id))

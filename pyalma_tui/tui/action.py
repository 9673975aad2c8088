"""What a thing to do with a key is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pyalma_tui.tui import obstacles
from pyalma_tui.tui.obstacles import KeyScope, Obstacle, Situation

Group: TypeAlias = Literal[
    "Experiment", "Selected or marked", "List", "Runs and failures", "Results", "Plots", "Log", "Program"
]


@dataclass(frozen=True, slots=True)
class Action:
    """A thing to do. The method `do_<id>` of the screen or the app does it.

    `keys` are Textual's names joined by commas, "" for what only the palette does. `bar` is the rank in the key bar,
    the lowest stays longest where it is narrow; 0 keeps it out. An action that `commands` changes the experiment and is
    refused in a read-only view. In the scopes that it is `also` for, the same key does the same.
    """

    id: str
    keys: str
    label: str
    help: str
    group: Group
    scope: KeyScope = "main"
    bar: int = 0
    commands: bool = False
    obstacle: Obstacle = obstacles.nothing
    also: tuple[KeyScope, ...] = ()

    def is_of(self, scope: KeyScope) -> bool:
        """Whether its keys are answered there."""
        return scope == self.scope or scope in self.also

    @property
    def binding(self) -> str:
        """The id of its bindings, by which a user's own keys take their place."""
        return f"{self.scope}.{self.id}"

    def refused(self, situation: Situation) -> str:
        """Why it is not possible now, "" if it is."""
        return (obstacles.view_only(situation) if self.commands else "") or self.obstacle(situation)

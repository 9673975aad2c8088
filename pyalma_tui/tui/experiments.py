"""The experiments that there are, as a screen: enter opens, watches or resumes one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from pyalma_tui.model.standing import LEADS, Standing, told
from pyalma_tui.store.finding import FoundExperiment
from pyalma_tui.tui import cells
from pyalma_tui.tui.beside import beside
from pyalma_tui.tui.keys import strokes
from pyalma_tui.tui.literal import literal, plain
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.preferences import Preferences
from pyalma_tui.tui.preferred_app import PreferredApp

EVERY: Final = 2.0  # seconds between two looks
WIDTHS: Final = (18, 14, 9)  # cells of how far it is, when, where it leads; the name has the rest
NONE: Final = "No experiment below this folder, and none was used lately. `pyalma-tui demo` makes one."
COLOUR_OF: Final[dict[Standing, str]] = {
    "running": COLOURS["running"],
    "open": COLOURS["running"],
    "unfinished": COLOURS["interrupted"],
    "failed": COLOURS["failed"],
    "done": COLOURS["done"],
    "unreadable": COLOURS["failed"],
}


class ExperimentList(OptionList):
    """The list, which no key moves in before it has a place on the screen: Textual cannot page in no lines at all."""

    BINDINGS: ClassVar[list[BindingType]] = strokes("experiment list")

    def action_page_down(self) -> None:
        """A page down."""
        if self.size:
            super().action_page_down()  # type: ignore[no-untyped-call]

    def action_page_up(self) -> None:
        """A page up."""
        if self.size:
            super().action_page_up()  # type: ignore[no-untyped-call]


class ExperimentsApp(PreferredApp):
    """`look` finds what there is, and may take its time; `chosen` is what was opened, None if nothing was."""

    TITLE = "pyalma-tui"
    CSS_PATH = "styles/app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = strokes("experiments")

    def __init__(
        self,
        look: Callable[[], Sequence[FoundExperiment]],
        preferences: Preferences | None = None,
        kept_in: Path | None = None,
        mistake: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(None, preferences or Preferences(), kept_in, mistake)
        self.chosen: FoundExperiment | None = None
        self._look = look
        self._looks = False  # a look is under way
        self._clock = clock
        self._found: Sequence[FoundExperiment] | None = None

    def compose(self) -> ComposeResult:
        """The list, and what the keys do."""
        with Vertical(id="experiments", classes="panel") as panel:
            panel.border_title = Content("experiments")
            yield ExperimentList(id="found", markup=False)
            yield Static("looking for experiments…", id="none")
        yield Static(Content("enter opens · q leaves"), id="experiments-keys")

    def on_mount(self) -> None:
        """Begin to look."""
        self.follow_terminal()
        self.tell_mistake()
        self.query_one(OptionList).display = False
        self.look()
        self.set_interval(EVERY, self.look)

    def look(self) -> None:
        """Look again, beside the keys, once the last look is over."""
        if not self._looks:
            self._looks = True
            beside(self, self._look, self._seen)

    def _seen(self, found: Sequence[FoundExperiment]) -> None:
        self._looks = False
        self._show(found)

    def on_resize(self) -> None:
        """The columns have another room."""
        if self._found is not None:
            self.call_after_refresh(self._show, self._found)

    def _show(self, found: Sequence[FoundExperiment]) -> None:
        """List them; the cursor stays on its experiment."""
        options = self.query_one(OptionList)
        cursor = self._selected()
        self._found = found
        options.display = bool(found)
        none = self.query_one("#none", Static)
        none.display = not found
        none.update(NONE)
        options.set_options([Option(self._line(each)) for each in found])
        places = [each.state_dir for each in found]
        options.highlighted = places.index(cursor.state_dir) if cursor and cursor.state_dir in places else 0
        if found and self.focused is None:
            options.focus()

    def _selected(self) -> FoundExperiment | None:
        index = self.query_one(OptionList).highlighted
        return self._found[index] if self._found and index is not None and index < len(self._found) else None

    def _line(self, each: FoundExperiment) -> Content:
        room = max(12, self.size.width - 8 - sum(WIDTHS))
        name = plain(each.name, 2 * room)
        line = told(each.standing, each.counts, each.at, self._clock(), each.problem)
        if each.problem:
            rest = literal(line.how_far, MUTED)
        else:
            rest = Content.styled(
                cells.fit(line.how_far, WIDTHS[0]) + cells.fit(line.when, WIDTHS[1]) + LEADS[each.standing], MUTED
            )
        return Content.assemble((f"{line.glyph} ", COLOUR_OF[each.standing]), cells.fit_middle(name, room) + " ", rest)

    @on(OptionList.OptionSelected)
    def _open(self) -> None:
        selected = self._selected()
        if selected is not None and not selected.problem:
            self.chosen = selected
            self.exit()

"""The log of one run on the full screen: its attempts, and a search."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.runner.snapshot import log_path
from pyalma_tui.tui.actions import Situation, bindings
from pyalma_tui.tui.cells import fit_middle
from pyalma_tui.tui.headline import justified
from pyalma_tui.tui.literal import literal
from pyalma_tui.tui.look import COLOURS, GLYPHS, MUTED
from pyalma_tui.tui.moment import Moment
from pyalma_tui.tui.notices import stopping_text
from pyalma_tui.tui.rows import plain
from pyalma_tui.tui.widgets.header import Line
from pyalma_tui.tui.widgets.key_bar import KeyBar
from pyalma_tui.tui.widgets.log_view import LogView

if TYPE_CHECKING:
    from pyalma_tui.tui.app import ExperimentApp


class LogScreen(Screen[None]):
    """The output of an attempt; the newest attempt until another one is chosen."""

    BINDINGS = bindings("log")
    AUTO_FOCUS = "LogView"

    def __init__(self, moment: Moment, run: Run) -> None:
        super().__init__()
        self._moment, self._run_id = moment, run.id
        self._attempt: int | None = None
        self._file: Path | None = None

    @property
    def run_shown(self) -> Run:
        """The run as it is now."""
        return self._moment.run(self._run_id)

    @property
    def log_file(self) -> Path | None:
        """Where the log is that is shown."""
        return self._file

    def compose(self) -> ComposeResult:
        """Title, log, search, keys."""
        yield Line(id="log-title")
        with Vertical(id="log-panel"):
            yield LogView(id="full-log")
            yield Input(id="search", placeholder="search", compact=True)
        yield KeyBar("log", "app")

    def on_mount(self) -> None:
        """Begin with what is known."""
        self.query_one(KeyBar).do = lambda action: cast("ExperimentApp", self.app).perform(action.id)
        self.show(self._moment)

    def show(self, moment: Moment) -> None:
        """Take over what is true now; a new attempt is shown when it begins."""
        self._moment = moment
        run = self.run_shown
        attempt = self._attempt or run.attempt
        file = log_path(moment.snapshot.state_dir, run.id, attempt) if attempt else None
        if file != self._file:
            self._file = file
            self.query_one(LogView).show(file)
        self._show_title()
        self.query_one(KeyBar).show(Situation(moment.snapshot))

    def poll(self) -> None:
        """Let the log look at its file."""
        for log in self.query(LogView):  # none while the screen opens or closes
            log.poll()

    @on(LogView.Moved)
    def _moved(self) -> None:
        self._show_title()

    def _show_title(self) -> None:
        run = self.run_shown
        instance = self._moment.snapshot.instances[run.instance]
        self.query_one("#log-title", Line).show(self._title(instance, run, self._attempt or run.attempt))

    def _title(self, instance: Instance, run: Run, attempt: int) -> Content:
        word = s.word(run.status)
        log = self.query_one(LogView)
        badge = literal(log.badge).plain
        told = f" · iteration {run.iteration + 1}" if len(self._moment.snapshot.runs_of[instance.id]) > 1 else ""
        told += f" · attempt {attempt} of {run.attempt}" if run.attempt > 1 else ""
        width = max(8, self.size.width - len(told) - len(word) - len(badge) - 12)
        name = fit_middle(plain(instance.label, width), width).rstrip()
        left = [(0, Content.assemble((f"{GLYPHS[word]} {word}  ", COLOURS[word]), (name, "bold"), told))]
        if stopping := stopping_text(self._moment):
            left.append((2, Content.styled(stopping, COLOURS["interrupted"])))
        return justified(left, [(1, Content.styled(badge, MUTED))], self.size.width - 2)

    def do_back(self) -> None:
        """Leave, or close the search first."""
        search = self.query_one("#search", Input)
        if search.has_class("-open"):
            search.remove_class("-open")
            self.query_one(LogView).focus()
        else:
            self.dismiss()

    def do_log_search(self) -> None:
        """Ask what to search for."""
        self._ask("search")

    def do_log_only(self) -> None:
        """Ask what the lines to show contain."""
        self._ask("show only lines with")

    def _ask(self, what: str) -> None:
        field = self.query_one("#search", Input)
        field.placeholder = what
        field.value = ""
        field.add_class("-open")
        field.focus()

    @on(Input.Submitted, "#search")
    def _search(self, event: Input.Submitted) -> None:
        field = self.query_one("#search", Input)
        field.remove_class("-open")
        self.query_one(LogView).search(event.value, only=field.placeholder != "search")
        self.query_one(LogView).focus()

    def do_copy(self) -> None:
        """What the mouse has selected, else what is in sight."""
        selected = self.get_selected_text()
        text = selected or self.query_one(LogView).text
        cast("ExperimentApp", self.app).copy(text, "the selected text" if selected else "the lines in sight")

    def do_older_attempt(self) -> None:
        """The attempt before."""
        self._step(-1)

    def do_newer_attempt(self) -> None:
        """The attempt after."""
        self._step(1)

    def _step(self, by: int) -> None:
        last = self.run_shown.attempt
        attempt = min(max((self._attempt or last) + by, 1), last) if last else 0
        self._attempt = None if attempt == last else attempt
        self.show(self._moment)

    def do_edit_log(self) -> None:
        """Open it in the user's editor."""
        cast("ExperimentApp", self.app).edit(self._file)

    def situation(self) -> Situation:
        """What decides which actions are possible."""
        return Situation(self._moment.snapshot)

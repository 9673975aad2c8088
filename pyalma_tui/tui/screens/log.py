"""The logs of one subject on the full screen: one after the other, with a search."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from pyalma_tui.tui.cells import fit_middle
from pyalma_tui.tui.keys import bindings
from pyalma_tui.tui.literal import literal, plain
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.requests import Copy, Edit
from pyalma_tui.tui.screens.base import BaseScreen
from pyalma_tui.tui.subjects import Subject
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.field import Field
from pyalma_tui.tui.widgets.header import Caption
from pyalma_tui.tui.widgets.headline import justified
from pyalma_tui.tui.widgets.key_bar import KeyBar
from pyalma_tui.tui.widgets.log_view import LogView
from pyalma_tui.tui.widgets.notices import stopping_text


class LogScreen(BaseScreen[None]):
    """One log of a run, of done() or of loading; the newest until another one is chosen."""

    place = "log"
    BINDINGS = bindings("log")
    AUTO_FOCUS = "LogView"

    def __init__(self, moment: Moment, subject: Subject) -> None:
        super().__init__(moment)
        self._subject = subject
        self._number: int | None = None
        self._log = subject(moment, None)

    def compose(self) -> ComposeResult:
        """Title, log, search, keys."""
        yield Caption(id="log-title")
        with Vertical(id="log-panel"):
            yield LogView(id="full-log")
            yield Field(id="search", placeholder="search", compact=True)
        yield KeyBar("log", "app")

    def on_mount(self) -> None:
        """Begin with the log that is known."""
        self._show_log()

    def paint(self) -> None:
        """The title and the keys; a new attempt, or call, is shown when it begins."""
        before = self._log.file
        self._log = self._subject(self.moment, self._number)
        if self._log.file != before:
            self._show_log()
        self._show_title()
        self.query_one(KeyBar).show(self.situation())

    def _show_log(self) -> None:
        file = self._log.file
        self.query_one(LogView).show(file, "no output" if file else "not started yet")

    def poll(self) -> None:
        """Let the log look at its file."""
        if self.composed:
            self.query_one(LogView).poll()

    @on(LogView.Moved)
    def _moved(self) -> None:
        self._show_title()

    def _show_title(self) -> None:
        self.query_one("#log-title", Caption).show(self._title())

    def _title(self) -> Content:
        log = self._log
        badge = literal(self.query_one(LogView).badge).plain
        told = log.more + (f" · {log.each} {log.number} of {log.last}" if log.last > 1 else "")
        width = max(8, self.size.width - len(told) - len(log.standing) - len(badge) - 10)
        name = fit_middle(plain(log.name, width), width).rstrip()
        left = [(0, Content.assemble(log.standing, "  " if log.standing else "", (name, "bold"), told))]
        if stopping := stopping_text(self.moment):
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
        self.post_message(Copy(text, "the selected text" if selected else "the lines in sight"))

    def do_older_log(self) -> None:
        """The log before."""
        self._step(-1)

    def do_newer_log(self) -> None:
        """The log after."""
        self._step(1)

    def _step(self, by: int) -> None:
        number = max(1, self._log.number + by)
        self._number = None if number >= self._log.last else number
        self.paint()

    def do_edit_log(self) -> None:
        """Open it in the user's editor."""
        self.post_message(Edit(self._log.file))

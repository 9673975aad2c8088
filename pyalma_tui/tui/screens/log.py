"""The logs of one subject on the full screen: one after the other, with the error that ended it beneath."""

from __future__ import annotations

from dataclasses import replace

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from pyalma_tui.logs.goal import HINT, goal
from pyalma_tui.model import status as s
from pyalma_tui.tui.cells import fit
from pyalma_tui.tui.keys import bindings, key_to
from pyalma_tui.tui.literal import literal, literal_lines, shortened
from pyalma_tui.tui.log_options import LogOptions, choose_log_options, log_options
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.requests import Copy, Edit, OpenPager, Prefer, Say
from pyalma_tui.tui.screens.base import BaseScreen
from pyalma_tui.tui.subjects import Subject
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.field import Field
from pyalma_tui.tui.widgets.header import Caption, entitle
from pyalma_tui.tui.widgets.headline import GAP, justified
from pyalma_tui.tui.widgets.key_bar import KeyBar
from pyalma_tui.tui.widgets.log_view import LogView
from pyalma_tui.tui.widgets.notices import stopping_text
from pyalma_tui.tui.widgets.text_scroll import TextScroll

SEARCH, ONLY, WITHOUT, GO = "search", "show only lines with", "leave out lines with", f"go to {HINT}"


class LogScreen(BaseScreen[None]):
    """One log of a run, of done() or of loading; the newest until another one is chosen."""

    scope = "log"
    BINDINGS = bindings("log")
    AUTO_FOCUS = "LogView"

    def __init__(self, moment: Moment, subject: Subject, number: int | None = None, search: str = "") -> None:
        """Begin with the log that has the number, at the first line that has what is searched for."""
        super().__init__(moment)
        self._subject = subject
        self._number = number
        self._first = search
        self._log = subject(moment, number)
        self._error: s.Error | None = None

    def compose(self) -> ComposeResult:
        """Title, log, error, search, keys."""
        yield Caption(id="log-title")
        with Vertical(id="log-panel"):
            yield LogView(id="full-log")
            with TextScroll(id="log-error"):
                yield Static(id="log-error-text")
            yield Field(id="search", placeholder=SEARCH, compact=True)
        yield KeyBar("log", "app")

    @property
    def _view(self) -> LogView:
        return self.query_one(LogView)

    def on_mount(self) -> None:
        """Begin with the log that is known."""
        self._view.choose(log_options())
        self._show_log()
        if self._first:
            self.call_after_refresh(self._view.first, self._first)  # once there is room for lines around it

    def paint(self) -> None:
        """The title, the error and the keys; a new attempt, or call, is shown when it begins."""
        before = self._log.file
        self._log = self._subject(self.moment, self._number)
        if self._log.file != before:
            self._show_log()
        self._view.arrived(self._log.end)
        self._show_title()
        self._show_error()
        self.query_one(KeyBar).show(self.situation())

    def _show_log(self) -> None:
        file = self._log.file
        self._view.show(file, "no output" if file else "not started yet")
        self._show_error()

    def _show_error(self) -> None:
        """Pin the error beneath the log; where nothing was printed it has all the room."""
        error, around = self._log.error, self.query_one("#log-error")
        around.set_class(error is not None, "-there")
        alone = error is not None and self._view.is_empty
        if alone != around.has_class("-alone"):
            around.set_class(alone, "-alone")
            self._view.display = self._view.can_focus = not alone
            (around if alone else self._view).focus()
            self._show_title()
        if error is None or error is self._error:
            return
        self._error = error
        entitle(around, literal(error.message.split("\n")[0]))
        text = error.traceback.rstrip() or error.message
        self.query_one("#log-error-text", Static).update(literal_lines(text, MUTED))
        self.call_after_refresh(around.scroll_end, animate=False)  # what was raised, and where, is told last

    def poll(self) -> None:
        """Let the log look at its file; the first output takes its room from the error."""
        if self.composed:
            self._view.poll()
            self._show_error()

    @on(LogView.Moved)
    def _moved(self) -> None:
        self._show_title()
        self._show_error()

    def _show_title(self) -> None:
        self.query_one("#log-title", Caption).show(self._title())

    def _title(self) -> Content:
        log = self._log
        badge = literal(self._view.badge if self._view.display else "no output").plain
        told = log.more + (f" · {log.each} {log.number} of {log.last}" if log.last > 1 else "")
        width = max(8, self.size.width - len(told) - len(log.standing) - len(badge) - 10)
        name = shortened(log.name, width)
        left = [(0, Content.assemble(log.standing, "  " if log.standing else "", (name, "bold"), told))]
        if stopping := stopping_text(self.moment):
            left.append((2, Content.styled(stopping, COLOURS["interrupted"])))
        room = self.size.width - 2 - left[0][1].cell_length - GAP  # its end gives way: the search is told first
        return justified(left, [(1, Content.styled(fit(badge, room).rstrip(), MUTED))], self.size.width - 2)

    def do_back(self) -> None:
        """Close the field, take back the search, then the filters; then leave."""
        search = self.query_one("#search", Input)
        if search.has_class("-open"):
            search.remove_class("-open")
            self._view.focus()
        elif not self._view.take_back():
            self.dismiss()

    def do_leave_log(self) -> None:
        """Back to where one came from."""
        self.dismiss()

    # What is asked

    def do_log_search(self) -> None:
        """Ask what to search for."""
        self._ask(SEARCH)

    def do_log_only(self) -> None:
        """Ask what the lines to show have."""
        self._ask(ONLY)

    def do_log_without(self) -> None:
        """Ask what the lines to leave out have."""
        self._ask(WITHOUT)

    def do_log_go(self) -> None:
        """Ask where to go."""
        self._ask(GO)

    def _ask(self, what: str) -> None:
        field = self.query_one("#search", Input)
        field.placeholder = what
        field.value = ""
        field.add_class("-open")
        field.focus()

    @on(Input.Submitted, "#search")
    def _asked(self, event: Input.Submitted) -> None:
        field, view, text = self.query_one("#search", Input), self._view, event.value
        field.remove_class("-open")
        view.focus()
        if field.placeholder == SEARCH:
            view.search(text)
        elif field.placeholder == ONLY:
            view.only(text.removeprefix("!"), wanted=not text.startswith("!"))
        elif field.placeholder == WITHOUT:
            view.only(text, wanted=False)
        elif text.strip():
            self._go(text)

    def _go(self, text: str) -> None:
        wanted = goal(text)
        told = f"{text}: where is that? Type {HINT}" if wanted is None else self._view.go_to(wanted)
        if told:
            self.post_message(Say(told))

    # How it is shown

    def do_log_wrap(self) -> None:
        """Wrap long lines, or not."""
        self._choose(replace(self._view.options, wrap=not self._view.options.wrap))

    def do_log_numbers(self) -> None:
        """Line numbers, or none."""
        self._choose(replace(self._view.options, numbers=not self._view.options.numbers))

    def do_log_times(self) -> None:
        """When lines arrived, or not."""
        self._choose(replace(self._view.options, times=not self._view.options.times))
        if self._view.options.times and not self._view.has_times:
            self.post_message(Say("nobody has noted when the lines of this log arrived"))

    def _choose(self, options: LogOptions) -> None:
        self._view.choose(options)
        choose_log_options(options)
        kept = {"log_wrap": options.wrap, "log_numbers": options.numbers, "log_times": options.times}
        self.post_message(Prefer(dict(kept)))

    # Where to

    def do_log_error(self) -> None:
        """To the first line that tells of an error."""
        self._view.first_error()

    def do_log_mark(self) -> None:
        """Mark a line, or not any more."""
        self._view.mark()

    def do_log_next_mark(self) -> None:
        """To the next marked line."""
        if not self._view.go_to_mark():
            self.post_message(Say(f"no line is marked: {key_to('log_mark', 'log')} marks one"))

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

    # Handing out

    def do_copy(self) -> None:
        """What the mouse has selected, else what is in sight."""
        selected = self.get_selected_text()
        text = selected or self._view.lines
        self.post_message(Copy(text, "the selected text" if selected else "the lines in sight"))

    def do_edit_log(self) -> None:
        """Open it in the user's editor."""
        self.post_message(Edit(self._log.file))

    def do_log_pager(self) -> None:
        """Open it in the user's pager."""
        self.post_message(OpenPager(self._log.file))

"""All of one run: what is known of it above, its live log below."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content

from pyalma_tui.model.experiment import Run
from pyalma_tui.store.layout import log_path
from pyalma_tui.tui.literal import literal
from pyalma_tui.tui.look import MUTED
from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.facts import facts, laid_out, subject
from pyalma_tui.tui.widgets.header import entitle
from pyalma_tui.tui.widgets.latest_rows import LatestRows
from pyalma_tui.tui.widgets.log_view import LogView
from pyalma_tui.tui.widgets.paragraph import Paragraph
from pyalma_tui.tui.widgets.text_scroll import TextScroll

AROUND_TITLE: Final = 6  # cells: corners, lines and air
CALM: Final = 1.0  # seconds between two repaints of a run whose status is the same


class Detail(Vertical):
    """The facts and the log of a run."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id, classes=classes)
        self.pending = False
        self._log_file: Path | None = None
        self._urgent: object = None
        self._calm: object = None
        self._beat = 0
        self._subject: tuple[Moment, Run | None] | None = None
        self._rows = LatestRows()

    def compose(self) -> ComposeResult:
        """Facts over log."""
        with TextScroll(id="facts"):
            yield Paragraph(id="facts-text")
        yield LogView(id="log")

    def show(self, moment: Moment, run: Run | None) -> None:
        """Tell all about this run."""
        self._subject = moment, run
        if run is None:
            self._show_nothing(moment)
            return
        slot = moment.slot_of(run.id)
        instance = moment.snapshot.instances[run.instance]
        urgent = (run.id, type(run.status), run.called, instance, slot.stopping if slot else None)
        calm = (run, moment.now, moment.monotonic if slot and slot.stopping else 0)
        beat = int(time.monotonic() / CALM)  # the list paints on the same beat
        if urgent == self._urgent:
            if calm == self._calm:
                self.pending = False
                return
            if beat == self._beat:
                self.pending = True
                return
        if self._urgent is None or urgent[0] != self._urgent[0]:  # type: ignore[index]
            self.query_one("#facts", VerticalScroll).scroll_home(animate=False)
        self._urgent, self._calm, self._beat, self.pending = urgent, calm, beat, False
        rows = self._rows.told(moment.snapshot.state_dir, run)
        self.query_one(Paragraph).put(partial(laid_out, list(facts(moment, instance, run, rows))))
        self._entitle()
        self._show_log(log_path(moment.snapshot.state_dir, run.id, run.called) if run.attempt else None)

    def _show_nothing(self, moment: Moment) -> None:
        opening = moment.snapshot.phase == "opening"
        self._urgent = self._calm = None
        told = Content.styled("opening…" if opening else "nothing is selected", MUTED)
        self.query_one(Paragraph).put(lambda width: [told])
        entitle(self, Content(""))
        self._show_log(None)

    def _show_log(self, path: Path | None) -> None:
        if path != self._log_file or path is None:
            self._log_file = path
            self.query_one(LogView).show(path, "no output" if path else "not started yet")

    def poll(self) -> None:
        """Let the log look at its file."""
        self.query_one(LogView).poll()

    def on_resize(self) -> None:
        """Another width has room for another title."""
        self._entitle()

    def _entitle(self) -> None:
        moment, run = self._subject or (None, None)
        if moment is not None and run is not None:
            room = (self.size or self.app.size).width - AROUND_TITLE
            entitle(self, subject(moment, moment.snapshot.instances[run.instance], run, max(0, room)))

    def on_mount(self) -> None:
        """The title of the log."""
        self.query_one(LogView).border_title = "log"

    @on(LogView.Moved)
    def _badge(self) -> None:
        log = self.query_one(LogView)
        entitle(log, Content.assemble("log", " · " if log.badge else "", literal(log.badge)))

"""The top: how far the experiment is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.headline import headline, progress_line


def entitle(widget: Widget, title: Content | None = None, subtitle: Content | None = None) -> None:
    """Put these on the border of a widget; setting them repaints all of it, so only what changed is set."""
    if title is not None and not _same(title, widget._border_title):
        widget.border_title = title
    if subtitle is not None and not _same(subtitle, widget._border_subtitle):
        widget.border_subtitle = subtitle


def _same(wanted: Content, shown: Content | None) -> bool:
    return shown is not None and wanted.is_same(shown)


class Caption(Static):
    """A line that is repainted only when its text or colours change."""

    shown: Content | None = None

    def show(self, content: Content) -> None:
        """Put this content on the line."""
        if not _same(content, self.shown):
            self.shown = content
            self.update(content, layout=False)


class Fitted(Widget):
    """A line made for the width that it is painted at, which is repainted only when it would look different."""

    _make: Callable[[int], Content] | None = None
    _shown: Content | None = None

    def show(self, make: Callable[[int], Content]) -> None:
        """Put on the line what this makes of so many cells."""
        self._make = make
        if not _same(make(self.content_size.width), self._shown):
            self.refresh()

    def render(self) -> Content:
        """The line as it is now."""
        self._shown = Content("") if self._make is None else self._make(self.content_size.width)
        return self._shown


class Header(Vertical):
    """The headline, and all runs as one bar."""

    def compose(self) -> ComposeResult:
        """Two lines."""
        yield Fitted(id="headline")
        yield Fitted(id="overall")

    def show(self, moment: Moment) -> None:
        """Tell what is true now."""
        self.query_one("#headline", Fitted).show(partial(headline, moment))
        self.query_one("#overall", Fitted).show(partial(progress_line, moment.snapshot.counts))

"""The top: how far the experiment is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget
from textual.widgets import Static

from pyalma_tui.tui.view_moment import Moment
from pyalma_tui.tui.widgets.headline import headline, progress_line


def entitle(widget: Widget, title: Content | None = None, subtitle: Content | None = None) -> None:
    """Put these on the border of a widget. What changed is painted again, and no more than its line."""
    if title is not None:
        _put_on_edge(widget, "border_title", title, 0)
    if subtitle is not None:
        _put_on_edge(widget, "border_subtitle", subtitle, widget.outer_size.height - 1)


def _put_on_edge(widget: Widget, name: str, wanted: Content, y: int) -> None:
    # Textual has no other way: read by its public name a title is markup, which would have to be parsed to compare it,
    # and set by that all of the widget is painted again, a few times a second. Without the attribute it is set so.
    if _same(wanted, getattr(widget, f"_{name}", None)):
        return
    if hasattr(widget, f"_{name}") and widget.is_mounted and widget.outer_size:
        setattr(widget, f"_{name}", wanted)
        left, above = widget.content_offset
        widget.refresh(Region(-left, y - above, widget.outer_size.width, 1))
    else:
        setattr(widget, name, wanted)


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

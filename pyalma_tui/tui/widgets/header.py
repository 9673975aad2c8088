"""The top: how far the experiment is."""

from __future__ import annotations

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


class Header(Vertical):
    """The headline, and all runs as one bar."""

    moment: Moment | None = None

    def compose(self) -> ComposeResult:
        """Two lines."""
        yield Caption(id="headline")
        yield Caption(id="overall")

    def show(self, moment: Moment) -> None:
        """Tell what is true now."""
        self.moment = moment
        width = self.query_one("#headline").content_size.width
        self.query_one("#headline", Caption).show(headline(moment, width))
        self.query_one("#overall", Caption).show(progress_line(moment.snapshot.counts, width))

    def on_resize(self) -> None:
        """Another width leaves room for other parts."""
        if self.moment is not None:
            self.show(self.moment)

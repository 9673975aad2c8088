"""An input below a list or a log, there only while something is asked."""

from __future__ import annotations

from textual.widgets import Input


class Field(Input):
    """Shown with the class `-open`. Hidden, it cannot have the focus: nobody types into what is not there."""

    def allow_focus(self) -> bool:
        """Whether it is shown."""
        return super().allow_focus() and self.has_class("-open")

"""Anybody's text in a cell of a Markdown table."""

from __future__ import annotations

from pyalma_tui.model.printable import printable


def as_cell(text: str) -> str:
    """The text as it may stand in a cell of a Markdown table: no `|`, no newline, nothing that is markup or a tag."""
    text = printable(text.replace("\r\n", "\n"), "\n")
    for character in ("\\", "|", "`", "*", "_", "<", "[", "]"):
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", "<br>")

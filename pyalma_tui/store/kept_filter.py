"""The filter of the list, kept beside the experiment that it is about until the next look at it."""

from __future__ import annotations

import os
from pathlib import Path

from pyalma_tui.store.disk import open_regular, read_regular
from pyalma_tui.store.layout import screen_filter

LONGEST = 10_000  # bytes


def kept_filter(state_dir: Path) -> str:
    """The text of the filter, "" if none was kept or it cannot be read: then everything is listed."""
    try:
        text = read_regular(screen_filter(state_dir), LONGEST).decode("utf-8", "replace")
    except OSError:
        return ""
    return text.split("\n", 1)[0]


def keep_filter(state_dir: Path, text: str) -> None:
    """Keep a filter, one line; an empty one leaves no file behind. Raises OSError."""
    path = screen_filter(state_dir)
    if not text.strip():
        if os.path.lexists(path):
            os.close(open_regular(path, os.O_RDONLY))  # what is no file of ours is left alone
            path.unlink()
        return
    with os.fdopen(open_regular(path, os.O_WRONLY | os.O_CREAT), "wb") as file:
        file.truncate()
        file.write(f"{text}\n".encode("utf-8", "backslashreplace")[:LONGEST])

"""The last line of a log, for a list that has room for it."""

from __future__ import annotations

from pathlib import Path

from pyalma_tui.logs.reader import Reader
from pyalma_tui.model.experiment import Run
from pyalma_tui.store.layout import log_path
from pyalma_tui.tui.literal import log_line

MOST = 400  # cells
LIMIT = 4096  # bytes of a line that are looked at
TRIED = 3  # lines from the end, for some end with empty ones


def last_line(state_dir: Path, run: Run) -> str:
    """The last line that the last attempt of a run has printed and that is not empty, "" if there is none."""
    reader = Reader(log_path(state_dir, run.id, run.called), LIMIT)
    try:
        reader.refresh()
        start = reader.before(reader.size, TRIED)
        shown = [log_line(line.data, MOST).plain.strip() for line in reader.lines(start, TRIED)]
    finally:
        reader.close()
    return next((text for text in reversed(shown) if text), "")

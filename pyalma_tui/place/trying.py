"""How many saves a second workers would get at this place: on its mount, into segments as theirs."""

from __future__ import annotations

import os
import time
from pathlib import Path

from pyalma_tui.model.afar import Tried
from pyalma_tui.store import layout
from pyalma_tui.store.segment import SegmentWriter, saved_line, saved_prefix

STATE = b'"a state of the usual length: 32"'


def tried(state_dir: Path, seconds: float) -> Tried:
    """What time it is, and what came of saving for so many seconds in each way."""
    at = time.time()
    if not seconds:
        return Tried(at)
    try:
        return Tried(at, _rate(state_dir, seconds, synced=False), _rate(state_dir, seconds, synced=True))
    except OSError as error:
        return Tried(at, why=f"{error.filename or state_dir}: {error.strerror}")


def _rate(state_dir: Path, seconds: float, *, synced: bool) -> float:
    """Append for so long to a segment of our own: so many a second; raises OSError."""
    journal = layout.journal(state_dir)
    segment = SegmentWriter(journal, layout.segment_name(1, f"w{os.urandom(4).hex()}", 1), synced=synced, ahead=synced)
    number, prefix, began = 0, saved_prefix(1, 1), time.monotonic()
    try:
        while (lasted := time.monotonic() - began) < seconds or not number:
            number += 1
            segment.append(saved_line(prefix, number, int(lasted * 1000), STATE))
    finally:
        segment.close()
    return number / max(lasted, 1e-6)

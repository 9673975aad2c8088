"""The samples for plots, kept beside the experiment from one start to the next. Nothing but plots rests on them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pyalma_tui.model import jsontext
from pyalma_tui.model.series import Samples
from pyalma_tui.store.disk import read_regular
from pyalma_tui.store.inputs import replace_whole
from pyalma_tui.store.layout import series

LARGEST = 50_000_000  # bytes


def kept_samples(state_dir: Path) -> Samples:
    """What was kept; nothing if that cannot be read."""
    try:
        text = read_regular(series(state_dir), LARGEST)
        samples: Samples = jsontext.decode_as(text, Samples)
    except (OSError, msgspec.DecodeError):
        return Samples()
    return samples


def keep_samples(state_dir: Path, samples: Samples, umask: int) -> None:
    """Keep them; raises OSError."""
    replace_whole(series(state_dir), jsontext.encode(samples), umask)

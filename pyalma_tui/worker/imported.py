"""What a run has imported from beside its module while it was called: kept, and told for its code."""

from __future__ import annotations

from pathlib import Path

from pyalma_tui.loading.local_code import LocalCode
from pyalma_tui.model.code import is_source
from pyalma_tui.model.messages import RunOrder
from pyalma_tui.model.records import Imported
from pyalma_tui.store.kept_code import KeptCode
from pyalma_tui.worker.calling import Pen


def tell_imported(local: LocalCode, order: RunOrder, pen: Pen, state_dir: Path, umask: int) -> None:
    """Keep the texts, and record that they are part of the run's code; where the disk takes neither, its end counts."""
    try:
        keep_imported(local, state_dir, umask)
        pen.write(Imported(order.run, order.attempt, local.identity))
    except OSError:
        return  # the run is recorded all the same, with the code that was there before it


def keep_imported(local: LocalCode, state_dir: Path, umask: int) -> None:
    """Keep the texts of all that was imported; raises OSError."""
    texts = {name: text for name, text in local.texts.copy().items() if is_source(name)}
    KeptCode(state_dir, local.code, texts).write(umask)

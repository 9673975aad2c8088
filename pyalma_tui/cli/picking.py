"""The instances of a start that names none, picked on a screen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pyalma_tui.cli.alone import shown_alone
from pyalma_tui.cli.preferred import preferred
from pyalma_tui.loading.entries import expand_arguments
from pyalma_tui.loading.pattern import Pause
from pyalma_tui.tui.picking import PickingApp


def pick(module: Path) -> tuple[str, ...]:
    """Words as they could have been typed after the module; () if none were picked. Raises Ended."""
    folder = Path.cwd()

    def found(words: Sequence[str], pause: Pause) -> list[str]:
        return [entry.file for entry in expand_arguments(words, folder, pause=pause)]

    app = PickingApp(module.name, folder, found, *preferred())
    shown_alone(app)
    return app.picked

"""`pyalma-tui` alone, in a terminal: the list of experiments as a screen, and what is opened from it."""

from __future__ import annotations

import os
from pathlib import Path

from pyalma_tui import collecting
from pyalma_tui.cli.alone import shown_alone
from pyalma_tui.cli.attach import left
from pyalma_tui.cli.launch import run
from pyalma_tui.cli.options import RunOptions
from pyalma_tui.cli.outer import divide
from pyalma_tui.cli.preferred import preferred
from pyalma_tui.store.finding import found


def choose_and_open() -> int:
    """Show what there is; open, watch or resume what is chosen. 0 if nothing is."""
    outer = divide()  # while there is one thread
    from pyalma_tui.tui.experiments import ExperimentsApp

    folder = Path.cwd()
    app = ExperimentsApp(lambda: found(folder), *preferred())
    shown_alone(app)
    collecting.resume()
    if app.chosen is None:
        return 0
    chosen = app.chosen
    name = os.path.relpath(chosen.target)
    from pyalma_tui.cli.viewing import LeftError

    try:
        return run(name, (), RunOptions(state=None if chosen.is_usual else chosen.state_dir), outer=outer)
    except LeftError:
        return left(chosen.state_dir)

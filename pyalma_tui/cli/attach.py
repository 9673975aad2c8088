"""`pyalma-tui attach`: the screen of what another process runs."""

from __future__ import annotations

from pathlib import Path

from pyalma_tui.cli.launch import has_screen, run
from pyalma_tui.cli.options import RunOptions
from pyalma_tui.cli.outer import divide
from pyalma_tui.cli.speak import say, warn
from pyalma_tui.errors import UsageError
from pyalma_tui.loading.target import find_target
from pyalma_tui.runner.start import meta_of
from pyalma_tui.store.lock import holder


def attach(name: str, options: RunOptions) -> int:
    """Show what runs until the view is left, or go on here; 0 if it is left while the other process goes on.

    Raises UsageError if nothing runs, or if there is no terminal to show it on.
    """
    target = find_target(name, warn)
    state_dir = target.state_dir(options.state)
    meta_of(target, state_dir)
    if not has_screen(options):
        raise UsageError(
            f"attach: there is no terminal to show it on. `pyalma-tui status {name}` tells what stands where"
        )
    if holder(state_dir) is None:
        raise UsageError(f"attach: {state_dir}: nothing runs. `pyalma-tui {name}` starts or resumes it")
    outer = divide()
    from pyalma_tui.cli.viewing import LeftError, view

    try:
        code = view(state_dir, target.path, options, outer)
    except LeftError:
        return left(state_dir)
    return code if code is not None else run(name, (), options, outer=outer)


def left(state_dir: Path) -> int:
    """Say who goes on after somebody has only looked: that is no failure."""
    if (who := holder(state_dir)) is not None:
        say(f"process {who.pid or 'unknown'} goes on")
    return 0

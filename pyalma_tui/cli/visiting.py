"""A visitor's screen in a browser: `python -m pyalma_tui.cli.visiting TARGET STATE_DIR`, started by textual-serve."""

from __future__ import annotations

import sys
from pathlib import Path

from pyalma_tui import collecting
from pyalma_tui.runner.viewer import Viewer
from pyalma_tui.store.kept_filter import kept_filter
from pyalma_tui.tui.app import ExperimentApp


def visit(target: Path, state_dir: Path) -> int:
    """Show it until the visitor is gone; nothing of it is changed."""
    viewer = Viewer(state_dir, target)
    app = ExperimentApp(viewer, read_only=True, filtered=kept_filter(state_dir), page=True)
    viewer.start()
    try:
        app.show()
    finally:
        viewer.close()
        collecting.resume()
    return 0 if app.crash is None else 1


if __name__ == "__main__":
    sys.exit(visit(Path(sys.argv[1]), Path(sys.argv[2])))

"""A visitor's screen in a browser: `python -m pyalma_tui.cli.visiting TARGET STATE_DIR`, started by textual-serve.

With the socket of the process that runs it and the visitor's name behind that, the visitor may control it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pyalma_tui import collecting
from pyalma_tui.runner.viewer import Viewer
from pyalma_tui.runner.visitor import Visitor
from pyalma_tui.store.kept_filter import kept_filter
from pyalma_tui.tui.app import ExperimentApp


def visit(target: Path, state_dir: Path, desk: tuple[Path, str] | None = None) -> int:
    """Show it until the visitor is gone; without a `desk` and who asks there nothing of it is changed."""
    viewer = Viewer(state_dir, target)
    conductor = viewer if desk is None else Visitor(viewer, *desk)
    app = ExperimentApp(conductor, read_only=desk is None, filtered=kept_filter(state_dir), page=True)
    conductor.start()
    try:
        app.show()
    finally:
        conductor.close()
        collecting.resume()
    return 0 if app.crash is None else 1


if __name__ == "__main__":
    given, kept, *line = sys.argv[1:]
    sys.exit(visit(Path(given), Path(kept), (Path(line[0]), line[1]) if line else None))

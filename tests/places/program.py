"""pyalma-tui, or one that is wrong on purpose, as PYALMA_TUI_MUTANT_RUNNER says."""

from __future__ import annotations

import os
import sys

from pyalma_tui.runner.workers import place
from pyalma_tui.store import heard, leases

match os.environ.get("PYALMA_TUI_MUTANT_RUNNER"):
    case "no wait":
        place.Place.safe_at = property(lambda self: 0.0)  # type: ignore[assignment,method-assign]
    case "no memory":
        leases.left = lambda state_dir: 0.0
    case "no rest":
        heard.Heard.end = lambda self, writer: iter(())  # type: ignore[method-assign]

from pyalma_tui.cli.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

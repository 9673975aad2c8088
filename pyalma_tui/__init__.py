"""Run a Python module on many instances in a terminal, and lose nothing."""

from pyalma_tui.errors import Interrupted, SaveFailed
from pyalma_tui.results import results

__version__ = "0.1.0"
__all__ = ["Interrupted", "SaveFailed", "__version__", "results"]

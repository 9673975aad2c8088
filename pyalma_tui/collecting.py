"""Python's garbage collector, out of the way while the program loads what it keeps to its end.

Of the program alone: whoever imports the package has a collector that nobody touches.
"""

from __future__ import annotations

import gc


def pause() -> None:
    """Collect nothing; the first thing that the program does, for what is loaded now is no garbage."""
    gc.disable()


def resume() -> None:
    """Collect again, and never look at what is there by now; once it collects, another call does nothing."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()

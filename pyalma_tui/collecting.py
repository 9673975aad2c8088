"""Python's garbage collector, out of the way while the program loads what it keeps to its end.

Of the program alone: whoever imports the package has a collector that nobody touches.
"""

from __future__ import annotations

import gc
from typing import Final

RARELY: Final = 100  # collections of what is young for one of what has become old; Python's own are 10


def pause() -> None:
    """Collect nothing; the first thing that the program does, for what is loaded now is no garbage."""
    gc.disable()


def resume() -> None:
    """Collect again, and never look at what is there by now; once it collects, another call does nothing."""
    if not gc.isenabled():
        gc.freeze()
        gc.set_threshold(*gc.get_threshold()[:2], RARELY)  # each takes as long as a key may wait
        gc.enable()

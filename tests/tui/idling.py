"""When an app under test has nothing to do, as its event loop knows it.

Textual's own wait sleeps for 20 ms, again and again, until the process has used no processor in one of them: 80 ms and
more for each key, and it ends too early where a busy machine gives the process nothing to use. This one returns as soon
as sleeping any longer could show nothing: nothing is ready, nothing is due within these 20 ms, and no thread works.
"""

from __future__ import annotations

import asyncio
from time import monotonic, process_time
from typing import Any

STEP = 0.002  # seconds between two looks
STEPS = 10  # without work, after which what is always due, such as an animation, is not waited for
LITTLE = STEP / 4  # seconds of the processor in a step: what a look takes itself
PATIENCE = 10.0  # seconds for an app that is never idle


async def idle(*_: float) -> None:
    """Stands in for `textual._wait.wait_for_idle`."""
    end, calm = monotonic() + PATIENCE, 0
    while monotonic() < end:
        used = process_time()
        await asyncio.sleep(STEP)
        calm = calm + 1 if process_time() - used < LITTLE else 0
        if calm and not _is_due(0 if calm >= STEPS else STEP * STEPS):
            return


def _is_due(seconds: float) -> bool:
    """Whether the loop has something to do now, or within so many seconds."""
    loop: Any = asyncio.get_running_loop()
    until = loop.time() + seconds
    return bool(loop._ready) or any(not each.cancelled() and each.when() < until for each in loop._scheduled)

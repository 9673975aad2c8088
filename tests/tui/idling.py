"""When an app under test has nothing to do, as its event loop knows it.

Textual's own wait sleeps for 20 ms, again and again, until the process has used no processor in one of them: 80 ms and
more for each key, and it ends too early where a busy machine gives the process nothing to use. This one returns as soon
as sleeping any longer could show nothing: nothing is ready, nothing is due within these 20 ms, and no thread works.
"""

from __future__ import annotations

import asyncio
from threading import current_thread
from threading import enumerate as enumerate_threads
from time import monotonic, process_time
from typing import Any

STEP = 0.002  # seconds between two looks
STEPS = 10  # without work, after which what is always due, such as an animation, is not waited for
LITTLE = STEP / 4  # seconds of the processor in a step: what a look takes itself
WORKS = (b"R", b"D")
PATIENCE = 10.0  # seconds for an app that is never idle


async def idle(*_: float) -> None:
    """Stands in for `textual._wait.wait_for_idle`."""
    end, calm = monotonic() + PATIENCE, 0
    while monotonic() < end:
        used = process_time()
        await asyncio.sleep(STEP)
        calm = calm + 1 if process_time() - used < LITTLE and not _threads_work() else 0
        if calm and not _is_due(0 if calm >= STEPS else STEP * STEPS):
            return


def _threads_work() -> bool:
    """Whether another thread has something to do, also one that waits for a processor or a disk."""
    return any(_state_of(each.native_id) in WORKS for each in enumerate_threads() if each is not current_thread())


def _state_of(thread: int | None) -> bytes:
    """The state of a thread as proc_pid_stat(5) has it; of one that has ended nothing."""
    try:
        with open(f"/proc/self/task/{thread}/stat", "rb") as stat:
            return stat.read().rpartition(b") ")[2][:1]
    except OSError:
        return b""


def _is_due(seconds: float) -> bool:
    """Whether the loop has something to do now, or within so many seconds."""
    loop: Any = asyncio.get_running_loop()
    until = loop.time() + seconds
    return bool(loop._ready) or any(not each.cancelled() and each.when() < until for each in loop._scheduled)

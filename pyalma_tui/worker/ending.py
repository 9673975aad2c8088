"""The end of a worker, which is that of any Python program: `main` returns, and the interpreter does the rest.

It waits for threads, calls exit functions, flushes files and runs finalizers. The runner sets the deadline: it sends
SIGINT first, which ends what is waited for as a Ctrl+C would, and kills then.
"""

from __future__ import annotations

import gc
import io
import os
import threading
import time
from contextlib import suppress
from types import CodeType, FrameType

from pyalma_tui.model.records import Note
from pyalma_tui.worker.calling import Pen
from pyalma_tui.worker.stopping import Stopping

BUFFERED = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)
_WAITING_FOR_THREADS: CodeType = threading._shutdown.__code__  # type: ignore[attr-defined]


def begin(pen: Pen, stopping: Stopping) -> None:
    """Flush all files, since exit functions, finalizers and threads may close them, crash, or never end.

    From now on SIGINT raises KeyboardInterrupt in the main thread, after it has told what was waited for.
    """
    stopping.install()
    stopping.end(lambda frame: _tell(pen, frame))
    _flush_files()


def _tell(pen: Pen, frame: FrameType | None) -> None:
    _flush_files()
    try:
        pen.write(Note(time.time(), f"worker {os.getpid()} {_held_up_by(frame)}"))
    except OSError:  # a full disk: the log of the worker has the traceback
        return


def _flush_files() -> None:
    """Write out what open files still hold: if it has to be killed, or if what goes on has them, nobody else will."""
    for file in gc.get_objects():
        if issubclass(type(file), BUFFERED):
            with suppress(OSError, ValueError, RuntimeError):  # a full disk, closed, or just being written
                file.flush()


def _held_up_by(frame: FrameType | None) -> str:
    stack: list[FrameType] = []
    while frame is not None:
        stack.append(frame)
        frame = frame.f_back
    if any(each.f_code is _WAITING_FOR_THREADS for each in stack):
        left = (t for t in threading.enumerate() if not t.daemon and t is not threading.main_thread())
        return f"left a thread running, which ended with it: {', '.join(thread.name for thread in left)}"
    where = stack[0]
    place = f"{os.path.basename(where.f_code.co_filename)}:{where.f_lineno}"
    return f"was held up at its end by {where.f_code.co_name}() at {place}, which was interrupted"

"""The end of a worker, which is that of any Python program: it waits for threads, calls exit functions, flushes files.

One that imports the module by itself returns from `main`, and the interpreter does the rest. A fork has copies of all
that was made while the module was imported; exit functions and finalizers of those are the agent's, which calls them
once, at its own end: a worker that removed the module's temporary folder would take it from the others. What user code
has made since the fork ends with the worker.

The runner sets the deadline: it sends SIGINT first, which ends what is waited for as a Ctrl+C would, and kills then.
"""

from __future__ import annotations

import atexit
import gc
import io
import os
import random
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Iterable
from contextlib import suppress
from types import CodeType, FrameType, ModuleType, SimpleNamespace

from pyalma_tui.model.records import Note
from pyalma_tui.worker.calling import Pen
from pyalma_tui.worker.stopping import Stopping

BUFFERED = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)
FILE = io.FileIO.__mro__[-2]  # of every file, in C: io.IOBase takes ten times as long to ask of thousands of objects
_WAITING_FOR_THREADS: CodeType = threading._shutdown.__code__  # type: ignore[attr-defined]
_frozen_files: list[io.IOBase] = []  # those that were open when the worker was forked: no look at objects finds them


class Inheritance:
    """What a fork has of its agent; made in the agent before the first fork, with everything frozen after it."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._names = dict(vars(module))
        self._files = _files_of(gc.get_objects())
        self._random = random.getstate()

    def flush(self) -> None:
        """Write out what files hold in their buffers: a fork would inherit that, and each would write it once more."""
        for file in self._files:
            _flush(file)

    def take_over(self) -> None:
        """In the fork: have the random state of the import, and leave its exit functions to the agent."""
        gc.freeze()  # nor is the end of a worker that of what its agent has made for itself since
        random.setstate(self._random)  # Python seeds it anew in a fork: what the import has seeded is to hold
        _frozen_files[:] = self._files
        atexit._clear()
        for finalizer in list(weakref.finalize._registry):  # type: ignore[attr-defined]
            finalizer.atexit = False
        if weakref.finalize._registered_with_atexit:  # type: ignore[attr-defined]
            atexit.register(weakref.finalize._exitfunc)  # type: ignore[attr-defined]

    def end(self) -> None:
        """In the fork: do what Python does at the end of a program; what a step raises is told."""
        for step in (threading._shutdown, atexit._run_exitfuncs, self._finalize, self._close):  # type: ignore[attr-defined]
            try:
                step()
            except BaseException:  # noqa: BLE001 - KeyboardInterrupt as well, which ends what is waited for
                traceback.print_exc()

    def _finalize(self) -> None:
        for name, value in list(vars(self._module).items()):
            if self._names.get(name, self) is not value:
                del vars(self._module)[name]
        gc.collect()
        for each in gc.get_objects():
            if callable(getattr(type(each), "__del__", None)) and not issubclass(type(each), FILE):
                _finalize(each)

    def _close(self) -> None:
        for file in _files_of(gc.get_objects()):
            with suppress(OSError, ValueError, RuntimeError):
                file.close()
        self.flush()


def _files_of(objects: Iterable[object]) -> list[io.IOBase]:
    standard = (sys.stdin, sys.stdout, sys.stderr)
    return [each for each in objects if issubclass(type(each), FILE) and not any(each is one for one in standard)]  # type: ignore[misc]


def _flush(file: io.IOBase) -> None:
    with suppress(OSError, ValueError, RuntimeError):  # a full disk, closed, or just being written
        file.flush()


def _finalize(each: object) -> None:
    try:
        type(each).__del__(each)  # type: ignore[attr-defined]
    except Exception as error:  # noqa: BLE001 - told as Python tells it
        facts = {"exc_type": type(error), "exc_value": error, "exc_traceback": error.__traceback__}
        sys.unraisablehook(SimpleNamespace(**facts, err_msg=None, object=each))


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
    for file in (*_frozen_files, *gc.get_objects()):
        if issubclass(type(file), BUFFERED):
            _flush(file)


def _held_up_by(frame: FrameType | None) -> str:
    stack: list[FrameType] = []
    while frame is not None:
        stack.append(frame)
        frame = frame.f_back
    if any(each.f_code is _WAITING_FOR_THREADS for each in stack):
        left = (t for t in threading.enumerate() if not t.daemon and t is not threading.main_thread())
        return f"left a thread running, which ended with it: {', '.join(thread.name for thread in left)}"
    where = stack[0]
    line = f"{os.path.basename(where.f_code.co_filename)}:{where.f_lineno}"
    return f"was held up at its end by {where.f_code.co_name}() at {line}, which was interrupted"

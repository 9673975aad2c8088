"""stdin, stdout and stderr as this program uses them: there, of any encoding, and nothing that holds anybody up."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import signal
import sys
import threading
import traceback
import warnings
from types import FrameType, TracebackType
from typing import TextIO

from pyalma_tui.cli import stalled
from pyalma_tui.cli.stalled import Outlet, leave
from pyalma_tui.model.printable import printable
from pyalma_tui.model.standins import standing_in

STAND_IN = "pyalma-tui-stand-in"


def prepare() -> None:
    """Make the standard streams fit for all that follows; the first thing that the program does."""
    _open_closed()
    codecs.register_error(STAND_IN, standing_in)
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")
    for name in ("stdout", "stderr"):
        stream = _outgoing(getattr(sys, name))
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # as of a pattern that somebody types: Python would tell where it stands in us
    sys.excepthook = _tell
    threading.excepthook = lambda told: _tell(told.exc_type, told.exc_value, told.exc_traceback)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else: a shell's background job
        signal.signal(signal.SIGINT, _interrupt)


def finish() -> None:
    """Write out what the streams still hold, as far as anybody takes it; the last thing that the program does."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # nobody is there any more
            leave(stream.fileno())
    stalled.unwatch()
    for outlet in stalled.outlets():
        outlet.left = False  # Python flushes once more at its end, and would complain


def is_unicode(stream: TextIO | None = None) -> bool:
    """Whether stdout, or this stream, can carry every character."""
    encoding = getattr(stream or sys.stdout, "encoding", None) or "utf-8"
    return codecs.lookup(encoding).name.startswith("utf-")


def _outgoing(stream: TextIO) -> TextIO:
    """The same stream, as it is written to here."""
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(Outlet(stream.fileno())),
        encoding=stream.encoding,
        errors=STAND_IN,
        line_buffering=getattr(stream, "line_buffering", False) or getattr(stream, "write_through", False),
    )


def _tell(kind: type[BaseException], error: BaseException | None, where: TracebackType | None) -> None:
    """A defect of ours: its traceback, in which anybody's names may stand."""
    text = "".join(traceback.format_exception(kind, error, where))
    with contextlib.suppress(OSError, ValueError):  # nobody is there to read it
        sys.stderr.write(printable(text, "\n"))


def _interrupt(number: int, frame: FrameType | None) -> None:
    stalled.watch()
    raise KeyboardInterrupt


def _open_closed() -> None:
    """Let standard descriptors that were closed (`>&-`) lead nowhere: the next file opened would take their place."""
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), fd)
            setattr(sys, name, open(fd, "r" if fd == 0 else "w", encoding="utf-8", closefd=False))  # noqa: SIM115

"""A worker in the foreground, for a debugger: the terminal is its own, and nothing of what it prints is captured."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import msgspec

from pyalma_tui.errors import Interrupted
from pyalma_tui.loading.run_module import RunModule
from pyalma_tui.worker import capture
from pyalma_tui.worker.failure import left_debugger
from pyalma_tui.worker.stopping import Stopping


class ForegroundStreams:
    """Stands where `capture.Output` does, and lets descriptors 0, 1 and 2 lead to where the program was started."""

    def __init__(self, streams: Sequence[int]) -> None:
        for fd, stream in enumerate(streams):
            os.dup2(stream, fd)
            os.close(stream)
        sys.stdin = os.fdopen(0, closefd=False)  # multiprocessing lets that of a fork read nothing

    def redirect(self, folder: str, name: str) -> None:
        """Nothing goes into a log."""

    def finish(self) -> None:
        """Show what is still held back."""
        capture.flush()

    def leave(self, log: str) -> None:
        """Show what is still held back; what is printed from now on goes to the terminal as well."""
        capture.flush()


def debugged(module: RunModule, stopping: Stopping) -> RunModule:
    """The module with a `run` that Ctrl+C interrupts at once; to quit its debugger interrupts it as well."""

    def interrupt() -> NoReturn:
        stopping.asked = stopping.active
        raise Interrupted

    def on_sigint(number: int, frame: FrameType | None) -> None:
        if stopping.active is not None:
            interrupt()

    def run(*arguments: object, **keywords: object) -> object:
        try:
            return module.run(*arguments, **keywords)
        except BaseException as error:
            if left_debugger(error):
                interrupt()
            raise

    signal.signal(signal.SIGINT, on_sigint)
    return msgspec.structs.replace(module, run=run)

"""One slot: the worker in it, and what that worker is doing."""

from __future__ import annotations

import os
import time
from typing import Literal, TypeAlias

from pyalma_tui.runner.bounds import Bound
from pyalma_tui.runner.local_slots import Worker
from pyalma_tui.runner.snapshot import Load, Slot
from pyalma_tui.runner.supervise import Stop

Doing: TypeAlias = Literal["loading", "opening", "ready", "running", "done()"]


class Seat:
    """A slot that is taken; owned by the runner thread. `writer` names its journal segments."""

    def __init__(self, number: int, worker: Worker, writer: str) -> None:
        self.number = number
        self.worker = worker
        self.writer = writer
        self.doing: Doing = "loading"
        self.since = time.time()
        self.began = time.monotonic()
        self.run = 0  # the run, or 0
        self.attempt = 0  # its attempt, or the call of done()
        self.stop: Stop | None = None
        self.followed = False  # whether its journal segment is there to be read
        self.responding = True  # False while the process is stopped, as by SIGSTOP
        self.next_look = 0.0  # when to look again whether it is, by time.monotonic
        self.log: Bound | None = None  # what the attempt prints
        self.load_log = os.devnull  # what the module printed while it was imported

    def turn(self, doing: Doing, run: int = 0, attempt: int = 0, log: Bound | None = None) -> None:
        """Begin something else."""
        if self.log is not None:
            self.log.settle()
        self.log = log
        self.doing, self.run, self.attempt = doing, run, attempt
        self.since, self.began = time.time(), time.monotonic()
        self.stop = None

    @property
    def active(self) -> bool:
        """Whether user code is being called."""
        return self.doing in ("running", "done()")

    def shown(self, load: Load | None) -> Slot:
        """What a snapshot tells of it."""
        return Slot(
            number=self.number,
            pid=self.worker.pid,
            phase="loading" if self.doing == "opening" else self.doing,
            since=self.since,
            run=self.run or None,
            stopping=self.stop.shown if self.stop else None,
            responding=self.responding,
            load=load,
        )

"""One slot: the worker in it, and what that worker is doing."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Literal, TypeAlias

from pyalma_tui.runner.bounds import Bound
from pyalma_tui.runner.local_slots import Worker
from pyalma_tui.runner.snapshot import Load, Slot, Step
from pyalma_tui.runner.supervise import Stop

Doing: TypeAlias = Literal["loading", "opening", "ready", "running", "done()", "ending"]


class Seat:
    """A slot that is taken; owned by the runner thread.

    `launch` counts the workers of the session; `writer` names its journal segments. `load_log` gets what it prints
    while it loads the module and while it ends.
    """

    def __init__(self, number: int, worker: Worker, launch: int, load_log: Path) -> None:
        self.number = number
        self.worker = worker
        self.launch = launch
        self.writer = f"w{launch:04d}"
        self.load_log = load_log
        self.doing: Doing = "loading"
        self.since = time.time()
        self.began = time.monotonic()
        self.run = 0  # the run, or 0
        self.attempt = 0  # its attempt, or the call of done()
        self.stop: Stop | None = None
        self.pressed: Step | None = None  # what was done to end a worker that was told to end by itself
        self.followed = False  # whether its journal segment is there to be read
        self.responding = True  # False while the process is stopped, as by SIGSTOP
        self.next_look = 0.0  # when to look again whether it is, by time.monotonic
        self.log: Bound | None = None  # what the attempt prints

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
        """Whether a run or done() is being called."""
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

"""Every crash state of a workload is laid out, reopened and judged."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash.disk import Disk, Files, killed, lay_out, power_cut
from tests.crash.history import History, Reopened, Survives, broken, reopen, undamaged, unlikely
from tests.crash.lab import Lab

MEMORY = Path("/dev/shm")


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder in memory where there is one."""
    folder = Path(tempfile.mkdtemp(prefix="pyalma-crash-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@dataclass
class Verdict:
    """How many states there were, how many of them different, and what was wrong with which."""

    states: int = 0
    different: int = 0
    problems: list[str] = field(default_factory=list)


class Judge:
    """Reopens states, each different one once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._now: Files = ()
        self._known: dict[Files, Reopened] = {}

    def reopened(self, files: Files) -> Reopened:
        """What the store makes of these files."""
        if files not in self._known:
            lay_out(files, self._folder, self._now)
            self._now = files
            self._known[files] = reopen(self._folder / "x.alma")
        return self._known[files]

    @property
    def different(self) -> int:
        """How many states were reopened."""
        return len(self._known)


def play(workload: Callable[[Lab], None], lab_of: Callable[[Disk], Lab]) -> tuple[Disk, History]:
    """Let a workload happen on a recorded disk."""
    with scratch() as base, Disk(base) as disk:
        lab = lab_of(disk)
        workload(lab)
    return disk, lab.history


def after_kill(disk: Disk, history: History, *, first: str = "") -> Verdict:
    """Judge every state that a kill -9 may leave."""

    def judge(found: Reopened, moment: int, files: Files) -> list[str]:
        return [*broken(history, found, moment, "kill"), *undamaged(found, files)]

    return _judge(killed(disk.events), judge, disk, first)


def after_power_cut(
    disk: Disk, history: History, seed: int, *, promised: bool = True, share: float = 1.0, first: str = ""
) -> Verdict:
    """Judge states that a power cut may leave; not `promised` where saves were not synced."""
    survives: Survives = "power cut"

    def judge(found: Reopened, moment: int, files: Files) -> list[str]:
        return broken(history, found, moment, survives) if promised else unlikely(history, found, moment)

    return _judge(power_cut(disk.events, seed, share), judge, disk, first)


def _judge(
    states: Iterator[tuple[int, Files]], judge: Callable[[Reopened, int, Files], list[str]], disk: Disk, first: str
) -> Verdict:
    verdict = Verdict()
    with scratch() as folder:
        reopener = Judge(folder)
        for moment, files in states:
            verdict.states += 1
            for problem in judge(reopener.reopened(files), moment, files):
                happened = [str(event)[:100] for event in disk.events[max(0, moment - 4) : moment + 1]]
                verdict.problems.append(f"after {moment} events ({'; '.join(happened)}): {problem}")
                if first and first in problem:
                    return verdict
        verdict.different = reopener.different
    return verdict

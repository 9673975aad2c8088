"""Kills, stops and cuts at random what a start with places consists of, then compares its history with the promise."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pyalma_tui.model import status as s
from pyalma_tui.store.opening import read_store
from tests.places import behind_cables, counting, parent_of, processes

KINDS = ("place", "agent", "stop", "cut", "long cut", "tear", "take", "runner")
LEASE = 1.5  # seconds
NAMES = "ABC"
QUIET_AFTER = 30  # lives
PATIENCE = 40.0  # seconds in which a start ends that nobody disturbs
ROOT = Path(__file__).parents[2]


@dataclass
class Score:
    """What was seen; `broken` are sentences, one for each broken promise."""

    acknowledged: int = 0
    handed_on: int = 0
    smallest_gap: float = float("inf")
    completions: int = 0
    lives: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


def play(
    folder: Path,
    seconds: float,
    seed: int,
    *,
    kinds: Sequence[str] = KINDS,
    instances: int = 5,
    mutant_place: str = "",
    mutant_runner: str = "",
    on: str = "",
    prefix: Sequence[str] = (),
) -> Score:
    """One experiment after the other, until the time is over or a promise is broken.

    `on` is what `--on` says, "" for places behind cables of ours; `prefix` is the command behind which it runs.
    """
    rng, score = random.Random(seed), Score()
    deadline = time.monotonic() + seconds
    number = 0
    while time.monotonic() < deadline and not score.broken:
        number += 1
        places = on or behind_cables(NAMES, mutant_place)
        game = Game(folder / str(number), rng, score, instances, places, mutant_runner, prefix)
        game.play(deadline, kinds)
    return score


class Game:
    """One experiment, from its first start until it is done or the time is over."""

    def __init__(
        self,
        folder: Path,
        rng: random.Random,
        score: Score,
        instances: int,
        on: str,
        mutant_runner: str,
        prefix: Sequence[str],
    ) -> None:
        self.folder, self.rng, self.score = folder, rng, score
        self.state_dir = folder / "counting.alma"
        (folder / "history").mkdir(parents=True)
        shutil.copy(counting.__file__, folder / "counting.py")
        self.names = [f"i{number}.txt" for number in range(instances)]
        for name in self.names:
            (folder / name).write_text("x\n")
        self.on, self.prefix = on, prefix
        self.env = os.environ | {
            "PYALMA_TUI_MUTANT_RUNNER": mutant_runner,
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        self.stopped: list[tuple[float, int]] = []  # when what goes on

    def play(self, deadline: float, kinds: Sequence[str]) -> None:
        """Start it again and again."""
        lives = 0
        code: int | None = None
        while code != 0 and not self.score.broken and not self._overlaps():
            lives += 1
            self.score.lives += 1
            quiet = lives > QUIET_AFTER or time.monotonic() > deadline
            code = self._live(() if quiet else kinds, deadline)
            if code == 1 and self._lines("done"):  # done() was cut off, which the user is told
                code = 0
            if quiet and code != 0 and not self._overlaps():
                self.score.broken.append(f"a start that nobody disturbs ends with {code}")
        self._go_on(float("inf"))
        for pid in processes(str(self.state_dir)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.score.completions += code == 0
        self._check(finished=code == 0)

    def _live(self, kinds: Sequence[str], deadline: float) -> int | None:
        """One start, disturbed until the deadline; it is killed if a promise is broken, or if it does not end."""
        with open(self.folder / "out.txt", "ab") as out:
            start = subprocess.Popen(
                [
                    *(
                        *self.prefix,
                        sys.executable,
                        "-m",
                        "tests.places.program",
                        "counting.py",
                        *self.names,
                        "--plain",
                    ),
                    *("--workers", "3", "--lease", str(LEASE), "--on", self.on, "--grace", "2", "--state"),
                    str(self.state_dir),
                ],
                cwd=self.folder,
                stdout=out,
                stderr=out,
                env=self.env,
                start_new_session=True,
            )
        end = max(time.monotonic(), deadline) + PATIENCE
        try:
            while (code := start.poll()) is None and time.monotonic() < end and not self._overlaps():
                time.sleep(self.rng.uniform(0.2, 1.2) if kinds else 0.05)
                self._go_on(time.monotonic())
                if kinds and time.monotonic() < deadline:
                    self._strike(self.rng.choice(kinds), start)
        finally:
            if start.poll() is None:
                start.kill()
            start.wait()
        return code

    def _strike(self, kind: str, start: subprocess.Popen[bytes]) -> None:
        there = processes("place", str(self.state_dir))
        places = [pid for pid in there if _is_place(pid)]
        cables = [pid for pid in there if pid not in places and pid != start.pid]
        match kind:
            case "place" | "stop" | "take":
                targets = places
            case "agent":
                targets = [pid for pid in processes("pyalma_tui.worker", '"agent"') if parent_of(pid) in places]
            case "runner":
                targets = [start.pid]
            case _:
                targets = cables
        if not targets:
            return
        target = self.rng.choice(targets)
        number = {"stop": signal.SIGSTOP, "cut": signal.SIGSTOP, "long cut": signal.SIGSTOP, "take": signal.SIGTERM}
        with suppress(ProcessLookupError):
            os.kill(target, number.get(kind, signal.SIGKILL))
            self.score.kills[kind] += 1
            if kind in ("stop", "cut", "long cut"):
                lasts = LEASE * self.rng.uniform(0.1, 0.6) if kind == "cut" else LEASE * self.rng.uniform(1.1, 3)
                self.stopped.append((time.monotonic() + lasts, target))

    def _go_on(self, now: float) -> None:
        for when, pid in list(self.stopped):
            if now >= when:
                self.stopped.remove((when, pid))
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def _overlaps(self) -> bool:
        return any("overlap" in path.read_text() for path in self.folder.glob("history/*.txt"))

    # --- the history -------------------------------------------------------------------------------------------------

    def _check(self, *, finished: bool) -> None:
        score = self.score
        store = read_store(self.state_dir)
        stored = {}
        if store is not None:
            stored = {store.ledger.instances[run.instance].name: run for run in store.ledger.runs}
            if failed := [name for name, run in stored.items() if isinstance(run.status, s.Failed)]:
                score.broken.append(f"failed, and nobody was to blame: {failed}")
        for name in self.names:
            lines = self._lines(name)
            acknowledged, called, last = 0, 0, (0.0, "", "")
            for at, where, pid, word, *rest in lines:
                number = int(rest[0]) if rest else 0
                if word == "start":
                    if not acknowledged <= number <= called:
                        score.broken.append(f"{name}: started with {number} after {acknowledged} was acknowledged")
                    acknowledged = called = number
                    if last[1:] != (where, pid) and last[0]:
                        score.handed_on += 1
                        score.smallest_gap = min(score.smallest_gap, float(at) - last[0])
                elif word == "call":
                    called = number
                elif word == "saved":
                    acknowledged = number
                    score.acknowledged += 1
                elif word == "overlap":
                    score.broken.append(f"{name}: at two places at once")
                last = float(at), where, pid
            if name in stored and int((stored[name].state or b'"0"').strip(b'"')) < acknowledged:
                score.broken.append(f"{name}: {stored[name].state!r} is stored after {acknowledged} was acknowledged")
            if finished and not (name in stored and isinstance(stored[name].status, s.Done)):
                score.broken.append(f"{name}: not done at the end")
        if len(self._lines("done")) > 1:
            score.broken.append("done() was called twice")
        log = self.state_dir / "session.log"
        if log.exists() and "does not fit what is known" in (text := log.read_text()):
            score.broken.append("a record was folded twice: " + next(x for x in text.splitlines() if "not fit" in x))

    def _lines(self, name: str) -> list[list[str]]:
        path = self.folder / "history" / name
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def _is_place(pid: int) -> bool:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return b"python" in words[0] and words[-3] in (b"pyalma_tui.place", b"tests.places.mutant_place")
    return False

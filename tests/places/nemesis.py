"""Kills, stops and cuts at random what a start with places consists of, then compares its history with the promise."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.places import behind_cables, counting, is_place, parent_of, processes
from tests.places.checking import Score, check, check_done, done_in, lines_of, overlaps

LEASE = 1.5  # seconds
NAMES = "ABC"
QUIET_AFTER = 30  # lives
AT_ONCE = 2  # deeds that are not taken back yet: more, and nothing runs of which anything could be lost
TROUBLED = 90.0  # seconds for which one experiment is disturbed
SAID = 12  # lines of a start that is told of
PATIENCE = 60.0  # seconds in which a start ends that nobody disturbs
ROOT = Path(__file__).parents[2]

Undo = Callable[[], object]


@dataclass(frozen=True)
class Deed:
    """Something to do to a world of places: `do` has nothing to say if there was nobody to do it to.

    Otherwise it says how to take it back, which happens after so many leases.
    """

    do: Callable[[random.Random], Undo | None]
    lasts: tuple[float, float] = (0.0, 0.0)


SHORT, LONG = (0.1, 0.6), (1.1, 3.0)  # leases
KINDS = ("place", "agent", "worker", "stop", "cut", "long cut", "tear", "take", "runner")


def play(
    folder: Path,
    seed: int,
    *,
    kinds: Sequence[str] = KINDS,
    deeds: Mapping[str, Deed] | None = None,
    times: int = 1,
    seconds: float = 0.0,
    patience: float = 240.0,
    instances: int = 5,
    mutant_place: str = "",
    mutant_runner: str = "",
    on: str = "",
    prefix: Sequence[str] = (),
    aside: Path | None = None,
) -> Score:
    """One experiment after the other, until each kind has come so many times, or a promise is broken.

    It lasts at least `seconds`, and is given up after `patience`, as on a machine that is much too slow. `on` is what
    `--on` says, "" for places behind cables of ours; `prefix` is the command behind which it runs. `deeds` are more
    that can be done there. What runs tell goes into a folder `aside`, if that of the experiment shows it late.
    """
    rng, score = random.Random(seed), Score()
    began = time.monotonic()

    def is_over() -> bool:
        lasted = time.monotonic() - began
        reached = all(score.kills[kind] >= times for kind in (*kinds, *(deeds or ())))
        return bool(score.broken) or lasted > patience or (lasted >= seconds and reached)

    while not is_over():
        number = len(list(folder.iterdir()))
        places = on or behind_cables(NAMES, mutant_place)
        told = folder / str(number) / "history" if aside is None else aside / str(number)
        game = Game(folder / str(number), told, rng, score, instances, places, mutant_runner, prefix, is_over)
        game.play(kinds, deeds or {})
    return score


class Game:
    """One experiment, from its first start until it is done; it is disturbed until all is over."""

    def __init__(
        self,
        folder: Path,
        told: Path,
        rng: random.Random,
        score: Score,
        instances: int,
        on: str,
        mutant_runner: str,
        prefix: Sequence[str],
        is_over: Callable[[], bool],
    ) -> None:
        self.folder, self.rng, self.score = folder, rng, score
        self.state_dir = folder / "counting.alma"
        folder.mkdir()
        told.mkdir(parents=True)
        if not (folder / "history").exists():
            (folder / "history").symlink_to(told)
        counting.write(folder / "counting.py", told)
        self.names = [f"i{number}.txt" for number in range(instances)]
        for name in self.names:
            (folder / name).write_text("x\n")
        program = [*prefix, sys.executable, "-m", "tests.places.program", "counting.py", *self.names, "--plain"]
        program += ["--workers", "3", "--grace", "2", "--retries", "99", "--retry-failed"]
        self.command = [*program, "--lease", str(LEASE), "--on", on, "--state", str(self.state_dir)]
        self.env = os.environ | {"PYALMA_TUI_MUTANT_RUNNER": mutant_runner, "PYTHONPATH": str(ROOT)}
        self.is_over = is_over
        self.struck: set[int] = set()
        self.undone: list[tuple[float, Undo]] = []  # when what is taken back

    def play(self, kinds: Sequence[str], deeds: Mapping[str, Deed]) -> None:
        """Start it again and again."""
        lives, began = 0, time.monotonic()
        code: int | None = None
        done: dict[str, int] = {}
        while code != 0 and not self.score.broken and not overlaps(self.folder):
            lives += 1
            self.score.lives += 1
            quiet = lives > QUIET_AFTER or self.is_over() or time.monotonic() > began + TROUBLED
            code = self._live({} if quiet else self._all(kinds, deeds))
            check_done(self.folder, done, self.score)
            done = done_in(self.folder, self.state_dir)
            if code == 1 and len(done) == len(self.names):  # done() was cut off or killed, which the user is told
                code = 0
            if quiet and code != 0 and not overlaps(self.folder):
                said = (self.folder / "out.txt").read_text("utf-8", "replace").splitlines()[-SAID:]
                self.score.broken.append("\n  ".join([f"a start that nobody disturbs ends with {code}:", *said]))
        self._take_back(float("inf"))
        for pid in processes(str(self.state_dir)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.score.completions += code == 0
        check(self.folder, self.state_dir, self.names, self.score, finished=code == 0, struck=self.struck)

    def _live(self, deeds: Mapping[str, Deed]) -> int | None:
        """One start, disturbed until all is over; it is killed if a promise is broken, or if it does not end."""
        with open(self.folder / "out.txt", "ab") as out:
            self.start = subprocess.Popen(
                self.command, cwd=self.folder, stdout=out, stderr=out, env=self.env, start_new_session=True
            )
        quiet_since = began = time.monotonic()
        try:
            while (code := self.start.poll()) is None and not overlaps(self.folder):
                time.sleep(self.rng.uniform(0.1, 0.8) if deeds else 0.05)
                self._take_back(now := time.monotonic())
                if deeds and not self.is_over() and now < began + TROUBLED:
                    quiet_since = now
                    if len(self.undone) < AT_ONCE:
                        self._strike(deeds)
                if now > quiet_since + PATIENCE:
                    break
        finally:
            if self.start.poll() is None:
                self.start.kill()
            self.start.wait()
        return code

    def _strike(self, deeds: Mapping[str, Deed]) -> None:
        """Do what has been done least, or anything."""
        least = min(deeds, key=lambda kind: (self.score.kills[kind], self.rng.random()))
        kind = least if self.rng.random() < 0.7 else self.rng.choice(list(deeds))
        if (undo := deeds[kind].do(self.rng)) is not None:
            self.score.kills[kind] += 1
            lasts = LEASE * self.rng.uniform(*deeds[kind].lasts)
            with open(self.folder / "history" / "deeds", "a") as file:
                file.write(f"{time.monotonic():.3f} {kind} for {lasts:.3f}\n")
            self.undone.append((time.monotonic() + lasts, undo))

    def _take_back(self, now: float) -> None:
        for each in [each for each in self.undone if now >= each[0]]:
            self.undone.remove(each)
            each[1]()

    # --- what can be done --------------------------------------------------------------------------------------------

    def _all(self, kinds: Sequence[str], deeds: Mapping[str, Deed]) -> dict[str, Deed]:
        """Those that the game knows itself, and more."""
        kill, stop, take = signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM
        known = {
            "place": Deed(partial(self._signal, self._places, kill)),
            "agent": Deed(partial(self._signal, self._agents, kill)),
            "worker": Deed(partial(self._signal, self._workers, kill)),
            "stop": Deed(partial(self._signal, self._places, stop), LONG),
            "cut": Deed(partial(self._signal, self._cables, stop), SHORT),
            "long cut": Deed(partial(self._signal, self._cables, stop), LONG),
            "tear": Deed(partial(self._signal, self._cables, kill)),
            "take": Deed(partial(self._signal, self._places, take)),
            "runner": Deed(partial(self._signal, lambda: [self.start.pid], kill)),
        }
        return {kind: known[kind] for kind in kinds} | dict(deeds)

    def _signal(self, targets: Callable[[], list[int]], number: signal.Signals, rng: random.Random) -> Undo | None:
        if not (found := targets()):
            return None
        target = rng.choice(found)
        try:
            os.kill(target, number)
        except ProcessLookupError:
            return None
        if number == signal.SIGKILL:
            self.struck.add(target)
        return partial(_go_on, target)

    def _places(self) -> list[int]:
        return [pid for pid in processes("place", str(self.state_dir)) if is_place(pid)]

    def _cables(self) -> list[int]:
        """All that lead to places, such as an ssh."""
        there = processes("place", str(self.state_dir))
        return [pid for pid in there if not is_place(pid) and pid != self.start.pid]

    def _agents(self) -> list[int]:
        places = self._places()
        return [pid for pid in processes("pyalma_tui.worker", '"agent"') if parent_of(pid) in places]

    def _workers(self) -> list[int]:
        """Processes that call user code now."""
        told = [lines[-1] for name in self.names if (lines := lines_of(self.folder, name))]
        return [pid for pid in {int(line[2]) for line in told if line[3] != "return"} if Path(f"/proc/{pid}").exists()]


def _go_on(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)

"""What breaks a promise surely if the program is wrong in one way, and not if it is right: two places, one worker."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from tests.places import behind_cables, counting, is_place, lingering, parent_of, processes
from tests.places.checking import Score, check, lines_of

LEASE = 2.0  # seconds
HELD_LEASE = 3.0  # seconds, where an answer is held back
HOLD = 2.2  # seconds for which it is: not as long as the lease
PATIENCE = 60.0  # seconds for what has to come
ROOT = Path(__file__).parents[2]


class Stage:
    """One start, right or wrong; what a scene does to it."""

    def __init__(
        self,
        folder: Path,
        module: ModuleType,
        told: Mapping[str, str],
        *,
        runs: int,
        lease: float,
        hold: float,
        place: str,
        runner: str,
    ) -> None:
        self.folder = folder
        self.names = [f"i{number}.txt" for number in range(1, runs + 1)]
        self.state_dir = folder / "m.alma"
        (folder / "history").mkdir(parents=True)
        assert module.__file__ is not None
        shutil.copy(module.__file__, folder / "m.py")
        for name in self.names:
            (folder / name).write_text("x")
        self._env = {**os.environ, "PYALMA_TUI_MUTANT_RUNNER": runner, "PYTHONPATH": str(ROOT), **told}
        program = [sys.executable, "-m", "tests.places.program", "m.py", *self.names, "--plain", "--workers", "1"]
        on = behind_cables("AB", place, hold)
        self._command = [*program, "--lease", str(lease), "--state", str(self.state_dir), "--on", on]
        self.start()

    def start(self) -> None:
        """Start it, or start it again."""
        with open(self.folder / "out.txt", "ab") as out:
            self.process = subprocess.Popen(
                self._command, cwd=self.folder, env=self._env, stdout=out, stderr=out, start_new_session=True
            )

    def until(self, true: Callable[[], object]) -> None:
        """Wait for this."""
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, (self.folder / "out.txt").read_text()
            time.sleep(0.01)

    def until_told(self, word: str, times: int = 1) -> str:
        """Wait until i1, which is called last, has told this so often, and both places have come; where it runs."""
        out, name = self.folder / "out.txt", self.names[0]
        self.until(lambda: out.read_text().count(" has come, ") >= 2)
        self.until(lambda: sum(line[3] == word for line in lines_of(self.folder, name)) >= times)
        return lines_of(self.folder, name)[-1][1]

    def place(self, name: str) -> int:
        """The process of this place."""
        cable = self.cable(name)
        [pid] = [pid for pid in processes(str(self.state_dir)) if is_place(pid) and parent_of(pid) == cable]
        return pid

    def cable(self, name: str) -> int:
        """That of the cable to it."""
        return next(
            pid for pid in processes(str(self.state_dir), f"cable.py\0{name}\0") if parent_of(pid) == self.process.pid
        )

    def end(self) -> list[str]:
        """Wait until it is done; what is broken."""
        code = self.process.wait(PATIENCE)
        score = Score(broken=[] if code == 0 else [f"it ends with {code}"])
        check(self.folder, self.state_dir, self.names, score, finished=True)
        return score.broken

    def clear(self) -> None:
        """Leave nothing behind."""
        for pid in [self.process.pid, *processes(str(self.state_dir))]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


Scene = Callable[[Stage], None]


def stops_a_place_beyond_its_lease(stage: Stage) -> None:
    """Its workers go on."""
    os.kill(stage.place(stage.until_told("lives")), signal.SIGSTOP)


def holds_an_answer_back(stage: Stage) -> None:
    """It comes when the lease is nearly over, and nothing after it."""
    os.kill(stage.cable(stage.until_told("lives")), signal.SIGUSR1)


def tears_a_cable(stage: Stage) -> None:
    """Its place cannot be told of anything any more."""
    os.kill(stage.cable(stage.until_told("lives")), signal.SIGKILL)


def kills_the_runner_and_starts_again(stage: Stage) -> None:
    """What it had elsewhere lives on for a while."""
    stage.until_told("lives")
    stage.process.kill()
    stage.process.wait()
    stage.start()


def kills_a_place(stage: Stage) -> None:
    """What it has told is in the file as well, also of a run that was done before."""
    os.kill(stage.place(stage.until_told("saved", 10)), signal.SIGKILL)


def stops_the_runner_until_its_place_is_gone(stage: Stage) -> None:
    """What it is told meanwhile is heard together with that the place has let its run stop and is over."""
    place = stage.place(stage.until_told("saved", 5))
    stage.process.send_signal(signal.SIGSTOP)
    stage.until(lambda: not is_place(place))
    stage.process.send_signal(signal.SIGCONT)


def tears_a_cable_between_a_return_and_its_end(stage: Stage) -> None:
    """What a place says first comes, what it says next does not, and no file tells it: see `cable`."""
    stage.until((stage.folder / "once").exists)


def carries_line_by_line(stage: Stage) -> None:
    """What the runner decides when a run has ended it decides before it is told the next line."""


STALE = {"PYALMA_TUI_STALE": "1"}
TOLD: Mapping[Scene, Mapping[str, str]] = {  # what is in the environment
    stops_the_runner_until_its_place_is_gone: {**STALE, "SAVES": "160"},
    tears_a_cable_between_a_return_and_its_end: {**STALE, "SAVES": "20", "ONCE": "once"},
    carries_line_by_line: {"SAVES": "5", "SLOW": "0.03"},
}
RUNS: Mapping[Scene, int] = {
    kills_a_place: 2,
    tears_a_cable_between_a_return_and_its_end: 2,
    carries_line_by_line: 4,
}


def play(scene: Scene, folder: Path, wrong: Mapping[str, str] = {}, *, longer: int = 1) -> list[str]:
    """Which promises are broken, by a "place" or a "runner" that is wrong in this way; leases are so much `longer`."""
    module = counting if scene in TOLD or scene is kills_a_place else lingering
    lease = HELD_LEASE if scene is holds_an_answer_back else LEASE
    times = {"lease": longer * lease, "hold": longer * HOLD}
    place, runner = wrong.get("place", ""), wrong.get("runner", "")
    stage = Stage(folder, module, TOLD.get(scene, {}), runs=RUNS.get(scene, 1), place=place, runner=runner, **times)
    try:
        scene(stage)
        return stage.end()
    finally:
        stage.clear()

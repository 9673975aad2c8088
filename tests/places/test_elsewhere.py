"""Experiments that go elsewhere and back, as a script or an .experiment says, with workers as many as are wanted."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pyalma_tui import experiment
from pyalma_tui.errors import UsageError
from pyalma_tui.model.status import Done, Running
from pyalma_tui.place import printing
from pyalma_tui.runner.commands import SetWorkers
from pyalma_tui.store.layout import log_of
from tests.places import behind_cables

MEET = """
import os, time

def run(instance, save, state):
    os.makedirs("met", exist_ok=True)
    open(f"met/{os.path.basename(instance)}", "w").close()
    deadline = time.monotonic() + 20
    while len(os.listdir("met")) < 2:
        assert time.monotonic() < deadline, "nobody else has come"
        time.sleep(0.02)
    save(os.environ.get("ELSEWHERE", "here"))
"""
WANDERS = """
import os, time

def run(instance, save, state):
    been = f"{state or ''} {os.environ.get('ELSEWHERE', 'here')}".strip()
    save(been)
    while len(been.split()) < 3:
        time.sleep(0.01)
        save(been)
"""
LINGERS = """
import os, time

def run(instance, save, state):
    time.sleep(0.3)
    while not os.path.exists("go"):
        time.sleep(0.01)
        save(1)
"""
STAYS = "import time\ndef run(instance, save, state):\n    while True:\n        time.sleep(0.01)\n        save(1)\n"


def _until(true: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An experiment file, two instances, and a module that a test writes."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("x")
    (tmp_path / "e.batch").write_text(json.dumps({"instances": ["a.txt", "b.txt"]}))
    return _file(tmp_path)


def _file(folder: Path, **more: object) -> Path:
    (file := folder / "e.experiment").write_text(json.dumps({"batch": "e.batch", "load": "m.py", **more}))
    return file


def test_a_script_has_its_workers_elsewhere(file: Path) -> None:
    (file.parent / "m.py").write_text(MEET)
    dispatcher = experiment.execute(file, on=behind_cables("AB"), workers=2, lease=5.0)
    runs = dispatcher.results()
    assert {run["state"] for run in runs} == {"A", "B"}
    assert {(run["status"], run["host"]) for run in runs} == {("done", socket.gethostname())}


def test_a_lease_of_no_time_is_refused_not_taken_for_the_usual_one(file: Path) -> None:
    (file.parent / "m.py").write_text(MEET)
    with pytest.raises(UsageError, match=r"--lease 0: from 1 to 3600 seconds\. Nothing was started"):
        experiment.execute(file, on=behind_cables("A"), lease=0.0)


def test_what_is_begun_here_goes_on_elsewhere_and_comes_back(file: Path) -> None:
    (file.parent / "m.py").write_text(WANDERS)
    (file.parent / "e.batch").write_text(json.dumps({"instances": ["a.txt"]}))
    _file(file.parent, on=behind_cables("A"))

    def goes(on: str | None, where: str) -> None:
        dispatcher = experiment.load(file, on=on, lease=5.0) if on else experiment.load(file, lease=5.0)
        dispatcher.start()
        _until(lambda: any(str(run["state"]).endswith(where) for run in dispatcher.results()))
        dispatcher.stop()

    goes("here", "here")
    goes(None, "A")
    [run] = experiment.execute(file, on="here").results()
    assert (run["status"], run["state"]) == ("done", "here A here")


def test_a_start_here_after_one_elsewhere_says_so(file: Path) -> None:
    """As many workers as on a cluster may be too many here: who says nothing surprises whoever takes over a view."""
    (file.parent / "m.py").write_text(LINGERS)
    log, told = file.parent / "e.alma" / "session.log", "workers run on this machine, last time with --on"

    def goes(on: str) -> str:
        dispatcher = experiment.load(file, on=on, lease=5.0)
        dispatcher.start()
        _until(lambda: any(run["status"] == "running" for run in dispatcher.results()))
        if on == "here":
            _until(lambda: told in log.read_text())
        dispatcher.stop()
        return log.read_text()

    elsewhere = behind_cables("A")
    assert told not in goes(elsewhere)
    assert f"{told} {shlex.quote(elsewhere)}" in goes("here")


def test_workers_are_those_of_all_places_together_and_follow_what_is_wanted(file: Path) -> None:
    (file.parent / "m.py").write_text(LINGERS)
    dispatcher = experiment.load(file, iterations=10, on=f"{behind_cables('AB')}#2", workers=3, lease=5.0)
    dispatcher.start()
    runner = dispatcher._runner
    assert runner is not None

    def running() -> int:
        return sum(isinstance(run.status, Running) for run in runner.snapshot().runs)

    _until(lambda: running() == 3)
    runner.send(SetWorkers(9))
    _until(lambda: running() == 4)  # there is room for two at each place
    runner.send(SetWorkers(1))
    (file.parent / "go").write_text("")  # what runs ends, and only one worker takes another run
    _until(lambda: running() == dispatcher.num_active_workers() == 1)
    assert not all(isinstance(run.status, Done) for run in runner.snapshot().runs)
    dispatcher.stop()
    assert not {run["status"] for run in dispatcher.results()} & {"failed", "running"}


def test_what_a_run_prints_elsewhere_is_in_the_file_system_within_a_second_and_synced_only_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(printing, "sync_data", lambda fd: synced.append(os.fstat(fd).st_size))
    log = tmp_path / log_of(1, 1)
    log.parent.mkdir(parents=True)
    printed = printing.Printing(tmp_path)
    printed.begin(1, 1, 1)
    for size in (3, 6):
        with log.open("ab") as file:
            file.write(b"abc")
        _until(lambda size=size: synced[-1:] == [size], seconds=1)  # type: ignore[misc]
    time.sleep(2.5 * printing.SYNC)
    assert synced == [3, 6]


@pytest.mark.parametrize(
    ("on", "why"),
    [
        ("slurm", "--on: srun: not found on this machine; install it, or load its environment module."),
        ("cloud:a", "--on cloud:a: there is no engine 'cloud'; there are here, ssh:HOST,HOST, slurm:OPTIONS,"),
    ],
)
def test_a_program_that_is_missing_and_an_engine_that_there_is_not_are_refused_in_one_line(
    on: str, why: str, file: Path
) -> None:
    (file.parent / "m.py").write_text(STAYS)
    program = [sys.executable, "-m", "pyalma_tui", str(file), "--plain", "--on", on]
    env = os.environ | {"PATH": "/nowhere"}
    done = subprocess.run(program, env=env, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert why in line
    assert line.endswith("Nothing was started")
    assert not list(file.parent.glob("*.alma"))


BIG = """
def run(instance, save, state):
    if not state:
        save("x" * 1_500_000)
        raise RuntimeError("once more")
    assert len(state) == 1_500_000
"""


def test_a_state_that_is_longer_under_way_than_a_lease_comes_back_and_is_handed_in(file: Path) -> None:
    """Both a place that waits until it has told it, and a runner whose grants wait behind it, let the lease run out."""
    (file.parent / "m.py").write_text(BIG)
    (file.parent / "e.batch").write_text(json.dumps({"instances": ["a.txt"]}))
    on = behind_cables("A", rate=1_000_000)
    dispatcher = experiment.load(file, on=on, workers=1, lease=1.0, retries=1)
    dispatcher.start()
    dispatcher.join(30)
    dispatcher.stop()
    [run] = dispatcher.results()
    assert (run["status"], len(run["state"])) == ("done", 1_500_000)

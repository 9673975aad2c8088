"""The real program on the workers of a real Dask cluster, of which each part is killed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import pyalma_tui
from pyalma_tui.errors import UsageError
from pyalma_tui.model import status as s
from pyalma_tui.runner.workers.engines.choosing import engine_of
from pyalma_tui.runner.workers.engines.dask import engine
from pyalma_tui.runner.workers.engines.dask import words as w
from pyalma_tui.runner.workers.engines.on import Cluster
from pyalma_tui.store.opening import read_store
from tests.engines.dask_lab import BRIDGE, LACKS_DASK, PATIENCE, ROOT, DaskLab
from tests.engines.world import play_on_dask
from tests.places import counting, lingering, processes
from tests.places.checking import AT_ONCE, Score, check, lines_of

NAMES = ("a.txt", "b.txt", "c.txt")
SAVES = 1000  # more than there is time for before runs are to hurry
pytestmark = [pytest.mark.xdist_group("engines"), pytest.mark.timeout(180)]


@pytest.fixture
def dask(tmp_path: Path) -> Iterator[DaskLab]:
    if LACKS_DASK:
        pytest.skip(LACKS_DASK)
    lab = DaskLab(tmp_path / "cluster")
    try:
        yield lab
    finally:
        lab.close()


class Work:
    """An experiment of runs that save now and then until they are to hurry, and its starts."""

    def __init__(self, folder: Path, pause: float) -> None:
        (folder / "history").mkdir(parents=True)
        self.folder = folder
        module = Path(counting.__file__).read_text()
        module = module.replace("time.sleep(pause)", f'time.sleep({pause} * (not os.path.exists("hurry")))')
        (folder / "counting.py").write_text(module.replace('"SAVES", "60"', f'"SAVES", "{SAVES}"'))
        for name in NAMES:
            (folder / name).write_text("x")

    def start(self, *more: str) -> subprocess.Popen[str]:
        with open(self.folder / "out.txt", "ab") as out:
            return subprocess.Popen(
                [sys.executable, "-m", "pyalma_tui", "counting.py", *NAMES, "--plain", "--lease", "1.5", *more],
                cwd=self.folder,
                stdout=out,
                stderr=out,
                text=True,
                start_new_session=True,
            )

    @property
    def out(self) -> str:
        return (self.folder / "out.txt").read_text()

    def lines(self, name: str) -> list[list[str]]:
        path = self.folder / "history" / name
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def saves(self, host: str = "") -> int:
        return sum(line[3] == "saved" and host in ("", line[1]) for name in NAMES for line in self.lines(name))

    def until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, self.out[-3000:]
            time.sleep(0.05)

    def hurry(self) -> None:
        """Let runs end."""
        (self.folder / "hurry").touch()

    def until_saved(self, host: str = "") -> None:
        before = self.saves(host)
        self.until(lambda: self.saves(host) > before)

    def check(self) -> None:
        """All are done, nothing acknowledged was lost, nothing ran twice at once, done() was called once."""
        store = read_store(self.folder / "counting.alma")
        assert store is not None
        assert [type(run.status) for run in store.ledger.runs] == [s.Done] * len(NAMES), self.out
        for name in NAMES:
            acknowledged = called = 0
            for _, _, _, word, *rest in self.lines(name):
                number = int(rest[0]) if rest else 0
                assert word != "overlap", name
                if word == "start":
                    assert acknowledged <= number <= called, name
                    acknowledged = called = number
                elif word == "call":
                    called = number
                elif word == "saved":
                    acknowledged = number
            assert acknowledged == SAVES
        assert len(self.lines("done")) == 1


def test_each_part_of_a_cluster_may_be_killed_and_no_acknowledged_save_is_lost(dask: DaskLab, tmp_path: Path) -> None:
    work = Work(tmp_path / "work", 0.25)
    state_dir = str(work.folder / "counting.alma")
    dask.start_worker("node1")
    there = work.start("--on", dask.on, "--workers", "2")
    work.until_saved("node1")
    dask.start_worker("node2")  # which joins later, and has the second run
    work.until_saved("node2")

    dask.kill_worker("node1")
    work.until(lambda: "node1 is lost" in work.out or "taken away" in work.out)
    [bridge] = processes(BRIDGE, state_dir)
    os.kill(bridge, signal.SIGKILL)
    work.until(lambda: "its bridge ended" in work.out)
    work.until_saved()

    dask.kill_scheduler()
    work.until(lambda: "the scheduler is lost" in work.out)
    dask.start_scheduler()
    dask.start_worker("node3")
    work.until_saved("node3")
    dask.kill_scheduler()  # and the next one is there before anybody has noticed
    dask.start_scheduler()
    dask.start_worker("node4")
    work.until_saved("node4")

    there.kill()
    there.wait()
    work.until(lambda: not processes(state_dir))  # bridge and places end by themselves
    there = work.start("--on", dask.on, "--workers", "2")
    work.hurry()
    work.until(lambda: there.poll() is not None)
    assert there.returncode == 0, work.out
    work.check()
    hosts = {line[1] for name in NAMES for line in work.lines(name)}
    assert hosts == {"node1", "node2", "node3", "node4"}
    store = read_store(work.folder / "counting.alma")
    assert store is not None
    assert {run.host for run in store.ledger.runs} <= {"node3", "node4"}


def test_nothing_is_lost_whatever_happens_to_a_cluster(tmp_path: Path) -> None:
    if LACKS_DASK:
        pytest.skip(LACKS_DASK)
    kinds = ("worker", "stop")
    score = play_on_dask(tmp_path, seed=7, kinds=kinds, instances=3)
    assert score.broken == [], score.told()
    assert score.completions >= 1
    assert {*kinds, "bridge", "dask worker", "scheduler"} <= set(score.kills)


def test_a_run_of_a_killed_dask_worker_is_not_called_elsewhere_while_it_may_live(dask: DaskLab, tmp_path: Path) -> None:
    for name in ("node1", "node2"):
        dask.start_worker(name, {"PYTHONPATH": str(ROOT)}, threads=2)  # which the run module imports from
    right, wrong = (_Lingering(tmp_path / name, dask.on, mutant) for name, mutant in (("right", ""), ("no", "no wait")))
    [host] = {right.until_it_lives(), wrong.until_it_lives()}  # the first of both
    dask.kill_worker(host)
    assert right.broken() == []
    assert any(AT_ONCE in sentence for sentence in wrong.broken())


class _Lingering:
    """A start with one run that saves once and then hears of nothing, by a runner that is right, or wrong in a way."""

    def __init__(self, folder: Path, on: str, mutant: str) -> None:
        (folder / "history").mkdir(parents=True)
        self.folder = folder
        shutil.copy(lingering.__file__, folder / "m.py")
        (folder / "i.txt").write_text("x")
        program = [sys.executable, "-m", "tests.places.program", "m.py", "i.txt", "--plain", "--workers", "1"]
        with open(folder / "out.txt", "wb") as out:
            self._process = subprocess.Popen(
                [*program, "--lease", "8", "--on", on],  # in less a place comes elsewhere, also on a busy machine
                cwd=folder,
                env=os.environ | {"PYALMA_TUI_MUTANT_RUNNER": mutant, "PYTHONPATH": str(ROOT)},
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def until_it_lives(self) -> str:
        """Wait until it has saved; the host where it did."""
        deadline = time.monotonic() + PATIENCE
        while not (lines := lines_of(self.folder, "i.txt")) or lines[-1][3] != "lives":
            assert time.monotonic() < deadline, (self.folder / "out.txt").read_text()
            time.sleep(0.02)
        return lines[-1][1]

    def broken(self) -> list[str]:
        """Wait for the end; which promises are broken."""
        assert self._process.wait(PATIENCE) == 0
        score = Score()
        check(self.folder, self.folder / "m.alma", ["i.txt"], score, finished=True)
        return score.broken


def test_dask_workers_that_cannot_be_used_are_told_once_and_an_interrupt_ends_all_at_once(
    dask: DaskLab, tmp_path: Path
) -> None:
    (bare := tmp_path / "bare").mkdir()
    (bare / "pyalma_tui.py").write_text("raise ModuleNotFoundError(\"No module named 'pyalma_tui'\")")
    shutil.copytree(Path(pyalma_tui.__file__).parent, tmp_path / "old" / "pyalma_tui")
    init = tmp_path / "old" / "pyalma_tui" / "__init__.py"
    init.write_text(re.sub(r'__version__ = ".*"', '__version__ = "0.0.1"', init.read_text()))
    dask.start_worker("bare", {"PYTHONPATH": str(bare)})
    dask.start_worker("older", {"PYTHONPATH": str(tmp_path / "old")})
    dask.start_worker("good")
    work = Work(tmp_path / "work", 0.2)
    start = work.start("--on", f"{dask.on}#2", "--workers", "6")
    work.until_saved("good")
    work.until(lambda: "install this version of pyalma-tui for the Python of its dask worker" in work.out)
    work.until(lambda: f"older is not used: pyalma-tui 0.0.1 is there, {pyalma_tui.__version__} here" in work.out)
    start.send_signal(signal.SIGINT)
    work.until(lambda: start.poll() is not None)
    assert start.returncode == 130
    assert processes(str(work.folder / "counting.alma")) == []
    assert work.out.count("No module named") == 1


def test_a_scheduler_that_does_not_answer_is_told_and_an_interrupt_does_not_wait_for_it(tmp_path: Path) -> None:
    if LACKS_DASK:
        pytest.skip(LACKS_DASK)
    work = Work(tmp_path / "work", 0.2)
    start = work.start("--on", "dask:127.0.0.1:1")
    work.until(lambda: "dask:127.0.0.1:1 is not used: no scheduler answers: " in work.out)
    start.send_signal(signal.SIGINT)
    work.until(lambda: start.poll() is not None)
    assert processes(BRIDGE, str(work.folder)) == []


class _Telling:
    """Stands for a bridge that has nothing to say when it is first heard, and then tells of two dask workers."""

    def __init__(self, cluster: str, state_dir: Path) -> None:
        self._said: list[list[w.FromBridge]] = [[], [w.Workers(("tcp://a:1", "tcp://b:1"))]]

    def hear(self) -> tuple[list[w.FromBridge], bool]:
        return (self._said.pop(0) if self._said else []), False

    def say(self, message: w.ToBridge, given: socket.socket | None = None) -> None:
        if given is not None:
            given.close()

    def flush(self) -> None:
        """There is nothing that could not be said."""


def test_a_look_is_at_all_dask_workers_whenever_they_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(engine, "Bridge", _Telling)
    dask = engine.DaskEngine(Cluster("dask:x", "x"), tmp_path)
    while (found := dask.look(time.monotonic())) is None:
        continue
    channels, refused = found
    assert sorted(channel.site.name for channel in channels) == ["tcp://a:1", "tcp://b:1"]
    assert refused == []
    for channel in channels:
        channel.close()


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError) as refused:
        engine_of("dask:tcp://n0:8786", Path())
    assert "pip install 'pyalma-tui[dask]'. Nothing was started" in str(refused.value)
    assert "\n" not in str(refused.value)

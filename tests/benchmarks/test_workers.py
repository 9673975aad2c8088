"""Rows 16 and 17: what a worker costs: its start, its memory, and a process for each run."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median

import psutil

from pyalma_tui.model import messages as m
from pyalma_tui.model import status as s
from pyalma_tui.runner.workers.local import LocalAgent, wait_until_loaded
from pyalma_tui.runner.workers.protocol import AgentEvent, AgentGone, Assignment, Said, Service
from pyalma_tui.store.layout import segment_name

from .figures import Figure, Figures, interleaved, megabytes, milliseconds, rate, ratio
from .program import EMPTY, PATIENCE, Folder

IMPORT = 2.0  # seconds
SLOW = f"import time\ntime.sleep({IMPORT})\n{EMPTY}"
WORKERS = 4
POOL = """\
import multiprocessing, sys, time

def nothing(_): pass

count = int(sys.argv[1])
with multiprocessing.Pool(2, maxtasksperchild=1) as pool:
    pool.map(nothing, range(2), chunksize=1)
    began = time.perf_counter()
    pool.map(nothing, range(count), chunksize=1)
    print(count / (time.perf_counter() - began))
"""
LARGE = """\
import gc, os, time
TABLE = [os.urandom(1_000_000) for _ in range(200)]

def run(instance, save, state):
    gc.collect()
    assert sum(map(len, TABLE)) == 200_000_000
    open(f"here-{os.getpid()}", "w").close()
    while not os.path.exists("go"):
        time.sleep(0.01)
"""


def test_start_of_a_worker(folder: Folder, figures: Figures, full: bool) -> None:
    """Row 16: from the order to start one until it says that it serves."""
    (folder.path / "m.py").write_text(SLOW)
    once, each = _Agent(folder.sub("once").path, each=False), _Agent(folder.sub("each").path, each=True)
    try:
        forked = [once.start() for _ in range(100 if full else 30)]
        imported = [each.start() for _ in range(5 if full else 2)]
    finally:
        once.close()
        each.close()
    figures.add(
        Figure(
            16,
            f"start of a worker, the import takes {IMPORT:.0f} s",
            milliseconds(forked),
            f"`--import each` {milliseconds(imported)}",
            f"{median(forked) / median(imported):.3f}",
            "≤ 30 ms",
            False,
            median(forked) <= 0.030,
        )
    )


class _Agent:
    """An agent that starts one worker after the other."""

    def __init__(self, folder: Path, *, each: bool) -> None:
        module, state_dir = folder.parent / "m.py", folder / "m.alma"
        for name in ("journal", "logs"):
            (state_dir / name).mkdir(parents=True)
        with (folder / "load.log").open("wb") as output:
            self._agent = LocalAgent(module, output, f"{folder.name}-{os.getpid()}", each=each)
        wait_until_loaded(self._agent, module, lambda seconds: None)
        self._lock = os.open(state_dir / "lock", os.O_RDWR | os.O_CREAT)
        self._agent.serve(Service(str(state_dir), self._lock, synced=False, umask=0o022))
        self._number = 0

    def start(self) -> float:
        """Seconds until the next worker serves; it is gone when this returns."""
        self._number += 1
        segment = segment_name(1, f"w{self._number:04d}", 1)
        began = time.perf_counter()
        self._agent.start(self._number, Assignment(0, segment, 1 << 20, os.devnull))
        said = self._wait(Said)
        seconds = time.perf_counter() - began
        assert isinstance(said, Said)
        assert isinstance(said.reply, m.Serving), said
        self._agent.order(self._number, m.Exit())
        self._wait(m.Gone)
        return seconds

    def _wait(self, kind: type[AgentEvent]) -> AgentEvent:
        while select.select([self._agent], [], [], PATIENCE)[0]:
            for event in self._agent.receive():
                assert not isinstance(event, AgentGone), event
                if isinstance(event, kind):
                    return event
        raise AssertionError(f"no {kind.__name__}")

    def close(self) -> None:
        """End it."""
        self._agent.discard()
        os.close(self._lock)


def test_memory_of_workers(folder: Folder, figures: Figures) -> None:
    """Row 16: the agent and its workers, while each worker is amid a run that has read all of the table."""
    options = {"one": (1, "once"), "once": (WORKERS, "once"), "each": (WORKERS, "each")}
    measures = {name: partial(_memory, folder.sub(name), *each) for name, each in options.items()}
    found = interleaved(measures, 1)
    one, once, each = (found[name][0] for name in options)
    figures.add(
        Figure(
            16,
            f"memory (PSS) of {WORKERS} workers, 200 MB made at import",
            megabytes(once),
            f"one worker {megabytes(one)}; {WORKERS} with `--import each` {megabytes(each)}",
            f"{once / one:.2f}",
            "≤ 1.5",
            True,
            once <= 1.5 * one,
        )
    )


def _memory(folder: Folder, workers: int, imports: str) -> float:
    folder.fill(LARGE, workers)
    command = folder.command("--plain", "--workers", str(workers), "--import", imports)
    with subprocess.Popen(command, cwd=folder.path, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as program:
        deadline = time.monotonic() + PATIENCE
        while len(list(folder.path.glob("here-*"))) < workers:
            assert program.poll() is None, "it has ended"
            assert time.monotonic() < deadline, "a run does not begin"
            time.sleep(0.05)
        used = sum(_pss(each.pid) for each in psutil.Process(program.pid).children(recursive=True))
        (folder.path / "go").touch()
        assert program.wait(PATIENCE) == 0
    return used


def _pss(pid: int) -> int:
    """Bytes of a process: of each page its share among those that have it."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise AssertionError(f"/proc/{pid}/smaps_rollup has no Pss")


def test_a_process_for_each_run(folder: Folder, figures: Figures, full: bool) -> None:
    """Row 17."""
    count = 1_000 if full else 200
    folder.fill(EMPTY, count)

    def program() -> float:
        folder.run("--workers", "2", "--runs-per-worker", "1", "--fresh", "--yes")
        done = [run.status for run in folder.store().ledger.runs if isinstance(run.status, s.Done)]
        assert len(done) == count, "a run is not done"
        return count / (max(end.at for end in done) - min(end.at - end.duration for end in done))

    def pooled() -> float:
        told = subprocess.run([sys.executable, "-c", POOL, str(count)], capture_output=True, text=True, check=True)
        return float(told.stdout)

    found = interleaved({"program": program, "pool": pooled})
    share = ratio(found["program"], found["pool"])
    figures.add(
        Figure(
            17,
            "empty runs, 2 workers, `--runs-per-worker 1`, all recorded",
            rate(found["program"], "/s"),
            f"multiprocessing.Pool(maxtasksperchild=1) {rate(found['pool'], '/s')}",
            f"{share:.2f}",
            "≥ 1",
            True,
            share >= 1,
        )
    )

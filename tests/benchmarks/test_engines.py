"""Row 20: what runs, saves and interrupts cost on other hosts, with each engine, beside the same on this machine."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import pytest

from pyalma_tui.model import status as s
from tests.engines.dask_lab import LACKS_DASK
from tests.engines.lab import LACKS_SLURM, LACKS_SSH
from tests.engines.world import a_cluster, a_lab, start

from .figures import Figure, Figures, interleaved, milliseconds, rate, ratio
from .program import PATIENCE, TOLD, Folder, Listener

WORKERS = 2
LACKS = {"a command": "", "ssh": LACKS_SSH, "srun": LACKS_SLURM, "dask": LACKS_DASK}
PAUSE = 0.001  # seconds between two saves of a run that is interrupted


@dataclass(frozen=True, slots=True)
class Where:
    """Where two workers run: what `--on` says, and behind which command, in which environment, that means anything."""

    on: str = "here"
    prefix: tuple[str, ...] = ()
    env: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one start: runs and saves a second, seconds from SIGINT until the runs had stopped, and the program had."""

    runs: float
    saves: float
    stopped: float
    ended: float


@contextmanager
def _reached(engine: str) -> Iterator[Where]:
    """Hosts that this engine leads to, as long as they are needed."""
    if engine == "a command":
        yield Where("each:env PLACE=1;env PLACE=2")
    elif engine == "dask":
        with a_cluster() as cluster:
            yield Where(cluster.on)
    else:
        with a_lab() as lab:
            on = start(lab, "slurm" if engine == "srun" else engine)
            yield Where(on, tuple(lab.on(0)), lab.env)


@pytest.mark.parametrize("engine", LACKS)
def test_runs_saves_and_interrupts_on_other_hosts(engine: str, folder: Folder, figures: Figures, full: bool) -> None:
    """Row 20."""
    if why := LACKS[engine]:
        pytest.skip(why)
    count, seconds, rounds = (1_000, 0.5, 2) if full else (300, 0.3, 1)
    costs: dict[str, list[Cost]] = {"there": [], "here": []}

    def measure(name: str, where: Where) -> float:
        number = len(costs[name])
        costs[name].append(_cost(folder.sub(f"{name}{number}"), where, count, seconds))
        return costs[name][-1].runs

    with _reached(engine) as where:
        interleaved({"there": partial(measure, "there", where), "here": partial(measure, "here", Where())}, rounds)
    there, here = costs["there"], costs["here"]
    tell = partial(_tell, figures, engine)
    tell("empty runs", [cost.runs for cost in there], [cost.runs for cost in here], "/s")
    tell("saves of one worker", [cost.saves for cost in there], [cost.saves for cost in here], "/s")
    tell("SIGINT to the stop of 2 runs", [cost.stopped for cost in there], [cost.stopped for cost in here])
    tell("SIGINT to the end of the program", [cost.ended for cost in there], [cost.ended for cost in here])


def _tell(figures: Figures, engine: str, what: str, there: list[float], here: list[float], unit: str = "") -> None:
    measured, reference = (rate(each, unit) if unit else milliseconds(each) for each in (there, here))
    share = f"{ratio(there, here):.2f}"
    figures.add(Figure(20, f"{engine}, 2 places: {what}", measured, f"here, 2 workers {reference}", share, "–", True))


def _cost(folder: Folder, where: Where, count: int, seconds: float) -> Cost:
    """Two runs that do what they are told, then runs that take no time, then two that are interrupted."""
    idle = folder.names.first(count, folder.path)
    going = [f"told{number}.go" for number in range(2 * WORKERS)]
    for name in going:
        (folder.path / name).touch()
    folder.write(TOLD, [*going[:WORKERS], *idle, *going[WORKERS:]])  # the last are the first to be called
    listener = Listener(folder)
    program = subprocess.Popen(
        [*where.prefix, *folder.command("--plain", "--workers", str(WORKERS), "--on", where.on)],
        cwd=folder.path,
        env=where.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        first = [listener.accept() for _ in range(WORKERS)]
        saved = first[0].saves(seconds)
        for told in first:
            told.leave()
        last = [listener.accept() for _ in range(WORKERS)]
        for told in last:
            told.order("steady", pause=PAUSE)
        began = time.perf_counter()
        program.send_signal(signal.SIGINT)
        for told in last:
            told.until_gone()
        stopped = time.perf_counter() - began
        assert program.wait(PATIENCE) == 130
        ended = time.perf_counter() - began
    finally:
        program.kill()
        program.wait()
        listener.close()
    store = folder.store()
    runs = {store.ledger.instances[run.instance].name: run for run in store.ledger.runs}
    kept = sum(runs[name].saves for name in going[WORKERS:])
    assert kept == saved["saves"], "an acknowledged save is not in the store"
    assert all(isinstance(runs[name].status, s.Interrupted) for name in going[:WORKERS]), "it was not stopped"
    done = [run.status for name in idle if isinstance((run := runs[name]).status, s.Done)]
    assert len(done) == count, "a run is not done"
    took = max(end.at for end in done) - min(end.at - end.duration for end in done)
    return Cost(count / took, saved["saves"] / saved["seconds"], stopped, ended)

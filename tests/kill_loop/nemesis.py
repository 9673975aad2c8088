"""Runs the experiment again and again, and kills its processes, or interrupts it, at random moments."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import psutil
from tinydb import TinyDB

from pyalma_tui.model import status as s
from pyalma_tui.store.lock import holder
from pyalma_tui.store.opening import read_store
from tests.family import agents_of, workers_of
from tests.kill_loop.history import (
    Struck,
    Verdict,
    check_instance,
    check_rows,
    check_store,
    check_table,
    check_written,
    table_in,
)

Kind = Literal["worker", "agent", "runner", "group", "interrupt", "stopped worker", "stopped agent"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ENDING = ("runner", "group", "interrupt")  # the start has ended then, or is about to
HERE = Path(__file__).parent
INSTANCES = 10
WORKERS = 4
PROGRAM = (sys.executable, "-m", "tests.kill_loop.program")
LIVES = 60  # starts after which an experiment should long be finished; the second half of them nobody disturbs
TROUBLED = 60.0  # seconds after which nobody disturbs an experiment any more, however few its starts
LONGEST_STOP = 0.4  # seconds
PATIENCE = 60.0  # seconds that a start may take which nobody disturbs, and that one may take to end


@dataclass
class Score:
    """What a kill loop has seen so far."""

    verdict: Verdict = field(default_factory=Verdict)
    kills: Counter[str] = field(default_factory=Counter)
    completions: int = 0


def play(folder: Path, seconds: float, seed: int) -> Score:
    """Kill for so long, and until each kind has come, finishing the experiment that is under way.

    Before that one is left alone, to compare with. `folder` is left as it is if a promise broke.
    """
    rng = random.Random(seed)
    score = Score()
    shutil.rmtree(folder, ignore_errors=True)
    undisturbed = _undisturbed(folder, score)
    end = time.monotonic() + seconds
    while (time.monotonic() < end or len(score.kills) < len(KINDS)) and not score.verdict.broken:
        shutil.rmtree(folder, ignore_errors=True)
        _one_experiment(folder, rng, score, undisturbed)
    return score


def _prepare(folder: Path) -> None:
    (folder / "history").mkdir(parents=True)
    shutil.copy(HERE / "experiment.py", folder / "experiment.py")
    for number in range(INSTANCES):
        (folder / f"i{number}.txt").write_text("x\n")


def _undisturbed(folder: Path, score: Score) -> str:
    """The table of results of an experiment that nobody disturbs, "" if it does not end well."""
    _prepare(folder)
    code = _one_life(folder, 0, None, Struck(), score)
    return table_in(folder) if code == 0 else ""


def _one_experiment(folder: Path, rng: random.Random, score: Score, undisturbed: str) -> None:
    _prepare(folder)
    code: int | None = None
    struck = Struck()
    begun = time.monotonic()
    for life in range(LIVES):
        troubled = life < LIVES // 2 and time.monotonic() - begun < TROUBLED
        code = _one_life(folder, life, rng if troubled else None, struck, score)
        if score.verdict.broken:
            return
        if code == 0 or _killed_in_done(folder / "experiment.alma"):
            code = 0
            break
        _check(folder, score.verdict, finished=False)
        if score.verdict.broken:
            return
    if code != 0:
        score.verdict.broken.append(f"not finished after {LIVES} starts, the last one ended with {code}")
        return
    _check(folder, score.verdict, finished=True)
    histories = folder / "history"
    for number in range(INSTANCES):
        check_instance(histories / f"i{number}.txt", score.verdict)
    calls = len((histories / "done").read_text().splitlines()) if (histories / "done").exists() else 0
    check_written(folder, struck, score.verdict)
    check_table(folder, undisturbed, score.verdict)
    score.verdict.done_calls += calls
    score.completions += 1
    if calls > 1:
        score.verdict.broken.append(f"done() was called {calls} times for one completion")


def _killed_in_done(state_dir: Path) -> bool:
    """Whether all runs are done and done() was cut off or its worker killed: it is not called again by itself."""
    store = read_store(state_dir)
    if store is None or store.ledger.counts.done < store.ledger.counts.total:
        return False
    return isinstance(store.ledger.hook.status, s.HookCutOff | s.HookFailed | s.HookRunning)


def _one_life(folder: Path, life: int, rng: random.Random | None, struck: Struck, score: Score) -> int | None:
    """One start, killed or interrupted at random or left alone; its exit code, None if it did not end."""
    command = [*PROGRAM, "experiment.py", *_names(), "--plain", "--workers", str(WORKERS), "--retry-failed"]
    command += ["--retries", "3", "--grace", "0.02", "--seed", "7"]
    root = str(HERE.parent.parent)
    with (folder / "output.txt").open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": root, "KILL_LOOP_LIFE": str(life)},
        )
    try:
        while rng is not None:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=rng.uniform(0.02, 0.4))
            if _strike(process, folder, rng, struck, score) in ENDING:
                struck.lives.add(life)
                break
        code = process.wait(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        score.verdict.broken.append(f"a start has not ended after {PATIENCE:g} s in which nobody disturbed it")
        return None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if not _is_free_in_time(folder):
        score.verdict.broken.append("workers are still alive 5 s after their runner was killed")
    return code


def _names() -> list[str]:
    return [f"i{number}.txt" for number in range(INSTANCES)]


def _strike(
    process: subprocess.Popen[bytes], folder: Path, rng: random.Random, struck: Struck, score: Score
) -> Kind | None:
    """Kill, stop or interrupt something; what it was, None if there was nobody."""
    rarest = min(KINDS, key=lambda kind: (score.kills[kind], rng.random()))
    kind = rarest if rng.random() < 0.5 else rng.choice(KINDS)
    agents, workers = agents_of(process.pid), workers_of(process.pid)
    victims: list[psutil.Process] = {"agent": agents, "stopped agent": agents, "group": agents + workers}.get(kind, [])
    if kind in ("worker", "stopped worker"):
        victims = rng.sample(workers, min(1, len(workers)))
    if process.poll() is not None or not (victims or kind in ENDING):
        return None
    if kind == "interrupt":
        _wait_for_work(process, folder)
        process.send_signal(signal.SIGINT)
    elif kind in ENDING:
        process.send_signal(signal.SIGKILL)
    if kind.startswith("stopped "):
        _stop(victims, rng.uniform(0.01, LONGEST_STOP))
    else:
        struck.pids.update(victim.pid for victim in victims)
        _each(psutil.Process.kill, victims)
    score.kills[kind] += 1
    return kind


def _stop(victims: list[psutil.Process], seconds: float) -> None:
    _each(psutil.Process.suspend, victims)
    time.sleep(seconds)
    _each(psutil.Process.resume, victims)


def _each(send: Callable[[psutil.Process], None], victims: list[psutil.Process]) -> None:
    for victim in victims:
        with suppress(psutil.NoSuchProcess):
            send(victim)


def _wait_for_work(process: subprocess.Popen[bytes], folder: Path) -> None:
    """An interrupt before anything runs says little about how runs take it."""

    def told() -> int:
        return sum(path.stat().st_size for path in (folder / "history").iterdir())

    before, deadline = told(), time.monotonic() + PATIENCE
    while told() == before and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)


def _is_free_in_time(folder: Path) -> bool:
    """After a kill the workers end by themselves; the lock tells when the last one is gone."""
    deadline = time.monotonic() + 5
    while holder(folder / "experiment.alma") is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def _check(folder: Path, verdict: Verdict, *, finished: bool) -> None:
    state_dir = folder / "experiment.alma"
    if (state_dir / "db.json").exists():
        with TinyDB(state_dir / "db.json") as db:
            db.tables()
    check_store(state_dir, folder / "history", INSTANCES, finished=finished, verdict=verdict)
    check_rows(state_dir, verdict=verdict)

"""Experiments in the style of real modules: what they write is the same, byte for byte, however often they are stopped.

Each of them keeps in its state what it needs to go on: where its generator stands, and where in the output file that
is, which it cuts back to there when it is called again. Where several workers append, done() drops repeated lines.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.catalogue.experiment import Experiment, until

OUTPUT = """
import os, time

def open_output(name, position):
    os.makedirs("out/x", exist_ok=True)
    out = open(os.path.join("out/x", name), "a+b")
    out.truncate(position if position is not None else out.seek(0, 2))
    return out

def beat():
    with open("beats", "ab") as beats:
        beats.write(b".")
        number = beats.tell()
    time.sleep(0.004)
    while os.path.exists("limit") and number > os.stat("limit").st_size:
        time.sleep(0.004)
"""

WALK = """
# A random walk on a formula: the generator is part of the state. One file for each worker.
import json, os, random
from output import beat, open_output

def run(instance, save, state, worker_id, seed):
    print("c instance", instance)
    name = f"out{worker_id:03d}"
    rng = random.Random(seed)
    step, best, position = 0, 99, None
    if state != "":
        known = json.loads(state)
        step, best, position, name = known["step"], known["best"], known["position"], known["name"]
        version, words, gauss = known["random"]
        rng.setstate((version, tuple(words), gauss))
    with open_output(name, position) as out:
        def keep():
            known = {"step": step, "best": best, "position": out.tell(), "name": name, "random": rng.getstate()}
            save(json.dumps(known))
        keep()  # where this run begins in the file, before its first line
        while step < 25:
            step += 1
            best = min(best, rng.randrange(1000))
            print("c step", step, "best", best)
            out.write(f"{os.path.basename(instance)} {step} {best}\\n".encode())
            out.flush()
            beat()
            keep()
        print("s SATISFIABLE" if best == 0 else "s UNKNOWN")

def done():
    os.system("cat out/x/out* > merged")
"""

ANNEAL = """
# numpy, seeded from the instance: its global generator is part of the state.
import json, os
import numpy as np
from output import beat, open_output

def energy(spins, couplings):
    return float(-spins @ couplings @ spins)

def run(instance, save, state, worker_id, **more):
    n, sweeps = instance["data"]["n"], instance["data"]["sweeps"]
    np.random.seed(instance["seed"] % 2**32)
    couplings = np.random.normal(size=(n, n))
    spins = np.random.choice([-1, 1], size=n)
    sweep, position = 0, None
    if state != "":
        known = json.loads(state)
        sweep, position = known["sweep"], known["position"]
        spins = np.array(known["spins"])
        name, keys, *rest = known["random"]
        np.random.set_state((name, np.array(keys, dtype=np.uint32), *rest))
    with open_output(f"out{worker_id:03d}", position) as out:
        def keep():
            name, keys, *rest = np.random.get_state()
            known = {"sweep": sweep, "position": out.tell(), "spins": spins.tolist()}
            save(json.dumps(known | {"random": [name, keys.tolist(), *rest]}))
        keep()
        while sweep < sweeps:
            for _ in range(n):
                other = spins.copy()
                other[np.random.randint(n)] *= -1
                gain = energy(spins, couplings) - energy(other, couplings)
                if gain > 0 or np.random.rand() < np.exp(gain):
                    spins = other
                print("c", sweep, spins, gain)
            sweep += 1
            out.write(f"{instance['id']} {sweep} {energy(spins, couplings)!r}\\n".encode())
            out.flush()
            beat()
            keep()

def done():
    os.system("cat out/x/out* | sort -n -k 1,1 -k 2,2 > merged")
"""

SUMS = """
# Sums over the lines of a file, several iterations; each worker appends to its file and done() sorts them together.
# A run goes on in the file of whoever calls it; a line that was written but not saved is written again.
import os
from output import beat, open_output

def run(instance, save, state, worker_id, iteration, seed):
    with open(instance) as file:
        numbers = [int(line) for line in file]
    at, total = map(int, state.split()) if state != "" else (0, 0)
    stem = os.path.basename(instance)
    with open_output(f"out{worker_id:03d}", None) as out:
        while at < len(numbers):
            total = (total * 31 + numbers[at] * (seed % 1000)) % 1000003
            at += 1
            print(f"worker {worker_id}: {stem} {at}/{len(numbers)}")
            beat()
            out.write(f"{stem} {iteration} {at:03d} {total}\\n".encode())
            out.flush()
            save(f"{at} {total}")

def done():
    os.system("sort -u out/x/out* > merged && wc -l < merged > count")
"""

GRIDS = """
# Objects with data, a dict as state, a helper that is imported late; the result of each is written at its end.
import os

def run(instance, save, state):
    from output import beat, open_output
    size, id_ = instance["data"]["n"], instance["id"]
    state = state or {"row": 0, "cells": []}
    for row in range(state["row"], size):
        cells = state["cells"] + [(row * 7919 + id_ * instance["seed"]) % 97]
        state = {"row": row + 1, "cells": cells}
        print("row", row, cells[-1], flush=True)
        beat()
        save(state)
    with open_output(f"grid{id_:03d}", 0) as out:
        out.write(f"{id_} {size} {state['cells']}\\n".encode())

def done():
    assert os.system("cat out/x/grid* | sort -n > merged") == 0
"""


@dataclass(frozen=True)
class Style:
    """A module, its instances, the keys of its experiment file, what the instances hold, and what is compared."""

    module: str
    instances: list[Any]
    keys: dict[str, Any]
    content: Callable[[str], str] = lambda name: ""
    compared: Sequence[str] = ("out/x/*", "merged")

    def write(self, experiment: Experiment) -> None:
        folder = experiment.folder
        experiment.name = "real.experiment"
        (folder / "output.py").write_text(OUTPUT)
        (folder / "real.py").write_text(self.module)
        (folder / "real.batch").write_text(json.dumps({"instances": self.instances}))
        for name in self.instances:
            if isinstance(name, str):
                (folder / name).write_text(self.content(name))
        keys = {"load": "./real.py", "batch": "./real.batch", "seed": 7} | self.keys
        (folder / experiment.name).write_text(json.dumps(keys))


STYLES = {
    "walk-one-worker": Style(WALK, ["a.cnf", "b.cnf", "c.cnf", "d.cnf"], {"iterations": 2}),
    "anneal-one-worker": Style(
        ANNEAL, [{"data": {"n": 8 + n, "sweeps": 20}} for n in range(5)], {"workers": 1, "iterations": 2}
    ),
    "grids-one-worker": Style(GRIDS, [{"data": {"n": 20 + n}} for n in range(8)], {}),
    "sums-three-workers": Style(
        SUMS,
        [f"{name}.txt" for name in "abcde"],
        {"workers": 3, "iterations": 2},
        lambda name: "".join(f"{(ord(name[0]) * n) % 101}\n" for n in range(20)),
        compared=("merged", "count"),
    ),
    "grids-two-workers": Style(GRIDS, [{"data": {"n": 20 + n}} for n in range(6)], {"workers": "2"}),
}


def written(folder: Path, style: Style) -> dict[str, bytes]:
    """What the module wrote, by name."""
    files = [path for pattern in style.compared for path in folder.glob(pattern)]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


SIGNALS = ((signal.SIGINT, 130), (signal.SIGKILL, -9), (signal.SIGTERM, 143), (signal.SIGKILL, -9))  # and exit codes
LATEST = 20  # beats after which a signal comes at the latest: the shortest of the experiments has 135
LATE = 8  # beats that a slow signal may come later; there the experiment waits for it


def stop_again_and_again(experiment: Experiment, rng: random.Random) -> None:
    """Run to the end, stopped by signals in turn at random moments."""
    beats, limit = experiment.folder / "beats", experiment.folder / "limit"
    for number, code in SIGNALS:
        goal = (beats.stat().st_size if beats.exists() else 0) + rng.randint(1, LATEST)
        limit.write_bytes(b"." * (goal + LATE))
        running = experiment.go()

        def has_come_so_far(goal: int = goal) -> bool:
            return beats.exists() and beats.stat().st_size >= goal

        until(has_come_so_far, experiment.outputs)
        running.signal(number)
        assert running.end().code == code
        experiment.nothing_left()
    limit.unlink()
    assert experiment.run().code == 0


@pytest.mark.parametrize("name", STYLES)
def test_what_is_written_does_not_depend_on_how_often_it_is_stopped(experiment: Experiment, name: str) -> None:
    style = STYLES[name]
    style.write(experiment)
    assert experiment.run().code == 0
    expected = written(experiment.folder, style)
    assert expected["merged"]
    printed = experiment.log(1)
    assert printed.count("\n") >= 20

    for path in (experiment.folder / "out", experiment.state_dir):
        shutil.rmtree(path)
    for path in (experiment.folder / "merged", experiment.folder / "beats"):
        path.unlink()
    moments = random.randrange(2**32)
    stop_again_and_again(experiment, random.Random(moments))
    assert written(experiment.folder, style) == expected, f"stopped at the moments {moments}"
    facts = experiment.status()
    assert facts["done_hook"] == {"status": "done", "calls": 1}
    assert {run["status"] for run in facts["runs"]} == {"done"}
    assert sum(run["attempts"] for run in facts["runs"]) > len(facts["runs"])

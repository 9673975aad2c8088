"""Experiments in the style of real modules: what they write is the same, byte for byte, however often they are stopped.

Each of them keeps in its state what it needs to go on. Those that are to bear kill -9 too keep in it where in their
output file that is, and cut the file back to there when they are called again. They use the standard library only.
"""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.catalogue.experiment import Experiment, until

OUTPUT = """
import os

def open_output(name, position):
    os.makedirs("out/x", exist_ok=True)
    out = open(os.path.join("out/x", name), "a+b")
    out.truncate(position if position is not None else out.seek(0, 2))
    return out

def beat():
    with open("beats", "ab") as beats:
        beats.write(b".")
    import time
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

SUMS = """
# Sums over the lines of a file, several iterations; each worker appends to its file and done() sorts them together.
# A run goes on in the file of whoever calls it, which is right as long as save() follows each line that is written.
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
    os.system("sort out/x/out* > merged && wc -l < merged > count")
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
    """A module, its instances, the keys of its experiment file, what the instances hold, and what it can bear."""

    module: str
    instances: list[Any]
    keys: dict[str, Any]
    content: Callable[[str], str] = lambda name: ""
    compared: Sequence[str] = ("out/x/*", "merged")
    signals: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
    options: Sequence[str] = ()

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
    "sums-three-workers": Style(
        SUMS,
        [f"{name}.txt" for name in "abcde"],
        {"workers": 3, "iterations": 2},
        lambda name: "".join(f"{(ord(name[0]) * n) % 101}\n" for n in range(20)),
        compared=("merged", "count"),
        signals=(signal.SIGINT, signal.SIGTERM, signal.SIGINT),
        options=("--grace", "60"),
    ),
    "grids-two-workers": Style(GRIDS, [{"data": {"n": 20 + n}} for n in range(6)], {"workers": "2"}),
}


def written(folder: Path, style: Style) -> dict[str, bytes]:
    """What the module wrote, by name."""
    files = [path for pattern in style.compared for path in folder.glob(pattern)]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def stop_again_and_again(experiment: Experiment, style: Style) -> int:
    """Run to the end, stopped by signals in turn; how often that came before the end."""
    beats = experiment.folder / "beats"
    hits = 0
    for number in style.signals:
        before = beats.stat().st_size if beats.exists() else 0

        def is_on_its_way(before: int = before) -> bool:
            return beats.exists() and beats.stat().st_size > before + 12

        running = experiment.go(*style.options)
        until(lambda: is_on_its_way() or running.process.poll() is not None, experiment.outputs)  # noqa: B023
        running.signal(number)
        running.end()
        experiment.nothing_left()
        counts = experiment.status()["counts"]
        hits += counts["done"] < sum(counts.values())
    assert experiment.run().code == 0
    return hits


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
    (experiment.folder / "merged").unlink()
    assert stop_again_and_again(experiment, style) >= 3
    assert written(experiment.folder, style) == expected
    facts = experiment.status()
    assert facts["done_hook"] == {"status": "done", "calls": 1}
    assert {run["status"] for run in facts["runs"]} == {"done"}
    assert sum(run["attempts"] for run in facts["runs"]) > len(facts["runs"])

"""`python -m tests.benchmarks.many_places PLACES SECONDS SAMPLES`: a runner with so many places that call nothing.

In a folder with `m.py` and as many instances. It prints, as JSON, the share of a processor that the runner's process
takes while each run saves once a second (`calm`) and as often as a place tells (`busy`), and for interrupts of one run
meanwhile the seconds until its place had them (`reached`), and until the runner's snapshot said so (`shown`).
"""

from __future__ import annotations

import json
import os
import random
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from unittest.mock import patch

from pyalma_tui.loading.target import find_target
from pyalma_tui.model import status as s
from pyalma_tui.model.chosen import Chosen
from pyalma_tui.place.relay import LOOK
from pyalma_tui.runner.commands import Interrupt, Quit, Resume
from pyalma_tui.runner.runner import Runner
from pyalma_tui.runner.start import Asked, begun

from .fake_places import FakeEngine, Server
from .program import PATIENCE

CALM = 1.0  # seconds between two saves


def main(places: int, seconds: float, samples: int) -> None:
    """Serve the places in a process of their own, and measure the runner in this one."""
    pairs = [socket.socketpair() for _ in range(places)]
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        for near, _ in pairs:
            near.close()
        Server([far for _, far in pairs], theirs).serve()
        os._exit(0)
    theirs.close()
    for _, far in pairs:
        far.close()
    engine = FakeEngine([near for near, _ in pairs])
    with patch("pyalma_tui.runner.workers.engines.choosing.engine_of", lambda *_: engine):
        runner = _runner(places)
    runner.start()
    try:
        _until(lambda: runner.snapshot().counts.running == places)
        found: dict[str, object] = {}
        for name, every in (("calm", CALM), ("busy", LOOK)):
            ours.send(str(every).encode())
            time.sleep(every)
            began, used = time.perf_counter(), time.process_time()
            time.sleep(seconds)
            found[name] = (time.process_time() - used) / (time.perf_counter() - began)
        found["reached"], found["shown"] = _interrupts(runner, ours, places, samples)
    finally:
        runner.send(Quit())
        runner.join()
    print(json.dumps(found))


def _runner(places: int) -> Runner:
    target = find_target("m.py", print)
    asked = Asked(state_dir=target.state_dir(None), seed=7, chosen=Chosen(workers=places), on="each:fake")
    with begun(target, asked, print) as start:
        start.load(lambda seconds: None)
        session = start.open()
    return Runner(start.settings, session, start.agent)


def _interrupts(runner: Runner, told: socket.socket, places: int, samples: int) -> tuple[list[float], list[float]]:
    """One after the other, at any moment between two ticks of the runner."""
    rng = random.Random(1)
    reached, shown = [], []
    for _ in range(samples):
        run = rng.randint(1, places)
        time.sleep(rng.uniform(0.0, 0.1))
        began = time.monotonic()
        runner.send(Interrupt((run,)))
        reached.append(float(told.recv(100)) - began)
        _until(partial(_is, runner, run, s.Interrupted))
        shown.append(time.monotonic() - began)
        runner.send(Resume((run,)))
        _until(partial(_is, runner, run, s.Running))
    return reached, shown


def _is(runner: Runner, run: int, status: type[s.Status]) -> bool:
    return isinstance(runner.snapshot().runs[run - 1].status, status)


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it does not come"
        time.sleep(0.001)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))

"""`pyalma-tui status` tells of a running experiment what its screen tells."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from tests.catalogue.experiment import Experiment

ONE_AFTER_THE_OTHER = """
def run(instance, save, state):
    name = os.path.basename(instance)
    tell("in " + name)
    wait_for("end " + name)
"""


def last(experiment: Experiment) -> str:
    return experiment.says("status", "m.py").last_line()


def test_the_time_left_is_told_as_soon_as_anything_is_known_of_it(experiment: Experiment) -> None:
    experiment.write(ONE_AFTER_THE_OTHER, ("b", "a"))  # a batch is called from its end
    running = experiment.go()
    experiment.hears("in a")
    whose = f"running now, process {running.process.pid}"
    assert last(experiment) == f"{whose}, time left unknown"
    assert experiment.status()["forecast"] is None
    experiment.allow("end a")
    experiment.hears("in b")
    assert re.fullmatch(rf"{whose}, ~\S+ (s|min|h) left( \((80 %: .+–|90 %: at least ).+\))?", last(experiment))
    low, middle, high = (
        datetime.fromisoformat(experiment.status()["forecast"][name]) for name in ("low", "middle", "high")
    )
    assert datetime.now().astimezone() - timedelta(minutes=1) < low <= middle <= high
    experiment.allow("end b")
    assert running.end().code == 0
    assert experiment.status()["forecast"] is None
    assert not experiment.says("status", "m.py").err

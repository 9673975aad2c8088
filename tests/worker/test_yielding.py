"""--nice: workers give way to other programs, as the kernel tells of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.catalogue.experiment import Experiment

TELLS = """
def autogroup(pid="self"):
    try:
        with open(f"/proc/{pid}/autogroup") as file:
            return file.read().rpartition(" ")[2].strip()
    except OSError:
        return "none"
def run(instance, save, state):
    tell(os.getpriority(os.PRIO_PROCESS, 0), autogroup(), autogroup(os.getppid()))
"""
HAS_AUTOGROUP = Path("/proc/self/autogroup").exists()


@pytest.mark.parametrize("how", ["once", "each"])
def test_workers_give_way_and_nobody_else_which_is_remembered(experiment: Experiment, how: str) -> None:
    experiment.write(TELLS, ("a", "b", "c", "d"))
    assert experiment.run("--workers", "2", "--import", how, "--nice", "5").code == 0
    expected = "5 5 0" if HAS_AUTOGROUP else "5 none none"
    assert set(experiment.told()) == {expected}
    experiment.batch(("a", "b", "c", "d", "e"))
    result = experiment.run()
    assert result.code == 0, result
    assert "workers are nice 5" in result.out
    assert set(experiment.told()) == {expected}
    experiment.batch(("a", "b", "c", "d", "e", "f"))
    assert experiment.run("--nice", "0").code == 0
    assert experiment.told()[-1] == ("0 0 0" if HAS_AUTOGROUP else "0 none none")


@pytest.mark.parametrize("nice", ["-1", "20"])
def test_a_nice_value_that_there_is_not_is_refused(experiment: Experiment, nice: str) -> None:
    experiment.write(TELLS, ("a",))
    result = experiment.run(f"--nice={nice}")
    assert result.code == 2
    assert f"--nice: {nice}: it is a number from 0 to 19. Nothing was started" in result.err

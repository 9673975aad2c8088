"""What a command imports before it prints, and when Python's garbage collector looks at it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.catalogue.experiment import Experiment

EMPTY = "def run(instance, save, state):\n    pass\n"
STARTED = """
import atexit, gc, os, sys
told, collected = os.dup(2), []
gc.callbacks.append(lambda phase, info: collected.append(phase))
atexit.register(lambda: os.write(told, repr({0}).encode()))
from pyalma_tui.__main__ import main
collected.clear()
main()
"""
API = """
import gc
from pyalma_tui import experiment
{0}
if __name__ == "__main__":
    dispatcher = experiment.load("m.py", instances=["a"])
    dispatcher.start()
    dispatcher.join(60)
    print(gc.isenabled(), gc.get_freeze_count(), len(dispatcher.results()))
"""
PRINTS = {"__main__", "click", "pyalma_tui"}
READS = PRINTS | {"msgspec", "tinydb", "typing_extensions"}
SHOWS = READS | {"rich"}
ENVIRONMENT = {"sitecustomize", "_distutils_hack"}  # what an environment lets every Python import
NOBODY = {"asyncio", "subprocess", "multiprocessing", "socket", "selectors", "logging", "email", "ssl"}
WORKS = {"__main__", "__mp_main__", "msgspec", "pyalma_tui", "typing_extensions"}
UNWORKED = {"asyncio", "bz2", "email", "logging", "lzma", "shutil", "ssl", "tempfile"}
SCREEN = ("pyalma_tui.tui", "pyalma_tui.worker", "pyalma_tui.cli.launch", "pyalma_tui.runner.runner")


def at_the_end(experiment: Experiment, what: str, *words: str) -> object:
    """What this expression is when a command that goes well has ended."""
    command = [sys.executable, "-c", STARTED.format(what), *words]
    ended = subprocess.run(command, cwd=experiment.folder, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    return eval(ended.stderr.splitlines()[-1])


@pytest.mark.parametrize(
    ("words", "packages", "most"),
    [
        (["--help"], PRINTS, 135),
        (["logs", "--help"], PRINTS, 135),
        (["--version"], PRINTS, 135),
        (["status", "m.py"], SHOWS, 311),
        (["status", "m.py", "--json"], READS, 246),
        (["export", "m.py"], READS, 250),
        (["logs", "m.py"], READS, 245),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_imports_only_what_it_prints_with(
    experiment: Experiment, words: list[str], packages: set[str], most: int
) -> None:
    """`most` counts all modules, those of Python too: it leaves room for other versions, not for what is not needed."""
    experiment.write(EMPTY, ("a",)).run()
    found = at_the_end(experiment, "list(sys.modules)", *words)
    assert isinstance(found, list)
    found = [name for name in found if name not in ENVIRONMENT]
    names = {name.partition(".")[0] for name in found}
    assert names - set(sys.stdlib_module_names) <= packages
    assert not names & NOBODY
    assert not [name for name in found if name.startswith(SCREEN)]
    assert len(found) <= most


def test_an_agent_imports_only_what_it_works_with() -> None:
    """Each start waits for it, and each worker is a copy of it."""
    told = "import pyalma_tui.worker.__main__, sys; print(*{each.partition('.')[0] for each in sys.modules})"
    done = subprocess.run([sys.executable, "-P", "-c", told], capture_output=True, text=True, check=True, timeout=60)
    found = set(done.stdout.split()) - ENVIRONMENT
    assert found - set(sys.stdlib_module_names) <= WORKS
    assert not found & UNWORKED


def test_nothing_is_collected_before_the_help_is_printed(experiment: Experiment) -> None:
    experiment.write(EMPTY, ("a",))
    assert at_the_end(experiment, "(gc.isenabled(), len(collected))", "--help") == (False, 0)


@pytest.mark.parametrize("words", [["m.py", "--plain"], ["m.py", "--json"], ["status", "m.py"], ["export", "m.py"]])
def test_what_is_loaded_is_never_looked_at_and_what_comes_later_is_collected(
    experiment: Experiment, words: list[str]
) -> None:
    experiment.write(EMPTY, ("a",)).run()
    assert at_the_end(experiment, "(gc.isenabled(), gc.get_freeze_count() > 10_000)", *words) == (True, True)


@pytest.mark.parametrize("theirs", ["gc.disable()", "gc.enable()"])
def test_a_script_that_runs_experiments_has_the_collector_as_it_set_it(experiment: Experiment, theirs: str) -> None:
    experiment.write(EMPTY, ("a",))
    command = [sys.executable, "-c", API.format(theirs)]
    ended = subprocess.run(command, cwd=experiment.folder, capture_output=True, text=True, timeout=60)
    assert ended.stdout.split() == [str(theirs == "gc.enable()"), "0", "1"], ended.stderr

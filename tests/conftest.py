"""For all tests: a compiled program that hears signals, an experiment in a folder of its own, little garbage."""

from __future__ import annotations

import compileall
import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

import pyalma_tui
from tests.catalogue.experiment import Experiment, experiments
from tests.prepared import close_all

LONGEST = (
    "test_dask", "test_engines", "F73-", "B23-", "test_kill_loop", "test_nemesis", "test_every_action", "test_fuzz",
    "test_interruptions", "test_scenes", "test_wandering", "test_mounts", "test_real_modules", "D43-",
    "test_state_machine", "G141-", "test_begun_anew", "nobody_s", "test_restart", "H110-timeout", "D155-",
)  # fmt: skip


@pytest.fixture
def experiment(tmp_path: Path) -> Iterator[Experiment]:
    """An experiment that is run by the program, and leaves no process behind."""
    yield from experiments(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def _heard_signals() -> None:
    """What ignores a signal hands that on to all that it starts: under `nohup`, or in the background of a script, what
    a test starts would not hear what it is sent. A handler that does nothing is the same here, and ends with `exec`.
    """
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


def pytest_configure(config: pytest.Config) -> None:
    """What programs of tests remember of each other stands in a folder that goes with them, of each process its own."""
    os.environ["XDG_STATE_HOME"] = folder = tempfile.mkdtemp(prefix="pyalma-tui-state-")
    config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
    settings.register_profile("patient", deadline=None)  # a busy machine lets any example wait
    settings.load_profile("patient")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the program once, as an installed one is: hundreds of starts would do it, each anew where
    PYTHONDONTWRITEBYTECODE is set.
    """
    if not hasattr(session.config, "workerinput"):
        compileall.compile_dir(Path(pyalma_tui.__file__).parent, quiet=2)


def pytest_collection_finish() -> None:
    """Look through what tests make for garbage, not again and again through the modules and tests that stay."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_unconfigure() -> None:
    """pytest looks five times for garbage that complains when it is taken away: once through all that was made does."""
    close_all()
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let no process wait for the last long test of another one: each begins with its part of them.

    Worksteal hands to each as many of the items that are left as if all that have none yet had the same number.
    """
    ranks = {item: next((rank for rank, name in enumerate(LONGEST) if name in item.nodeid), -1) for item in items}
    longest = sorted((item for item in items if ranks[item] >= 0), key=ranks.__getitem__)
    others = [item for item in items if ranks[item] < 0]
    processes = getattr(config, "workerinput", {}).get("workercount", 1)
    left, items[:] = len(items), []
    for process in range(processes):
        part = longest[process::processes]
        count = max(0, left // (processes - process) - len(part))
        items += part + others[:count]
        del others[:count]
        left -= len(part) + count


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Spell out in what failed the names that are no UTF-8: what is sent between processes must be."""
    report = yield
    if report.failed and not (text := report.longreprtext).isascii():
        report.longrepr = text.encode("utf-8", "backslashreplace").decode()
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Three for each: most of its time a test waits for what it has started."""
    return 3 * (os.cpu_count() or 2)

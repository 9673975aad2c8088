"""`pytest tests/benchmarks`: what it measures with, and the table at its end.

`--full` measures as long as the figures of the README did (about half an hour); without it durations and
counts are cut down.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .figures import Figures
from .program import COMMAND, EMPTY, Folder, Names
from .pty_app import first_paint, hello_paint

TABLE = pytest.StashKey[Figures]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--full`, `--bench-dir`."""
    group = parser.getgroup("pyalma-tui benchmarks")
    group.addoption("--full", action="store_true", help="measure as long as the goals say")
    group.addoption("--bench-dir", default=None, help="where to keep files meanwhile; decides which disk is measured")


def pytest_configure(config: pytest.Config) -> None:
    """An empty table."""
    config.stash[TABLE] = Figures()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    figures = config.stash[TABLE]
    if figures.rows:
        kind = "full" if config.getoption("full") else "quick; --full measures longer"
        load = " ".join(f"{value:.1f}" for value in os.getloadavg())
        terminalreporter.write_sep("=", f"figures ({kind}), {os.cpu_count()} processors, load {load}")
        for line in figures.lines():
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether to measure as long as the goals say."""
    return bool(request.config.getoption("full"))


@pytest.fixture(scope="session")
def figures(request: pytest.FixtureRequest) -> Figures:
    """The table."""
    return request.config.stash[TABLE]


@pytest.fixture(scope="session")
def place(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A directory for everything, removed at the end; its name is short, for sockets live in it."""
    directory = Path(tempfile.mkdtemp(prefix="bench-", dir=request.config.getoption("--bench-dir")))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def compiled(place: Path) -> Iterator[None]:
    """Let programs keep their compiled modules and buffer what they print, whatever this environment says."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):
            patch.delenv(name, raising=False)
        patch.setenv("PYTHONPYCACHEPREFIX", str(place / "compiled"))
        (place / "once.py").write_text(EMPTY)
        (place / "once").touch()
        subprocess.run([*COMMAND, "once.py", "once", "--plain"], cwd=place, capture_output=True, check=True)
        first_paint([*COMMAND, "once.py", "once"], place, "once")
        hello_paint(place)
        yield


@pytest.fixture(scope="session")
def names(place: Path) -> Names:
    """Files that instances are."""
    return Names(place / "files")


@pytest.fixture
def folder(place: Path, names: Names, request: pytest.FixtureRequest) -> Iterator[Folder]:
    """An empty folder for run modules and state directories."""
    with tempfile.TemporaryDirectory(prefix="x", dir=place, ignore_cleanup_errors=True) as directory:
        yield Folder(Path(directory), names)

"""The real program on a run module that does what the benchmark tells it, and the folder that they live in."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pyalma_tui.store.opening import Store, read_store

COMMAND = (sys.executable, "-m", "pyalma_tui")
PATIENCE = 120.0  # seconds until something that must happen counts as broken

TOLD = '''\
"""Runs whose instance ends in `.go` do what they are told over a socket; all others return at once."""
import json
import socket
import time
from pathlib import Path


def flat_out(save, order):
    text, saves, began = "x" * order["size"], 0, time.perf_counter()
    end = began + order["seconds"]
    while time.perf_counter() < end:
        for _ in range(order["batch"]):
            save(text)
        saves += order["batch"]
    return {"saves": saves, "seconds": time.perf_counter() - began}


def rows(save, order, record):
    """Rows of three numbers; they count with one save at the end."""
    rows, began = 0, time.perf_counter()
    end = began + order["seconds"]
    while time.perf_counter() < end:
        for number in range(order["batch"]):
            record(n=number, gap=0.13, steps=rows)
        rows += order["batch"]
    seconds = time.perf_counter() - began
    save("x")
    return {"rows": rows, "seconds": seconds}


def flood(save, order):
    """Lines into the log at a steady rate, a few saves."""
    end, number = time.perf_counter() + order["seconds"], 0
    while time.perf_counter() < end:
        for _ in range(order["lines"]):
            number += 1
            print(f"{number:09d} restart, best so far 3 unsatisfied clauses of 91")
        save(str(number))
        time.sleep(0.05)
    return {"lines": number}


def steady(save, order):
    """A save now and then until one raises."""
    number = 0
    while True:
        number += 1
        save(str(number))
        time.sleep(order["pause"])


def run(instance, save, state, record):
    if not instance.endswith(".go"):
        return
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(Path(__file__).with_name("control")))
        for line in link.makefile():
            order = json.loads(line)
            recorded = lambda save, order: rows(save, order, record)
            told = {"flat_out": flat_out, "rows": recorded, "flood": flood, "steady": steady}[order["do"]](save, order)
            link.sendall(json.dumps(told).encode() + b"\\n")
'''
EMPTY = "def run(instance, save, state):\n    pass\n"


class Names:
    """Files that exist, made when they are first asked for, and shared by all folders under the name `f`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._made = 0

    def first(self, count: int, folder: Path) -> list[str]:
        """The paths of this many files, as seen from the folder."""
        self._directory.mkdir(exist_ok=True)
        if not (folder / "f").exists():
            (folder / "f").symlink_to(self._directory)
        for number in range(self._made, count):
            (self._directory / f"i{number:06d}").touch()
        self._made = max(self._made, count)
        return [f"f/i{number:06d}" for number in range(count)]


class Told:
    """A run that waits for orders."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._answers = link.makefile()

    def order(self, do: str, **facts: object) -> None:
        """Tell it to do something."""
        self._link.sendall(json.dumps({"do": do, **facts}).encode() + b"\n")

    def answer(self) -> dict[str, Any]:
        """What came of it, when it is done."""
        found: dict[str, Any] = json.loads(self._answers.readline())
        return found

    def saves(self, seconds: float, size: int = 8, batch: int = 100) -> dict[str, Any]:
        """Let it save flat out; `saves` and `seconds`."""
        self.order("flat_out", seconds=seconds, size=size, batch=batch)
        return self.answer()

    def rows(self, seconds: float, batch: int = 100) -> dict[str, Any]:
        """Let it record flat out; `rows` and `seconds`."""
        self.order("rows", seconds=seconds, batch=batch)
        return self.answer()

    def until_gone(self) -> None:
        """Wait until it has let go of us: it has stopped."""
        assert not self._answers.readline(), "it does what it was told"
        self.leave()

    def leave(self) -> None:
        """Let it return."""
        self._answers.close()
        self._link.close()


@dataclass(frozen=True, slots=True)
class Folder:
    """A directory with a run module `m.py`, its batch, and its state directory."""

    path: Path
    names: Names

    @property
    def state_dir(self) -> Path:
        """Where the program keeps what it knows."""
        return self.path / "m.alma"

    def write(self, module: str, instances: Sequence[str]) -> None:
        """Make the run module and its batch."""
        (self.path / "m.py").write_text(module)
        (self.path / "m.batch").write_text(json.dumps({"instances": list(instances)}))

    def fill(self, module: str, instances: int) -> None:
        """Make the run module and a batch of so many files."""
        self.write(module, self.names.first(instances, self.path))

    def sub(self, name: str) -> Folder:
        """A folder in this one."""
        (self.path / name).mkdir()
        return Folder(self.path / name, self.names)

    def tell(self, others: int, told: int = 1) -> list[str]:
        """A batch of `others` idle instances and, dispatched before them, those that do what they are told."""
        instances = self.names.first(others, self.path)
        going = [f"told{number}.go" for number in range(told)]
        for name in going:
            (self.path / name).touch()
        self.write(TOLD, [*instances, *going])
        return instances

    def command(self, *options: str) -> list[str]:
        """The command line that runs it."""
        return [*COMMAND, "m.py", *options]

    def run(self, *options: str, fails: bool = False) -> None:
        """Run it to its end without a screen; with `fails` some of its runs fail."""
        command = self.command("--plain", *options)
        done = subprocess.run(
            command,
            cwd=self.path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert done.returncode == int(fails), done.stderr

    def store(self) -> Store:
        """What is in its state directory."""
        store = read_store(self.state_dir)
        assert store is not None
        return store


class Listener:
    """Where runs that are told what to do report."""

    def __init__(self, folder: Folder) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        self._socket.bind(str(folder.path / "control"))
        self._socket.listen()

    def accept(self) -> Told:
        """The next one that reports."""
        link, _ = self._socket.accept()
        link.settimeout(PATIENCE)
        return Told(link)

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()


class Headless:
    """The program without a screen, with `workers` runs that do what they are told."""

    def __init__(self, folder: Folder, *options: str, others: int, workers: int = 1) -> None:
        self.folder = folder
        folder.tell(others, workers)
        listener = Listener(folder)
        self._process = subprocess.Popen(
            folder.command("--plain", "--workers", str(workers), *options),
            cwd=folder.path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.told = [listener.accept() for _ in range(workers)]
        listener.close()
        self.acknowledged = 0
        self.recorded = 0

    def rate(self, seconds: float, size: int = 8, batch: int = 100) -> float:
        """Saves a second of the first of them."""
        found = self.told[0].saves(seconds, size, batch)
        self.acknowledged += found["saves"]
        return float(found["saves"] / found["seconds"])

    def row_rate(self, seconds: float) -> float:
        """Rows a second of the first of them."""
        found = self.told[0].rows(seconds)
        self.recorded += found["rows"]
        return float(found["rows"] / found["seconds"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End it without starting anything new."""
        self._process.send_signal(signal.SIGINT)
        for told in self.told:
            told.leave()
        self._process.wait(PATIENCE)


def saves_in(store: Store) -> int:
    """How many saves the store knows of."""
    return sum(run.saves for run in store.ledger.runs)

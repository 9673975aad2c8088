"""Rows 7, 11, 12 and 15: from the command to what is seen, and what it takes in memory."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import pytest

from .figures import ROUNDS, Figure, Figures, interleaved, megabytes, milliseconds, ratio
from .program import COMMAND, EMPTY, Folder
from .pty_app import first_paint, hello_paint

FIRST = "f/i000000"
SIZES = {100: 0.11, 10_000: 0.15, 100_000: 0.3}  # instances: seconds that the first list may come later than hello
AFTER = 15.0  # seconds that a million instances are run for
AGAIN = 0.35  # the same for the most of them, opened again


def test_first_paint(folder: Folder, figures: Figures, full: bool) -> None:
    """Rows 7 and 11: experiments that are new, and the largest one opened again; with --paused, so nothing runs."""
    memory: dict[str, list[int]] = {}
    measures: dict[str, Callable[[], float]] = {"hello": partial(_hello, folder, memory)}
    for size in SIZES:
        sized = folder.sub(str(size))
        sized.fill(EMPTY, size)
        measures[f"new {size}"] = partial(_first, sized, memory, fresh=True)
    again = folder.sub("again")
    again.fill(EMPTY, max(SIZES))
    first_paint(again.command("--paused"), again.path, FIRST)
    measures["again"] = partial(_first, again, memory, fresh=False)
    found = interleaved(measures, 2 * ROUNDS if full else ROUNDS)
    for size in SIZES:
        for name, told in ((f"new {size}", "new"), *([("again", "opened again")] if size == max(SIZES) else [])):
            allowed = SIZES[size] if told == "new" else AGAIN
            later = median(a - b for a, b in zip(found[name], found["hello"], strict=True))
            figures.add(
                Figure(
                    7,
                    f"first painted list, {size:,} instances, {told}",
                    milliseconds(found[name]),
                    f"hello-world Textual app {milliseconds(found['hello'])}",
                    f"+{later * 1e3:,.0f} ms",
                    f"≤ +{allowed * 1e3:,.0f} ms",
                    False,
                    later <= allowed,
                )
            )
    for name, told, most in ((f"new {max(SIZES)}", "new", 30e6), (str(again.path), "opened again", 45e6)):
        used = memory[name if told == "opened again" else str(folder.path / str(max(SIZES)))]
        more = median(used) - median(memory["hello"])
        figures.add(
            Figure(
                11,
                f"memory at 100,000 instances, {told}",
                megabytes(median(used)),
                f"hello-world Textual app {megabytes(median(memory['hello']))}",
                f"+{megabytes(more)}",
                f"≤ +{most / 1e6:.0f} MB",
                True,
                more <= most,
            )
        )


def _hello(folder: Folder, memory: dict[str, list[int]]) -> float:
    seconds, used = hello_paint(folder.path)
    memory.setdefault("hello", []).append(used)
    return seconds


def _first(folder: Folder, memory: dict[str, list[int]], *, fresh: bool) -> float:
    if fresh:
        shutil.rmtree(folder.state_dir, ignore_errors=True)
    seconds, used = first_paint(folder.command("--paused"), folder.path, FIRST)
    memory.setdefault(str(folder.path), []).append(used)
    return seconds


def test_commands_without_a_screen(folder: Folder, figures: Figures) -> None:
    """Row 12."""
    folder.fill(EMPTY, 20)
    folder.run()
    commands = {"--help": [*COMMAND, "--help"], "status": [*COMMAND, "status", "m.py"]}
    allowed = {"--help": 0.06, "status": 0.11}
    for command in commands.values():
        assert "textual" not in _imported(command, folder), f"{command} imports Textual"
    measures = {name: partial(_wall, command, folder) for name, command in commands.items()}
    found = interleaved({**measures, "pass": partial(_wall, [sys.executable, "-c", "pass"], folder)}, 2 * ROUNDS + 1)
    for name in commands:
        figures.add(
            Figure(
                12,
                f"`{name}`, no Textual imported",
                milliseconds(found[name]),
                f"python -c pass {milliseconds(found['pass'])}",
                f"{ratio(found[name], found['pass']):.1f}",
                f"≤ {allowed[name] * 1e3:.0f} ms",
                False,
                median(found[name]) <= allowed[name],
            )
        )


def _wall(command: Sequence[str], folder: Folder) -> float:
    began = time.perf_counter()
    subprocess.run(command, cwd=folder.path, capture_output=True, check=True)
    return time.perf_counter() - began


def test_a_million_instances(folder: Folder, figures: Figures, full: bool) -> None:
    """Row 15."""
    if not full:
        pytest.skip("it makes a million files: --full does")
    folder.fill(EMPTY, 1_000_000)
    seconds, used = zip(*(_first_line(folder) for _ in range(3)), strict=True)
    told, told_memory = zip(*(_status(folder) for _ in range(3)), strict=True)
    for what, took, most, memory, least in (
        ("first line of --plain", seconds, 5.0, used, 300e6),
        ("`status --json`", told, 4.0, told_memory, 400e6),
    ):
        figures.add(
            Figure(
                15,
                f"{what}, 1,000,000 instances",
                f"{milliseconds(took)}, {megabytes(max(memory))}",
                "",
                "",
                f"≤ {most:.0f} s, ≤ {megabytes(least)}",
                False,
                median(took) <= most and max(memory) <= least,
            )
        )


def _first_line(folder: Folder) -> tuple[float, int]:
    """Seconds until a new experiment tells of its first run, and the most memory that it has had a while after that.

    By then what it does beside the runs is done: it has looked for files, and noted where results come from.
    """
    shutil.rmtree(folder.state_dir, ignore_errors=True)
    began = time.perf_counter()
    with subprocess.Popen(
        folder.command("--plain"), cwd=folder.path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as program:
        assert program.stdout is not None
        assert b"running" in program.stdout.readline()
        seconds = time.perf_counter() - began
        while time.perf_counter() < began + seconds + AFTER:
            assert program.stdout.readline()
        found = re.search(r"VmHWM:\s+([0-9]+) kB", Path(f"/proc/{program.pid}/status").read_text())
        assert found is not None
        program.send_signal(signal.SIGINT)
        program.stdout.read()
    return seconds, int(found[1]) * 1024


def _status(folder: Folder) -> tuple[float, int]:
    """Seconds of `status --json`, and the most memory that it has had."""
    began = time.perf_counter()
    with (folder.path / "told").open("wb") as out:
        program = subprocess.Popen([*COMMAND, "status", "m.py", "--json"], cwd=folder.path, stdout=out)
        _, code, used = os.wait4(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(code)
    assert program.returncode == 0
    return time.perf_counter() - began, used.ru_maxrss * 1024


def _imported(command: Sequence[str], folder: Folder) -> set[str]:
    """The top-level packages that a command imports."""
    python, *rest = command
    done = subprocess.run(
        [python, "-X", "importtime", *rest], cwd=folder.path, capture_output=True, text=True, check=True
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}

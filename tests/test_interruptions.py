"""The `lines` example over its three texts: run through, and interrupted at random moments until it is finished.

`PYALMA_TUI_ROUNDS=50 pytest tests/test_interruptions.py` interrupts fifty experiments of each kind.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

import pyalma_tui.examples
from pyalma_tui.store.lock import holder
from tests.catalogue.experiment import until

EXAMPLE = Path(pyalma_tui.examples.__file__).parent / "lines"
ROUNDS = int(os.environ.get("PYALMA_TUI_ROUNDS", "3"))
TEXTS = 3
LINES = 10

WATCHED = """

_lines, _write = run, open("history.txt", "a", buffering=1).write

def run(instance, save, state, record):
    import json, time
    def tell(*words):
        _write(json.dumps([instance, *words]) + "\\n")
    def watched(data):
        time.sleep(0.02)
        tell("call", data)
        save(data)
        tell("saved", data)
    tell("start", state)
    _lines(instance, watched, state, record)

_done = done

def done():
    _write('["", "done"]\\n')
    _done()
"""


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pyalma_tui", "lines.py", "--plain", "--workers", "2", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=60)
    return output


def test_it_extracts_thirty_lines_calls_done_once_and_a_second_start_runs_nothing(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    first = start(tmp_path)
    output = finish(first)
    assert first.returncode == 0, output
    assert output.count("done()  called") == 1
    lines = (tmp_path / "lines.txt").read_bytes()
    assert len(lines.splitlines()) == TEXTS * LINES

    second = start(tmp_path)
    output = finish(second)
    assert second.returncode == 0
    assert "nothing to run" in output
    assert "done()  called" not in output
    assert (tmp_path / "lines.txt").read_bytes() == lines


def interrupt(process: subprocess.Popen[str], kind: str, rng: random.Random) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=rng.uniform(0.15, 0.7))
    with suppress(ProcessLookupError):
        if kind == "kill -9":
            os.killpg(process.pid, signal.SIGKILL)
            return
        process.send_signal(signal.SIGINT)
        if kind == "two":
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=rng.uniform(0.0, 0.05))
            process.send_signal(signal.SIGINT)


def wait_until_free(state_dir: Path) -> None:
    until(lambda: holder(state_dir) is None, lambda: "workers outlive their runner", 5)


@pytest.mark.timeout(60 + 20 * ROUNDS)
@pytest.mark.parametrize("kind", ["one", "two", "kill -9"])
def test_interrupted_at_random_it_is_resumed_with_the_state_of_its_last_save(tmp_path: Path, kind: str) -> None:
    rng = random.Random(f"{kind} {ROUNDS}")
    for number in range(ROUNDS):
        folder = tmp_path / str(number)
        shutil.copytree(EXAMPLE, folder)
        (folder / "lines.py").write_text((EXAMPLE / "lines.py").read_text() + WATCHED)
        for life in range(30):
            process = start(folder)
            if life < 4:
                interrupt(process, kind, rng)
            output = finish(process)
            if process.returncode == 0 or "done() was cut off" in output:
                break
            wait_until_free(folder / "lines.alma")
        calls = len(calls_of_done(folder))
        if "done() was cut off" in output:  # the kill came inside of it: not called again unless somebody asks
            assert calls <= 1
            process = start(folder, "--rerun-done")
            output = finish(process)
            calls = len(calls_of_done(folder)) - calls
        assert process.returncode == 0, output
        assert calls == 1
        check(folder)


def calls_of_done(folder: Path) -> list[str]:
    return [line for line in (folder / "history.txt").read_text().splitlines() if line == '["", "done"]']


def check(folder: Path) -> None:
    history = [json.loads(line) for line in (folder / "history.txt").read_text().splitlines()]
    saved: dict[str, str] = {}
    called: dict[str, str] = {}
    for instance, word, *value in history:
        if word == "start":  # a save that was cut off may or may not have been stored
            assert value[0] in (saved.get(instance, ""), called.get(instance, "")), history
        elif word == "call":
            called[instance] = value[0]
        elif word == "saved":
            saved[instance] = called[instance] = value[0]
    assert len(saved) == TEXTS
    assert set(called.values()) == {"0"}
    assert len((folder / "lines.txt").read_text().splitlines()) == TEXTS * LINES, "each line is there once"

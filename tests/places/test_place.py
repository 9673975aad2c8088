"""A place by itself: the test is its runner, over pipes."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pyalma_tui.store.leases import Leases, now
from pyalma_tui.store.lock import Lock

LEASE = 2.0
DEAF = "import time\ndef run(instance, save, state):\n    save(1)\n    time.sleep(1000)\n"
SAVES_ON = "import time\ndef run(instance, save, state):\n    while True:\n        time.sleep(0.01)\n        save(1)\n"


class Runner:
    """Talks to a place."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process, self.folder = process, folder
        self._pending = b""

    def say(self, kind: str, **facts: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"type": kind, **facts}).encode() + b"\n")
        self.process.stdin.flush()

    def hear(self, kind: str, *, grants: bool = True) -> dict[str, Any]:
        """The next message of this kind; whatever else comes is passed over, and leases are granted at once."""
        assert self.process.stdout is not None
        fd, deadline = self.process.stdout.fileno(), time.monotonic() + 30
        while time.monotonic() < deadline:
            line, newline, rest = self._pending.partition(b"\n")
            if newline:
                self._pending = rest
                message: dict[str, Any] = json.loads(line)
                if message["type"] == "renew lease" and grants:
                    self.say("granted", stamp=message["stamp"])
                if message["type"] == kind:
                    return message
            elif select.select([fd], [], [], 1)[0]:
                data = os.read(fd, 1 << 16)
                assert data, "the place has ended"
                self._pending += data
        raise AssertionError(f"no {kind} has come")

    def load(self, text: str) -> None:
        """Let it load a module and start a worker, which runs it."""
        (self.folder / "m.py").write_text(text)
        for name in ("journal", "logs"):
            (self.folder / "state" / name).mkdir(exist_ok=True)
        module, state = str(self.folder / "m.py"), str(self.folder / "state")
        names = {
            "module": module,
            "code": module,
            "manifest": "",
            "mark": f"t-{os.getpid()}-{time.monotonic_ns()}",
            "folder": str(self.folder),
        }
        more = {"each": False, "chosen": {}, "log": f"{state}/load.log", "state_dir": state, "umask": 0o022, "nice": 0}
        self.say("load module", **names, **more, synced=False, grouped=True, seed_globals=False)
        self.hear("loaded")
        segment = "000001-w0001-0001.jsonl"
        self.say("hire", worker=1, slot=0, segment=segment, segment_limit=1 << 20, log=f"{state}/logs/1")
        self.hear("answered")
        order = {"type": "run", "run": 1, "attempt": 1, "instance": 0, "file": "x", "is_object": False, "data": None}
        self.say("give", worker=1, order={**order, "iteration": 0, "seed": 1, "state": ""})


@contextmanager
def a_place(folder: Path) -> Iterator[Runner]:
    state = folder / "state"
    state.mkdir()
    with Lock(state, time.time()):
        leases = Leases(state, LEASE)
        command = [sys.executable, "-P", "-m", "pyalma_tui.place", str(state)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            runner = Runner(process, folder)
            runner.say("hello", state_dir=str(state), lease=LEASE)
            try:
                yield runner
            finally:
                process.kill()
        leases.close(over=True)


def test_it_says_what_is_there(tmp_path: Path) -> None:
    with a_place(tmp_path) as runner:
        here = runner.hear("here")
    assert (here["locked"], here["lacks"]) == (True, "")
    assert here["token"]


@pytest.mark.parametrize(
    ("says", "left"), [("echo 1-01:00:00", 90_000.0), ("sleep 4; echo 1:00", 0.0), ("printf '\\377'", 0.0)]
)
def test_what_is_called_squeue_may_be_any_script(
    says: str, left: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it says may be no text, and what it has started may outlive it."""
    squeue = tmp_path / "squeue"
    squeue.write_text(f"#!/bin/sh\n{says}\n")
    squeue.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.delenv("SLURM_JOB_END_TIME", raising=False)
    with a_place(tmp_path) as runner:
        assert runner.hear("here").get("left", 0.0) == left


def test_its_lease_counts_from_when_it_was_asked_for_however_late_the_answer_comes(tmp_path: Path) -> None:
    with a_place(tmp_path) as runner:
        runner.hear("here")
        runner.load(DEAF)
        runner.hear("told")
        stamp = runner.hear("renew lease", grants=False)["stamp"]
        time.sleep(max(0.0, stamp + 0.8 * LEASE - now()))
        runner.say("granted", stamp=stamp)
        assert runner.process.wait(60) == -signal.SIGKILL
        assert now() - stamp < 1.4 * LEASE


def test_the_kernel_ends_it_and_its_workers_when_it_is_stopped_beyond_its_lease(tmp_path: Path) -> None:
    with a_place(tmp_path) as runner:
        runner.hear("here")
        runner.load(DEAF)
        born = runner.hear("told")
        assert '"started"' in born["lines"][0]
        pid = json.loads(born["lines"][0][9:])[6]
        runner.process.send_signal(signal.SIGSTOP)
        assert runner.process.wait(60) == -signal.SIGKILL
        _until_gone(pid)


def test_what_a_worker_has_appended_is_told_before_that_its_run_has_ended(tmp_path: Path) -> None:
    with a_place(tmp_path) as runner:
        runner.hear("here")
        runner.load("def run(instance, save, state):\n    for n in range(100):\n        save(n)\n")
        lines: list[str] = []
        while not any('"returned"' in line for line in lines):
            lines += runner.hear("told")["lines"]
        assert runner.hear("answered")["reply"]["type"] == "ended"
    assert sum('"saved"' in line for line in lines) < 100  # superseded ones are left out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_what_runs_at_a_place_that_is_taken_away_stops_at_its_next_save(number: signal.Signals, tmp_path: Path) -> None:
    with a_place(tmp_path) as runner:
        runner.hear("here")
        runner.load(SAVES_ON)
        runner.hear("told")
        runner.process.send_signal(number)
        assert runner.hear("going")["why"] == number.name
        lines: list[str] = []
        while not any('"stopped"' in line for line in lines):
            lines += runner.hear("told")["lines"]
        assert runner.hear("gone")["code"] == 0
        runner.hear("bye")
        assert runner.process.wait(60) == 0


def test_a_place_whose_line_is_torn_ends_with_its_worker(tmp_path: Path) -> None:
    with a_place(tmp_path) as runner:
        runner.hear("here")
        runner.load(SAVES_ON)
        pid = json.loads(runner.hear("told")["lines"][0][9:])[6]
        assert runner.process.stdin is not None
        runner.process.stdin.close()
        assert runner.process.wait(60) == 0
        _until_gone(pid)


def _until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, "it lives"
        time.sleep(0.01)

"""`--on-finish` and `--on-failure`: commands of the user's that hear of the experiment by their environment."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from typing import IO

from pyalma_tui.cli.speak import say
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.printable import clip, printable
from pyalma_tui.model.records import Restored
from pyalma_tui.model.words import plural
from pyalma_tui.report.facts import exit_code
from pyalma_tui.runner.commands import Remark
from pyalma_tui.runner.snapshot import Change, Conductor, Snapshot
from pyalma_tui.store.layout import log_of

WAITING = 1_000  # failures that wait for their command; those after them are told as a number
SHOWN = 120  # cells of what a command says when it fails
TAIL = 4096  # bytes of it that are looked at
NEXT, LOOK = 2.0, 0.01  # seconds for the next snapshot to be there, between two looks for it
QUIET, PAUSE = 1.0, 0.1  # seconds of waiting that are not told, between two looks whether it was enough
Facts = dict[str, str]


class Announcer:
    """Calls the commands one after the other in a thread of its own, so that nothing waits for them but the end.

    `listen` is for the runner. What a command prints goes nowhere; if it fails, a note has its last line.
    """

    def __init__(self, on_finish: str | None, on_failure: str | None, *, calls_done: bool) -> None:
        self._on_finish = on_finish
        self._on_failure = on_failure
        self._calls_done = calls_done
        self._conductor: Conductor | None = None
        self._wanted: queue.Queue[tuple[str, Facts, Snapshot | None] | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._began = False
        self._left_out = 0
        self._unsaid: list[str] = []
        self._called = ""  # the command that was called last

    def begin(self, conductor: Conductor) -> None:
        """Tell of this experiment; before it starts."""
        self._conductor = conductor

    def listen(self, changes: Sequence[Change]) -> None:
        """The listener of a runner: a failure, or the turn from busy to idle."""
        for record, run in changes:
            if isinstance(record, Restored):  # what it is again was told when it became that
                continue
            if run is not None and isinstance(run.status, s.Running):
                self._began = True
            elif run is not None and isinstance(run.status, s.Failed) and self._on_failure:
                self._tell_failure(self._on_failure, run)
        if not changes and self._conductor is not None:
            snapshot = self._conductor.snapshot()
            if snapshot.phase in ("idle", "closed") and self._began:
                self._began = False
                if self._on_finish:
                    self._put(self._on_finish, {**_facts(snapshot), **self._finish_facts(snapshot)}, None)

    def _tell_failure(self, command: str, run: Run) -> None:
        if self._conductor is None:
            return
        if self._wanted.qsize() >= WAITING:
            self._left_out += 1
            return
        assert isinstance(run.status, s.Failed), "only failures are told here"
        snapshot = self._conductor.snapshot()
        self._put(
            command,
            {
                "INSTANCE": snapshot.instances[run.instance].label,
                "ITERATION": str(run.iteration),
                "ATTEMPT": str(run.attempt),
                "ERROR": run.status.error.message,
                "LOG": os.path.join(snapshot.state_dir, log_of(run.id, run.called)),
            },
            snapshot,
        )

    def _finish_facts(self, snapshot: Snapshot) -> Facts:
        reason = snapshot.failure.message if snapshot.failure else snapshot.idle_reason
        return {"REASON": reason, "EXIT_CODE": str(exit_code(snapshot, calls_done=self._calls_done))}

    def _put(self, command: str, facts: Facts, before: Snapshot | None) -> None:
        """Have a command called; with the counts of the first snapshot that is not the one `before` what is told."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._call_all, name="pyalma-tui-announcer", daemon=True)
            self._thread.start()
        self._wanted.put((command, facts, before))

    def _call_all(self) -> None:
        while (wanted := self._wanted.get()) is not None:
            command, facts, before = wanted
            self._called = clip(printable(command), SHOWN)
            if before is not None:
                facts |= _facts(self._next(before))
            if told := _called(command, facts):
                self._remark(told)
        if self._left_out:
            self._remark(f"--on-failure: {self._left_out:,} failures more came than it could hear of")

    def _next(self, before: Snapshot) -> Snapshot:
        """A snapshot that has what was not in this one yet. A runner makes one at its next tick, or when it closes."""
        assert self._conductor is not None, "it was begun"
        deadline = time.monotonic() + NEXT
        while (snapshot := self._conductor.snapshot()) is before and time.monotonic() < deadline:
            time.sleep(LOOK)
        return snapshot

    def _remark(self, text: str) -> None:
        if self._conductor is None or self._conductor.snapshot().phase == "closed":
            self._unsaid.append(text)
        else:
            self._conductor.send(Remark(text))

    def end(self) -> list[str]:
        """Wait for the commands that are wanted, after the runner has ended; what no note has told of them.

        One that takes its time is told, and left to go on by itself at ctrl+c or SIGTERM. Called in the main thread.
        """
        if self._thread is not None:
            self._wanted.put(None)
            self._thread.join(QUIET)
            if self._thread.is_alive():
                self._wait_for(self._thread)
        return self._unsaid

    def _wait_for(self, thread: threading.Thread) -> None:
        enough = threading.Event()
        as_it_was = [(each, signal.signal(each, lambda *_: enough.set())) for each in (signal.SIGINT, signal.SIGTERM)]
        say(f"waiting for {self._called}; ctrl+c leaves it to itself")
        while thread.is_alive() and not enough.is_set():
            thread.join(PAUSE)
        for number, handler in as_it_was:
            signal.signal(number, handler)
        if thread.is_alive():
            left = max(0, self._wanted.qsize() - 1)
            more = f"; {plural(left, 'command')} behind it {'is' if left == 1 else 'are'} not called" if left else ""
            self._unsaid.append(f"{self._called} goes on by itself{more}")


def _facts(snapshot: Snapshot) -> Facts:
    counts = snapshot.counts
    numbers = {word.upper(): str(counts.of(word)) for word in s.WORDS}
    where = {"TARGET": os.fspath(snapshot.target), "STATE_DIR": os.fspath(snapshot.state_dir)}
    return {**where, "TOTAL": str(counts.total), **numbers}


def _called(command: str, facts: Facts) -> str:
    """Call a command with the facts in its environment; what to say of it, "" if it went well."""
    told = {f"PYALMA_TUI_{name}".encode(): _in_environment(value) for name, value in facts.items()}
    with tempfile.TemporaryFile() as output:
        try:
            done = subprocess.run(
                command,
                shell=True,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=os.environb | told,
                start_new_session=True,
            )
        except OSError as error:
            return f"{command}: it cannot be started: {error.strerror}"
        if done.returncode == 0:
            return ""
        return f"{clip(printable(command), SHOWN)}: exit code {done.returncode}{_last_line(output)}"


def _in_environment(text: str) -> bytes:
    """Anybody's text as an environment can have it: the bytes of a file's name as they are, `?` for what it cannot."""
    text = text.replace("\0", "")
    try:
        return os.fsencode(text)
    except UnicodeEncodeError:
        return text.encode(sys.getfilesystemencoding(), "replace")


def _last_line(output: IO[bytes]) -> str:
    output.seek(max(0, output.seek(0, os.SEEK_END) - TAIL))
    lines = output.read().decode("utf-8", "replace").split("\n")
    said = next((line for line in reversed(lines) if line.strip()), "")
    return f": {clip(printable(said), SHOWN)}" if said else ""

"""Instance files as they are when runs begin to read them: a later start knows by it which were edited since.

Of runs that never begin nobody asks for their files. What is known is in a file, and of a large experiment only what is
new is in memory.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.vector import Frozen
from pyalma_tui.runner.outdated import done_of, sharing
from pyalma_tui.store.inputs import LARGEST, FileNow, Input, digest_of, judge, look_at, read_inputs, write_inputs

MOMENT = 0.02  # seconds of reading at a time
WAITING = 20_000  # files that wait to be read: more are left to a later start
REST = 10.0  # seconds between two writings of what is known, at least, …
SHARE = 20  # … and so many times what the one before has cost


class Inspecting:
    """Owned by one thread; sees what is frozen only. Raises OSError where what is known cannot be written."""

    def __init__(
        self,
        state_dir: Path,
        umask: int,
        instances: Sequence[Instance],
        runs: Frozen[Run],
        runs_of: Sequence[Sequence[int]],
    ) -> None:
        """`runs` are as they were before any of this session has begun."""
        self._state_dir = state_dir
        self._umask = umask
        self._instances = instances
        self._share = sharing(instances)
        self._blocks = list(runs.blocks)
        self._runs_of = runs_of
        self._found: dict[str, tuple[int, FileNow]] = {}  # by file: an instance, and what it was when its run began
        self._unread: deque[tuple[str, Input]] = deque(maxlen=WAITING)
        self._read: dict[str, Input] = {}
        self._next = 0.0  # time.monotonic

    def want(self, inputs: dict[str, Input]) -> None:
        """Of these it is not known yet what they hold, as far as nobody has looked: so a copy is known from an edit."""
        self._unread += [(file, known) for file, known in inputs.items() if not known.digest and known.size <= LARGEST]

    def look(self, runs: Frozen[Run], goes_on: Callable[[], bool]) -> None:
        """Look at the files of the runs that have begun since the last look, as long as it goes on."""
        for number, block in enumerate(runs.blocks):
            before = self._blocks[number]
            if block is before:
                continue
            for run, was in zip(block, before, strict=True):
                if run.began is None or run.began == was.began:
                    continue
                if not goes_on():
                    return
                self._look_at(run, run.began)
            self._blocks[number] = block

    def _look_at(self, run: Run, began: float) -> None:
        file = self._instances[run.instance].file
        found = look_at(file) if file else None
        if found is not None and found.touched <= began:  # else nobody knows what it was then
            self._found[file] = (run.instance, found)
            self.want({file: Input(found.size, found.changed)})

    def read(self) -> None:
        """Read what some files hold, for a moment."""
        began = time.monotonic()
        while self._unread and time.monotonic() < began + MOMENT:
            file, known = self._unread.popleft()
            digest, found = digest_of(file, known.size), look_at(file)
            if digest and found is not None and (found.size, found.changed) == (known.size, known.changed):
                self._read[file] = msgspec.structs.replace(known, digest=digest)

    def keep(self, runs: Frozen[Run], *, at_once: bool = False) -> None:
        """Write down what is new, once in a while."""
        began = time.monotonic()
        if not (self._found or self._read) or (began < self._next and not at_once):
            return
        known = read_inputs(self._state_dir)
        now = dict(known)
        for file, (instance, found) in self._found.items():
            ids = self._share.get(file, (instance,))
            _, told = judge(file, found, now.get(file), (began for _, began in done_of(ids, runs, self._runs_of)))
            if told is not None:
                now[file] = told
        for file, read in self._read.items():
            if (is_now := now.get(file)) and (is_now.size, is_now.changed) == (read.size, read.changed):
                now[file] = read
        self._found, self._read = {}, {}
        if now != known:
            write_inputs(self._state_dir, now, self._umask)
        cost = time.monotonic() - began
        self._next = began + max(REST, SHARE * cost)

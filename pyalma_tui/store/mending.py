"""What others did to our files while we use them: what they removed or damaged is reported, and written anew."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from pyalma_tui.errors import InUseError, StoreError
from pyalma_tui.store import layout
from pyalma_tui.store.checkpointing import Checkpointing
from pyalma_tui.store.creation import prepare
from pyalma_tui.store.journal import Journal
from pyalma_tui.store.kept_code import KeptCode
from pyalma_tui.store.leases import Leases
from pyalma_tui.store.lock import Lock

ANEW = "what it held is written anew from memory"


class Mended(msgspec.Struct, frozen=True):
    """What others did to our files: what to tell of it, and the writers that must go on in new segments."""

    notes: tuple[str, ...] = ()
    writers: frozenset[str] = frozenset()


class Mending:
    """Owned by the runner's thread.

    `evicted` tells whether another process has taken our place: then nothing is written any more. `code` are the copies
    of the code that workers have, None where there are none.
    """

    def __init__(
        self,
        state_dir: Path,
        lock: Lock,
        journal: Journal,
        checkpointing: Checkpointing,
        code: KeptCode | None,
        umask: int,
    ) -> None:
        self.evicted = False
        self._state_dir = state_dir
        self._lock = lock
        self._journal = journal
        self._checkpointing = checkpointing
        self.code = code
        self._umask = umask
        self._left: set[str] = set()  # segments that their writers were asked to leave, because they cannot be trusted
        self._leaving = False  # whether something is still appended to one of these

    def look(self, leases: Leases | None = None) -> Mended:
        """Write anew what somebody has removed of our files, and keep a copy of what somebody has damaged.

        What memory knows is in a checkpoint then; who writes what cannot be trusted has to go on in a new segment.
        Raises InUseError if another process has taken the place meanwhile. `leases` are those of workers elsewhere.
        """
        notes = list(self._damaged())
        begun = self._checkpointing.meta.serial > 0  # before the first checkpoint is on the disk nobody can remove it
        gone = not self._journal.own_in_place or (begun and not os.path.exists(layout.database(self._state_dir)))
        unlocked = not self._lock.in_place
        unleased = leases if leases is not None and not leases.in_place else None
        removed = {writer: name for writer, name in self._journal.removed.items() if name not in self._left}
        refused = {writer: name for writer, name in self._journal.refused.items() if name not in self._left}
        try:
            self._unless_another(self._lock.refuse_another)
            if gone:
                prepare(self._state_dir, self._umask)
            if unlocked:
                self._take_lock()
            if unleased:
                unleased.write_anew()  # before anything that may be continued after us
            if gone:
                self._write_anew()
        except (OSError, StoreError) as error:
            self._checkpointing.refused(f"it was removed, and cannot be made anew: {error}")
            return Mended(tuple(notes))
        if gone:
            notes.append(f"{self._state_dir} was removed while it was in use; it is written anew from memory")
        else:
            notes += [f"{name} was removed while it was in use; {ANEW}" for name in removed.values()]
            if unlocked:
                notes.append(f"{layout.lock(self._state_dir)} was removed while it was in use; it is taken anew")
            if unleased:
                notes.append(f"{layout.leases(self._state_dir)} was removed while it was in use; it is written anew")
        notes += [f"the disk has refused {name}; {ANEW}" for name in refused.values()]
        writers = self._look_at_rows(notes)
        if removed or refused:
            self._left.update(removed.values(), refused.values())
            self._leaving = self._journal.changed = True
        return Mended(tuple(notes), writers.union(removed, refused))

    def _look_at_rows(self, notes: list[str]) -> frozenset[str]:
        """The workers that must go on in a new file of rows; tells what has become of which file."""
        rows, writer_now = self._journal.rows, self._journal.rows.writer_now
        writers = set()
        for name in sorted(rows.removed()):
            if writer := writer_now(name):
                writers.add(writer)
            saved = "its worker writes it anew" if writer else "the rows that it held are lost"
            notes.append(f"{rows.folder.name}/{name} was removed while it was in use; {saved}")
        for name in sorted(rows.refused - self._left):
            notes.append(f"the disk has refused {rows.folder.name}/{name}: a power loss may take rows of it")
            self._left.add(name)
            if writer := writer_now(name):
                writers.add(writer)
        return frozenset(writers)

    def _damaged(self) -> Iterator[str]:
        for name, lines in self._journal.take_damaged().items():
            kept = kept_aside(layout.journal(self._state_dir), name, "damaged")
            yield f"{lines} damaged line(s) of {name} were skipped; {kept}"

    def _take_lock(self) -> None:
        self._unless_another(lambda: self._lock.take_anew(time.time()))

    def _unless_another(self, step: Callable[[], None]) -> None:
        """Take a step; where another process has taken our place nothing is written any more."""
        try:
            step()
        except InUseError:
            self.evicted = True
            self._journal.close()  # also nothing is carried over from what workers have left
            raise

    def _write_anew(self) -> None:
        self._journal.retire()
        if self.code is not None:
            self.code.write(self._umask)
        self._checkpointing.write_now()

    def is_unsafe(self) -> bool:
        """Whether something was appended to a segment that cannot be trusted, so that a checkpoint must contain it."""
        unsafe = self._leaving and self._journal.changed
        if not unsafe:  # writers move on one after the other
            self._leaving = self._leaving and bool(self._journal.removed or self._journal.refused)
        return unsafe


def kept_aside(journal: Path, segment: str, why: str) -> str:
    """Give a segment a second name, which no checkpoint removes; what became of it."""
    path = journal / segment
    kept = path.with_name(layout.aside_name(segment, why, time.strftime("%Y%m%d-%H%M%S")))
    try:
        os.link(path, kept)
    except OSError as error:  # a file system without links, or one of this second is there already
        return f"the file could not be kept ({error.strerror})"
    return f"the file is kept as {kept.name}"

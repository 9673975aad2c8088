"""Calling `run` for one attempt: what it is handed, what its save() does, how its end is recorded."""

from __future__ import annotations

import errno
import gc
import os
import sys
import threading
import time
from collections.abc import Callable
from math import isfinite
from time import monotonic_ns
from typing import Any

from msgspec.structs import replace

from pyalma_tui.errors import Interrupted, SaveFailed
from pyalma_tui.loading.run_module import RunModule
from pyalma_tui.model import jsontext, words
from pyalma_tui.model.ending import may_have_room_again
from pyalma_tui.model.exact import InexactError, text_of
from pyalma_tui.model.extents import Extents
from pyalma_tui.model.instance import Instance, argument
from pyalma_tui.model.messages import Refused, RunOrder
from pyalma_tui.model.records import Progressed, Raised, Record, Returned, Stopped
from pyalma_tui.store.segment import EstrangedError, SegmentWriter, line_of, saved_line, saved_prefix
from pyalma_tui.worker.between import Before
from pyalma_tui.worker.cutting import cutting
from pyalma_tui.worker.failure import release
from pyalma_tui.worker.outcome import Facts, not_recorded, outcome
from pyalma_tui.worker.recording import RowRecorder, row_text
from pyalma_tui.worker.stopping import Stopping

LARGE = 1 << 20  # bytes of a state that are worth a warning
LARGEST = 64_000_000  # bytes of a state that is refused
PROGRESS_EVERY = 0.1  # seconds between two progress records: they are only shown


class Pen:
    """The worker's hand in the journal: several threads of user code may save at once.

    A lock that its holder may take again, since save() can be re-entered from a signal handler or a `__del__`.
    """

    def __init__(self, segment: SegmentWriter, rows: RowRecorder) -> None:
        self.segment = segment
        self.rows = rows
        self.lock = threading.RLock()
        self.forked = False
        self.recovered = False  # whether user code has closed or replaced the descriptor of a segment
        os.register_at_fork(after_in_child=self._in_child)

    def _in_child(self) -> None:
        self.forked = True
        self.segment.close()
        self.rows.close()

    def write(self, record: Record) -> None:
        """Append any record; raises OSError."""
        with self.lock:
            self.segment.append(line_of(record))

    def trim(self) -> None:
        """Leave no bytes allocated that are probably never written."""
        with self.lock:
            self.segment.trim()

    def recover(self) -> bool:
        """Go on in a new segment if user code has closed or replaced the descriptor of this one; whether it has."""
        with self.lock:
            try:
                self.segment.check()
            except EstrangedError:
                self.recovered = True
                self.renew()
                return True
            except OSError:  # it could not go on before
                return False
            return False

    def renew(self) -> None:
        """Go on in new files; where there can be no new segment, save() fails from now on."""
        with self.lock:
            self.rows.renew()
            try:
                self.segment.rotate()
            except OSError:
                self.segment.close()


class Attempt:
    """One call of `run`: the functions that it is handed."""

    def __init__(self, order: RunOrder, pen: Pen, stopping: Stopping, before: Before) -> None:
        self.order = order
        self.began = time.monotonic()
        self.broken = ""  # why a state could not be stored
        self.errno: int | None = None  # of that
        self.estranged = False  # whether user code, and not the disk, is why it could not be
        self._pen = pen
        self._before = before
        self._stopping = stopping
        self._key = (order.run, order.attempt)
        self._over = False
        self._warned = False
        self._progressed = float("-inf")
        self._unshown: tuple[float, float] | None = None

    @property
    def asked(self) -> bool:
        """Whether this attempt should stop."""
        return self._stopping.asked == self._key

    def facts(self, raised: BaseException | None) -> Facts:
        """What is known of it now that it is over."""
        stopping, key = self._stopping, self._key
        timed_out = stopping.timed_out if self.asked else None
        return Facts(
            run=self.order.run,
            attempt=self.order.attempt,
            seconds=self.seconds(),
            raised=raised,
            asked=self.asked,
            interrupted=stopping.cut == key,
            signalled=key in (stopping.signalled, stopping.taken),
            timeout=stopping.timeout if timed_out is None else timed_out,
            timed_out=timed_out is not None,
            unsaved=self.broken,
            errno=self.errno,
        )

    def seconds(self) -> float:
        """How long it has been running."""
        return round(time.monotonic() - self.began, 6)

    def save(self) -> Callable[[object], None]:
        """The `save` that `run` is handed: a closure over what a save needs, a quarter faster than a method.

        The attempt does not keep it: in a circle both would wait for the garbage collector, run by run.
        """
        pen, stopping, key = self._pen, self._stopping, self._key
        lock, append, encode = pen.lock, pen.segment.append, jsontext.encode_unicode
        rows, waiting = pen.rows, pen.rows.waiting
        prefix, began = saved_prefix(*key), int(self.began * 1e9)
        last = 0  # the number of the last save

        def save(data: object) -> None:
            """Store the run's state, durably before this returns.

            Raises TypeError or ValueError for what JSON does not give back equal, RuntimeError outside of the running
            attempt, SaveFailed if it cannot be stored, Interrupted after it was stored if the run should stop.
            """
            nonlocal last
            if pen.forked:  # before the lock, which a thread that is not there any more may hold
                self._check_open()
            try:
                text = encode(data) if type(data) is str else _state_text(data)
            except UnicodeEncodeError:  # a lone surrogate
                text = _state_text(data)
            if len(text) > LARGE:
                self._check_size(len(text))
            try:
                with lock:
                    if self._over or self.broken:
                        self._check_open()
                        raise SaveFailed(self.broken)
                    last = number = last + 1  # first: a save from a signal handler in between is the newer one
                    if waiting:
                        rows.flush()
                    append(saved_line(prefix, number, (monotonic_ns() - began) // 1_000_000, text, rows.told))
            except OSError as error:
                if error.errno is None:  # no error of the disk but, say, a TimeoutError that a signal handler raised
                    raise
                self._break_off(error)
                raise SaveFailed(self.broken) from error
            if stopping.asked is not None and stopping.asked == key:
                stopping.cut = key
                raise Interrupted

        return save

    def record(self) -> Callable[..., None]:
        """The `record` that `run` is handed; the rows of the attempt begin with it."""
        pen = self._pen
        lock, add = pen.lock, pen.rows.add
        pen.rows.begin(*self._key, self.order.rows)

        def record(*row: object, **fields: object) -> None:
            """Add one row to the results: `record({"n": 8})` or `record(n=8)`. It counts with the next save().

            Raises TypeError or ValueError for what is no row of JSON values, RuntimeError outside of the running
            attempt, SaveFailed if it cannot be stored.
            """
            if pen.forked:
                self._check_open("record()")
            text = row_text(row, fields)
            try:
                with lock:
                    if self._over or self.broken:
                        self._check_open("record()")
                        raise SaveFailed(self.broken)
                    add(text)
            except OSError as error:
                if error.errno is None:  # as in save()
                    raise
                self._break_off(error, "the rows")
                raise SaveFailed(self.broken) from error

        return record

    def progress(self, done: float, total: float) -> None:
        """Show how far the run is; for display only, at most ten times a second and where it ends are recorded."""
        self._check_open()
        done, total, now = float(done), float(total), time.monotonic()
        if now - self._progressed < PROGRESS_EVERY and done != total:
            self._unshown = done, total
            return
        self._progressed, self._unshown = now, None
        self._show(done, total)

    def _show(self, done: float, total: float) -> None:
        record = Progressed(self.order.run, self.order.attempt, done, total)
        if not (isfinite(record.done) and isfinite(record.total)):  # JSON has no form for it
            return
        try:
            self._pen.write(record)
        except OSError:
            return  # only shown: the next save tells that the disk is full

    def close(self, *, returned: bool) -> Extents:
        """From now on save() refuses: `run` is over. What it did to the journal shows here at the latest.

        All rows that it has recorded, for the case that it is done: those after its last save are stored if it has
        `returned`.
        """
        with self._pen.lock:
            self._over = True
            if self._pen.recover() and not self.broken:
                self._break_off(EstrangedError())
            if self._unshown is not None and not returned and not self.broken:
                self._show(*self._unshown)
            if returned and not self.broken:
                try:
                    self._pen.rows.flush()
                except OSError as error:
                    self._break_off(error, "the rows")
            self._pen.rows.settle()
            return self._pen.rows.end()

    def _break_off(self, error: OSError, what: str = "the state") -> None:
        own = error.errno == errno.EFBIG and self._before.limits_files
        if own:
            error = OSError(None, "run() has limited the size of files (RLIMIT_FSIZE)")
        self.errno = error.errno
        self.broken = f"{what} could not be stored: {error.strerror}. The state saved before is kept"
        self.estranged = own or isinstance(error, EstrangedError)

    def _check_open(self, what: str = "save()") -> None:
        if self._over:
            raise RuntimeError(f"{what} was called after run() had returned: this was not stored")
        if self._pen.forked:
            raise RuntimeError(
                f"{what} was called in a forked child: only the process that run() was called in may {what[:-2]}"
            )

    def _check_size(self, size: int) -> None:
        if size > LARGEST:
            raise ValueError(
                f"the state has {words.size(size)}, at most {words.size(LARGEST)}; the state saved before is kept. "
                f"Write large data to a file and save its name"
            )
        if not self._warned:
            self._warned = True
            sys.stderr.write(f"pyalma-tui: the state has {words.size(size)}; each save() writes all of it\n")


def _state_text(data: object) -> bytes:
    """The JSON text of a state that is no plain string; raises TypeError or ValueError if it comes back different."""
    if data is None:
        raise TypeError("save(None): a state is a str or another JSON value; the state saved before is kept")
    try:
        return text_of(data, "state")
    except InexactError as error:
        refused = error.sort(f"save(): {error}; the state saved before is kept. {error.advice}")
    raise refused


def call_run(
    module: RunModule, order: RunOrder, slot: int, pen: Pen, stopping: Stopping, before: Before
) -> Refused | None:
    """Call `run` and record how it ended; what the disk refused of that, or of its states."""
    attempt = Attempt(order, pen, stopping, before)
    data = bytes(order.data) if order.is_object else None
    instance = Instance(order.instance, "", order.file, data, bare=order.bare)
    extras: dict[str, Any] = {
        "worker_id": slot,
        "iteration": order.iteration,
        "seed": order.seed,
        "progress": attempt.progress,
        "record": attempt.record(),
    }
    arguments = (argument(instance, order.seed), attempt.save(), jsontext.decode(bytes(order.state)))
    keywords = {name: extras[name] for name in module.extras}
    process = os.getpid()
    stopping.begin((order.run, order.attempt), order.timeout)
    raised: BaseException | None = None
    try:
        try:
            if attempt.asked:
                raise Interrupted
            called = module.run if order.cut is None else cutting(module.run, order.cut, stopping)
            called(*arguments, **keywords)
        finally:
            stopping.active = None
            before.put_back()
    except BaseException as error:  # noqa: BLE001 - whatever user code does, its end is recorded
        raised = error
    if os.getpid() != process:  # a forked child came back out of run(): only one return counts
        os._exit(0 if raised is None else 1)
    stopping.catch_up()
    extents = attempt.close(returned=raised is None)
    end = outcome(attempt.facts(raised), time.time())
    if extents and isinstance(end, Returned):
        end = replace(end, extents=extents)
    if raised is not None:
        release(raised)
        raised = None
        gc.collect()
    own = before.limits_files
    if own:
        before.allow_files()
    return _record(attempt, end, pen, own=own)


def _record(attempt: Attempt, end: Returned | Raised | Stopped, pen: Pen, *, own: bool) -> Refused | None:
    try:
        pen.write(end)
    except OSError as error:
        instead = not_recorded(end, error, time.time())
        why = instead.error.message if isinstance(instead, Raised) else instead.why
        return Refused(why, may_have_room_again(error.errno), instead, own=own)
    if attempt.broken and not attempt.estranged:
        return Refused(attempt.broken, may_have_room_again(attempt.errno))
    return None

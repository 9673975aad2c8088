"""Calling `run` for one attempt: what it is handed, what its save() does, how its end is recorded."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Callable
from math import isfinite
from time import monotonic_ns
from typing import Any

import msgspec

from pyalma_tui.errors import Interrupted, SaveFailed
from pyalma_tui.loading.run_module import RunModule
from pyalma_tui.model import jsontext
from pyalma_tui.model.instance import Instance, argument
from pyalma_tui.model.messages import RunOrder
from pyalma_tui.model.records import Progressed, Raised, Record, Returned, Stopped
from pyalma_tui.model.status import Error
from pyalma_tui.store.segment import EstrangedError, SegmentWriter, line_of, saved_line, saved_prefix
from pyalma_tui.worker.between import Before
from pyalma_tui.worker.failure import causes, error_of, release
from pyalma_tui.worker.stopping import Stopping

LARGE = 1 << 20  # bytes of a state that are worth a warning
LARGEST = 64 << 20  # bytes of a state that is refused
PROGRESS_EVERY = 0.1  # seconds between two progress records: they are only shown


class Pen:
    """The worker's hand in the journal: several threads of user code may save at once.

    A lock that its holder may take again, since save() can be re-entered from a signal handler or a `__del__`.
    """

    def __init__(self, segment: SegmentWriter) -> None:
        self.segment = segment
        self.lock = threading.RLock()
        self.forked = False
        self.recovered = False  # whether user code has closed or replaced the descriptor of a segment
        os.register_at_fork(after_in_child=self._in_child)

    def _in_child(self) -> None:
        self.forked = True
        self.segment.close()

    def write(self, record: Record) -> None:
        """Append any record; raises OSError."""
        with self.lock:
            self.segment.append(line_of(record))

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
        """Go on in a new segment; where there can be none, save() fails from now on."""
        with self.lock:
            try:
                self.segment.rotate()
            except OSError:
                self.segment.close()


class Attempt:
    """One call of `run`: the functions that it is handed."""

    def __init__(self, order: RunOrder, pen: Pen, stopping: Stopping) -> None:
        self.order = order
        self.began = time.monotonic()
        self.broken = ""
        self.estranged = False  # whether user code, and not the disk, is why a state could not be stored
        self.cut_thread = False  # whether Interrupted was raised in another thread than that of run()
        self._pen = pen
        self._stopping = stopping
        self._key = (order.run, order.attempt)
        self._over = False
        self._warned = False
        self._progressed = float("-inf")
        self.save = self._make_save()

    @property
    def asked(self) -> bool:
        """Whether this attempt should stop."""
        return self._stopping.asked == self._key

    @property
    def timed_out(self) -> str:
        """Why this attempt counts as failed though it was asked to stop, "" if it does not."""
        return self._stopping.error

    def seconds(self) -> float:
        """How long it has been running."""
        return round(time.monotonic() - self.began, 6)

    def _make_save(self) -> Callable[[object], None]:
        """The `save` that `run` is handed: a closure over what a save needs, a quarter faster than a method."""
        pen, stopping, key = self._pen, self._stopping, self._key
        lock, append, encode = pen.lock, pen.segment.append, jsontext.encode_unicode
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
                    append(saved_line(prefix, number, (monotonic_ns() - began) // 1_000_000, text))
            except OSError as error:
                if error.errno is None:  # no error of the disk but, say, a TimeoutError that a signal handler raised
                    raise
                self._break_off(error)
                raise SaveFailed(self.broken) from error
            if stopping.asked is not None and stopping.asked == key:
                self.cut_thread |= threading.current_thread() is not threading.main_thread()
                raise Interrupted

        return save

    def progress(self, done: float, total: float) -> None:
        """Show how far the run is; for display only, at most ten times a second are recorded."""
        self._check_open()
        now = time.monotonic()
        if now - self._progressed < PROGRESS_EVERY and done != total:
            return
        self._progressed = now
        record = Progressed(self.order.run, self.order.attempt, float(done), float(total))
        if not (isfinite(record.done) and isfinite(record.total)):  # JSON has no form for it
            return
        try:
            self._pen.write(record)
        except OSError:
            return  # only shown: the next save tells that the disk is full

    def close(self) -> None:
        """From now on save() refuses: `run` is over. What it did to the journal shows here at the latest."""
        with self._pen.lock:
            self._over = True
            if self._pen.recover() and not self.broken:
                self._break_off(EstrangedError())

    def _break_off(self, error: OSError) -> None:
        self.broken = f"the state could not be stored: {error.strerror}. The state saved before is kept"
        self.estranged = isinstance(error, EstrangedError)

    def _check_open(self) -> None:
        if self._over:
            raise RuntimeError("save() was called after run() had returned: this was not stored")
        if self._pen.forked:
            raise RuntimeError(
                "save() was called in a forked child: only the process that run() was called in may save"
            )

    def _check_size(self, size: int) -> None:
        if size > LARGEST:
            raise ValueError(
                f"the state has {size >> 20} MB, at most {LARGEST >> 20} MB; the state saved before is kept. "
                f"Write large data to a file and save its name"
            )
        if not self._warned:
            self._warned = True
            sys.stderr.write(f"pyalma-tui: the state has {size / 1e6:.1f} MB; each save() writes all of it\n")


def _check_surrogates(data: object, text: bytes) -> None:
    """Refuse two surrogates that JSON would give back as the one character they stand for; raises ValueError."""
    if jsontext.decode(text) != data:
        raise ValueError(
            "save(): this text holds a pair of surrogates, which would come back as one character; "
            "the state saved before is kept"
        )


def _state_text(data: object) -> bytes:
    """The JSON text of a state that is no plain string; raises TypeError or ValueError if it comes back different."""
    if isinstance(data, str):
        text = jsontext.encode(str.__str__(data))
        _check_surrogates(data, text)
        return text
    if data is None:
        raise TypeError("save(None): a state is a str or another JSON value; the state saved before is kept")
    kind = type(data).__name__
    try:
        text = jsontext.encode(data)
        if jsontext.is_deep(text):
            raise TypeError(f"it is nested deeper than {jsontext.DEEPEST}")
        back = jsontext.decode(text)
    except (TypeError, ValueError, RecursionError, OverflowError, msgspec.MsgspecError) as error:
        raise TypeError(
            f"save() takes a str or another JSON value, not this {kind} ({error}); the state saved before is kept"
        ) from None
    if back != data:
        sort = ValueError if isinstance(data, float) else TypeError
        raise sort(
            f"save() takes a str or another JSON value that comes back equal, not this {kind} "
            f"(JSON gives {text[:60].decode('utf-8', 'replace')}); the state saved before is kept"
        )
    return text


def call_run(module: RunModule, order: RunOrder, slot: int, pen: Pen, stopping: Stopping, before: Before) -> str:
    """Call `run` and record how it ended; "" or the reason why its end or a state could not be recorded."""
    attempt = Attempt(order, pen, stopping)
    instance = Instance(order.instance, "", order.file, bytes(order.data) if order.is_object else None)
    extras: dict[str, Any] = {
        "worker_id": slot,
        "iteration": order.iteration,
        "seed": order.seed,
        "progress": attempt.progress,
    }
    arguments = (argument(instance, order.seed), attempt.save, jsontext.decode(bytes(order.state)))
    keywords = {name: extras[name] for name in module.extras}
    process = os.getpid()
    stopping.active = (order.run, order.attempt)
    raised: BaseException | None = None
    try:
        try:
            if attempt.asked:
                raise Interrupted
            module.run(*arguments, **keywords)
        finally:
            stopping.active = None
            before.put_back()
    except BaseException as error:  # noqa: BLE001 - whatever user code does, its end is recorded
        raised = error
    if os.getpid() != process:  # a forked child came back out of run(): only one return counts
        os._exit(0 if raised is None else 1)
    attempt.close()
    record = _end(attempt, raised)
    if raised is not None:
        release(raised)
        raised = None
        gc.collect()
    return _write(pen, record) or ("" if attempt.estranged else attempt.broken)


def _end(attempt: Attempt, raised: BaseException | None) -> Returned | Raised | Stopped:
    run, number, seconds = attempt.order.run, attempt.order.attempt, attempt.seconds()
    if raised is None and attempt.broken:
        return Raised(run, number, seconds, Error(f"SaveFailed: {attempt.broken}"))
    if attempt.cut_thread or (attempt.asked and raised is not None and _from_interrupt(raised)):
        why = attempt.timed_out
        if why:
            return Raised(run, number, seconds, Error(why))
        return Stopped(run, number, seconds, time.time(), "interrupted")
    if raised is None:
        return Returned(run, number, seconds)
    return Raised(run, number, seconds, error_of(raised))


def _write(pen: Pen, record: Returned | Raised | Stopped) -> str:
    try:
        pen.write(record)
    except OSError as error:
        how = record.error.message if isinstance(record, Raised) else type(record).__name__.lower()
        return f"{how} (after {record.seconds:.1f} s, not recorded: {error.strerror})"
    return ""


def _from_interrupt(raised: BaseException) -> bool:
    """Whether an Interrupted is what began it, also if user code raised something else while it cleaned up."""
    return any(issubclass(type(error), Interrupted) for error in causes(raised))

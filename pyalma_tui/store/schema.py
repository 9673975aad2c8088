"""The documents of `db.json`, and how they map to the model.

They are flat, so that a query such as `where("status") == "failed"` needs no knowledge of our types.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from pyalma_tui.model import status as s
from pyalma_tui.model.bounds import MOST_SESSIONS, Moment, Seconds
from pyalma_tui.model.chosen import Chosen
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import Extents
from pyalma_tui.model.instance import Instance

SCHEMA = 1
TABLES = ("meta", "instances", "runs")
SEAL = "seal"  # the table that tells that nobody has changed the others: see `sealing`
REMOVED = "removed"  # the status of a run whose instance is no part of the experiment any more

Documents = dict[int, msgspec.Raw]


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """The one document of table `meta`.

    `identity` is drawn when the experiment is planned: its journal names it. `serial` counts checkpoints, `session`
    starts of the experiment. `target`, `module` and `state_dir` are where they were when this was written,
    `module_hash` tells the module's text, `code` is the identity of all that was imported with it. `folded` tells for
    each journal segment how many of its bytes are contained here. Times are seconds of the epoch.
    """

    schema: int = SCHEMA
    identity: str = ""
    serial: int = 0
    session: Annotated[int, msgspec.Meta(le=MOST_SESSIONS)] = 0
    target: str = ""
    module: str = ""
    module_hash: str = ""
    code: str = ""
    state_dir: str = ""
    iterations: int = 1
    seed: int = 0
    written_at: Moment = 0.0
    done_hook: s.DoneHook = s.DoneHook()
    folded: dict[str, int] = {}
    chosen: Chosen = Chosen()


class InstanceDocument(msgspec.Struct, frozen=True, gc=False):
    """A document of table `instances`; its number is the instance's id + 1. The last three are rare."""

    name: str
    file: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    is_object: bool = False
    occurrence: int = 1
    in_batch: bool = True
    title: str | msgspec.UnsetType = msgspec.UNSET
    bare: bool | msgspec.UnsetType = msgspec.UNSET
    removed: bool | msgspec.UnsetType = msgspec.UNSET


class RunDocument(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A document of table `runs`; its number is the run's id. `state` is null and `saves` 0 if nothing was saved.

    `extents` tell where in the files of rows those are that count: file, attempt, first and last byte, number of rows.
    """

    instance: str
    instance_id: int
    iteration: int
    status: str
    state: msgspec.Raw
    seed: int
    saves: int = 0
    saved_at: Moment | None = None
    attempts: int = 0
    seconds: Seconds = 0.0
    error: str = ""
    traceback: str = ""
    why: str = ""
    at: Moment | None = None
    duration: Seconds | None = None
    started: Moment | None = None
    slot: int | None = None
    host: str = ""
    pid: int | None = None
    last_save: int = msgspec.field(default=0, name="number")
    earlier: tuple[str, ...] = ()
    progress: tuple[float, float] | None = None
    module: str = ""
    extents: Extents = ()
    ran: int = 0


def instance_document(instance: Instance) -> InstanceDocument:
    """The document of an instance."""
    return InstanceDocument(
        name=instance.name,
        file=instance.file,
        data=msgspec.Raw(instance.data if instance.data is not None else b"null"),
        is_object=instance.data is not None,
        occurrence=instance.occurrence,
        in_batch=instance.in_batch,
        title=instance.title or msgspec.UNSET,
        bare=instance.bare or msgspec.UNSET,
        removed=instance.removed or msgspec.UNSET,
    )


def instance_of(number: int, document: InstanceDocument) -> Instance:
    """The instance of a document."""
    d = document
    data = bytes(d.data) if d.is_object else None
    removed = bool(d.removed)
    in_batch = d.in_batch and not removed
    return Instance(number - 1, d.name, d.file, data, d.occurrence, in_batch, d.title or "", bool(d.bare), removed)


def run_document(run: Run, instance: Instance) -> RunDocument:
    """The document of a run."""
    error, why = s.Error(""), ""
    at = duration = pid = None
    match run.status:
        case s.Done():
            at, duration = run.status.at, run.status.duration
        case s.Failed():
            error, at = run.status.error, run.status.at
        case s.Interrupted():
            why, at = run.status.why, run.status.at
        case s.Running():
            pid = run.status.pid
    return RunDocument(
        instance=instance.label,
        instance_id=run.instance,
        iteration=run.iteration,
        status=REMOVED if instance.removed else s.word(run.status),
        state=msgspec.Raw(run.state if run.state is not None else b"null"),
        seed=run.seed,
        saves=run.saves,
        saved_at=run.saved_at,
        attempts=run.attempt,
        seconds=run.seconds,
        error=error.message,
        traceback=error.traceback,
        why=why,
        at=at,
        duration=duration,
        started=run.began,
        slot=run.slot,
        host=run.host,
        pid=pid,
        last_save=run.last_save,
        earlier=tuple([state.decode("utf-8", "replace") for state in run.earlier]),
        progress=run.progress,
        module=run.module,
        extents=run.extents,
        ran=run.ran,
    )


def run_of(number: int, document: RunDocument) -> Run:
    """The run of a document; raises KeyError for an unknown status word."""
    d = document
    if d.status == REMOVED:
        return Run(number, d.instance_id, d.iteration, d.seed, attempt=d.attempts)
    if d.status == "pending" and not d.attempts and not d.saves:  # most of a large experiment, for long
        return Run(number, d.instance_id, d.iteration, d.seed)
    at = d.at or 0.0
    status: s.Status
    if d.status == "pending":
        status = s.PENDING
    elif d.status == "done":
        status = s.Done(at, d.duration or 0.0)
    elif d.status == "running":
        status = s.Running(d.attempts, d.slot or 0, d.started or 0.0, d.pid or 0)
    elif d.status == "interrupted":
        status = s.Interrupted(d.why, at)
    elif d.status == "failed":
        status = s.Failed(s.Error(d.error, d.traceback), at)
    else:
        raise KeyError(d.status)
    return Run(
        number,
        d.instance_id,
        d.iteration,
        d.seed,
        status,
        bytes(d.state) if d.saves else None,
        tuple([state.encode() for state in d.earlier]) if d.earlier else (),
        d.saves,
        d.saved_at,
        d.attempts,
        d.last_save,
        d.seconds,
        d.progress,
        d.module,
        d.started,
        d.slot,
        d.host,
        d.extents,
        d.ran,
    )

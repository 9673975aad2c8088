"""Facts of an experiment as plain records: the same for `status`, the summary and whatever reads them by program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run, worked
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.view import Tally
from pyalma_tui.runner.snapshot import Snapshot

SCHEMA = 1
NULL = msgspec.Raw(b"null")


class HookFacts(msgspec.Struct, frozen=True):
    """Where done() stands and how often it was called."""

    status: str
    calls: int


class RunFacts(msgspec.Struct, frozen=True):
    """One run as `status --json` tells it.

    `seconds` are those of all attempts, the running one included, `module` is the hash of the code that ran, `log` is
    relative to the state directory.
    """

    id: int
    instance: str
    data: msgspec.Raw
    iteration: int
    status: s.Word
    state: msgspec.Raw
    saves: int
    attempts: int
    seed: int
    seconds: float
    error: str | None
    module: str | None
    log: str | None


class StatusFacts(msgspec.Struct, frozen=True):
    """What `status --json` prints; a change that breaks readers raises `schema`."""

    schema: int
    target: str
    state_dir: str
    busy_pid: int | None
    counts: Tally
    done_hook: HookFacts
    runs: list[RunFacts]


def run_facts(run: Run, instance: Instance, now: float | None = None) -> RunFacts:
    """The facts of one run; a running one counts until `now`, None where nobody runs it any more."""
    return RunFacts(
        id=run.id,
        instance=instance.label,
        data=NULL if instance.data is None else msgspec.Raw(instance.data),
        iteration=run.iteration,
        status=s.word(run.status),
        state=NULL if run.state is None else msgspec.Raw(run.state),
        saves=run.saves,
        attempts=run.attempt,
        seed=run.seed,
        seconds=round(worked(run, now), 3),
        error=run.status.error.message if isinstance(run.status, s.Failed) else None,
        module=run.module or None,
        log=f"logs/{run.id}/{run.attempt}.log" if run.attempt else None,
    )


def status_facts(
    target: Path,
    state_dir: Path,
    busy_pid: int | None,
    instances: Sequence[Instance],
    runs: Iterable[Run],
    counts: Tally,
    hook: s.DoneHook,
    now: float | None = None,
) -> StatusFacts:
    """Everything that `status` tells; running runs count until `now`, None where nobody runs them any more."""
    return StatusFacts(
        schema=SCHEMA,
        target=str(target),
        state_dir=str(state_dir),
        busy_pid=busy_pid,
        counts=counts,
        done_hook=HookFacts(s.hook_word(hook.status), hook.calls),
        runs=[run_facts(run, instances[run.instance], now) for run in runs],
    )


def exit_code(snapshot: Snapshot) -> int:
    """0 all done, 1 something failed, 130 interrupted: more can be run."""
    counts = snapshot.counts
    gone = [ids for instance, ids in zip(snapshot.instances, snapshot.runs_of, strict=True) if not instance.in_batch]
    removed = sum(not isinstance(snapshot.runs[i - 1].status, s.Done | s.Failed) for ids in gone for i in ids)
    if counts.pending + counts.running + counts.interrupted > removed:
        return 130 if not counts.failed or counts.interrupted or counts.pending else 1
    if counts.failed or isinstance(snapshot.done_hook.status, s.HookFailed | s.HookCutOff):
        return 1
    return 0

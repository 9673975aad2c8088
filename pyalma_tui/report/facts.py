"""Facts of an experiment as plain records: the same for `status`, the summary and whatever reads them by program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run, worked
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.view import Tally
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.store.layout import log_of

SCHEMA = 1
NULL = msgspec.Raw(b"null")


class HookFacts(msgspec.Struct, frozen=True):
    """Where done() stands and how often it was called."""

    status: str
    calls: int


class RunFacts(msgspec.Struct, frozen=True):
    """One run as `status --json` tells it.

    `file` is the absolute path of the instance's file, if it has one. `seconds` are those of all attempts, the running
    one included, `module` is the hash of the code that ran, `log` is relative to the state directory.
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
    file: str | None


class StatusFacts(msgspec.Struct, frozen=True):
    """What `status --json` prints; a change that breaks readers raises `schema`.

    `counts` are those of the batch, `not_in_batch` those of instances that are not in it any more. `args` are the
    module's own.
    """

    schema: int
    target: str
    state_dir: str
    busy_pid: int | None
    counts: Tally
    not_in_batch: Tally
    done_hook: HookFacts
    args: tuple[str, ...]
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
        log=log_of(run.id, run.attempt) if run.attempt else None,
        file=instance.file or None,
    )


def status_facts(
    target: Path,
    state_dir: Path,
    busy_pid: int | None,
    instances: Sequence[Instance],
    runs: Iterable[Run],
    counts: Tally,
    aside: Tally,
    hook: s.DoneHook,
    args: tuple[str, ...],
    now: float | None = None,
) -> StatusFacts:
    """Everything that `status` tells; running runs count until `now`, None where nobody runs them any more."""
    return StatusFacts(
        schema=SCHEMA,
        target=str(target),
        state_dir=str(state_dir),
        busy_pid=busy_pid,
        counts=counts,
        not_in_batch=aside,
        done_hook=HookFacts(s.hook_word(hook.status), hook.calls),
        args=args,
        runs=[run_facts(run, instances[run.instance], now) for run in remaining(instances, runs)],
    )


def remaining(instances: Sequence[Instance], runs: Iterable[Run]) -> Iterator[Run]:
    """The runs of instances that were not removed, in their order."""
    return (run for run in runs if not instances[run.instance].removed)


def exit_code(snapshot: Snapshot, *, calls_done: bool) -> int:
    """0 all done, 1 something failed, 130 interrupted: more can be run. Only what is in the batch counts.

    So does a done() that was not called yet, as after an interrupt under the last run, unless it never is.
    """
    counts = snapshot.counts
    if counts.pending + counts.running + counts.interrupted:
        return 130 if not counts.failed or counts.interrupted or counts.pending else 1
    if counts.failed or isinstance(snapshot.done_hook.status, s.HookFailed | s.HookCutOff):
        return 1
    return 130 if counts.done and calls_done and isinstance(snapshot.done_hook.status, s.HookNotYet) else 0

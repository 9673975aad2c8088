"""Facts of an experiment as plain records: the same for `status`, the summary and whatever reads them by program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pyalma_tui.errors import Failure
from pyalma_tui.model import jsontext
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run, anew, worked
from pyalma_tui.model.extents import rows_in
from pyalma_tui.model.forecast import Forecast
from pyalma_tui.model.instance import Instance, remaining_number
from pyalma_tui.model.view import Tally
from pyalma_tui.store.layout import log_of
from pyalma_tui.store.session_records import SessionRecord, without_diff

if TYPE_CHECKING:
    from pyalma_tui.runner.snapshot import Snapshot

SCHEMA = 1
TOLD = 512  # runs whose text is made at a time
NULL = msgspec.Raw(b"null")
SECOND = len("2000-01-01T00:00:00")


class HookFacts(msgspec.Struct, frozen=True):
    """Where done() stands and how often it was called."""

    status: str
    calls: int


class ForecastFacts(msgspec.Struct, frozen=True):
    """When all will be done, in ISO 8601: as likely before `middle` as after, in 80 of 100 between the others."""

    low: str
    middle: str
    high: str


class RunFacts(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What is told of one run, by `status --json`, by a script's results and in an export; what is not known is None.

    What it has by default is what is told of a run that nothing has happened to.

    `rows` is how many rows of results count, `seconds` are those of all attempts, the running one included. What
    follows belongs to the last one: `started` and `ended` are ISO 8601 with the local offset from UTC, `reason` is why
    it ended, `worker` the slot and `host` the machine that it ran on, `module` the hash of the code that ran, `log` is
    relative to the state directory. `file` is the absolute path of the instance's file, if it has one; `in_batch` tells
    whether it is in the batch still.
    """

    id: int
    instance: str
    data: msgspec.Raw
    iteration: int
    status: s.Word = "pending"
    state: msgspec.Raw = NULL
    saves: int = 0
    rows: int = 0
    attempts: int = 0
    seed: int
    seconds: float = 0.0
    started: str | None = None
    ended: str | None = None
    reason: str | None = None
    error: str | None = None
    worker: int | None = None
    host: str | None = None
    module: str | None = None
    log: str | None = None
    file: str | None
    in_batch: bool


class StatusFacts(msgspec.Struct, frozen=True):
    """What `status --json` prints, followed by the `runs`; a change that breaks readers raises `schema`.

    `counts` are those of the batch, `not_in_batch` those of instances that are not in it any more. `forecast` is None
    while nothing runs, or nothing is known. `args` are the module's own. `session` is the last start: where it ran and
    with what, but for the text of the repository's diff.
    """

    schema: int
    target: str
    state_dir: str
    busy_pid: int | None
    counts: Tally
    not_in_batch: Tally
    done_hook: HookFacts
    forecast: ForecastFacts | None
    args: tuple[str, ...]
    session: SessionRecord | None = None


def run_facts(run: Run, instance: Instance, now: float | None = None) -> RunFacts:
    """The facts of one run; a running one counts until `now`, None where nobody runs it any more."""
    data = NULL if instance.data is None else msgspec.Raw(instance.data)
    if run == anew(run, 0):  # most of a large experiment, for long
        return RunFacts(
            id=run.id,
            instance=instance.label,
            data=data,
            iteration=run.iteration,
            seed=run.seed,
            file=instance.file or None,
            in_batch=instance.in_batch,
        )
    return RunFacts(
        id=run.id,
        instance=instance.label,
        data=data,
        iteration=run.iteration,
        status=s.word(run.status),
        state=NULL if run.state is None else msgspec.Raw(run.state),
        saves=run.saves,
        rows=rows_in(run.extents),
        attempts=run.called,
        seed=run.seed,
        seconds=round(worked(run, now), 3),
        started=_iso(run.began),
        ended=_iso(_ended(run.status)),
        reason=s.reason(run.status),
        error=run.status.error.message if isinstance(run.status, s.Failed) else None,
        worker=run.slot,
        host=run.host or None,
        module=run.module or None,
        log=log_of(run.id, run.called) if run.attempt else None,
        file=instance.file or None,
        in_batch=instance.in_batch,
    )


def _ended(status: s.Status) -> float | None:
    return status.at if isinstance(status, (s.Done, s.Failed, s.Interrupted)) else None


def _iso(at: float | None) -> str | None:
    return None if at is None else _moment(at)


def _moment(at: float) -> str:
    microseconds = round(at % 1 * 1e6)
    day_and_time, offset = _second(at // 1 + microseconds // 1_000_000)
    return f"{day_and_time}.{microseconds % 1_000_000 // 1_000:03}{offset}"


@lru_cache(maxsize=1024)
def _second(at: float) -> tuple[str, str]:
    """A second of the epoch as ISO 8601, and its offset from UTC; hundreds of runs may begin or end in one."""
    text = datetime.fromtimestamp(at).astimezone().isoformat(timespec="seconds")
    return text[:SECOND], text[SECOND:]


def facts_of(instances: Sequence[Instance], runs: Iterable[Run], now: float | None = None) -> Iterator[RunFacts]:
    """The facts of these runs, in their order."""
    return (run_facts(run, instances[run.instance], now) for run in runs)


def status_facts(
    target: Path,
    state_dir: Path,
    busy_pid: int | None,
    counts: Tally,
    aside: Tally,
    hook: s.DoneHook,
    args: tuple[str, ...],
    session: SessionRecord | None = None,
    forecast: Forecast | None = None,
) -> StatusFacts:
    """Everything that `status` tells but for the runs."""
    return StatusFacts(
        schema=SCHEMA,
        target=str(target),
        state_dir=str(state_dir),
        busy_pid=busy_pid,
        counts=counts,
        not_in_batch=aside,
        done_hook=HookFacts(s.hook_word(hook.status), hook.calls),
        forecast=None if forecast is None else _forecast_facts(forecast),
        args=args,
        session=None if session is None else without_diff(session),
    )


def _forecast_facts(forecast: Forecast) -> ForecastFacts:
    return ForecastFacts(*(_moment(at) for at in (forecast.low, forecast.middle, forecast.high)))


def status_pieces(facts: StatusFacts, rows: Iterable[RunFacts]) -> Iterator[str]:
    """The JSON text of everything that `status` tells, piece by piece: of a million runs it has 300 MB."""
    opening = f'{jsontext.encode(facts).decode()[:-1]},"runs":['
    todo = iter(rows)
    while some := list(islice(todo, TOLD)):
        yield opening
        yield jsontext.encode(some).decode()[1:-1]
        opening = ","
    yield "]}" if opening == "," else f"{opening}]}}"


def remaining(instances: Sequence[Instance], runs: Iterable[Run]) -> Iterator[Run]:
    """The runs of instances that were not removed, in their order."""
    if remaining_number(instances) == len(instances):
        return iter(runs)
    return (run for run in runs if not instances[run.instance].removed)


def failure_of(snapshot: Snapshot) -> Failure | None:
    """The one failure to tell of at the end: what held the runner up, unless what ended it is graver."""
    found = [failure for failure in (snapshot.blocked, snapshot.failure) if failure is not None]
    return max(found, key=lambda failure: failure.exit_code, default=None)


def exit_code(snapshot: Snapshot, *, calls_done: bool) -> int:
    """0 all done, 1 something failed, 130 interrupted: more can be run. Only what is in the batch counts.

    So does a done() that was not called yet, as after an interrupt under the last run, unless it never is.
    """
    counts = snapshot.counts
    if not snapshot.complete and counts.pending + counts.running + counts.interrupted:
        return 130 if not counts.failed or counts.interrupted or counts.pending else 1
    if counts.failed or isinstance(snapshot.done_hook.status, s.HookFailed | s.HookCutOff):
        return 1
    return 130 if counts.done and calls_done and isinstance(snapshot.done_hook.status, s.HookNotYet) else 0

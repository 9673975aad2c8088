"""The options of a run, as they were typed, and what of them cannot be meant together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from pyalma_tui.errors import UsageError
from pyalma_tui.model.chosen import Chosen
from pyalma_tui.model.modes import Import, Sync
from pyalma_tui.runner.terms import typed

EITHER = (  # of which one would be ignored
    ("--plain", "--json"),
    ("--batch", "instances"),
    ("--rerun-done", "--no-done"),
    *(
        ("--debug", each)
        for each in ("--json", "--workers", "--on", "--timeout", "--retries", "--paused", "--rerun-done")
    ),
)


class RunOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `pyalma-tui TARGET` takes beside the target and the instances; `table` tells what it means."""

    batch: Path | None = None
    iterations: int | None = None
    workers: str | None = None
    seed: int | None = None

    timeout: float | None = None
    retries: int | None = None
    grace: float | None = None
    sync: Sync | None = None
    runs_per_worker: int | None = None
    imports: Import | None = None
    nice: int | None = None
    seed_globals: bool | None = None
    on: str | None = None
    lease: float | None = None
    on_finish: str | None = None
    on_failure: str | None = None
    state: Path | None = None

    debug: str | None = None
    plain: bool = False
    json: bool = False
    no_mouse: bool = False
    theme: str | None = None
    on_hangup: Literal["continue", "interrupt"] = "continue"

    paused: bool = False
    retry_failed: bool = False
    rerun_done: bool = False
    no_done: bool = False
    fresh: bool = False
    yes: bool = False


def options_of(typed: Mapping[str, Any]) -> RunOptions:
    """The options by their names, None where nothing was typed."""
    return RunOptions(**{name: value for name, value in typed.items() if value is not None})


def typed_options(options: RunOptions, args: tuple[str, ...] | None) -> Chosen:
    """What stays chosen of these options; raises UsageError for what means nothing."""
    return typed(
        named="--{}",
        args=args,
        workers=options.workers,
        iterations=options.iterations,
        timeout=options.timeout,
        retries=options.retries,
        grace=options.grace,
        sync=options.sync,
        runs_per_worker=options.runs_per_worker,
        imports=options.imports,
        nice=options.nice,
        seed_globals=options.seed_globals,
    )


def check(options: RunOptions, arguments: Sequence[str]) -> None:
    """Refuse what there is not, and options of which one would be ignored; raises UsageError."""
    given = {
        "--plain": options.plain,
        "--json": options.json,
        "--debug": options.debug is not None,
        "--batch": options.batch is not None,
        "instances": bool(arguments),
        "--workers": options.workers is not None,
        "--on": options.on is not None,
        "--timeout": options.timeout is not None,
        "--retries": options.retries is not None,
        "--paused": options.paused,
        "--rerun-done": options.rerun_done,
        "--no-done": options.no_done,
    }
    for one, other in EITHER:
        if given[one] and given[other]:
            raise UsageError(f"{one} and {other}: choose one of them. Nothing was started")
    if options.theme is not None:
        from pyalma_tui.cli.preferred import preferred
        from pyalma_tui.tui.themes import refuse_unknown  # 0.2 s

        refuse_unknown(options.theme, preferred()[0].themes)

"""The options of a run, as they are typed; the help text of each is here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Group, Parameter

from pyalma_tui.errors import UsageError
from pyalma_tui.model.chosen import Chosen, Import, Sync
from pyalma_tui.runner.terms import typed

WHAT = Group("What to run", sort_key=1)
HOW = Group("How", sort_key=2)
FRONT = Group("Screen or none", sort_key=3)
AGAIN = Group("Starting again", sort_key=4)
EITHER = (  # of which one would be ignored
    ("--plain", "--json"),
    ("--batch", "instances"),
    ("--rerun-done", "--no-done"),
    *(("--debug", each) for each in ("--json", "--workers", "--timeout", "--retries", "--paused", "--rerun-done")),
)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Everything that `pyalma-tui TARGET` takes beside the target and the instances."""

    batch: Annotated[
        Path | None,
        Parameter(
            group=WHAT,
            allow_leading_hyphen=True,
            help="a file that lists the instances: .batch, .txt, .csv, .jsonl; - for standard input",
        ),
    ] = None
    iterations: Annotated[int | None, Parameter(group=WHAT, help="how often every instance is run (at first 1)")] = None
    workers: Annotated[str | None, Parameter(group=WHAT, help="how many runs at a time, or all (at first 1)")] = None
    seed: Annotated[int | None, Parameter(group=WHAT, help="what the runs' seeds are drawn from (drawn once)")] = None

    timeout: Annotated[float | None, Parameter(group=HOW, help="seconds after which a run fails; inf: never")] = None
    retries: Annotated[int | None, Parameter(group=HOW, help="how often a failed run is tried again (at first 0)")] = (
        None
    )
    grace: Annotated[
        float | None, Parameter(group=HOW, help="seconds until a run that does not save is stopped (at first 10)")
    ] = None
    sync: Annotated[
        Sync | None,
        Parameter(group=HOW, help="what a power loss may take: all not yet written, 50 ms (at first), nothing"),
    ] = None
    runs_per_worker: Annotated[
        int | None, Parameter(group=HOW, help="after how many runs a worker is replaced; 1: each run has a process")
    ] = None
    imports: Annotated[
        Import | None,
        Parameter(name="--import", group=HOW, help="the module once, workers are forked (at first), or in each worker"),
    ] = None
    seed_globals: Annotated[
        bool | None,
        Parameter(
            group=HOW,
            negative="--no-seed-globals",
            help="seed random, and numpy's legacy generator, before each run from its seed",
        ),
    ] = None
    state: Annotated[Path | None, Parameter(group=HOW, help="the state directory (<stem>.alma beside TARGET)")] = None

    debug: Annotated[
        str | None, Parameter(group=FRONT, help="run this instance alone, with the terminal: breakpoint() works")
    ] = None
    plain: Annotated[bool, Parameter(group=FRONT, help="no screen: lines of text")] = False
    json: Annotated[bool, Parameter(group=FRONT, help="no screen: JSON lines")] = False
    no_mouse: Annotated[bool, Parameter(group=FRONT, help="leave the mouse to the terminal")] = False
    theme: Annotated[str | None, Parameter(group=FRONT, help="colours; `t` on the screen tries them")] = None
    on_hangup: Annotated[
        Literal["continue", "interrupt"],
        Parameter(group=FRONT, help="what to do when the terminal goes away"),
    ] = "continue"

    paused: Annotated[bool, Parameter(group=AGAIN, help="open without starting anything")] = False
    retry_failed: Annotated[bool, Parameter(group=AGAIN, help="run failed ones too")] = False
    rerun_done: Annotated[bool, Parameter(group=AGAIN, help="call done() again when all is done")] = False
    no_done: Annotated[bool, Parameter(group=AGAIN, help="never call done()")] = False
    fresh: Annotated[bool, Parameter(group=AGAIN, help="forget every state first; asks")] = False
    yes: Annotated[bool, Parameter(group=AGAIN, help="with --fresh: do not ask")] = False


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
        from pyalma_tui.tui.themes import refuse_unknown  # 0.2 s

        refuse_unknown(options.theme)

"""More of the table: the commands that print or write what is known, and change nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

import click

from pyalma_tui.cli.parsing import PATH, TEXT, WHOLE, Argument, Option
from pyalma_tui.cli.table import STATE, TARGET, command, program
from pyalma_tui.report.formats import Format

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["program"]  # with these commands

CRATE = "ro-crate"
WHERE = Option("--where", "only runs that this filter means: 'status:failed gap>=0.1'", TEXT)


@command("status", [TARGET, WHERE, Option("--json", "one JSON object, for programs"), STATE])
def status(target: str, where: str | None, json: bool, state: Path | None) -> int:
    """Show what stands where, without starting anything."""
    if json:
        from pyalma_tui.cli.status_json import status_json as show  # without Rich
    else:
        from pyalma_tui.cli.status import status as show
    return show(target, state, where)


@command(
    "logs",
    [
        TARGET,
        Argument("instance", "[INSTANCE]", "whose log; without it: which logs there are", TEXT, required=False),
        Option("--iteration", "of which iteration, from 0 (the one that ran last)", WHOLE),
        Option("--attempt", "of which attempt, from 1 (the latest)", WHOLE),
        Option("--follow", "print what is added until the attempt ends"),
        STATE,
    ],
)
def logs(
    target: str, instance: str | None, iteration: int | None, attempt: int | None, follow: bool, state: Path | None
) -> int:
    """Print what a run printed."""
    from pyalma_tui.cli.logs import logs as show

    return show(target, instance, state, iteration, attempt, follow=follow)


@command(
    "export",
    [
        TARGET,
        Option(
            "--format",
            "csv unless the name of the file says otherwise; ro-crate: a folder or .zip for an archive",
            click.Choice([*get_args(Format), CRATE]),
            into="form",
        ),
        Option("--output", "a file, replaced whole (stdout); of a crate a new folder or .zip", PATH),
        Option("--logs", "with ro-crate: what the runs printed, too"),
        WHERE,
        STATE,
    ],
)
def export(target: str, form: Any, output: Path | None, logs: bool, where: str | None, state: Path | None) -> int:
    """Print every run as a row of a table, or make a crate of the whole experiment."""
    from pyalma_tui.errors import UsageError

    if form == CRATE:
        from pyalma_tui.cli.crate import export_crate

        if where is not None:
            raise UsageError("--where: a crate holds the whole experiment. Nothing was written")
        return export_crate(target, state, output, with_logs=logs)
    if logs:
        raise UsageError("--logs: only a crate holds them: give --format ro-crate. Nothing was written")
    from pyalma_tui.cli.export import export as write

    return write(target, state, where, form, output)


@command(
    "results",
    [
        TARGET,
        Option(
            "--format",
            "csv unless the name of the file says otherwise",
            click.Choice(["csv", "json", "jsonl", "md", "parquet"]),
            into="form",
        ),
        Option("--output", "a file, replaced whole (stdout)", PATH),
        Option("--where", "only rows that this filter means: 'gap<0.2 status:done'", TEXT),
        STATE,
    ],
)
def results(target: str, form: Any, output: Path | None, where: str | None, state: Path | None) -> int:
    """Print every row that runs have recorded, each exactly once."""
    from pyalma_tui.cli.results import results as show

    return show(target, state, form, output, where)


@command(
    "report",
    [TARGET, Option("--html", "the file to write: one page that needs no network", PATH), STATE],
)
def report(target: str, html: Path | None, state: Path | None) -> int:
    """Write a page with plots, failures, results and where they come from, for whoever was not there."""
    from pyalma_tui.cli.report import report as write

    return write(target, state, html)

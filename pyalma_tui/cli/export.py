"""`pyalma-tui export`: every run as a row, for a spreadsheet, a program or a report."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import TypeVar

from pyalma_tui.cli.printing import Out
from pyalma_tui.cli.remembered import remembered
from pyalma_tui.cli.speak import say
from pyalma_tui.cli.streams import is_unicode
from pyalma_tui.cli.where import meant, where
from pyalma_tui.errors import UsageError
from pyalma_tui.model.jsonline import escaped
from pyalma_tui.model.printable import printable
from pyalma_tui.model.words import plural
from pyalma_tui.report.export import pieces, write_file
from pyalma_tui.report.facts import facts_of, remaining
from pyalma_tui.report.formats import SUFFIXES, Format

F = TypeVar("F", bound=str)
TOGETHER = 500  # pieces that are printed at once: a call of the system for each takes longer than to make it


def export(name: str, state: Path | None, only: str | None, form: Format | None, output: Path | None) -> int:
    """Print or write the runs that a query means; the exit code. Raises StoreError, UsageError."""
    chosen, query = form or format_of(output, SUFFIXES, "csv"), where(only)
    known = remembered("export", name, state)
    ledger = known.store.ledger
    now = time.time() if known.busy else None
    runs = list(meant(query, ledger.instances, remaining(ledger.instances, ledger.runs), now, known.state_dir))
    texts = pieces(facts_of(ledger.instances, runs, now), chosen)
    if output is not None and str(output) != "-":
        write_file(output, texts)
        say(f"wrote {plural(len(runs), 'run')} to {output}")
        return 0
    print_pieces(texts, is_json=chosen == "json")
    return 0


def print_pieces(texts: Iterable[str], *, is_json: bool) -> None:
    """Print a table piece by piece: exact into a pipe or file; on a terminal nothing of it is obeyed."""
    out, todo = Out(), iter(texts)
    to_ascii = is_json and not is_unicode()
    while text := "".join(islice(todo, TOGETHER)):
        shown = printable(text, "\n") if out.terminal else text
        out.exact(escaped(shown, to_ascii=True) if to_ascii else shown)
        if out.gone:
            break


def format_of(output: Path | None, suffixes: Mapping[str, F], otherwise: F) -> F:
    """What the name of the file asks for, `otherwise` if it has no ending; raises UsageError for an unknown one."""
    ending = output.suffix.lower() if output is not None else ""
    if ending and ending not in suffixes:
        known = ", ".join(suffixes)
        raise UsageError(f"--output: {output}: no format is known by {ending}. End it in {known}, or give --format")
    return suffixes.get(ending, otherwise)

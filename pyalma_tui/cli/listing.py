"""`pyalma-tui list`: what stands where, below this folder and of what was used last."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from pyalma_tui.cli.printing import Out
from pyalma_tui.cli.speak import console, say
from pyalma_tui.cli.streams import is_unicode
from pyalma_tui.model.jsonline import escaped
from pyalma_tui.model.printable import printable
from pyalma_tui.model.standing import LEADS, told
from pyalma_tui.store.finding import FoundExperiment, found


def listed(*, json: bool) -> int:
    """Print every experiment that is found; changes nothing."""
    experiments = found(Path.cwd())
    if json:
        text = msgspec.json.encode({"schema": 1, "experiments": list(map(_facts, experiments))}).decode()
        Out().text(escaped(text, to_ascii=not is_unicode()) + "\n")
        return 0
    if not experiments:
        say("list: no experiment below this folder, and none was used lately. `pyalma-tui TARGET` starts one")
        return 0
    _print(experiments)
    return 0


def _facts(each: FoundExperiment) -> dict[str, object]:
    return {
        "target": os.fsdecode(each.target).encode("utf-8", "backslashreplace").decode(),
        "state_dir": os.fsdecode(each.state_dir).encode("utf-8", "backslashreplace").decode(),
        "standing": each.standing,
        "counts": each.counts,
        "pid": each.pid,
        "saved_at": each.at or None,
        "problem": each.problem or None,
    }


def _print(experiments: Iterable[FoundExperiment]) -> None:
    from rich.table import Table
    from rich.text import Text

    now = time.time()
    table = Table(box=None, pad_edge=False, show_header=False)
    for each in experiments:
        row = told(each.standing, each.counts, each.at, now, each.problem)
        table.add_row(
            row.glyph, Text(printable(each.name), overflow="fold"), row.how_far, row.when, LEADS[each.standing]
        )
    console().print(table)

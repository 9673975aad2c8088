"""Experiments whose runs have recorded rows, written as workers write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyalma_tui.model import jsontext
from pyalma_tui.model.extents import Extent
from pyalma_tui.store import layout
from pyalma_tui.store.rows import row_line
from tests.tui.fake_conductor import Experiment

HOW = ["exact", "greedy", None]


def record(made: Experiment, run: int, rows: list[dict[str, Any]], name: str = "") -> None:
    """Let a run have recorded these rows besides what it has, and be done."""
    folder = layout.rows(Path(made.fields["state_dir"]))
    folder.mkdir(parents=True, exist_ok=True)
    file = name or f"s00001-w{run:04}-1.jsonl"
    text = b"".join(row_line(run, 1, jsontext.encode(row)) for row in rows)
    with (folder / file).open("ab") as opened:
        start = opened.tell()
        opened.write(text)
    extents = made.runs[run - 1].extents
    made.done(run, extents=(*extents, Extent(file, 1, start, start + len(text), len(rows))))


def measured(state_dir: Path, rows: int = 10) -> Experiment:
    """Two instances with two iterations each; a run has `rows` rows, in all of which n, and in some of which how."""
    made = Experiment(["uf20-01.cnf", "uf50-02.cnf"], iterations=2, state_dir=state_dir)
    for run in range(1, 5):
        told = [
            {
                "n": 8 * 2 ** (k % 3),
                "gap": round((run * 7 + k * 3) % 10 / 30, 4),
                "how": HOW[(run + k) % 3],
                "ok": k > 2,
            }
            for k in range(rows)
        ]
        record(made, run, told)
    return made

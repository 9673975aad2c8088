"""A small state directory, made by the real code."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pyalma_tui.model.instance import Instance
from pyalma_tui.model.records import Record
from pyalma_tui.store import planning
from pyalma_tui.store.checkpoint import Checkpoint, write_checkpoint
from pyalma_tui.store.ledger import Ledger
from pyalma_tui.store.schema import Meta
from pyalma_tui.store.segment import line_of

SEGMENT = "000001-w0001-0001.jsonl"


def instances(count: int = 3) -> list[Instance]:
    """`i0`, `i1`, …"""
    return [Instance(i, f"i{i}", f"/i{i}") for i in range(count)]


def write_store(
    state_dir: Path,
    *records: Record,
    meta: Meta | None = None,
    foreign: dict[str, msgspec.Raw] | None = None,
    ledger: Ledger | None = None,
) -> Ledger:
    """A checkpoint of three runs with these records folded in; the ledger that it holds."""
    (state_dir / "journal").mkdir(parents=True, exist_ok=True)
    ledger = ledger or planning.new_ledger(instances(), 1, 5)
    ledger.apply_all(records)
    meta = msgspec.structs.replace(meta or Meta(serial=1, session=1, seed=5), done_hook=ledger.hook)
    write_checkpoint(state_dir, Checkpoint(meta, ledger.instances, ledger.runs.freeze(), foreign or {}))
    return ledger


def write_segment(state_dir: Path, *records: Record, name: str = SEGMENT, tail: bytes = b"") -> int:
    """A segment with these records and a torn tail; how many bytes the records have."""
    data = b"".join(map(line_of, records))
    (state_dir / "journal").mkdir(parents=True, exist_ok=True)
    (state_dir / "journal" / name).write_bytes(data + tail)
    return len(data)


def bytes_below(folder: Path) -> dict[str, bytes]:
    """Every file with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

"""Forgetting an experiment: what is ours goes, what else lies in the state directory stays."""

from __future__ import annotations

from pathlib import Path

from pyalma_tui.errors import StoreError
from pyalma_tui.model.words import plural
from pyalma_tui.store import layout, leases
from pyalma_tui.store.checkpoint import storage_of
from pyalma_tui.store.lock import Lock
from pyalma_tui.store.ours import refuse_disguised, refuse_foreign, remove_ours
from pyalma_tui.store.schema import SEAL, TABLES
from pyalma_tui.store.sealing import is_seal


def forget(state_dir: Path) -> list[str]:
    """Remove everything that is remembered; the places of what is not ours. Raises StoreError, InUseError.

    What a killed session had on other hosts may write until its leases are over, which is waited for. The lock stays,
    so that whoever waits for it and whoever starts next mean the same one.
    """
    try:
        refuse_disguised(state_dir)
        refuse_foreign(state_dir)
    except OSError as error:
        raise StoreError(f"--fresh: {error.filename}: {error.strerror}. Nothing was changed") from error
    with Lock(state_dir, 0.0):
        leases.wait_out(state_dir)
        try:
            kept = _keep_foreign_tables(state_dir)
            left = remove_ours(state_dir, frozenset({layout.LOCK, *kept}))
        except OSError as error:
            raise StoreError(
                f"--fresh: {error.filename or state_dir}: {error.strerror}. Some of it may be gone"
            ) from error
    return [*(f"{name} ({tables})" for name, tables in kept.items()), *left]


def _keep_foreign_tables(state_dir: Path) -> dict[str, str]:
    """Leave in `db.json` what is not ours, as in a TinyDB file that we were given; the file, if so, and what is."""
    storage = storage_of(state_dir)
    try:
        tables = storage.tables() or {}
    except StoreError:  # nobody can read it, and its name is ours
        return {}
    if SEAL in tables and is_seal(tables[SEAL]):
        del tables[SEAL]
    foreign = {name: raw for name, raw in tables.items() if name not in TABLES or TABLES[0] not in tables}
    if not foreign:
        return {}
    if len(foreign) < len(tables):
        storage.write(foreign)
    return {layout.DATABASE: f"{plural(len(foreign), 'table')}: {', '.join(foreign)}"}

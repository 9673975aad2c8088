"""Which engine `--on` names."""

from __future__ import annotations

from pathlib import Path

from pyalma_tui.runner.workers.engines.commands import CommandEngine
from pyalma_tui.runner.workers.engines.dask.engine import DaskEngine
from pyalma_tui.runner.workers.engines.engine import Engine
from pyalma_tui.runner.workers.engines.on import cluster_of, sites_of
from pyalma_tui.store.leases import USUAL


def engine_of(on: str, state_dir: Path, lease: float = USUAL) -> Engine:
    """The engine for a state directory and such leases, with nothing opened yet; raises UsageError if that is none."""
    if (cluster := cluster_of(on)) is not None:
        return DaskEngine(cluster, state_dir)
    return CommandEngine(sites_of(on, lease), state_dir)

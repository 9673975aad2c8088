"""Segments that nobody appends to any more: each waits for the checkpoint that contains it whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pyalma_tui.store.disk import remove, sync_directory


class Closed:
    """Owned by the runner thread. `bytes` are those of all that wait."""

    def __init__(self, directory: Path, folded: Mapping[str, int]) -> None:
        """`folded` are those of earlier sessions, and their sizes."""
        self.sizes = dict(folded)
        self.bytes = sum(folded.values())
        self._directory = directory

    def add(self, name: str, size: int) -> None:
        """Nothing more comes in this segment."""
        self.sizes[name] = size
        self.bytes += size

    def checkpointed(self, positions: Mapping[str, int]) -> None:
        """Remove the segments that a durable checkpoint contains whole."""
        contained = [name for name, size in self.sizes.items() if size <= positions.get(name, -1)]
        for name in contained:
            remove(self._directory / name)
            self.bytes -= self.sizes.pop(name)
        if contained:
            sync_directory(self._directory)

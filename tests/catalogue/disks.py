"""A disk of its own, and a run that fills it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

FILLING = """
from pyalma_tui import SaveFailed
def run(instance, save, state):
    number = int(state or "0")
    tell("begins", number)
    while number < 300:
        number += 1
        try:
            save(f"{number:<2000}")
        except SaveFailed:
            tell("refused", number)
            raise
        kept = number
        if number % 50 == 0:
            tell("saved", number)
"""


@contextmanager
def disk(place: Path, size: str) -> Iterator[Callable[[str], None]]:
    """A file system of its own at this place, and a way to mount it otherwise."""
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield lambda how: void(subprocess.run(["mount", "-o", f"remount,{how}", place], check=True))
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def void(_: object) -> None:
    """Nothing is returned."""

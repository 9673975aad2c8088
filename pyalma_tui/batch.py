"""Instances of a batch file, from a script."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

from pyalma_tui.loading.batch import read_batch
from pyalma_tui.loading.entries import number
from pyalma_tui.model.instance import argument
from pyalma_tui.model.printable import printable

__all__ = ["load"]


def load(path: str | os.PathLike[str]) -> list[str | dict[str, Any]]:
    """The instances of a batch file as `run` gets them: absolute paths, and dicts with `file`, `data`, `id`, `seed`.

    `seed` is None: seeds belong to the runs of an experiment. Raises PyalmaError.
    """
    told: list[str] = []
    instances = number(read_batch(Path(path), told.append), Path(path).parent)
    for text in told:
        warnings.warn(printable(text), stacklevel=2)
    values: list[Any] = [argument(instance, None) for instance in instances]
    return values

"""The generators that a whole process shares, seeded for one call: what it draws depends on nothing that ran before."""

from __future__ import annotations

import importlib
import random
import sys

MOST = 1 << 32  # numpy's legacy generator takes no larger seed


def seed_globals(seed: int) -> None:
    """Seed `random` with a run's seed, and the legacy generator of numpy, if it is loaded, with that modulo 2**32."""
    random.seed(seed)
    if "numpy" in sys.modules:
        importlib.import_module("numpy.random").seed(seed % MOST)

"""The generators that a whole process shares, seeded for one call: what it draws depends on nothing that ran before."""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

NUMPY = "numpy.random"
MOST = 1 << 32  # its legacy generator takes no larger seed


def seed_globals(seed: int) -> None:
    """Seed `random` with a run's seed, and the legacy generator of numpy with that modulo 2**32.

    Where numpy is not loaded, its generator is seeded when user code imports it.
    """
    random.seed(seed)
    _late.seed = seed
    if NUMPY in sys.modules:
        _seed_numpy(seed)
    elif _late not in sys.meta_path:
        sys.meta_path.insert(0, _late)


def _seed_numpy(seed: int) -> None:
    importlib.import_module(NUMPY).seed(seed % MOST)


class _Late:
    """Finds numpy's generator where all others find it, and seeds it as soon as it is loaded.

    It has no base: importing that of finders, with temporary files and three compressions, takes an agent 4 ms.
    """

    seed = 0

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != NUMPY:
            return None
        others = (each for each in list(sys.meta_path) if each is not self)
        spec = next((found for each in others if (found := each.find_spec(name, path, target)) is not None), None)
        if spec is not None and spec.loader is not None:
            self._seed_after(spec)
        return spec

    def _seed_after(self, spec: ModuleSpec) -> None:
        loader = spec.loader
        assert loader is not None
        load = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            load(module)
            del loader.exec_module
            sys.meta_path.remove(self)
            _seed_numpy(self.seed)

        loader.exec_module = exec_module  # type: ignore[method-assign]  # of this one loader, made for this module


_late = _Late()

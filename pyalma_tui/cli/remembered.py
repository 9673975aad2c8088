"""What a state directory remembers, for the commands that start nothing."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pyalma_tui import collecting
from pyalma_tui.cli.speak import warn
from pyalma_tui.errors import StoreError
from pyalma_tui.loading.target import Target, find_target
from pyalma_tui.store.abandoned import look
from pyalma_tui.store.belonging import refuse_another
from pyalma_tui.store.lock import Holder
from pyalma_tui.store.opening import Store


class Remembered(NamedTuple):
    """A target with its state as it is true now; `busy` is who runs it."""

    target: Target
    state_dir: Path
    store: Store
    busy: Holder | None


def remembered(verb: str, name: str, state: Path | None) -> Remembered:
    """What is remembered of a target; changes nothing. Raises StoreError, also if there is nothing.

    Raises UsageError if the state is another target's.
    """
    target = find_target(name, warn)
    state_dir = target.state_dir(state)
    store, busy = look(state_dir)
    collecting.resume()
    if store is None:
        raise StoreError(f"{verb}: {state_dir}: nothing is remembered of {name}. `pyalma-tui {name}` starts it")
    refuse_another(state_dir, store.meta, target.path, target.module, target.digest)
    return Remembered(target, state_dir, store, busy)

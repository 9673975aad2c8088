"""Whose state a directory holds: that of one run module, run through one target.

States mean something only to the code that saved them. But the folder may be moved or copied, reached by another path,
or its files renamed, and is the same experiment still.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from pyalma_tui.errors import UsageError
from pyalma_tui.store.schema import Meta


def refuse_another(state_dir: Path, meta: Meta, target: Path, module: Path, digest: Callable[[], str]) -> None:
    """Raise UsageError if the state is another module's or experiment's; `digest` gives the hash of this module."""
    if owner := owner_if_another(state_dir, meta, target, module, digest):
        whose, other = _told(target, module), _told(*owner)
        if whose == other:
            whose, other = f"{target}", f"{owner[0]}"
        raise UsageError(
            f"state directory: {state_dir}: it holds the runs of {other}, not of {whose}. Nothing was changed; "
            f"--state DIR chooses another place, a start with --fresh forgets those runs"
        )


def owner_if_another(
    state_dir: Path, meta: Meta, target: Path, module: Path, digest: Callable[[], str]
) -> tuple[Path, Path] | None:
    """The target and the module whose state it is, None if that is this one's."""
    if not (meta.target and meta.module):  # nobody has started anything yet
        return None
    owner = Path(meta.target), Path(meta.module)
    then = meta.state_dir or _stem(owner[0]) + ".alma"
    old_targets, old_modules = (_places(path, then, state_dir) for path in owner)
    if not _is_there(old_modules, module):
        renamed = os.path.basename(then) != state_dir.name == os.path.basename(_stem(target)) + ".alma"
        same = owner[1].name == module.name or renamed or meta.module_hash == digest()
        if not same or any(map(os.path.exists, old_modules)):
            return owner
    if not _is_there(old_targets, target) and any(map(os.path.exists, old_targets)):
        return owner
    return None


def _places(old: Path, then: str, now: Path) -> tuple[Path, Path]:
    """Where a file may be that was at `old` when the state directory was at `then`: it may have moved along."""
    moved = os.path.join(now, os.path.relpath(_resolved(old), then))
    return old, Path(os.path.normpath(moved))


def _is_there(places: tuple[Path, ...], path: Path) -> bool:
    """Whether one of the places is that of the path, or of the run module beside an experiment file of its name."""
    for place in places:
        if _stem(_resolved(place)) == _stem(_resolved(path)):
            return True
        try:
            if os.path.samefile(place, path):
                return True
        except (OSError, ValueError):  # it is gone
            continue
    return False


def _resolved(path: Path) -> Path:
    """The path with links resolved, but for one that is the file itself."""
    try:
        return Path(os.path.realpath(path.parent)) / path.name
    except ValueError:  # no path of this system
        return path


def _stem(path: Path) -> str:
    return os.path.splitext(path)[0]


def _told(target: Path, module: Path) -> str:
    return target.name if target == module else f"{target.name} with {module.name}"

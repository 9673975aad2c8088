"""Which experiments were used last on this machine: a file under the user's state directory.

It only spares looking for them; whoever may not write there loses nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from pyalma_tui.store.disk import read_regular

KEPT: Final = 50
LONGEST: Final = 1 << 20  # bytes of the file that are looked at


class Used(msgspec.Struct, frozen=True):
    """A target, where its state is, and when it was used last (seconds of the epoch)."""

    target: str
    state_dir: str
    at: float


def recent_path() -> Path:
    """Where they are told, on Linux ~/.local/state/pyalma-tui/recent.json."""
    from platformdirs import user_state_path  # some milliseconds, which no other command needs

    return user_state_path("pyalma-tui", appauthor=False) / "recent.json"


def read_recent() -> list[Used]:
    """Those that were used last, the latest first; none where nothing can be read."""
    try:
        return msgspec.json.decode(read_regular(recent_path(), LONGEST), type=list[Used])
    except (OSError, ValueError):  # of which msgspec's errors are some
        return []


def remember(target: Path, state_dir: Path, now: float) -> None:
    """Note that an experiment is used now."""
    path = recent_path()
    others = [each for each in read_recent() if each.state_dir != str(state_dir)]
    kept = [Used(os.fsdecode(target), os.fsdecode(state_dir), now), *others][:KEPT]
    mine = path.with_name(f"{path.name}.{os.getpid()}")
    with suppress(OSError, ValueError):  # a name that is no text
        path.parent.mkdir(parents=True, exist_ok=True)
        mine.write_bytes(msgspec.json.encode(kept))
        mine.replace(path)

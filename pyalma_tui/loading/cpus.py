"""How many processors this process may use: its affinity, and the quotas of its control groups.

A container that was given 2 of 64 processors by a quota still sees 64. The formats are those of the kernel's
documentation: `cpu.max` (version 2), `cpu.cfs_quota_us` and `cpu.cfs_period_us` (version 1).
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

ROOT = Path("/")


def usable_cpus(root: Path = ROOT) -> int:
    """The number of processors, at least 1; a quota of one and a half is 2. `root` is where `proc` and `sys` are."""
    quotas = [math.ceil(quota) for quota in _quotas(root)]
    return max(1, min([_allowed(), *quotas]))


def _allowed() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _quotas(root: Path) -> Iterator[float]:
    """The quotas, in processors, of our control groups and of all groups that these are in."""
    for folder in _groups(root):
        words = _words(folder / "cpu.max") or _words(folder / "cpu.cfs_quota_us") + _words(folder / "cpu.cfs_period_us")
        if len(words) == 2 and all(re.fullmatch("[0-9]{1,18}", word) for word in words):  # else: `max`, or -1
            quota, period = map(int, words)
            if quota and period:
                yield quota / period


def _groups(root: Path) -> Iterator[Path]:
    """The folders of our control groups, each followed by those above it, as far up as this process sees them."""
    paths = dict(_memberships(root))
    for line in _lines(root / "proc/self/mountinfo"):
        fields = line.split()
        if "-" not in fields[6:]:
            continue
        kind, _, options = fields[fields.index("-", 6) + 1 :][:3]
        controller = {"cgroup2": "", "cgroup": "cpu"}.get(kind)
        if controller is None or (controller and controller not in options.split(",")) or controller not in paths:
            continue
        within, place = PurePosixPath(_unescaped(fields[3])), _unescaped(fields[4])
        group = paths[controller]
        # a container may be told of its group by a path of the host, which it does not see: then the mount is the group
        below = group.relative_to(within) if group.is_relative_to(within) and ".." not in group.parts else ""
        folder = root / place.lstrip("/") / below
        yield folder
        yield from folder.parents[: len(PurePosixPath(below).parts)]


def _memberships(root: Path) -> Iterator[tuple[str, PurePosixPath]]:
    """Our path in each hierarchy that knows of processors, by its controller, "" for version 2."""
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        for controller in controllers.split(","):
            if controller in ("", "cpu"):
                yield controller, PurePosixPath(path)


def _unescaped(path: str) -> str:
    """A path of `mountinfo`, where blanks are written as `\\040`."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), path)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:  # not Linux, or not ours to read: no quota is known
        return []


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)).split()

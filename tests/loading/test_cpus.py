"""How many processors may be used, told by trees of control groups as kernels and containers lay them out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyalma_tui.loading.cpus import usable_cpus

V2 = "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "33 32 0:29 {root} /sys/fs/cgroup/cpu,cpuacct rw shared:15 - cgroup cgroup rw,cpu,cpuacct\n"
V1_MEMORY = "34 32 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
HYBRID = V1.format(root="/") + "35 32 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
CPU1 = "sys/fs/cgroup/cpu,cpuacct"

TREES: dict[str, tuple[dict[str, str], int]] = {
    "nothing is known": ({}, 8),
    "v2 without a quota": (
        {"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": V2, "sys/fs/cgroup/cpu.max": "max 100000\n"},
        8,
    ),
    "v2 of its own": (
        {"proc/self/cgroup": "0::/a/b\n", "proc/self/mountinfo": V2, "sys/fs/cgroup/a/b/cpu.max": "300000 100000\n"},
        3,
    ),
    "v2 of a group above is stricter": (
        {
            "proc/self/cgroup": "0::/a/b\n",
            "proc/self/mountinfo": V2,
            "sys/fs/cgroup/a/b/cpu.max": "300000 100000\n",
            "sys/fs/cgroup/a/cpu.max": "150000 100000\n",
        },
        2,
    ),
    "v2 of a group beside is none of ours": (
        {"proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": V2, "sys/fs/cgroup/b/cpu.max": "100000 100000\n"},
        8,
    ),
    "v2 in a container that sees only its own group": (
        {"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": V2, "sys/fs/cgroup/cpu.max": "50000 100000\n"},
        1,
    ),
    "v2 moved out of its namespace": (
        {"proc/self/cgroup": "0::/../b\n", "proc/self/mountinfo": V2, "sys/fs/cgroup/cpu.max": "250000 100000\n"},
        3,
    ),
    "v2 above the processors there are": (
        {"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": V2, "sys/fs/cgroup/cpu.max": "6400000 100000\n"},
        8,
    ),
    "v2 of a place with a blank": (
        {
            "proc/self/cgroup": "0::/\n",
            "proc/self/mountinfo": V2.replace("/sys/fs/cgroup", "/my\\040groups"),
            "my groups/cpu.max": "200000 100000\n",
        },
        2,
    ),
    "v1 of its own": (
        {
            "proc/self/cgroup": "5:memory:/x\n4:cpu,cpuacct:/job\n1:name=systemd:/\n",
            "proc/self/mountinfo": V1_MEMORY + V1.format(root="/"),
            f"{CPU1}/job/cpu.cfs_quota_us": "400000\n",
            f"{CPU1}/job/cpu.cfs_period_us": "100000\n",
            f"{CPU1}/cpu.cfs_quota_us": "-1\n",
            f"{CPU1}/cpu.cfs_period_us": "100000\n",
        },
        4,
    ),
    "v1 in a container that is told the path on its host": (
        {
            "proc/self/cgroup": "4:cpu,cpuacct:/docker/0123\n",
            "proc/self/mountinfo": V1.format(root="/docker/0123"),
            f"{CPU1}/cpu.cfs_quota_us": "200000\n",
            f"{CPU1}/cpu.cfs_period_us": "100000\n",
        },
        2,
    ),
    "v1 in a container with a mount of its own": (
        {
            "proc/self/cgroup": "4:cpu,cpuacct:/docker/0123\n",
            "proc/self/mountinfo": V1.format(root="/elsewhere"),
            f"{CPU1}/cpu.cfs_quota_us": "200000\n",
            f"{CPU1}/cpu.cfs_period_us": "100000\n",
        },
        2,
    ),
    "v1 for the processors beside a v2 for the rest": (
        {
            "proc/self/cgroup": "4:cpu,cpuacct:/job\n0::/job\n",
            "proc/self/mountinfo": HYBRID,
            f"{CPU1}/job/cpu.cfs_quota_us": "120000\n",
            f"{CPU1}/job/cpu.cfs_period_us": "100000\n",
        },
        2,
    ),
    "v1 without a quota": (
        {
            "proc/self/cgroup": "4:cpu,cpuacct:/\n",
            "proc/self/mountinfo": V1.format(root="/"),
            f"{CPU1}/cpu.cfs_quota_us": "-1\n",
            f"{CPU1}/cpu.cfs_period_us": "100000\n",
        },
        8,
    ),
    "files that make no sense": (
        {
            "proc/self/cgroup": "\n:\n0:\n0::/a\nx\n",
            "proc/self/mountinfo": "\n-\nx y\n" + V2,
            "sys/fs/cgroup/a/cpu.max": "many 0\n",
            "sys/fs/cgroup/cpu.max": "100000 0\n",
        },
        8,
    ),
}


@pytest.mark.parametrize("name", TREES)
def test_a133_quotas_of_its_groups_and_of_those_above_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    files, expected = TREES[name]
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)

    assert usable_cpus(tmp_path) == expected

"""Hosts that have the shared folder on mounts of their own, each of which knows late what others have written."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.engines.lab import LACKS_MOUNTS, NODES, Lab
from tests.places import counting
from tests.places.checking import Score, check, lines_of

pytestmark = [
    pytest.mark.xdist_group("engines"),
    pytest.mark.timeout(120),
    pytest.mark.skipif(bool(LACKS_MOUNTS), reason=LACKS_MOUNTS),
]


def test_a_host_whose_mount_is_gone_is_given_up_and_its_run_goes_on_at_another_one(lab: Lab, tmp_path: Path) -> None:
    (work := tmp_path / "work").mkdir()
    (told := tmp_path / "told").mkdir()
    (work / "history").symlink_to(told)
    counting.write(work / "m.py", told)
    for name in ("i1.txt", "i2.txt"):
        (work / name).write_text("x")
    lab.share(work)
    on = "each:" + ";".join(shlex.join(lab.on(node)) for node in NODES)
    program = [sys.executable, "-m", "pyalma_tui", "m.py", "i1.txt", "i2.txt", "--plain", "--workers", "2", "--on", on]
    with (
        open(tmp_path / "out", "w+") as out_file,
        subprocess.Popen(
            [*lab.on(0), *program, "--lease", "4"],
            cwd=work,
            env=lab.env | {"SAVES": "150"},
            stdout=out_file,
            stderr=out_file,
        ) as start,
    ):
        try:
            deadline = time.monotonic() + 20
            while not all(any(line[3] == "saved" for line in lines_of(work, name)) for name in ("i1.txt", "i2.txt")):
                assert time.monotonic() < deadline, (tmp_path / "out").read_text()
                time.sleep(0.01)
            where = lines_of(work, "i1.txt")[-1][1]
            lab.detach(int(where[-1]))
            start.wait(60)
        finally:
            start.kill()
    out = (tmp_path / "out").read_text()
    assert start.returncode == 0, out
    assert f"{where} is taken away (the state directory cannot be " in out
    assert "NOT SAVED" not in out
    assert "failed" not in out
    assert {line[1] for line in lines_of(work, "i1.txt")} == {f"node{node}" for node in NODES}
    score = Score()
    check(work, work / "m.alma", ["i1.txt", "i2.txt"], score, finished=True)
    assert score.broken == [], score.told()

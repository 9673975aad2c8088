"""Which experiments there are: as lines, as JSON, and what an unreadable one does to the others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

MODULE = """
instances = [{"data": number} for number in range(3)]

def run(instance, save, state):
    save(7)
    if instance["data"] == FAILS:
        raise ValueError("no")
"""


def pyalma(folder: Path, state: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pyalma_tui", *words]
    environment = {"XDG_STATE_HOME": str(state), "PATH": "/usr/bin:/bin", "HOME": str(state)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


def experiments(folder: Path, state: Path) -> dict[str, Any]:
    told = json.loads(pyalma(folder, state, "list", "--json").stdout)
    assert told["schema"] == 1
    return {Path(each["target"]).name: each for each in told["experiments"]}


def test_what_is_below_here_and_what_was_used_elsewhere_is_listed_with_how_it_stands(tmp_path: Path) -> None:
    here, elsewhere, state = tmp_path / "here", tmp_path / "elsewhere", tmp_path / "state"
    deep = here / "a" / "b"
    for folder in (deep, elsewhere):
        folder.mkdir(parents=True)
    (deep / "failing.py").write_text(MODULE.replace("FAILS", "1"))
    (here / "good.py").write_text(MODULE.replace("FAILS", "None"))
    (elsewhere / "far.py").write_text(MODULE.replace("FAILS", "None"))
    assert pyalma(here, state, "list").stderr.startswith("pyalma-tui: list: no experiment below this folder")
    assert pyalma(deep, state, "failing.py", "--plain").returncode == 1
    assert pyalma(here, state, "good.py", "--plain").returncode == 0
    assert pyalma(elsewhere, state, "far.py", "--plain", "--state", "st").returncode == 0
    broken = here / "broken.alma"
    broken.mkdir()
    (broken / "db.json").write_text("{")
    told = experiments(here, state)
    assert {name: each["standing"] for name, each in told.items()} == {
        "failing.py": "failed", "good.py": "done", "far.py": "done", "broken.py": "unreadable",
    }  # fmt: skip
    assert told["failing.py"]["counts"] == {"pending": 0, "running": 0, "interrupted": 0, "failed": 1, "done": 2}
    assert told["far.py"]["state_dir"] == str(elsewhere / "st")
    lines = pyalma(here, state, "list").stdout
    assert "a/b/failing.py" in lines
    assert "2/3  ✗1" in lines
    (elsewhere / "st").rename(elsewhere / "gone")
    assert "far.py" not in experiments(here, state), "what has gone is not told"


def test_a_history_that_cannot_be_read_or_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(MODULE.replace("FAILS", "None"))
    state = tmp_path / "state"
    state.mkdir()
    (state / "pyalma-tui").write_text("a file where a folder should be")
    assert pyalma(tmp_path, state, "good.py", "--plain").returncode == 0
    assert list(experiments(tmp_path, state)) == ["good.py"]

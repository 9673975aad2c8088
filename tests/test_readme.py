"""What the README says is what the program does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
HOUSE = ROOT / "pyalma_tui"
MAP = (HOUSE / "README.md").read_text()


def test_its_key_table_is_the_one_of_the_action_registry() -> None:
    from pyalma_tui.tui.keys import key_table

    assert key_table().strip() in README


def test_its_pictures_exist() -> None:
    pictures = re.findall(r"\]\((screenshots/[^)]+)\)", README)
    assert len(pictures) >= 3
    for picture in pictures:
        assert (ROOT / picture).is_file(), picture


def test_its_options_and_commands_exist() -> None:
    told = subprocess.run([sys.executable, "-m", "pyalma_tui", "--help"], capture_output=True, text=True, check=True)
    commands = re.findall(
        r"pyalma-tui (demo|status|attach|stop|list|serve|logs|results|export|import|reset|verify|reproduce|doctor)\b",
        README,
    )
    for word in {*re.findall(r"`(--[a-z-]+)", README), *commands} - {"--json"}:
        assert word in told.stdout, word


def test_the_module_it_shows_runs_as_it_is(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    module = next(block for block in blocks if "def run(" in block)
    (tmp_path / "lines.py").write_text(module)
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("one\ntwo\n")
    command = [sys.executable, "-m", "pyalma_tui", "lines.py", "a.txt", "b.txt", "--plain"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60).returncode == 0
    assert len((tmp_path / "lines.txt").read_text().splitlines()) == 20

    module = next(block for block in blocks if "record(" in block)
    (tmp_path / "search.py").write_text(module)
    command = [sys.executable, "-m", "pyalma_tui", "search.py", "a.txt", "b.txt", "--plain"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60).returncode == 0
    command = [sys.executable, "-m", "pyalma_tui", "results", "search.py", "--where", "gap<0.2"]
    table = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60).stdout.splitlines()
    assert table[0] in README
    assert len(table) == 1 + 2 * 7

    query = next(block for block in blocks if "TinyDB" in block)
    shown = subprocess.run([sys.executable, "-c", query], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert shown.returncode == 0, shown.stderr
    assert len(shown.stdout.splitlines()) == 2


def test_its_preferences_are_ones_that_hold(tmp_path: Path) -> None:
    from pyalma_tui.tui.preferences import read_preferences

    (shown,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "preferences.toml").write_text(shown)
    assert read_preferences(tmp_path / "preferences.toml").keys


@pytest.mark.parametrize("heavy", ["textual", "tinydb", "rich.table"])
def test_importing_the_package_imports_nothing_heavy(heavy: str) -> None:
    code = f"import sys, pyalma_tui; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_the_map_of_the_house_names_rooms_and_files_that_exist() -> None:
    rooms = re.findall(r"^\| `([a-z/]+)/`.* \| (.+) \|$", MAP, re.MULTILINE)
    assert len(rooms) > 10
    commands = {path.stem for path in HOUSE.glob("cli/*.py")}
    for room, told in rooms:
        assert (HOUSE / room / "__init__.py").is_file(), room
        here = {path.stem for path in (HOUSE / room).rglob("*")} | commands
        for name in re.findall(r"`([a-z_]+)`", told):
            assert name in here, f"{room}: {name}"
    files = {path.with_suffix("").as_posix() for top in (HOUSE, ROOT / "tests") for path in top.rglob("*")}
    for path in re.findall(r"`([a-z_]+/[a-z_/]+)`", MAP):
        assert any(known.endswith(f"/{path.rstrip('/')}") for known in files), path

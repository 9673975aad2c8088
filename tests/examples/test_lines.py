"""The lines example: ten lines of every file, however often it is interrupted."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest

import pyalma_tui.examples

FOLDER = Path(pyalma_tui.examples.__file__).parent / "lines"
TEXTS = sorted(FOLDER.glob("*.txt"))


class Stop(BaseException):
    """What an interrupted save raises, after it stored."""


class Saver:
    """A save() that keeps every value, and raises at the values listed."""

    def __init__(self, *stops: str) -> None:
        self.saved: list[str] = []
        self.stops = stops

    def __call__(self, data: str) -> None:
        assert type(data) is str
        self.saved.append(data)
        if data in self.stops:
            raise Stop


@pytest.fixture
def lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The run module, loaded afresh, with an empty working directory."""
    monkeypatch.chdir(tmp_path)
    spec = importlib.util.spec_from_file_location("lines", FOLDER / "lines.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def draw(lines: ModuleType, text: Path, save: Callable[[str], None], state: str = "") -> list[str]:
    """Call run(); the lines that it records, also where save() stops it."""
    drawn: list[str] = []
    with suppress(Stop):
        lines.run(str(text), save, state, lambda *, line: drawn.append(line))
    return drawn


def test_every_file_gives_ten_of_its_own_lines(lines: ModuleType) -> None:
    for text in TEXTS:
        save = Saver()
        drawn = draw(lines, text, save)
        assert save.saved == [str(left) for left in range(9, -1, -1)]
        assert len(drawn) == 10
        assert set(drawn) <= set(text.read_text(encoding="utf-8").splitlines()) - {""}


@pytest.mark.parametrize("stop", [str(left) for left in range(10)])
def test_an_interrupted_run_goes_on_with_the_lines_that_are_left(lines: ModuleType, stop: str) -> None:
    save = Saver(stop)
    before = draw(lines, TEXTS[0], save)
    assert len(before) == 10 - int(stop)
    save.stops = ()
    after = draw(lines, TEXTS[0], save, save.saved[-1])
    assert save.saved == [str(left) for left in range(9, -1, -1)]
    assert len(before + after) == 10


def test_a_line_is_recorded_before_its_state_is_saved(lines: ModuleType) -> None:
    drawn: list[str] = []
    seen: list[int] = []

    def save(left: str) -> None:
        seen.append(len(drawn) + int(left))

    lines.run(str(TEXTS[0]), save, "", lambda *, line: drawn.append(line))
    assert seen == [10] * 10


def test_what_is_recorded_is_also_printed(lines: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    drawn = draw(lines, TEXTS[0], Saver())
    assert capsys.readouterr().out.splitlines() == drawn


def test_lines_stay_apart_where_a_text_ends_without_a_newline(lines: ModuleType, tmp_path: Path) -> None:
    text = tmp_path / "short.txt"
    text.write_text("\n\n  the only line", encoding="utf-8")
    assert draw(lines, text, Saver()) == ["the only line"] * 10


def test_the_draw_is_random(lines: ModuleType) -> None:
    assert len({line for _ in range(5) for line in draw(lines, TEXTS[0], Saver())}) > 5


def test_done_writes_all_lines_into_one_file(
    lines: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lines, "results", lambda: iter([{"line": "one"}, {"line": "two"}]))
    for _ in range(2):
        lines.done()
        assert Path("lines.txt").read_text() == "one\ntwo\n"
        assert capsys.readouterr().out == "all lines extracted\n"


def test_the_batch_lists_the_texts_that_are_there() -> None:
    batch = json.loads((FOLDER / "lines.batch").read_text(encoding="utf-8"))
    assert batch == {"instances": [text.name for text in TEXTS]}
    assert len(TEXTS) == 3
    assert all(20 <= len(text.read_text(encoding="ascii").splitlines()) <= 40 for text in TEXTS)

"""The lines example: ten lines of every file, however often it is interrupted."""

from __future__ import annotations

import importlib.util
import json
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


def written() -> list[str]:
    """The lines of the result file."""
    return Path("lines.txt").read_text(encoding="utf-8").splitlines()


def test_every_file_gives_ten_of_its_own_lines(lines: ModuleType) -> None:
    for text in TEXTS:
        Path("lines.txt").unlink(missing_ok=True)
        save = Saver()
        lines.run(str(text), save, "")
        assert save.saved == [str(left) for left in range(9, -1, -1)]
        assert len(written()) == 10
        assert set(written()) <= set(text.read_text(encoding="utf-8").splitlines()) - {""}


def test_files_are_collected_in_one_result(lines: ModuleType) -> None:
    for text in TEXTS:
        lines.run(str(text), Saver(), "")
    assert len(written()) == 10 * len(TEXTS)


@pytest.mark.parametrize("stop", [str(left) for left in range(10)])
def test_an_interrupted_run_goes_on_with_the_lines_that_are_left(lines: ModuleType, stop: str) -> None:
    save = Saver(stop)
    with pytest.raises(Stop):
        lines.run(str(TEXTS[0]), save, "")
    assert len(written()) == 10 - int(stop)
    save.stops = ()
    lines.run(str(TEXTS[0]), save, save.saved[-1])
    assert save.saved == [str(left) for left in range(9, -1, -1)]
    assert len(written()) == 10


def test_a_line_is_in_the_file_before_its_state_is_saved(lines: ModuleType) -> None:
    seen: list[int] = []
    lines.run(str(TEXTS[0]), lambda left: seen.append(len(written()) + int(left)), "")
    assert seen == [10] * 10


def test_what_is_written_is_also_printed(lines: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    lines.run(str(TEXTS[0]), Saver(), "")
    assert capsys.readouterr().out.splitlines() == written()


def test_lines_stay_apart_where_a_text_ends_without_a_newline(lines: ModuleType, tmp_path: Path) -> None:
    text = tmp_path / "short.txt"
    text.write_text("\n\n  the only line", encoding="utf-8")
    lines.run(str(text), Saver(), "")
    assert written() == ["the only line"] * 10


def test_the_draw_is_random(lines: ModuleType) -> None:
    for _ in range(5):
        lines.run(str(TEXTS[0]), Saver(), "")
    assert len(set(written())) > 5


def test_done_says_so(lines: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    lines.done()
    assert capsys.readouterr().out == "all lines extracted\n"


def test_the_batch_lists_the_texts_that_are_there() -> None:
    batch = json.loads((FOLDER / "lines.batch").read_text(encoding="utf-8"))
    assert batch == {"instances": [text.name for text in TEXTS]}
    assert len(TEXTS) == 3
    assert all(20 <= len(text.read_text(encoding="ascii").splitlines()) <= 40 for text in TEXTS)

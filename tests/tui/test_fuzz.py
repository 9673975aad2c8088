"""Two hundred hostile texts in every room: as names, states, errors, rows, fields, notes, files and logs.

A widget that hands one of them to the terminal as it is, takes it for markup, or counts its cells wrongly, fails.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.app import App

from pyalma_tui.loading.entries import expand_arguments
from pyalma_tui.model import jsontext
from pyalma_tui.model import status as s
from pyalma_tui.model.forecast import Basis, Forecast, Slow
from pyalma_tui.model.records import Note
from pyalma_tui.model.series import Samples, Series, grown
from pyalma_tui.model.view import Tally
from pyalma_tui.store.finding import FoundExperiment
from pyalma_tui.tui.experiments import ExperimentsApp
from pyalma_tui.tui.picking import PickingApp
from pyalma_tui.tui.preferences import Preferences
from tests.tui.driving import Opened, opened
from tests.tui.fake_conductor import NOW, Experiment
from tests.tui.recorded import record
from tests.tui.test_experiments import until
from tests.tui.test_failures import assert_harmless

MANY = 200
PIECES = (
    "\x1b[2J", "\x1b[6n", "\x1b]52;c;ZXZpbA==\x07", "\x1b]0;title\x1b\\", "\x1bP+q\x1b\\", "\x9b31m", "\x85", "\x00",
    "\x08", "\x7f", "\r", "\n", "\t", "\x0b", "\u2028", "\u2029", "\u202e", "\u2066", "\u200b", "\ufeff", "\u0301" * 9,
    "漢字", "👩‍🔬", "🇨🇭", "ｆ", "\u0645\u062b", "[/]", "[red]", "[@click=app.quit]x[/]", "[[", "\\[", "$text", "%s",
    "{0}", "", "x" * 300, " ", "\ud800", "../", "~", "-", "'", '"', "&", "<b>", "\U000e0041", "\u00ad",
)  # fmt: skip


def hostile(seed: int) -> list[str]:
    chance = random.Random(seed)
    return ["".join(chance.choices(PIECES, k=chance.randrange(1, 6))) + f"{number}" for number in range(MANY)]


def whole(text: str) -> str:
    """The text as JSON and files can have it."""
    return text.encode("utf-8", "replace").decode()


def lived(folder: Path) -> Experiment:
    """Every text is an instance with two runs; of these one is done and has rows, or failed, or runs, or is stopped."""
    texts = hostile(1)
    made = Experiment(texts, iterations=2, title=texts[5], phase="busy", workers=3, state_dir=folder)
    keys = [whole(text) for text in texts[:40] if len(text) < 30]
    made.instances = [
        replace(each, data=jsontext.encode({key: f"{key}{each.id % 3}" for key in keys})) for each in made.instances
    ]
    series = {}
    for number, text in enumerate(texts):
        run, key = number + 1, whole(text)
        made.done(run + MANY, 5, status=s.Done(NOW - 500 + number, 5), began=NOW - 900)
        if number < 20:
            record(made, run + MANY, [{key: n, "text": key} for n in range(3)])
            made.running(run, number, state=jsontext.encode({key: 1}), saves=2, saved_at=NOW)
            points = Series()
            for n in range(1, 9):
                points = grown(points, n, n, jsontext.encode({key: n}))
            series[run] = points
            log = folder / "logs" / str(run) / "1.log"
            log.parent.mkdir(parents=True)
            log.write_text("\n".join(map(whole, texts[:40])))
        elif number % 2:
            made.failed(run, text, f'Traceback\n  File "{text}", line 3, in {text}\n    {text}\n{text}: {text}')
        else:
            made.interrupted(run, status=s.Interrupted(text, NOW - 9), state=jsontext.encode(key))
    basis = Basis(5, 0, 0, tuple(texts[:9]), 0.5)
    slow = tuple(Slow(run, 50.0) for run in range(1, 15))
    made.fields |= {
        "samples": Samples(series),
        "notes": tuple(Note(NOW - 1, text) for text in texts),
        "forecast": Forecast(NOW + 50, NOW + 60, NOW + 70, basis, slow, 0.5, ((1, NOW + 60),)),
    }
    return made


def look(app: App[Any]) -> None:
    """Nothing on the screen is obeyed by a terminal, and every line has the cells that the terminal has."""
    for strip in app.screen._compositor.render_strips():
        assert_harmless("".join(segment.text for segment in strip))
        assert not {"\x00", "\r", "\n", "\t", "\x7f"} & set(strip.text), ascii(strip.text)
        assert strip.cell_length == app.size.width, ascii(strip.text)


ROOMS: dict[str, tuple[list[str], list[str]]] = {
    "list": ([], ["pagedown"] * 12),
    "detail": ([], ["down"] * 16),
    "failures": (["F"], ["down"] * 20),
    "runs": (["o", "v"], ["down", "v", "down", "v"] * 6),
    "plots": (["P", "right", "right", "enter"], ["right_square_bracket"] * 16),
    "results": (["R"], [*["pagedown"] * 3, *["right"] * 12]),
    "forecast": (["percent_sign"], ["pagedown"] * 2),
    "history": (["H"], ["pagedown"] * 12),
    "compare": (["g", "space", "space", "equals_sign"], ["pagedown"] * 3),
    "log": (["l"], ["w", "at", *["pageup"] * 4]),
    "session log": (["s"], ["pagedown"] * 12),
    "search": (["asterisk", "x", "enter"], ["down"] * 10),
    "jump": (["ctrl+o"], []),
    "help": (["question_mark"], []),
    "palette": (["ctrl+p"], [*"column", *["down"] * 30]),
    "workers": (["w"], ["pagedown"] * 2),
    "removing": (["a", "delete"], []),
}


@pytest.mark.parametrize("size", [(80, 24), (220, 60)], ids=["80x24", "220x60"])
@pytest.mark.parametrize("rooms", [list(ROOMS)[:5], list(ROOMS)[5:]], ids=["first", "second"])
async def test_two_hundred_hostile_texts_do_nothing_in_any_room(
    rooms: list[str], size: tuple[int, int], tmp_path: Path
) -> None:
    async with opened(lived(tmp_path).snapshot(), size=size, preferences=Preferences()) as t:
        for room in rooms:
            into, around = ROOMS[room]
            await t.press(*into)
            await settled(t)
            look(t.app)
            for key in around:
                await t.press(key)
                look(t.app)
            while len(t.app.screen_stack) > 1:
                await t.press("escape")
            await t.press("escape", "escape")


async def settled(t: Opened) -> None:
    """Until what the screen does in threads is done."""
    await t.until(lambda: not getattr(t.app.screen, "pending", False))


async def test_two_hundred_hostile_experiments_are_listed(tmp_path: Path) -> None:
    found = [
        FoundExperiment(
            Path(f"/x/{name}"), Path(f"/x/{name}.alma"), Tally(done=number), NOW, problem=text if number % 3 else ""
        )
        for number, text in enumerate(hostile(2))
        for name in [text.replace("\x00", "").replace("\ud800", "\udc80")]  # as bytes of a name that are no UTF-8
    ]
    app = ExperimentsApp(lambda: found, Preferences(), clock=lambda: NOW)
    async with app.run_test(size=(80, 24)) as pilot:
        for _ in range(12):
            await pilot.press("pagedown")
            await pilot.pause()
            look(app)


def names(texts: list[str]) -> Iterator[str]:
    """Those that a file can have."""
    for text in texts:
        if (name := whole(text).replace("/", "").replace("\x00", "")[:60]).strip(". "):
            yield name


async def test_two_hundred_hostile_files_are_offered(tmp_path: Path) -> None:
    for name in names(hostile(3)):
        (tmp_path / name).write_text("x")

    def found(words: Sequence[str], pause: Callable[[], None]) -> list[str]:
        return [each.file for each in expand_arguments(words, tmp_path, pause=pause)]

    app = PickingApp("lab.py", tmp_path, found, Preferences())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("asterisk")
        await until(pilot, lambda: "instances: enter starts" in "".join(text_of_all(app)))
        look(app)
        await pilot.press("tab")
        for _ in range(12):
            await pilot.press("pagedown", "down")
            await pilot.pause()
            look(app)


def text_of_all(app: App[Any]) -> Iterator[str]:
    for strip in app.screen._compositor.render_strips():
        yield strip.text

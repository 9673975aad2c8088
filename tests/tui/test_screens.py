"""What stands on the screen at which size, in which state, whatever the names are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len

import pyalma_tui.tui
from pyalma_tui.errors import StoreError, UsageError
from pyalma_tui.model import status as s
from pyalma_tui.model.forecast import Forecast
from pyalma_tui.model.records import Note
from pyalma_tui.runner.snapshot import Slot, Snapshot
from pyalma_tui.tui.alert import alert
from pyalma_tui.tui.app import ExperimentApp
from pyalma_tui.tui.keys import key_table
from pyalma_tui.tui.registry import ACTIONS
from pyalma_tui.tui.strokes import STROKES
from pyalma_tui.tui.themes import refuse_unknown
from tests.tui.driving import Opened, opened
from tests.tui.fake_conductor import MONOTONIC, NOW, Experiment, asked, large, small

HOSTILE = {
    "closing tag": "[/]",
    "live link": "[@click=app.quit]x[/]",
    "clipboard": "\x1b]52;c;ZXZpbA==\x07clip",
    "cursor report": "\x1b[6nreport",
    "c1": "\x9b31mred\x85next",
    "right to left": "a\u202efdp.exe",
    "arabic": "\u0645\u062b\u0627\u0644.cnf",
    "long": "x" * 10_000,
    "wide": "漢字" * 20 + ".cnf",
    "emoji": "👩‍🔬🧪.cnf",
    "lines": "one\ntwo\r\nthree\tfour",
    "separator": "a\u2028b",
    "surrogate": "a\ud800b",
    "marks": "e" + "\u0301" * 500,
    "empty": "",
    "brackets": "[red]not red[/red] [[x]]",
}


def raw(t: Opened) -> str:
    """All that would reach the terminal."""
    return "".join(segment.text for strip in t.app.screen._compositor.render_strips() for segment in strip)


def hostile() -> Experiment:
    """Each text is the name and the state of what runs, of what has failed with it, and of what was interrupted."""
    texts = list(HOSTILE.values())
    made = Experiment([text + more for more in ("", "2", "3") for text in texts], phase="busy", saved_at=NOW)
    for number, text in enumerate(texts, 1):
        state = msgspec.json.encode(text) if "\ud800" not in text else b'"a\\ud800b"'
        made.running(number, number, state=state, earlier=(state[:200],), saves=2, saved_at=NOW, last_save=2)
        made.failed(len(texts) + number, message=text or "x", traceback=f"Traceback\n{text}")
        made.interrupted(2 * len(texts) + number, state=state)
    return made


async def test_nobody_s_text_does_anything_and_every_line_is_exactly_as_wide_as_the_terminal() -> None:
    made = hostile()
    notes: tuple[Note, ...] = (Note(NOW, "first"),)
    async with opened(made.snapshot(notes=notes), size=(100, 30)) as t:

        async def look(*keys: str) -> None:
            await t.press(*keys)
            screen = raw(t)
            assert not {"\x1b", "\x07", "\u202e"} & set(screen)
            assert not any("\x80" <= character <= "\x9f" for character in screen)
            assert {cell_len(line) for line in t.lines()} == {100}

        for text in HOSTILE.values():
            notes = (*notes, Note(NOW, text))
            told = {"notes": notes, "title": text, "idle_reason": text, "not_saved": StoreError(text).failure}
            await t.show(made.snapshot(**told))
            await look()
            assert "\x1b" not in t.app.title
        for _ in HOSTILE:
            assert "failed" in t.text()
            for key in ("l", "escape", "x", "escape", "down"):
                await look(key)
        for _ in range(2 * len(HOSTILE)):
            await look("down")
        for key in ("s", "home", "pagedown", "escape", "q"):
            await look(key)
        assert t.app.is_running


async def test_eighty_by_twenty_four_has_everything() -> None:
    forecast = Forecast(NOW + 38 * 60, NOW + 41 * 60, NOW + 52 * 60)
    async with opened(small().snapshot(forecast=forecast), size=(80, 24)) as t:
        lines = t.lines()
        assert len(lines) == 24
        for text in ("sat", "1/6 runs", "16 %", "✗ 1 failed", "~41 min left (80 %: 38–52)", "saved 3 s ago"):
            assert text in lines[0]
        await t.sees("✗ uf20-03.cnf  failed", "● uf20-01.cnf  running", "≈85 %", "state     12", "log")
        assert "q quit" in lines[-1]
        assert "^c interrupt" in lines[-1]


async def test_wide_puts_the_detail_beside_the_list() -> None:
    async with opened(small().snapshot(), size=(140, 30)) as t:
        await t.until(lambda: any("uf20-03.cnf" in line and "│ error" in line for line in t.lines()))


async def test_small_sizes_and_back() -> None:
    async with opened(small().snapshot(), size=(80, 24)) as t:
        before = t.text()
        for size in ((20, 5), (1, 1), (3, 2), (200, 3), (5, 60), (80, 24)):
            await t.pilot.resize_terminal(*size)
            await t.until(lambda size=size: len(t.lines()) == size[1])  # type: ignore[misc]
            await t.pilot.pause()
            if size == (20, 5):
                await t.until(lambda: "uf20-03" in t.text() and "quit" in t.lines()[-1])
        await t.until(lambda: t.text() == before)


async def test_keys_work_on_a_tiny_terminal() -> None:
    from pyalma_tui.runner.commands import Interrupt

    async with opened(small().snapshot(), size=(20, 5)) as t:
        await t.press("ctrl+c")
        await t.sends(Interrupt())


# States


async def test_opening_says_so() -> None:
    async with opened(Snapshot()) as t:
        await t.sees("opening…")
        await t.press("down", "enter", "x", "y", "space", "a", "o", "left_square_bracket")
        assert t.sent == []
        await t.show(small().snapshot())
        await t.sees("uf20-01.cnf")


async def test_a_cut_off_done_says_what_nobody_knows() -> None:
    made = small()
    async with opened(made.snapshot(done_hook=s.DoneHook(s.HookCutOff(since=NOW), 1))) as t:
        await t.sees("done() was cut off at", "it may or may not have taken effect — press d to run it again")


async def test_not_saved_says_why() -> None:
    async with opened(small().snapshot(not_saved=StoreError("No space left on device").failure)) as t:
        await t.sees("NOT SAVED: No space left on device")
        assert "✗ NOT SAVED" in t.lines()[0]


async def test_unknown_is_called_unknown() -> None:
    async with opened(small().snapshot(forecast=None)) as t:
        assert "time left unknown" in t.lines()[0]


async def test_a_module_that_hangs_while_it_is_imported_is_shown() -> None:
    made = small()
    made.slots = [Slot(0, 1, "loading", NOW - 12)]
    async with opened(made.snapshot()) as t:
        await t.sees("loading sat.py (12 s)…")


async def test_workers_that_no_host_has_come_for_are_no_module_that_loads() -> None:
    made = small()
    made.slots = [Slot(0, 0, "coming", NOW - 12), Slot(1, 0, "coming", NOW - 3), Slot(2, 0, "coming", NOW)]
    async with opened(made.snapshot()) as t:
        await t.sees("2 workers have not come yet (12 s)")
        assert "loading" not in t.text()


async def test_why_nothing_runs() -> None:
    made = Experiment(["a.cnf"], phase="idle")
    made.failed(1)
    async with opened(made.snapshot(idle_reason="1 failed run waits for f")) as t:
        await t.sees("idle: 1 failed run waits for f")


async def test_a_failed_run_shows_its_traceback() -> None:
    async with opened(small().snapshot()) as t:
        await t.sees(
            "ValueError: line 92: 2 literals, expected 3", 'File "/home/user/sat/dimacs.py", line 17, in parse'
        )


async def test_a_running_run_shows_what_is_at_risk() -> None:
    made = small()
    made.running(1, saved_at=NOW - 12, last_save=3, saves=3, state=b'{"best": 3, "left": [1, 2]}')
    async with opened(made.snapshot()) as t:
        await t.press("down")
        await t.sees("12 s of work would be lost now", '{"best": 3, "left": [1, 2]}', "12 s ago · 3 saves · 1 attempt")


async def test_a_run_that_never_saved_risks_all_it_did() -> None:
    made = small()
    made.running(1, seconds=90, state=None, earlier=(), saves=0, saved_at=None, last_save=0)
    async with opened(made.snapshot()) as t:
        await t.press("down")
        await t.sees("90 s of work would be lost now (no save", "none saved")


async def test_a_stop_counts_down_in_the_detail() -> None:
    mono = [MONOTONIC]
    made = small()
    made.running(1, stopping=asked(7), saved_at=NOW - 3, last_save=3)
    async with opened(made.snapshot(phase="stopping"), monotonic=lambda: mono[0]) as t:
        await t.press("down")
        await t.sees("asked to stop at the next save(), SIGINT in 7 s", "3 s of work would be lost if it is killed")
        mono[0] += 4
        await t.sees("SIGINT in 3 s")


async def test_the_end_rings_only_while_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[int] = []
    monkeypatch.setattr(ExperimentApp, "bell", lambda self: rung.append(1))
    for focused in (True, False):
        async with opened(small().snapshot()) as t:
            t.app.app_focus = focused
            await t.show(small().snapshot(phase="idle"))
            assert rung == ([] if focused else [1])


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"TERM": "xterm-256color"}, "\x1b]9;sat: all done\x1b\\"),
        ({"TERM": "foot"}, "\x1b]777;notify;sat;all done\x1b\\"),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/x"}, "\x1bPtmux;\x1b\x1b]9;sat: all done\x1b\x1b\\\x1b\\"),
        ({"TERM": "screen"}, "\x1bP\x1b]9;sat: all done\x1b\\\x1b\\"),
    ],
)
def test_the_desktop_is_told_as_the_terminal_knows_it(environ: dict[str, str], told: str) -> None:
    assert alert("sat", "all done", environ) == told


# Looks


@pytest.mark.parametrize("theme", ["alma-dark", "alma-light", "ansi-dark", "ansi-light", "nord", "textual-light"])
async def test_every_theme_shows_the_same_words(theme: str) -> None:
    async with opened(small().snapshot(), theme=theme) as t:
        await t.sees(
            "✗ uf20-03.cnf  failed", "● uf20-01.cnf  running", "‖ uf20-04.cnf  interrupted", "✓ uf20-02.cnf  done"
        )


def test_an_unknown_theme_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"Did you mean alma-dark\? There are .*alma-light.*dracula"):
        refuse_unknown("alma-drak")


async def test_without_colour_nothing_is_coloured_and_the_cursor_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with opened(small().snapshot(), size=(80, 24)) as t:
        for filter_ in t.app._filters:
            assert type(filter_).__name__ != "Monochrome"
        line = next(strip for strip in t.app.screen._compositor.render_strips() if "uf20-03.cnf" in strip.text)
        named = next(segment for segment in line if "uf20-03.cnf" in segment.text)
        assert named.style is not None
        assert named.style.reverse
        for segment in line.apply_filter(t.app._filters[-1], t.app.screen.styles.background):
            style = segment.style
            assert style is None or all(colour is None or colour.is_default for colour in (style.color, style.bgcolor))


async def test_the_same_moment_is_the_same_picture() -> None:
    pictures = []
    for _ in range(2):
        async with opened(small().snapshot(), size=(100, 30)) as t:
            await t.sees("uf20-01.cnf", "state     12")
            pictures.append(t.text())
    assert pictures[0] == pictures[1]


def test_no_action_shares_a_key_with_another_of_its_place() -> None:
    taken: set[tuple[str, str]] = set()
    for action in ACTIONS:
        for key in action.keys.split(","):
            for scope in (action.scope, *action.also):
                assert (scope, key) not in taken
                taken.add((scope, key))


def test_no_key_means_two_things_to_one_widget_or_box() -> None:
    taken = [(stroke.scope, key) for stroke in STROKES for key in stroke.keys.split(",")]
    assert len(taken) == len(set(taken))


def test_every_key_comes_from_the_registry() -> None:
    folder = Path(pyalma_tui.tui.__file__).parent
    makers = {path.relative_to(folder).as_posix() for path in folder.rglob("*.py") if "Binding(" in path.read_text()}
    assert makers == {"keys.py"}


def test_every_action_has_somebody_who_does_it() -> None:
    from pyalma_tui.tui.screens.compare import ComparePage
    from pyalma_tui.tui.screens.failures import FailuresScreen
    from pyalma_tui.tui.screens.history import HistoryPage
    from pyalma_tui.tui.screens.log import LogScreen
    from pyalma_tui.tui.screens.main import MainScreen
    from pyalma_tui.tui.screens.plots import PlotsScreen
    from pyalma_tui.tui.screens.results import ResultsScreen
    from pyalma_tui.tui.screens.runs import RunsScreen
    from pyalma_tui.tui.screens.search_logs import SearchLogsScreen

    screens: list[Any] = [
        MainScreen, LogScreen, RunsScreen, FailuresScreen, SearchLogsScreen, PlotsScreen, ResultsScreen,
        ComparePage, HistoryPage,
    ]  # fmt: skip
    hosts: dict[str, Any] = {"app": ExperimentApp} | {screen.scope: screen for screen in screens}
    for action in ACTIONS:
        for scope in (action.scope, *action.also):
            doers = (hosts[scope], hosts["app"])
            assert any(hasattr(host, f"do_{action.id}") for host in doers), (action.id, scope)


def test_the_key_table_is_markdown_with_the_twelve_of_every_day() -> None:
    table = key_table()
    assert table.startswith("| key | what it does |\n|---|---|\n| `^c` | Interrupt every run")
    assert table.count("\n") == 2 + 12


async def test_a_million_instances_open() -> None:
    made = large(1_000_000)
    async with opened(made.snapshot(), size=(80, 24)) as t:
        await t.press("end")
        await t.sees("uf20-999999.cnf")

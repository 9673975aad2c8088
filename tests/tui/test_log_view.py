"""The log on the screen: what is painted, when, and what keys do."""

from __future__ import annotations

import asyncio
import os
import time
import unicodedata
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import events
from textual.app import App, ComposeResult
from textual.color import Color
from textual.geometry import Offset, Region
from textual.pilot import Pilot
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style

from pyalma_tui.logs.needle import Needle
from pyalma_tui.logs.reader import Line
from pyalma_tui.tui.widgets.log_pane import KEPT
from pyalma_tui.tui.widgets.log_row import Look, column, content, row
from pyalma_tui.tui.widgets.log_view import LogView

WIDTH, HEIGHT = 40, 10


class Host(App[None]):
    """Keeps what the view says about itself."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def compose(self) -> ComposeResult:
        yield LogView()

    def on_log_pane_moved(self, event: LogView.Moved) -> None:
        assert event.control is event.view
        self.said.append(event.view.badge)


@asynccontextmanager
async def shown(path: Path | None, **options: str) -> AsyncIterator[tuple[LogView, Pilot[None]]]:
    app = Host()
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        view = app.query_one(LogView)
        view.show(path, **options)
        view.focus()
        await pilot.pause()
        yield view, pilot


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await pilot.pause()


def strips(view: LogView) -> list[Strip]:
    return view.render_lines(Region(0, 0, *view.size))


def rows(view: LogView) -> list[str]:
    """The text of the rows, without the scrollbar."""
    return [strip.text[:-1].rstrip() for strip in strips(view)]


def bar(view: LogView) -> str:
    return "".join(strip.text[-1] for strip in strips(view))


def write(path: Path, first: int, count: int) -> None:
    with path.open("a") as file:
        file.write("".join(f"line {n}\n" for n in range(first, first + count)))


def lines(first: int, count: int = HEIGHT) -> list[str]:
    return [f"line {n}" for n in range(first, first + count)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "1.log"


async def test_a_log_opens_at_its_end_and_follows(path: Path) -> None:
    write(path, 0, 100)
    async with shown(path) as (view, pilot):
        assert rows(view) == lines(90)
        write(path, 100, 3)
        view.poll()
        assert rows(view) == lines(93)
        assert (view.following, view.new_lines, view.badge) == (True, 0, "follow ▼")
        await pilot.pause()
        assert view.app.said[-1] == "follow ▼"  # type: ignore[attr-defined]


async def test_scrolling_up_stops_following_and_new_lines_are_counted_not_jumped_to(path: Path) -> None:
    write(path, 0, 100)
    async with shown(path) as (view, pilot):
        await pilot.press("k", "up")
        assert (rows(view), view.following) == (lines(88), False)
        write(path, 100, 1234)
        view.poll()
        assert (rows(view), view.new_lines) == (lines(88), 1234)
        await pilot.pause()
        assert view.app.said[-1] == "+1,234 new lines ▼"  # type: ignore[attr-defined]
        await pilot.press("G")
        assert (rows(view), view.following, view.new_lines) == (lines(1324), True, 0)


@pytest.mark.parametrize(
    ("keys", "first"),
    [
        ("pageup", 81),
        ("pageup pageup pagedown", 81),
        ("home", 0),
        ("g", 0),
        ("g j down", 2),
        ("g k pageup", 0),
        ("g pagedown", 9),
        ("g end", 90),
        ("g j j k G", 90),
        ("k j", 90),
        ("j pagedown", 90),
    ],
)
async def test_keys_scroll(path: Path, keys: str, first: int) -> None:
    write(path, 0, 100)
    async with shown(path) as (view, pilot):
        await pilot.press(*keys.split())
        assert rows(view) == lines(first)
        assert view.following == (first == 90)


async def test_of_lines_that_were_painted_those_in_sight_are_kept_and_a_few(path: Path) -> None:
    write(path, 0, 400)
    async with shown(path) as (view, pilot):
        for height in (HEIGHT, 2 * HEIGHT):
            await pilot.resize_terminal(WIDTH, height)
            await until(pilot, lambda height=height: view.size.height == height)  # type: ignore[misc]
            seen = set()
            for _ in range(6):
                await pilot.press("pageup")
                seen.update(rows(view))
                assert view.size.height <= len(view._strips) <= view.size.height + KEPT
            assert len(seen) > height + KEPT


async def test_the_wheel_and_the_scrollbar_scroll(path: Path) -> None:
    write(path, 0, 1000)
    async with shown(path) as (view, pilot):
        assert bar(view) == " " * 9 + "▐"
        await pilot._post_mouse_events([events.MouseScrollUp], view, (5, 5), button=0)
        assert rows(view) == lines(987)
        await pilot.hover(view, (WIDTH - 1, 0))
        await pilot.mouse_down(view, (WIDTH - 1, 0))
        assert (rows(view), bar(view)) == (lines(0), "▐" + " " * 9)
        await pilot.hover(view, (WIDTH - 1, 5))
        await pilot.hover(view, (WIDTH - 2, 5))
        assert not view.screen.selections
        assert bar(view)[4:6].strip()
        assert rows(view)[0] > "line 400"
        await pilot.mouse_up(view, (WIDTH - 1, 9))
        await pilot.hover(view, (5, 2))
        assert rows(view)[0] > "line 400"


async def test_a_poll_repaints_what_changed_and_nothing_else(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, 0, 4)
    async with shown(path) as (view, pilot):
        painted: list[int] = []
        render_line = view.render_line

        def painting(y: int) -> Strip:
            painted.append(y)
            return render_line(y)

        monkeypatch.setattr(view, "render_line", painting)
        view.poll()
        await pilot.pause()
        assert painted == []
        write(path, 4, 2)
        view.poll()
        await pilot.pause()
        assert painted == [4, 5]
        await pilot.press("up")
        write(path, 6, 100)
        view.poll()
        await pilot.press("home")
        await pilot.pause()
        painted.clear()
        write(path, 106, 5)
        view.poll()
        await pilot.pause()
        assert set(painted) <= {0, 1}  # the scrollbar's thumb became shorter


async def test_bars_below_a_bar_are_folded(path: Path) -> None:
    """As tqdm writes them where they stand below others: each state goes down to its row, and up again."""
    with path.open("wb") as file:
        for epoch in range(3):
            file.write(b"\repoch %d/3\n" % epoch)
            for batch in range(100):
                file.write(b"\r  batch %d/100 \x1b[32m%s\x1b[0m\x1b[A\n" % (batch, b"#" * (batch // 9)))
            file.write(b"\r" + b" " * 40 + b"\x1b[A")
        file.write(b"\repoch 3/3\n")
        for part in range(3):
            file.write(b"\n\n\r    part %d/3\x1b[A\x1b[A" % part)
    async with shown(path) as (view, pilot):
        told = [*(f"epoch {epoch}/3" for epoch in range(4)), "", "", "    part 2/3"]
        assert [row.rstrip() for row in rows(view)][: len(told)] == told
        with path.open("ab") as file:
            file.write(b"\n\r  batch 7/100\x1b[A")
        view.poll()
        await pilot.pause()
        assert [row.rstrip() for row in rows(view)][: len(told)] == [*told[:-1], "  batch 7/100"]


async def test_hostile_lines_reach_the_screen_as_text_in_their_columns(path: Path) -> None:
    path.write_bytes(
        b"\x1b[31mred\x1b[0m \x1b]52;c;QUJD\x07\n"
        b"\x1b[6n\x9b6n [/] [@click=app.quit]x[/]\n"
        b"10%\r20%\r30%\n" + "\u202egnp.exe a\u200bb \ud800\n".encode("utf-8", "surrogatepass") + b"a\tb\n"
        b"\x00\x08\x0c\x7f\n" + ("日" * 60 + "\n").encode() + b"last"
    )
    async with shown(path) as (view, _):
        assert rows(view)[:6] == [
            "red ␛]52;c;QUJD␇",
            "␛[6n\\x9b6n [/] [@click=app.quit]x[/]",
            "30%",
            "‹202E›gnp.exe a‹200B›b \\xed\\xa0\\x80",
            "a       b",
            "␀␈␌␡",
        ]
        for strip in strips(view):
            assert strip.cell_length == WIDTH
            assert not [c for c in strip.text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
            assert all("@click" not in segment.style.meta for segment in strip if segment.style)
        red = next(iter(strips(view)[0]))
        assert red.text == "red"
        assert red.style is not None
        assert red.style.color != strips(view)[7]._segments[0].style.color  # type: ignore[union-attr]


async def test_long_lines_scroll_sideways_and_say_so(path: Path) -> None:
    path.write_text("short\n" + "".join(f"{n:>8}" for n in range(8, 808, 8)) + "\n")
    async with shown(path) as (view, pilot):
        assert rows(view)[1].endswith("›")
        assert "›" not in rows(view)[0]
        await pilot.press("right", "right")
        assert rows(view)[0] == "‹"
        assert rows(view)[1] == "‹     24      32      40      48      ›"
        await pilot.press("left", "left", "left")
        assert rows(view)[:2] == ["short", "       8      16      24      32      ›"]
        for _ in range(120):
            view.action_sideways(1)
        assert rows(view)[1].split()[-1] == "800"
        await pilot.press("home")
        assert rows(view)[0] == "short"


@pytest.mark.parametrize("theme", ["textual-light", "textual-dark"])
async def test_what_the_view_itself_says_can_be_read_in_any_theme(path: Path, theme: str) -> None:
    async with shown(path) as (view, pilot):
        view.app.theme = theme
        await pilot.pause()
        note = next(iter(strips(view)[0]))
        path.write_text("x" * 100)
        view.poll()
        sign = list(strips(view)[0])[-2]
        assert (note.text, sign.text) == ("no output yet", "›")
        for style in (note.style, sign.style):
            assert style is not None
            assert style.color is not None
            assert style.bgcolor is not None
            colours = zip(style.color.get_truecolor(), style.bgcolor.get_truecolor(), strict=True)
            assert sum(abs(ink - paper) for ink, paper in colours) > 150


async def test_a_line_too_long_for_anybody_is_shown_in_pieces(path: Path) -> None:
    path.write_bytes(b"x" * 300_000 + b"\nend\n")
    async with shown(path) as (view, _):
        assert [row[:3] for row in rows(view)[:6]] == ["xxx", "↪ x", "↪ x", "↪ x", "↪ x", "end"]


def styled(strip: Strip, attribute: str) -> str:
    return "".join(text for text, style, _ in strip if style is not None and getattr(style, attribute))


async def test_matches_are_marked_and_the_one_the_search_stands_at_differently(path: Path) -> None:
    write(path, 0, 100)
    async with shown(path) as (view, pilot):
        view.search("LINE 9")
        await until(pilot, lambda: not view.following)
        assert rows(view) == lines(90)
        assert [styled(strip, "reverse") for strip in strips(view)] == [""] * 9 + ["line 9"]
        assert [styled(strip, "underline") for strip in strips(view)] == ["line 9"] * 9 + [""]
        await pilot.press("N")
        await until(pilot, lambda: styled(strips(view)[8], "reverse") == "line 9")
        await pilot.press("n", "n")
        await until(pilot, lambda: "line 9" in rows(view))
        assert "line 19" not in rows(view)
        assert view.badge.startswith("“LINE 9” 1 of 11 from the top again")
        view.search("")
        assert "".join(styled(strip, "reverse") + styled(strip, "underline") for strip in strips(view)) == ""


async def test_a_match_far_to_the_right_is_scrolled_to(path: Path) -> None:
    path.write_text("needle here\n" + "x" * 500 + "needle" + "x" * 500 + "\n")
    async with shown(path) as (view, pilot):
        view.search("needle")
        await until(pilot, lambda: styled(strips(view)[1], "reverse") == "needle")
        await pilot.press("N")
        await until(pilot, lambda: styled(strips(view)[0], "reverse") == "needle")


async def test_only_lines_with_a_text_can_be_shown(path: Path) -> None:
    write(path, 0, 100)
    async with shown(path) as (view, pilot):
        view.only("7")
        await until(pilot, lambda: "19 ×" in view.badge)
        assert rows(view)[0] == "line 72"
        view.only("x[/]")
        await until(pilot, lambda: rows(view)[0].startswith("no line is left by the filter."))
        assert view.take_back()
        assert view.take_back()
        assert not view.take_back()
        assert rows(view) == lines(90)


async def test_keys_are_answered_while_a_search_goes_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyalma_tui.tui.widgets.log_pane.SLICE", 0)
    monkeypatch.setattr("pyalma_tui.logs.search.STEP", 64)
    write(path, 0, 20_000)
    async with shown(path) as (view, pilot):
        view.search("absent")
        view.app.post_message(events.Key("home", None))
        viewport = view._viewport
        assert viewport is not None
        while view.following:
            await asyncio.sleep(0)
        assert viewport.working
        assert rows(view) == lines(0)
        await until(pilot, lambda: "no “absent”" in view.badge)


async def test_nothing_to_show_is_said(path: Path) -> None:
    async with shown(None, empty="no run [selected]") as (view, _):
        assert rows(view)[0] == "no run [selected]"
        view.show(path)
        assert rows(view)[0] == "no output yet"
        write(path, 0, 1)
        view.poll()
        assert rows(view)[:2] == ["line 0", ""]
        view.show(path.parent)
        assert rows(view)[0] == "cannot be read: not a regular file"


async def test_showing_the_same_file_again_keeps_the_place_and_another_starts_at_its_end(path: Path) -> None:
    write(path, 0, 100)
    write(other := path.with_name("2.log"), 500, 100)
    async with shown(path) as (view, pilot):
        await pilot.press("pageup")
        view.show(path)
        assert rows(view) == lines(81)
        view.show(other)
        assert (rows(view), view.following) == (lines(590), True)


async def test_a_file_that_starts_over_is_followed_again(path: Path) -> None:
    write(path, 0, 100)
    async with shown(path) as (view, pilot):
        await pilot.press("home")
        path.write_text("LINE 0\nLINE 1\n")
        view.poll()
        assert (rows(view)[:3], view.following) == (["LINE 0", "LINE 1", ""], True)


async def test_another_size_shows_as_many_lines_as_fit(path: Path) -> None:
    write(path, 0, 100)
    async with shown(path) as (view, pilot):
        await pilot.resize_terminal(20, 5)
        assert rows(view) == lines(95, 5)
        await pilot.press("home")
        await pilot.resize_terminal(20, 8)
        assert rows(view) == lines(0, 8)


async def test_selected_text_can_be_copied_and_stands_still(path: Path) -> None:
    write(path, 0, 100)
    async with shown(path) as (view, pilot):
        view.screen.selections = {view: Selection(Offset(2, 3), Offset(4, 5))}
        write(path, 100, 5)
        view.poll()
        assert rows(view) == lines(90)
        assert (view.new_lines, view.following) == (5, False)
        assert view.screen.get_selected_text() == "ne 93\nline 94\nline"
        assert view.text == "\n".join(lines(90))
        await pilot.press("G")
        assert view.screen.get_selected_text() is None


async def test_the_mouse_selects_text(path: Path) -> None:
    write(path, 0, 100)
    async with shown(path) as (view, pilot):
        await pilot.mouse_down(view, (5, 2))
        await pilot.hover(view, (4, 4))
        await pilot.mouse_up(view, (4, 4))
        assert view.screen.get_selected_text() == "92\nline 93\nline "


async def test_selecting_where_there_is_no_text_selects_none(path: Path) -> None:
    write(path, 0, 100)
    async with shown(path) as (view, pilot):
        await pilot.mouse_down(view, (30, 2))
        await pilot.hover(view, (20, 3))
        await pilot.hover(view, (35, 2))
        await pilot.mouse_up(view, (35, 2))
        assert rows(view) == lines(90)


async def test_the_last_line_grows_in_sight(path: Path) -> None:
    path.write_text("one\nhalf a")
    async with shown(path) as (view, _):
        assert rows(view)[:2] == ["one", "half a"]
        with path.open("a") as file:
            file.write(" line")
        view.poll()
        assert rows(view)[:2] == ["one", "half a line"]


@given(
    data=st.lists(st.sampled_from(["ab", "漢", "e\u0301", "\x1b[31m", "\t", "\r", "\x00", "🎉"]), max_size=12),
    left=st.integers(0, 40),
    width=st.integers(2, 20),
    needle=st.sampled_from(["", "a", "漢", "AB漢", "‹"]),
    selected=st.none() | st.tuples(st.integers(0, 40), st.integers(-1, 40)),
    cut=st.booleans(),
)
def test_a_row_is_as_wide_as_it_should_be_whatever_is_in_it(
    data: list[str], left: int, width: int, needle: str, selected: tuple[int, int] | None, cut: bool
) -> None:
    base = Style(background=Color(0, 0, 0), foreground=Color(255, 255, 255))
    line = Line(0, 1, "".join(data).encode(), cut_before=cut)
    strip = row(
        line,
        Look(left, width, Needle(needle) if needle else None, base, Style(dim=True)),
        current=cut,
        selected=None if selected is None else (*selected, Style(reverse=True)),
    )
    assert strip.cell_length == width == sum(segment.cell_length for segment in strip)
    whole = content(line)
    assert ("›" in strip.text[-1:]) == (whole.cell_length > left + width)
    if needle and (at := column(line, Needle(needle), 1000)) is not None:
        assert whole.plain.casefold().find(needle.casefold()) >= 0
        assert at[0] < whole.cell_length


async def test_the_file_is_given_back_when_the_view_goes(path: Path) -> None:
    write(path, 0, 100)
    before = len(os.listdir("/dev/fd"))
    async with shown(path) as (view, _):
        reader = view._viewport.reader if view._viewport is not None else None
    assert reader is not None
    assert reader._fd == -1
    assert len(os.listdir("/dev/fd")) <= before


@pytest.mark.parametrize("block", [b"11:02:07 restart 123456, best 3 unsatisfied\n", b"x", b"\x00", b"\n"], ids=repr)
async def test_d47_a_flood_costs_a_screenful(path: Path, block: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    burst = block * (20 * 1024 * 1024 // len(block))
    path.write_bytes(burst)
    async with shown(path) as (view, pilot):
        await pilot.resize_terminal(200, 60)
        read = 0
        pread = os.pread

        def counted(fd: int, count: int, offset: int) -> bytes:
            nonlocal read
            read += count
            return pread(fd, count, offset)

        monkeypatch.setattr(os, "pread", counted)
        for key in ("pageup", "end"):
            spent = []
            for _ in range(2):
                with path.open("ab") as file:
                    file.write(burst)
                read, began = 0, time.thread_time()
                view.poll()
                strips(view)
                spent.append(time.thread_time() - began)
                # 60 pieces of a line of 64 KiB, each looked at from both ends, and what is counted in 4 ms
                assert read <= 16 * 1024 * 1024 + (0 if view.following else len(burst))
                assert view._viewport is not None
                view._viewport._counted = view._viewport.reader.size
            assert min(spent) < 0.1
            await pilot.press(key)

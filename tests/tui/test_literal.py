"""The door from anybody's data to the screen."""

from __future__ import annotations

import io
import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import get_character_cell_size
from rich.console import Console
from rich.segment import Segment, Segments
from textual.color import Color
from textual.content import Content
from textual.style import Style

from pyalma_tui.model.printable import printable
from pyalma_tui.tui.literal import as_markup, from_cell, literal, literal_lines, log_line

pieces = st.one_of(
    st.sampled_from(
        [
            "\x1b[31m",
            "\x1b[0m",
            "\x1b[1;38;5;208m",
            "\x1b[48;2;1;2;3m",
            "\x1b[38;2m",
            "\x1b[" + "9" * 5000 + "m",
            "\x1b[K",
            "\x1b[2K",
            "\x1b[6n",
            "\x1b]52;c;QUJD\x07",
            "\x1b]8;;http://x\x1b\\",
            "\x1bP1$r",
            "\x1b",
            "\x9b31m",
            "\r",
            "\t",
            "\x08",
            "\n",
            "[/]",
            "[@click=app.quit]x[/]",
            "\u202e",
            "\u200d",
            "\ud800",
            "日本",
            "e\u0301",
            "abc",
        ]
    ),
    st.text(max_size=5),
)
hostile = st.lists(pieces, max_size=12).map("".join)


def commands(content: Content) -> list[str]:
    """Whatever a terminal is sent for this that is neither a letter to draw nor a colour."""
    out = io.StringIO()
    segments = [Segment(text, style) for text, style, _ in content.render_segments(Style(foreground=Color(1, 2, 3)))]
    Console(file=out, force_terminal=True, color_system="truecolor", width=10_000).print(Segments(segments), end="")
    sent = re.sub(r"\x1b\[[\d;]*m", "", out.getvalue())
    return [c for c in sent if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


def meaning(content: Content) -> list[tuple[str, Style]]:
    return [(text, style) for text, style in content.render(Style(), end="") if text]


@given(text=hostile)
def test_no_control_character_ever_comes_out(text: str) -> None:
    assert commands(literal(text)) == []
    assert set(commands(literal_lines(text))) <= {"\n"}
    assert commands(log_line(text)) == []
    assert commands(log_line(text, 10)) == []


@given(raw=st.binary(max_size=60))
def test_no_byte_of_a_log_reaches_the_terminal_as_a_command(raw: bytes) -> None:
    assert commands(log_line(raw)) == []


@given(text=hostile)
def test_markup_is_text(text: str) -> None:
    assert literal(text).plain == printable(text)
    assert all(not style.meta and style.link is None for _, style in literal(text).render())


@given(st.text(alphabet="[]\\/@=a.$(){}\"' :1#,-_") | st.text())
@example("[]")
@example("[/]")
@example("\\[@click=app.quit]x")
def test_what_is_written_as_markup_means_the_text(text: str) -> None:
    assert Content.from_markup(as_markup(text)).plain == printable(text)


def test_a_style_covers_the_whole_text() -> None:
    assert meaning(literal("[b]x[/b]", Style(bold=True))) == [("[b]x[/b]", Style(bold=True))]
    assert literal("x", "bold red").spans[0].style == "bold red"
    assert literal("", "bold").plain == ""


def test_a_traceback_keeps_its_lines() -> None:
    text = 'Traceback:\r\n\tFile "\x1b[31m.py"\n  [/]\n'
    assert literal_lines(text).plain == 'Traceback:\n        File "␛[31m.py"\n  [/]'


@pytest.mark.parametrize(
    ("codes", "style"),
    [
        ("1;3;4;9", Style(bold=True, italic=True, underline=True, strike=True)),
        ("2;7;21", Style(dim=True, reverse=True, underline2=True)),
        ("31", Style(foreground=Color.parse("ansi_red"))),
        ("97;104", Style(foreground=Color.parse("ansi_bright_white"), background=Color.parse("ansi_bright_blue"))),
        ("38;5;9", Style(foreground=Color.parse("ansi_bright_red"))),
        ("38;5;208", Style(foreground=Color(255, 135, 0))),
        ("38;5;17", Style(foreground=Color(0, 0, 95))),
        ("48;5;244", Style(background=Color(128, 128, 128))),
        ("38;2;1;2;3;1", Style(foreground=Color(1, 2, 3), bold=True)),
        ("38:2::1:2:3;1", Style(foreground=Color(1, 2, 3), bold=True)),
        ("48:2:1:2:3", Style(background=Color(1, 2, 3))),
        ("38:5:208", Style(foreground=Color(255, 135, 0))),
        ("31;42;39", Style(background=Color.parse("ansi_green"))),
        ("31;42;49", Style(foreground=Color.parse("ansi_red"))),
        ("1;31;", Style()),
        ("1;4;22;24", Style()),
        ("4;4:0", Style()),
        ("5;6;8;53", Style()),
        ("38;5", Style()),
        ("38;2;999;0;0", Style()),
        ("38", Style()),
    ],
)
def test_colour_and_weight_of_a_log_line_are_kept(codes: str, style: Style) -> None:
    assert meaning(log_line(f"\x1b[{codes}mx".encode())) == [("x", style)]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"plain [b]", "plain [b]"),
        (b"end\r\n", "end"),
        (b"\xff\xfe caf\xc3\xa9 \x9b31m", "\\xff\\xfe café \\x9b31m"),
        (b"a\tb", "a       b"),
        (b"1234567\t8", "1234567 8"),
        (b"1234567890\t1", "1234567890      1"),
        ("日\tb".encode(), "日      b"),
        (b"\x1b[6nx\x1b]52;c;QUJD\x07y", "␛[6nx␛]52;c;QUJD␇y"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "␛]8;;http://x␛\\link␛]8;;␛\\"),
        (b"\x1b[1A\x1b(0q\x1bc\x1b", "␛[1A␛(0q␛c␛"),
        (b"back\x08space", "back␈space"),
        (b" 10%\r 20%\r 30%", " 30%"),
        (b" 10%\r 20%\r", " 20%"),
        (b"long text\rab", "abng text"),
        (b"long text\r\x1b[Kab", "ab"),
        (b"long text\x1b[2K\rab", "ab       "),
        (b"abc\x1b[0K\rx", "xbc"),
        (b"abc\x1b[2Kd", "   d"),
        ("日本語\rabc".encode(), "abc 語"),
        ("ab\r日".encode(), "日"),
        (b"\r\r\rx", "x"),
        (b"\r", ""),
    ],
)
def test_a_log_line_is_what_a_terminal_would_leave_with_commands_made_visible(raw: bytes, shown: str) -> None:
    assert log_line(raw).plain == shown


def test_a_colour_from_before_a_carriage_return_goes_on_behind_it() -> None:
    red = Style(foreground=Color.parse("ansi_red"))
    assert meaning(log_line(b"\x1b[31mabc\rx\x1b[0my")) == [("x", red), ("y", Style()), ("c", red)]


overwritten = st.lists(st.text("ab漢 ", max_size=6), max_size=6)


@given(parts=overwritten)
def test_folding_is_overwriting_cell_by_cell(parts: list[str]) -> None:
    cells: list[str] = []
    for part in parts:
        column = 0
        for character in part:
            size = get_character_cell_size(character)
            cells += [" "] * (column + size - len(cells))
            if cells[column] == "":
                cells[column - 1] = " "
            if column + size < len(cells) and cells[column + size] == "":
                cells[column + size] = " "
            cells[column : column + size] = [character, *[""] * (size - 1)]
            column += size
    assert log_line("\r".join(parts)).plain == "".join(cells)


@given(text=hostile.filter(lambda text: not re.search(r"\r|\[2K|⋯", text)), most=st.integers(1, 30))
def test_a_line_cut_for_the_screen_begins_like_the_whole(text: str, most: int) -> None:
    whole, cut = log_line(text).plain, log_line(text, most)
    given_up = len(text) > 32 * most and cut.plain.endswith("⋯")
    assert whole.startswith(cut.plain[:-1] if given_up else cut.plain)
    assert given_up or cut.plain == whole or cut.cell_length >= most


@pytest.mark.parametrize(
    "raw", [b"x", b"\xff", b"\x00", b"\x1b[1m", b"\x1b[31mx", b"\x1b", b"\t", "漢\r".encode(), b"\r"]
)
def test_d47_a_long_line_makes_no_more_than_was_asked_for(raw: bytes) -> None:
    line = log_line(raw * (128 * 1024 // len(raw)), 200)
    assert line.cell_length <= 1000


def test_a_line_of_nothing_but_colours_says_that_it_goes_on() -> None:
    assert log_line(b"\x1b[1m" * 10_000 + b"hidden", 20).plain == "⋯"


@given(text=st.text("a漢", max_size=10), cell=st.integers(0, 25))
def test_what_is_behind_a_column_keeps_its_columns(text: str, cell: int) -> None:
    content = literal(text)
    assert from_cell(content, cell).cell_length == max(0, content.cell_length - cell)

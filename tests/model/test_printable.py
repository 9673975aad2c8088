"""What a terminal would obey, hide or pile up becomes something to read."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pyalma_tui.model.printable import PILE, clip, clip_middle, printable

HOSTILE_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
INVISIBLE = "\u034f\u115f\u1160\u17b4\u180b\u3164\uffa0\ufdd0\ufffe\U0001ffff\U000e0100"

surrogates = st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF)
hostile = st.text(
    st.one_of(
        st.sampled_from("\x1b\x07\x00\r\n\t\x7f\x9b\u202e\u2066\u200d\ufeff\u2028\u0301\u20dd\u1161ab[]漢" + INVISIBLE),
        st.characters(),
        surrogates,
    )
)


def obeyed(text: str) -> set[str]:
    """The characters that a terminal would not simply draw."""
    return {c for c in text if unicodedata.category(c) in HOSTILE_CATEGORIES or c in INVISIBLE}


@given(text=hostile)
def test_nothing_is_left_for_a_terminal_to_obey(text: str) -> None:
    assert obeyed(printable(text)) == set()
    assert obeyed(printable(text, newline="\n")) <= {"\n"}


@given(text=hostile)
def test_no_more_than_a_few_marks_stand_on_one_letter_and_none_on_what_is_before_the_text(text: str) -> None:
    height = PILE
    for character in printable(text):
        height = height + 1 if unicodedata.category(character)[0] == "M" else 0
        assert height <= PILE


@given(text=hostile)
def test_what_is_printable_stays_as_it_is(text: str) -> None:
    once = printable(text)
    assert printable(once) == once


@given(text=st.text("abcäöüß漢字кирилица→█ ", max_size=80))
def test_clean_text_is_not_touched(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "␛[31m"),
        ("\x1b]52;c;QUJD\x07", "␛]52;c;QUJD␇"),
        ("a\tb\nc\rd\x00", "a→b⏎c␍d␀"),
        ("\x7f", "␡"),
        ("\x9b6n", "\\x9b6n"),
        ("\u202egnp.exe", "‹202E›gnp.exe"),
        ("a\u200bb\ufeff", "a‹200B›b‹FEFF›"),
        ("\ud800", "‹D800›"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), "caf\\xe9"),
        ("\u2028", "‹2028›"),
        ("\U000e0041", "‹E0041›"),
        ("[/] [@click=app.quit]x[/]", "[/] [@click=app.quit]x[/]"),
        ("e" + "\u0301" * 6, "e" + "\u0301" * 4 + "‹0301›" * 2),
        ("\u0301x", "‹0301›x"),
    ],
)
def test_each_kind_has_its_spelling(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_every_control_and_format_character_is_known() -> None:
    known = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in HOSTILE_CATEGORIES}
    assert {character for character in known if printable("a" + character) == "a" + character} == set()


def test_marks_at_the_beginning_of_a_kept_line_do_not_climb_onto_the_line_before() -> None:
    assert printable("a\n\u0301b", newline="\n") == "a\n‹0301›b"


@given(text=st.text("ab漢🎉e\u0301\u20dd-", max_size=30), cells=st.integers(-1, 40))
def test_a_clipped_text_is_never_wider_and_whole_where_there_is_room(text: str, cells: int) -> None:
    text = printable(text)
    clipped = clip(text, cells)
    assert cell_len(clipped) <= max(0, cells)
    if cell_len(text) <= cells:
        assert clipped == text
    elif cells > 0:
        assert clipped.endswith("…")
        assert text.startswith(clipped[:-1])
        assert cell_len(clipped) >= cells - 1


@pytest.mark.parametrize(
    ("text", "cells", "clipped"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 4, "abc…"),
        ("漢字漢字", 5, "漢字…"),
        ("漢字", 3, "漢…"),
        ("ab", 1, "…"),
        ("ab", 0, ""),
    ],
)
def test_clipping_shows_that_something_is_missing(text: str, cells: int, clipped: str) -> None:
    assert clip(text, cells) == clipped


@given(text=st.text("ab漢🎉e\u0301\u20dd-", max_size=40), cells=st.integers(-1, 40))
def test_a_text_clipped_in_its_middle_keeps_begin_and_end(text: str, cells: int) -> None:
    text = printable(text)
    clipped = clip_middle(text, cells)
    assert cell_len(clipped) <= max(0, cells)
    if cell_len(text) <= cells:
        assert clipped == text
    elif cells >= 8:
        head, tail = clipped.rsplit("…", 1)
        assert text.startswith(head)
        assert text.endswith(tail)
        assert cell_len(tail) >= (cells - 1) * 2 // 3 - 1
        assert cell_len(clipped) >= cells - 3
    else:
        assert clipped == clip(text, cells)

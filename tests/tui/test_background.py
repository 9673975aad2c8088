"""Whether the terminal is dark or light, and that its answer is never taken for keys."""

from __future__ import annotations

from itertools import pairwise

import pytest

from pyalma_tui.tui.background import Answer, dark_by_environment, is_asked
from tests.tui.driving import opened
from tests.tui.fake_conductor import small

ANSWER = "\x1b]11;rgb:ffff/ffff/dddd\x1b\\"


@pytest.mark.parametrize(
    ("said", "dark"), [("15;0", True), ("0;15", False), ("0;default;7", False), ("", None), ("0;default", None)]
)
def test_the_environment_may_say_it(said: str, dark: bool | None) -> None:
    assert dark_by_environment({"COLORFGBG": said}) is dark


@pytest.mark.parametrize(
    ("term", "asked"), [("xterm", True), ("tmux-256color", True), ("linux", False), ("dumb", False)]
)
def test_who_would_print_the_question_is_not_asked(term: str, asked: bool) -> None:
    assert is_asked({"TERM": term}) is asked


@pytest.mark.parametrize(
    ("colour", "dark"),
    [
        ("rgb:0000/0000/0000", True),
        ("rgb:1e/1e/2e", True),
        ("rgb:ffff/ffff/ffff", False),
        ("rgba:f/f/0/f", False),
        ("?", None),
    ],
)
def test_the_answer_is_understood(colour: str, dark: bool | None) -> None:
    answer = Answer()
    assert answer.without(f"\x1b]11;{colour}\x07") == ""
    assert answer.dark is dark


@pytest.mark.parametrize("cut", range(2, len(ANSWER)))
def test_nothing_of_the_answer_is_a_key_wherever_it_is_cut(cut: int) -> None:
    answer = Answer()
    whole = f"ab{ANSWER}cd"
    at = cut + 2
    typed = answer.without(whole[:at]) + answer.without(whole[at:])
    assert (typed, answer.dark) == ("abcd", False)


@pytest.mark.parametrize("key", ["q", "\x03", "\x1b[A", "\\", "\r"])
def test_keys_behind_an_answer_that_is_cut_off_are_keys(key: str) -> None:
    answer = Answer()
    assert answer.without("\x1b]11;rgb:ffff/ff") == ""
    assert answer.without(key) + answer.without("q") == f"{key}q"


def test_an_answer_whose_escape_was_taken_for_a_key_is_no_keys() -> None:
    answer = Answer()
    assert answer.without("]11;rgb:ffff/ff") + answer.without("ff/ffff\x1b") + answer.without("\\q") == "q"
    assert answer.dark is False


def test_keys_are_left_as_they_are() -> None:
    answer = Answer()
    for one, two in pairwise(["\x1b", "r", "\x1b[A", "[", "x"]):
        assert answer.without(one) == one, two


async def test_without_a_choice_the_theme_follows_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORFGBG", "0;15")
    async with opened(small().snapshot()) as t:
        assert t.app.theme.endswith("-light")
        t.app.follow(True)
        assert t.app.theme.endswith("-dark")
    async with opened(small().snapshot(), theme="nord") as t:
        t.app.follow(True)
        assert t.app.theme == "nord"

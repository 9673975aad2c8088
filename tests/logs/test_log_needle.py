"""What is looked for in lines, against Python's own search in each of them."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyalma_tui.logs.needle import ERROR, Needle, Term, agreeing, having
from pyalma_tui.model.patterns import FAR, reach

lines = st.lists(
    st.sampled_from(["loss 0.5", "loss nan", "LOSS NaN", "", "a+b", "x" * 40, "ünï 7", "\x1b[31mlo\x1b[0mss 3"]),
    max_size=9,
)


@given(lines=lines, text=st.sampled_from([r"loss.*nan", r"^$", r"\d$", "a+b", "ss [0-9]", "ünï.7", "Ï", "[", "(x"]))
def test_a_pattern_agrees_with_the_lines_in_which_re_finds_it_and_its_opposite_with_all_others(
    lines: list[str], text: str
) -> None:
    shown = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    try:
        pattern = re.compile(text, re.IGNORECASE)
    except re.error:  # a text that is no pattern is looked for as it is
        pattern = re.compile(re.escape(text), re.IGNORECASE)
    data = "\n".join(lines).encode()
    expected = [number for number, line in enumerate(shown or [""]) if pattern.search(line)]
    needle = Needle(text)
    assert agreeing(having(text), data) == expected
    others = [number for number in range(len(shown or [""])) if number not in expected]
    assert agreeing((Term(needle, wanted=False),), data) == others
    assert agreeing((Term(needle), Term(needle, wanted=False)), data) == []


@pytest.mark.parametrize(
    "text",
    ["(a+)+$", "(a|a)*b", "(?:a*)*b", "(x+x+)+y", "(a?){30}b", "([a-z]+,?){2,}!", ".*.*!", ".*.*.*!", "a*!",
     r"\w*a?[a-z]+\w*\w*!", "(a+)?(a+)?(a+)?!", "a*a*a*a*a*a*!", ".*a.*a.*a.*a.*a.*a.*!", r"\w*a?\w*a?\w*!",
     "a*b*a*b*a*b*a*b*a*!", "(a|b)+(a|b)+(a|b)+(a|b)+(a|b)+!", "(.*a|b).*a.*a.*!", "(?x) ( a+ ) + !", "(a|[ab])+!"],
)  # fmt: skip
def test_no_pattern_keeps_the_screen_waiting(text: str) -> None:
    began = time.process_time()
    agreeing(having(text), b"a" * 9000 + b"\n" + b"x" * 200)
    assert not list(Needle(text).matches("a" * 100_000))
    assert time.process_time() - began < 2.0


@pytest.mark.parametrize(
    "text",
    [r"(a|b)+x", r"(\d{3})+", r"(x|y) (three)+", r"\(a+\)+", r"[(a+]+\)*", r"(nan|inf)*", r".*foo.*bar",
     r"\d+(\.\d+)?", r"lr=(0\.\d+|1e-\d+)", r"(?i:ok|no){2,}", r"(?P<n>a)(?P=n)+"],
)  # fmt: skip
def test_what_is_ordinary_is_a_pattern(text: str) -> None:
    assert Needle(text).is_pattern


def test_a_pattern_sees_the_more_of_a_line_the_fewer_of_its_repetitions_can_take_the_same_of_it() -> None:
    for text in (r"\*\*\*.+", r"step=\d+ loss=\S+ gap=\d+ lr=\d+", r"\d+\s*x", r"x+!|y+!|z+!", r"a+b*c{2,}"):
        assert reach(text) == FAR
    fewer, more = [r"loss=.* gap=.*\d", ".*.*!", "(?:a+)b?(a)+", ".*a.*a.*!", "a*b*a*b*a*"], ".*.*.*.*!"
    reaches = [reach(text) for text in (*fewer, more)]
    assert FAR > reaches[0] > 1000
    assert reaches == sorted(reaches, reverse=True)


def test_a_pattern_is_looked_for_near_the_beginning_of_a_line_and_a_text_anywhere() -> None:
    line = b"x" * FAR + b"end"
    assert agreeing(having("e.d"), line) == []
    assert agreeing(having("end"), line) == [0]


BAR = b"10% of one\r\x1b[32m99%\x1b[0m of one\rok\r\n\x1b[1m\x1b[Kerror:\x1b[m\x1b[K no\nold\r\x1b[Know\r\n\r7\n99%\n"
BAR += b"\rbatch 1\x1b[A\r\rbatch 2\x1b[A\repoch 2\n\rlast\x1b[A"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("99%", [4]),  # not what a progress bar has overwritten
        ("of one", [0]),  # but what it has left
        ("^ok% of one$", [0]),
        ("^7", [3]),
        ("error: no", [1]),  # gcc erases the rest of the line behind each colour
        ("^error: no$", [1]),
        ("old", []),
        ("now", [2]),
        ("^now$", [2]),
        ("epoch 2", [5]),
        ("batch", []),  # which stood below, where the cursor has gone up from
        ("last", [6]),
    ],
)
def test_a_line_has_what_is_seen_of_it(text: str, found: list[int]) -> None:
    assert agreeing(having(text), BAR) == found


@pytest.mark.parametrize("text", ["mu\u0308ller", "m\u00fcller"])
def test_a_letter_with_its_mark_is_found_as_one_character_and_as_two(text: str) -> None:
    line = "Mu\u0308ller and M\u00fcller"
    assert agreeing(having(text), line.encode()) == [0]
    assert len(list(Needle(text).matches(line))) == 2


def test_a_pattern_sees_no_carriage_return_at_the_end_of_a_line() -> None:
    assert agreeing(having(r"one$"), b"one\r\ntwo\r\none") == [0, 2]


@pytest.mark.parametrize(
    ("line", "tells"),
    [
        ("Traceback (most recent call last):", True),
        ("ValueError: negative weight", True),
        ("pkg.errors.SolverError: no", True),
        ("2026-01-31 11:02 ERROR solver: lost", True),
        ("error: no such file", True),
        ("error[E0308]: mismatched types", True),
        ("sh: line 1: 42 Segmentation fault", True),
        ("KeyboardInterrupt", True),
        ("epoch 3, train error 0.12", False),
        ("0 errors, 3 warnings", False),
        ("mean squared error: 0.3", False),
        ("no exception was raised", False),
    ],
)
def test_what_tells_of_an_error_is_told_from_an_error_that_is_measured(line: str, tells: bool) -> None:
    assert bool(Needle(ERROR).pattern.search(line)) is tells
    assert bool(agreeing(having(ERROR), line.encode())) is tells

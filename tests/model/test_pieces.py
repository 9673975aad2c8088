"""Lines in pieces: they come as they were put, however they are cut, and what is urgent gets through between them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyalma_tui.model.pieces import PIECE, Incoming, Outgoing

LENGTHS = st.sampled_from([0, 1, PIECE - 2, PIECE - 1, PIECE, 2 * PIECE - 2, 2 * PIECE + 7])


@given(st.lists(LENGTHS, max_size=6), st.integers(PIECE // 9, 2 * PIECE))
def test_lines_come_as_they_were_put_however_they_are_cut(lengths: list[int], step: int) -> None:
    lines = [b"{" + bytes([97 + number]) * length + b"}" for number, length in enumerate(lengths)]
    out, back = Outgoing(), Incoming()
    for line in lines:
        out.put(line)
    sent = b""
    while data := out.take():
        sent += data
    found = [line for at in range(0, len(sent), step) for line in back.take(sent[at : at + step])]
    assert (found, back.unfinished, bool(out)) == (lines, b"", False)


def test_what_is_urgent_gets_through_in_the_midst_of_a_long_line() -> None:
    out, back = Outgoing(), Incoming()
    long = b"{" + b"x" * (5 * PIECE) + b"}"
    out.put(long)
    out.put(b"{after}")
    assert back.take(out.take()) == []
    out.put(b"{lease}", urgent=True)
    found: list[bytes] = []
    while data := out.take():
        found += back.take(data)
    assert found == [b"{lease}", long, b"{after}"]


def test_what_nobody_has_put_stays_a_line_and_no_part_of_another() -> None:
    out, back = Outgoing(), Incoming()
    long = b"{" + b"x" * (2 * PIECE) + b"}"
    out.put(long)
    greeting = [b"~~~ welcome ~~~", b"...", b"~", b"."]
    found = back.take(b"".join(line + b"\n" for line in greeting))
    while data := out.take():
        found += back.take(data)
    assert found == [*greeting, long]


def test_what_goes_at_once_is_no_more_than_may_wait_for_it() -> None:
    out = Outgoing()
    for _ in range(100):
        out.put(b"{" + b"x" * (PIECE // 3) + b"}")
    out.put(b"{" + b"x" * (9 * PIECE) + b"}")
    sizes = []
    while data := out.take():
        sizes.append(len(data))
    assert max(sizes) < 2 * PIECE + 9

"""Lines of a log for a terminal."""

from __future__ import annotations

import pytest

from pyalma_tui.model.logtext import log_text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"plain\n", "plain"),
        (b"a\tb\r\n", "a       b"),
        (b"10 %\r20 %\r30 %\n", "30 %"),
        (b"\rbatch: 100%|###| 2/2\x1b[A\r\r\x1b[A\repoch: 33%\n", "epoch: 33%"),
        (b"\rbatch: 50%\x1b[A\r\rbatch: 100%\x1b[A\n", "batch: 100%"),
        (b"batch\x1b[A\n", "batch"),
        (b"\x1b[1;31mred\x1b[0m\n", "\x1b[1;31mred\x1b[0m\x1b[0m"),
        (b"\x1b[38;2;1;2;3mnever ended\n", "\x1b[38;2;1;2;3mnever ended\x1b[0m"),
        (b"\x1b[2Jcleared", "␛[2Jcleared"),
        (b"\x1b[Kerased", "erased"),
        (b"\x1b]0;title\x07", "␛]0;title␇"),
        (b"\x1b[6n\x1b[5;6H\x9b31m", "␛[6n␛[5;6H\\x9b31m"),
        ("\u202egnp.exe \u009b2J".encode(), "‹202E›gnp.exe \\x9b2J"),
        (b"\xff\xfe", "\\xff\\xfe"),
        (b"\x1b[" + b"1;" * 40 + b"1m", "␛[" + "1;" * 40 + "1m"),
    ],
)
def test_colours_stay_and_everything_else_is_made_visible(raw: bytes, shown: str) -> None:
    assert log_text(raw) == shown

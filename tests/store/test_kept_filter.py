"""The filter of the list is kept; what is in its place and not ours is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyalma_tui.store.kept_filter import keep_filter, kept_filter
from pyalma_tui.store.layout import screen_filter


def test_what_was_kept_is_there_the_next_time_until_it_is_cleared(tmp_path: Path) -> None:
    assert kept_filter(tmp_path) == ""
    for text in ('status:failed "a b"', "gap>=0.1", "x\ud800", "é" * 9000):
        keep_filter(tmp_path, text)
        assert kept_filter(tmp_path)[:8] == text.encode("utf-8", "backslashreplace").decode()[:8]
    keep_filter(tmp_path, "  ")
    keep_filter(tmp_path, "")
    assert list(tmp_path.iterdir()) == []


def test_a_link_and_a_pipe_in_its_place_are_neither_read_nor_written_nor_removed(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("precious")
    screen_filter(tmp_path).symlink_to(theirs)
    assert kept_filter(tmp_path) == ""
    for text in ("status:failed", ""):
        with pytest.raises(OSError, match=r"screen\.filter"):
            keep_filter(tmp_path, text)
    assert (theirs.read_text(), screen_filter(tmp_path).is_symlink()) == ("precious", True)

"""Messages that go away: where they lie, and which are news to whom."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from pyalma_tui.model.records import Note
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.tui.saying import shortened
from tests.tui.driving import opened
from tests.tui.fake_conductor import NOW, Experiment

LONG = "2 of 14 done runs used older code: helpers.py +3 −1; they are kept, `pyalma-tui reset lines.py --changed` " * 2


def three(*notes: Note) -> Snapshot:
    return Experiment(["a", "b", "c"]).snapshot(notes=notes)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (220, 60)])
async def test_messages_lie_over_the_keys_and_the_frame_above_them_only(size: tuple[int, int]) -> None:
    async with opened(three(), size) as t:
        before = t.lines()
        for text in ("first", LONG, "the last"):
            t.app.say(text)
            await t.sees(text[:40])
            *above, frame, keys = t.lines()
            assert text[:40] in frame + keys
            assert text != LONG or keys.rstrip().endswith("…") or size[0] > 80, t.text()
            assert above == before[:-2], t.text()
        assert "older code" not in t.text(), "the newest takes the place of the one before"


def test_a_message_is_cut_to_its_lines_and_says_that_it_is() -> None:
    assert shortened("short", 20) == "short"
    for text in (LONG, "界" * 100, "a" * 500):
        lines = shortened(text, 60).split("\n")
        assert len(lines) == 2
        assert lines[-1].endswith("…")
        assert max(map(cell_len, lines)) <= 60


async def test_who_comes_later_is_not_told_old_notes_again() -> None:
    old = Note(NOW - 60, "module changed"), Note(NOW - 50, "worker 2 replaced")
    async with opened(three(*old), read_only=True) as t:
        await t.pilot.pause()
        assert t.toasts() == ""
        await t.show(three(*old, Note(NOW, "paused")))
        await t.says("paused")
        assert "replaced" not in t.toasts()
        await t.press("s")
        await t.sees("module changed", "worker 2 replaced")


async def test_of_several_notes_at_once_one_is_shown_and_where_the_others_are() -> None:
    async with opened(three(Note(NOW - 9, "one"), Note(NOW - 9, "two"))) as t:
        await t.says("2 notes, s shows all · two")

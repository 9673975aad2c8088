"""Whoever calls runs again after an edit is asked with which code."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pyalma_tui.model.code import Code, code_hash
from pyalma_tui.runner import commands as c
from pyalma_tui.runner.outdated import CodeNow
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.store.kept_code import keep_code
from pyalma_tui.tui.screens.main import MainScreen
from pyalma_tui.tui.screens.which_code import WhichCode
from tests.tui.driving import opened
from tests.tui.fake_conductor import Experiment

TEXTS = {"m.py": b"import helping\n", "helping.py": b"W = 1\n"}


def imported(folder: Path) -> Snapshot:
    """An experiment with two failed runs and one that runs, whose module and helper were imported as `TEXTS`."""
    for name, text in TEXTS.items():
        (folder / name).write_bytes(text)
    code = Code("m.py", {name: code_hash(text) for name, text in TEXTS.items()})
    state_dir = folder / "m.alma"
    state_dir.mkdir()
    assert keep_code(state_dir, folder, code, 0o022) is not None
    made = Experiment(["a", "b", "c"], phase="busy", workers=1)
    made.failed(1)
    made.failed(2)
    made.running(3, slot=0)
    place = CodeNow(state_dir, folder, "m.py")
    return msgspec.structs.replace(
        made.snapshot(), state_dir=state_dir, code=code.identity, codes=frozenset([code.identity]), renewable=place
    )


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        ("call with the mended", [c.Renew(c.Retry((1,)))]),
        ("call nothing", []),
        ("m", [c.Renew(c.Retry((1,)))]),
        ("o", [c.Retry((1,))]),
        ("escape", []),
        ("enter", []),
    ],
)
async def test_after_an_edit_a_retry_asks_with_which_code(tmp_path: Path, answer: str, sent: list[c.Command]) -> None:
    async with opened(imported(tmp_path), size=(80, 24)) as t:
        (tmp_path / "helping.py").write_bytes(b"W = 2\nX = 3\n")
        await t.press("f")
        await t.on(WhichCode)
        await t.sees("retry 1 run?", "helping.py +2 −1 since this session imported it.", "m  call with the mended code")
        await t.sees("goes on with the old.")
        assert t.sent == []
        if answer.startswith("call"):
            await t.click(answer)
        else:
            await t.press(answer, *["escape"] * (answer == "enter"))
        await t.on(MainScreen)
        assert t.sent == sent


async def test_a_file_that_was_only_touched_is_no_edit_and_one_that_is_gone_is(tmp_path: Path) -> None:
    async with opened(imported(tmp_path)) as t:
        (tmp_path / "helping.py").write_bytes(TEXTS["helping.py"])
        await t.press("f")
        await t.sends(c.Retry((1,)))
        (tmp_path / "helping.py").unlink()
        await t.press("f")
        await t.on(WhichCode)
        await t.sees("helping.py is gone")

"""The terminal's title: its text, and when it is written."""

from __future__ import annotations

from typing import Any

import pytest
from textual.drivers.linux_driver import LinuxDriver

from pyalma_tui.errors import Failure, StoreError
from pyalma_tui.model import status as s
from pyalma_tui.tui.app import POLLS
from pyalma_tui.tui.terminal import Terminal
from pyalma_tui.tui.title import terminal_title
from tests.tui.driving import opened
from tests.tui.fake_conductor import NOW, Experiment, small
from tests.tui.test_screens import HOSTILE

COMPLETE = Experiment(["a", "b"])
COMPLETE.done(1)
COMPLETE.done(2)


@pytest.mark.parametrize(
    ("made", "fields", "title"),
    [
        (small(), {}, "sat 16 % · 1 failed"),
        (small(), {"phase": "stopping"}, "sat 16 % · stopping · 1 failed"),
        (small(), {"paused": True}, "sat 16 % · paused · 1 failed"),
        (small(), {"not_saved": StoreError("disk full").failure}, "sat 16 % · NOT SAVED · 1 failed"),
        (COMPLETE, {"idle_reason": "all done"}, "sat · all done"),
        (COMPLETE, {"done_hook": s.DoneHook(s.HookRunning(NOW), 1), "phase": "busy"}, "sat 100 % · done() running"),
        (COMPLETE, {"done_hook": s.DoneHook(s.HookFailed(s.Error("x"), NOW), 1)}, "sat · done() failed"),
        (COMPLETE, {"done_hook": s.DoneHook(s.HookCutOff(NOW), 1)}, "sat · done() cut off"),
        (Experiment(["a"]), {"idle_reason": "interrupted"}, "sat · interrupted"),
        (
            Experiment(["a"]),
            {"idle_reason": "a\x1b]long story", "blocked": Failure("module", "no", 2)},
            "sat · cannot go on",
        ),
        (Experiment([]), {"phase": "opening", "title": ""}, "pyalma-tui"),
        (Experiment(["a"]), {"title": "x" * 300}, "x" * 39 + "…"),
    ],
)
def test_the_title_is_how_far_it_is_or_how_it_stands(made: Experiment, fields: dict[str, Any], title: str) -> None:
    running = made.counts.running > 0
    assert terminal_title(made.snapshot(**({"phase": "busy" if running else "idle"} | fields))) == title


@pytest.mark.parametrize("name", HOSTILE)
def test_nobody_s_name_puts_anything_but_text_into_the_title(name: str) -> None:
    title = terminal_title(small().snapshot(title=HOSTILE[name]))
    assert title.isprintable()
    assert len(title) < 80


class Recording(Terminal):
    """Keeps what it would write."""

    is_shown = True

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, data: str) -> None:
        self.written.append(data)

    @property
    def titles(self) -> list[str]:
        return [data for data in self.written if "\x1b]2;" in data]


def test_a_title_is_written_once_and_put_back_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LinuxDriver, "stop_application_mode", lambda self: self.write("left"))
    driver = Recording()
    driver.stop_application_mode()
    for title in ("a", "a", "b", "b"):
        driver.entitle(title)
    driver.stop_application_mode()
    driver.entitle("b")
    assert driver.written == [
        *("left", "\x1b[22;2t\x1b]2;a\x07", "\x1b]2;b\x07", "\x1b[23;2t", "left"),
        "\x1b[22;2t\x1b]2;b\x07",
    ]


async def test_changes_within_a_second_are_told_together(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Experiment([f"{i}" for i in range(100)], phase="busy")
    async with opened(made.snapshot()) as t:
        driver = Recording()
        monkeypatch.setattr(t.app, "_driver", driver)
        try:
            await t.until(lambda: len(driver.titles) == 1)
            looks = t.conductor.looks
            for run in range(1, 21):
                made.done(run)
                await t.show(made.snapshot())
            await t.until(lambda: driver.titles[-1].endswith("sat 20 %\x07"))
            assert len(driver.titles) <= 3 + (t.conductor.looks - looks) // POLLS
            looks, told = t.conductor.looks, len(driver.titles)
            await t.until(lambda: t.conductor.looks >= looks + 3 * POLLS)
            assert len(driver.titles) == told, "nothing is written while nothing changes"
        finally:
            monkeypatch.undo()

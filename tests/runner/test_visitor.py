"""What a visitor may ask for over the line, and how that is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyalma_tui.runner import commands as c
from pyalma_tui.runner import visitor as v
from pyalma_tui.runner.outdated import CodeNow
from pyalma_tui.runner.snapshot import Slot, Snapshot, StopProgress

TOLD = {
    c.Interrupt(): "interrupt of all runs",
    c.Interrupt((3,)): "interrupt of 1 run",
    c.Retry((1, 2)): "retry of 2 runs",
    c.Renew(c.Retry((1, 2))): "import the module as it is now, then retry of 2 runs",
    c.Renew(None): "import the module as it is now",
    c.Undo(): "undo",
    c.RerunDone(): "call done() again",
    c.SetWorkers(1): "1 worker",
    c.SetLimits(c.Limits(60.0, 2)): "timeout 60 s, 2 retries",
    c.Pause(True): "begin nothing more",
}


@pytest.mark.parametrize("command", TOLD, ids=repr)
def test_a_command_comes_as_it_was_asked_for_and_is_told_in_words(command: v.Asked) -> None:
    line = v.line_of(command)
    assert line.count(b"\n") == 1
    assert v.asked_in(line) == command
    assert v.deed(command) == TOLD[command]


@pytest.mark.parametrize("command", [c.Quit(), c.Remark("visitor 1: nothing")], ids=repr)
def test_the_end_and_remarks_are_not_a_visitors(command: c.Command) -> None:
    with pytest.raises(ValueError, match="Invalid value"):
        v.asked_in(v.line_of(command))


def test_what_no_file_tells_comes_as_it_is() -> None:
    slot = Slot(0, 7, "running", 1.0, 3, StopProgress("asked", "SIGINT", 5.0))
    code = CodeNow(Path("/a"), Path("/b"), "m.py")
    live = v.live_of(Snapshot(phase="busy", workers=4, slots=(slot,), renewable=code, codes=frozenset(["x"])))
    assert v._LIVE.decode(v.line_of(live)) == live

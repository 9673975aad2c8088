"""What waits to be printed while nobody reads."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Sequence

from pyalma_tui.model.records import Note
from pyalma_tui.report.plain import TOGETHER, Changes, FallibleStream, json_printer, line_printer
from pyalma_tui.runner.snapshot import Change, Snapshot


def noted(*numbers: int) -> list[Change]:
    return [(Note(float(number), f"change {number}"), None) for number in numbers]


def texts(changes: Sequence[Change]) -> list[str]:
    return [record.text for record, _ in changes if isinstance(record, Note)]


LEFT_OUT = "3 lines left out: nobody took them. `status` tells where all stands"


def test_changes_that_nobody_takes_are_bounded_and_what_is_left_out_is_told_in_its_place() -> None:
    changes = Changes(most=2)
    for number in range(1, 3):
        changes.put(noted(number))
    changes.put(noted(3, 4))
    changes.put(noted(5))
    taking = changes.take(0.0)
    assert texts([next(taking), next(taking)]) == ["change 1", "change 2"]
    changes.put([])  # a wake-up: by now there is room
    changes.put(noted(6))
    assert texts(list(taking)) == [LEFT_OUT, "change 6"]
    assert list(changes.take(0.0)) == []


ALARMED = """
import signal
from pyalma_tui.report.plain import Changes
signal.signal(signal.SIGALRM, lambda number, frame: None)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
for _ in range(300):
    list(Changes().take(0.001))
signal.setitimer(signal.ITIMER_REAL, 0)
"""


def test_a_signal_at_the_end_of_a_wait_does_not_make_it_wait_for_ever() -> None:
    subprocess.run([sys.executable, "-c", ALARMED], check=True, timeout=30)


def test_what_was_left_out_at_last_is_told_at_the_end() -> None:
    changes = Changes(most=1)
    changes.put(noted(1))
    changes.put(noted(2, 3, 4))
    assert texts(list(changes.take(0.0))) == ["change 1", LEFT_OUT]
    assert list(changes.take(0.0)) == []


def test_a_consumer_of_json_and_a_person_are_told() -> None:
    stream = io.StringIO()
    output, snapshot = FallibleStream(stream), Snapshot()
    for change in (*noted(1), *noted(2)):
        json_printer(output, to_ascii=True)(change, snapshot)
        line_printer(output)(change, snapshot)
    output.flush()
    lines = stream.getvalue().splitlines()
    assert json.loads(lines[0])["text"] == "change 1"
    assert lines[1].endswith(" change 1")


class Counted(io.StringIO):
    """A stream that counts how often it is written to, as one that is unbuffered."""

    times = 0

    def write(self, text: str) -> int:
        """Write, and count that."""
        self.times += 1
        return super().write(text)


def test_lines_that_come_together_are_written_at_once_also_where_the_stream_does_not_buffer() -> None:
    stream = Counted()
    output = FallibleStream(stream)
    for number in range(TOGETHER + 20):
        output.line(f"line {number}")
    assert stream.times == 1, "not each by itself, nor all of them kept"
    output.flush()
    output.flush()
    assert stream.times == 2
    assert stream.getvalue().splitlines() == [f"line {number}" for number in range(TOGETHER + 20)]

"""Looking in many logs, in a thread."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyalma_tui.logs import sweep as module
from pyalma_tui.logs.needle import having
from pyalma_tui.logs.sweep import OVER, FoundLog, Log, Sweep
from pyalma_tui.tui.literal import log_line


def log(folder: Path, run: int, content: bytes | None, attempt: int = 1) -> Log:
    path = folder / f"{run}-{attempt}.log"
    if content is not None:
        path.write_bytes(content)
    return Log(run, attempt, path)


def ended(sweep: Sweep) -> Sweep:
    sweep.start()
    sweep.join(60)
    assert sweep.over
    return sweep


def test_logs_that_have_it_are_told_with_their_count_and_their_first_line(tmp_path: Path) -> None:
    logs = [
        log(tmp_path, 1, b"one\nloss is nan\nloss nan\n" + b"x" * 100_000 + b"\nLOSS NAN"),
        log(tmp_path, 2, b"nothing\n"),
        log(tmp_path, 3, None),
        log(tmp_path, 4, b"loss nan\r50%\rloss nan\n"),
        log(tmp_path, 5, b""),
    ]
    (tmp_path / "6-1.log").mkdir()
    sweep = ended(Sweep([*logs, log(tmp_path, 6, None)], having("loss.*nan")))
    assert list(sweep.found) == [FoundLog(logs[0], 3, b"loss is nan"), FoundLog(logs[3], 1, b"loss nan\r50%\rloss nan")]
    assert (sweep.looked, sweep.cut) == (6, False)


def test_of_a_line_that_was_written_over_and_over_its_end_is_told_and_not_where_it_stood_once(tmp_path: Path) -> None:
    bar = b"".join(b"\r epoch %3d %%|%-60s|" % (done, b"#" * (done * 60 // 100)) for done in range(101))
    (found,) = ended(Sweep([log(tmp_path, 1, b"begin\n" + bar + b"\n")], having("epoch"))).found
    assert log_line(found.data, 80).plain == f" epoch 100 %|{'#' * 60}|"
    assert len(found.data) <= OVER


def test_no_more_logs_are_told_of_than_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    sweep = ended(Sweep([log(tmp_path, run, b"x\n") for run in range(9)], having("x")))
    assert (len(sweep.found), sweep.cut) == (3, True)


def test_it_stops_where_it_is_and_rests_as_long_as_it_works(tmp_path: Path) -> None:
    content = b"nothing to see here\n" * 200_000
    endless = log(tmp_path, 1, content)

    def forever() -> Iterator[Log]:
        while True:
            yield endless

    sweep = Sweep(forever(), having("absent.*x"))
    began, worked = time.monotonic(), time.process_time()
    sweep.start()
    while sweep.looked < 2:
        time.sleep(0.01)
    spent = time.process_time() - worked
    assert spent < 0.8 * (time.monotonic() - began)
    stopped = time.monotonic()
    sweep.stop()
    sweep.join(60)
    assert sweep.over
    assert time.monotonic() - stopped < 5

"""Rows of runs as CSV, JSON and Markdown, and the file that they go into."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyalma_tui.errors import UsageError
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import Extent
from pyalma_tui.model.instance import Instance
from pyalma_tui.report.export import COLUMNS, pieces, write_file
from pyalma_tui.report.facts import facts_of
from pyalma_tui.report.formats import Format

HOSTILE = 'a|b,"c"\r\n\x1b[2J\\`<b>\ud800'
INSTANCES = [
    Instance(0, "a.cnf", "/a.cnf"),
    Instance(1, 'b {"n":8}', "/b", b'{"n":8}'),
    Instance(2, HOSTILE, "/c"),
    Instance(3, "d", "/d"),
]
RUNS = [
    Run(
        1,
        0,
        0,
        11,
        s.Done(at=1000.5, duration=0.5),
        b'"7"',
        saves=3,
        extents=(Extent("f", 1, 0, 60, 2),),
        attempt=2,
        seconds=1.25,
        module="abc",
        began=1000.0,
    ),
    Run(
        2,
        1,
        0,
        12,
        s.Failed(s.Error("ValueError: x\ny"), at=2000.0),
        b'{"k":[1]}',
        saves=1,
        attempt=1,
        module="abc",
        began=1990.0,
        slot=3,
        host="lab",
    ),
    Run(3, 2, 0, 2**63 - 1, s.Interrupted("interrupted", at=3000.0), attempt=1),
    Run(4, 3, 0, 14),
]


def exported(form: Format) -> str:
    return "".join(pieces(facts_of(INSTANCES, RUNS), form))


def test_csv_is_read_back_as_it_was() -> None:
    table = list(csv.DictReader(io.StringIO(exported("csv"), newline="")))
    assert [tuple(row) for row in table] == [COLUMNS] * 4
    assert [row["status"] for row in table] == ["done", "failed", "interrupted", "pending"]
    assert [row["state"] for row in table] == ["7", '{"k":[1]}', "", ""]
    assert table[1]["data"] == '{"n":8}'
    assert table[1]["error"] == "ValueError: x\ny"
    assert table[2]["instance"] == HOSTILE
    assert table[2]["seed"] == str(2**63 - 1)
    assert (table[0]["log"], table[3]["log"]) == ("logs/1/2.log", "")


def test_json_has_the_same_facts_with_their_types() -> None:
    rows = json.loads(exported("json"))
    assert [tuple(row) for row in rows] == [COLUMNS] * 4
    assert [row["state"] for row in rows] == ["7", {"k": [1]}, None, None]
    assert rows[1]["data"] == {"n": 8}
    assert rows[2]["instance"] == HOSTILE
    assert (rows[0]["module"], rows[3]["module"]) == ("abc", None)
    assert json.loads("".join(pieces([], "json"))) == []


def test_times_are_told_where_they_are_known() -> None:
    rows = json.loads(exported("json"))
    known = [(row["started"] is not None, row["ended"] is not None) for row in rows]
    assert known == [(True, True), (True, True), (False, True), (False, False)]
    assert rows[0]["ended"].endswith("40.500+00:00") or rows[0]["ended"].startswith("19")


def test_where_it_ran_and_why_it_ended() -> None:
    rows = json.loads(exported("json"))
    assert [row["reason"] for row in rows] == ["returned", "ValueError: x\ny", "interrupted", None]
    assert [(row["worker"], row["host"]) for row in rows] == [(None, None), (3, "lab"), (None, None), (None, None)]


def test_markdown_keeps_a_row_on_a_line_and_a_field_in_its_cell() -> None:
    lines = exported("md").splitlines()
    assert len(lines) == 2 + len(RUNS)
    for line in lines:
        assert line.replace("\\|", "").count("|") == len(COLUMNS) + 1, line
    assert "\x1b" not in exported("md")
    assert "ValueError: x<br>y" in lines[3]
    assert 'a\\|b,"c"<br>␛\\[2J\\\\\\`\\<b>‹D800›' in lines[4]


def test_a_file_is_replaced_whole_or_stays(tmp_path: Path) -> None:
    file, link = tmp_path / "runs.csv", tmp_path / "link"
    link.symlink_to(file)
    write_file(link, ["one", "\udcff"])
    assert link.is_symlink()
    assert file.read_text() == "one\\udcff"

    def failing() -> Iterator[str]:
        yield "two"
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(UsageError) as caught:
        write_file(file, failing())
    assert "No space left on device. Nothing was changed" in caught.value.message
    assert file.read_text() == "one\\udcff"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "runs.csv"]


def test_a_device_is_written_to_and_a_directory_refused(tmp_path: Path) -> None:
    write_file(Path("/dev/null"), ["text"])
    assert Path("/dev/null").is_char_device()
    with pytest.raises(UsageError, match="this is a directory"):
        write_file(tmp_path, ["text"])
    with pytest.raises(UsageError, match="No such file or directory"):
        write_file(tmp_path / "no" / "runs.csv", ["text"])

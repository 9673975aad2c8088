"""Batches that are no `.batch`: a path a line, rows of a table, JSON values a line, and what comes through a pipe."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pyalma_tui.loading.batch import read_batch
from pyalma_tui.loading.entries import Entry
from tests.loading.saying import message_for, no_warning


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape"))
    return path


def of_text(folder: Path, name: str, content: str | bytes) -> list[Entry]:
    return list(read_batch(write(folder, name, content), no_warning))


def test_a_text_file_has_a_path_a_line(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for name in ("d/b", "d/a", "[1] x"):
        (tmp_path / name).touch()
    listed = of_text(tmp_path, "x.txt", b"\xef\xbb\xbf/abs/x\r\n\n  \n with space \n# name\nd/*\nd/\n[1] x\nM\xfcller")
    names = [" with space ", "# name", "d/a", "d/b", "d", "[1] x", "M\udcfcller"]
    assert listed == [Entry("/abs/x"), *[Entry(f"{tmp_path}/{name}") for name in names]]


def test_a_row_of_a_table_is_the_data_of_an_instance_and_the_column_file_its_file(tmp_path: Path) -> None:
    table = 'n,lr,name,flag,id,file\n1,0.5,first,True,007,\n\n-2,1e3,"a, b\n""c""",false,,x.cnf\n'
    first, second = of_text(tmp_path, "x.CSV", table)
    assert (first.file, first.title, first.bare) == ("", "first", True)
    assert json.loads(first.data or b"") == {"n": 1, "lr": 0.5, "name": "first", "flag": True, "id": "007"}
    assert second.file == f"{tmp_path}/x.cnf"
    assert json.loads(second.data or b"") == {"n": -2, "lr": 1000.0, "name": 'a, b\n"c"', "flag": False, "id": ""}
    numbers = "a,b,c,d,e,f\n1.0,.5,+1,1_0,nan,12345678901234567890123\n"
    (entry,) = of_text(tmp_path, "n.csv", numbers)
    assert json.loads(entry.data or b"") == {
        "a": 1.0,
        "b": ".5",
        "c": "+1",
        "d": "1_0",
        "e": "nan",
        "f": 12345678901234567890123,
    }
    (latin,) = of_text(tmp_path, "l.csv", b"file,n\nM\xfcller,1\n")
    assert latin.file == f"{tmp_path}/M\udcfcller"


def test_json_lines_are_paths_objects_and_data(tmp_path: Path) -> None:
    warned: list[str] = []
    lines = '"a"\r\n\n{"file": "b", "name": "B", "x": 1}\n{"lr": 0.1, "name": "low"}\n{"data": 3, "data": 4}\n'
    listed = read_batch(write(tmp_path, "x.jsonl", lines), warned.append)
    assert listed == [
        Entry(f"{tmp_path}/a"),
        Entry(f"{tmp_path}/b", b"{}", "B"),
        Entry("", b'{"lr":0.1,"name":"low"}', "low", bare=True),
        Entry("", b"4"),
    ]
    shown = f"{tmp_path}/x.jsonl"
    assert warned == [
        f'{shown}:5: "data" stands more than once in one object, only the last one counts. Join them',
        f'{shown}:3: unknown key "x" is ignored. Known keys are file, data, name',
    ]


def test_lists_may_be_included_in_a_batch(tmp_path: Path) -> None:
    write(tmp_path, "x.txt", "a\n")
    write(tmp_path, "y.csv", "n\n1\n")
    batch = write(tmp_path, "z.batch", '{"include": ["x.txt", "y.csv"]}')
    assert read_batch(batch, no_warning) == [Entry(f"{tmp_path}/a"), Entry("", b'{"n":1}', bare=True)]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.txt", "\n \n", ": it lists no instances. Write a path a line"),
        ("x.txt", b"a\nb\0c\0", ":2: a NUL stands in it. "),
        ("x.txt", "a\n\n*.none", ':3: no file matches "*.none" in '),
        ("x.csv", "", ": the file is empty. "),
        ("x.csv", "a,b\n", ": it lists no instances. Write a row for each"),
        ("x.csv", "a,a\n1,2\n", ':1: two columns are named "a". '),
        (
            "x.csv",
            ",a\n0,2\n",
            ":1: a column has no name. Name every column in the first row, or take it out (",
        ),
        ("x.csv", "a;b\n1;2\n", ':1: its columns are separated by ";", not by commas. '),
        ("x.csv", 'a,b\n"1\n2",3\n1,2,3\n', ":4: this row has 3 cells, the first one has 2. "),
        ("x.csv", 'a\n"1" 2\n', ":2: this is no CSV, "),
        ("x.csv", "a\n1\n1e999\n", ':3: a: the text "1e999" is out of range. '),
        ("x.csv", b"a\nM\xfcller\n", ":2: a: this is not UTF-8. "),
        ("x.csv", "file\nx\0y\n", ":2: file: no file can have this name. "),
        ("x.jsonl", "\n", ": the file is empty. "),
        ("x.tsv", "a\tb\n1\t2\n", ": it does not begin as JSON does, and its name tells of nothing else. Call "),
        (
            "list",
            "a.cnf\nb.cnf\n",
            ": it does not begin as JSON does, and its name tells of nothing else. Call ",
        ),
        ("x.jsonl", '"a"\n\n{"n": NaN}', ":3:7: JSON knows no NaN. "),
        ("x.jsonl", '"a"\n"b', ":2:1: this text is never closed. "),
        ("x.jsonl", '"a"\n{"file": 3}', ":2: $.file: a path was expected, found the number 3. "),
        ("x.jsonl", '{"name": 3, "data": 1}', ":1: $.name: a text was expected, found the number 3. "),
        ("x.jsonl", '"a"\n[]', ":2: a path or an object was expected, found a list. "),
        ("x.jsonl", '"a"\n' + '{"a":' + "[" * 101 + "]" * 101 + "}", ":2: it is nested deeper than 100. "),
        ("x.jsonl", b'"a"\n"M\xfcller"', ":2:3: not UTF-8: byte 0xFC at offset 6. "),
    ],
)
def test_an_error_names_file_and_line(tmp_path: Path, name: str, content: str | bytes, told: str) -> None:
    path = write(tmp_path, name, content)
    message = message_for(lambda: read_batch(path, no_warning))
    assert message.startswith(f"cannot read the batch: {path}{told}")


def through_a_pipe(content: bytes, name: str, read: Callable[[Path], list[Entry]]) -> list[Entry]:
    end, start = os.pipe()
    os.write(start, content)
    os.close(start)
    try:
        return read(Path(name.format(fd=end)))
    finally:
        os.close(end)


@pytest.mark.parametrize(
    ("content", "entries"),
    [
        ("a\n/x/b\n", [Entry("{here}/a"), Entry("/x/b")]),
        ('\n {"instances": ["a"],\n "dir": "d"}', [Entry("{here}/d/a")]),
        ('["a",\n {"lr": 1}]\n', [Entry("{here}/a"), Entry("", b'{"lr":1}', bare=True)]),
        ('{"lr": 1}\n', [Entry("", b'{"lr":1}', bare=True)]),
        ('{"lr": 1}\n"a"\n', [Entry("", b'{"lr":1}', bare=True), Entry("{here}/a")]),
    ],
)
def test_what_comes_through_a_pipe_is_read_by_how_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, entries: list[Entry]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("/dev/fd/{fd}", "/proc/self/fd/{fd}"):
        found = through_a_pipe(content.encode(), name, lambda path: list(read_batch(path, no_warning)))
        assert found == [
            Entry(entry.file.replace("{here}", str(tmp_path)), entry.data, entry.title, entry.bare) for entry in entries
        ]


def test_an_error_in_what_comes_through_a_pipe_names_the_line(tmp_path: Path) -> None:
    def refused(path: Path) -> list[Entry]:
        message = message_for(lambda: read_batch(path, no_warning))
        assert message.startswith(f"cannot read the batch: {path}:3:1: this text is never closed")
        return []

    through_a_pipe(b'{"lr": 1}\n\n"x\n', "/dev/fd/{fd}", refused)

"""JSON files that are none, and what cannot be read as a file: the exact line that a user reads for each."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from pyalma_tui.loading.batch import read_batch
from pyalma_tui.loading.experiment_file import read_experiment_file
from pyalma_tui.loading.json_file import Origin, read_json
from tests.loading.saying import message_for, no_warning

VALUE = "no JSON value begins here. Write text in double quotes, a number, true, false or null"
NUMBER = "Write null, or the number as text"


SYNTAX = {
    "B14-an empty file": ("", ": the file is empty. Fill it or name another one"),
    "B14-only blanks": (" \r\n\t", ": the file is empty. Fill it or name another one"),
    "B14-only a byte order mark": ("\ufeff", ": the file is empty. Fill it or name another one"),
    "B15-only an opening bracket": ("{", ":1:2: the file ends before its JSON does. Close its brackets"),
    "B15-cut after a colon": ('{"dir": \n\n', ":1:8: the file ends before its JSON does. Close its brackets"),
    "B15-cut within a list": (
        '{"instances":\n ["a.cnf",\n',
        ":2:11: the file ends before its JSON does. Close its brackets",
    ),
    "B15-a comma is missing": (
        '{"instances": ["a.cnf" "b.cnf"]}',
        ":1:24: a comma or a closing bracket is missing. Add it",
    ),
    "B15-a comma is missing between lines": (
        '{"dir": "."\n "instances": []}',
        ":2:2: a comma or a closing bracket is missing. Add it",
    ),
    "B15-a comma before the closing square bracket": (
        '{"instances": ["a.cnf",]}',
        ':1:23: a comma stands before the closing "]". Take it out',
    ),
    "B15-a comma before the closing curly bracket on the next line": (
        '{"instances": ["a.cnf"] ,\n}',
        ':1:25: a comma stands before the closing "}". Take it out',
    ),
    "B15-two commas": ('{"instances": ["a.cnf",,"b.cnf"]}', f":1:24: {VALUE}"),
    "B15-a colon is missing": ('{"instances" []}', ":1:14: a colon is missing after the key. Add it"),
    "B15-a key without quotes": (
        "{instances: []}",
        ':1:2: a key in double quotes was expected. Write it as in {"file": "a.cnf"}',
    ),
    "B15-single quotes": ("{'instances': []}", ":1:2: JSON knows no single quotes. Use double quotes"),
    "B15-a name without quotes": ('{"instances": [a.cnf]}', f":1:16: {VALUE}"),
    "B15-a constant of Python": ('{"instances": None}', f":1:15: {VALUE}"),
    "B15-a comment with slashes": ("// mine\n{}", ":1:1: JSON has no comments. Take it out"),
    "B15-a comment with a hash": ('{"dir": ".", # here\n}', ":1:14: JSON has no comments. Take it out"),
    "B15-a second value": (
        '{"instances": ["a.cnf"]}\n{}',
        ":2:1: the JSON ends before this place. Take out what follows",
    ),
    "B15-a text that the file ends in": (
        '{"instances": ["a.cnf]}',
        ":1:16: this text is never closed. Add its closing quote",
    ),
    "B15-a text that the line ends in": (
        '{"instances": [\n  "a.cnf,\n  "b.cnf"]}',
        ":2:10: the line ends inside a text. Add its closing quote",
    ),
    "B15-a tab in a text": (
        '{"instances": ["a\tb"]}',
        ":1:18: a control character stands inside a text. Write it as an escape, a tab as \\t",
    ),
    "B15-a Windows path": ('{"dir": "C:\\data"}', ":1:12: JSON knows no such escape. Write a backslash as \\\\"),
    "B15-a number with a leading zero": (
        '{"instances": [{"data": 01}]}',
        ":1:26: a comma or a closing bracket is missing. Add it",
    ),
    "B15-NaN": ('{"instances": ["NaN", {"data": NaN}]}', f":1:32: JSON knows no NaN. {NUMBER}"),
    "B15-minus infinity": ('{"instances": [{"data": -Infinity}]}', f":1:25: JSON knows no -Infinity. {NUMBER}"),
    "B15-NaN beside half a surrogate pair": (
        '{"instances": ["\\ud800", {"data": NaN}]}',
        f":1:35: JSON knows no NaN. {NUMBER}",
    ),
    "B15-a number that a float cannot hold": (
        '{"instances": [{"data": 1e400}]}',
        f":1:25: 1e400 is out of range. {NUMBER}",
    ),
    "B15-a number of 5,000 digits": (
        '{"instances": [{"data": %s}]}' % ("9" * 5000),
        f":1:25: {'9' * 39}…{'9' * 20} is out of range. {NUMBER}",
    ),
    "B15-columns are counted in characters after wide ones": (
        '{"dir": "é😀", x}',
        ':1:15: a key in double quotes was expected. Write it as in {"file": "a.cnf"}',
    ),
    "B15-a byte order mark takes no column": (
        "\ufeff{x}",
        ':1:2: a key in double quotes was expected. Write it as in {"file": "a.cnf"}',
    ),
    "B15-lines that end in CRLF count once": (
        '{\r\n"dir": ".",\r\n  x}',
        ':3:3: a key in double quotes was expected. Write it as in {"file": "a.cnf"}',
    ),
    "B15-an empty first line counts": (
        "\n{x}",
        ':2:2: a key in double quotes was expected. Write it as in {"file": "a.cnf"}',
    ),
    "B15-brackets nested 100,000 deep": ("[" * 100_000, ": it is nested too deeply to be read. Make it flatter"),
    "B19-Latin-1": (
        b'{"instances": [\n"caf\xe9"]}',
        ":2:5: not UTF-8: byte 0xE9 at offset 20. Save the file as UTF-8",
    ),
    "B19-not UTF-8 after a byte order mark": (
        b'\xef\xbb\xbf{"dir": "\xff"}',
        ":1:10: not UTF-8: byte 0xFF at offset 12. Save the file as UTF-8",
    ),
    "B19-a byte missing at the end": (
        b'{"dir": "\xc3',
        ":1:10: not UTF-8: byte 0xC3 at offset 9. Save the file as UTF-8",
    ),
    "B19-UTF-16": (
        "{}".encode("utf-16"),
        ":1:1: not UTF-8: byte 0xFF at offset 0, which looks like UTF-16. Save the file as UTF-8",
    ),
}


@pytest.mark.parametrize(("content", "expected"), SYNTAX.values(), ids=SYNTAX)
@pytest.mark.parametrize("kind", ["batch", "experiment"])
def test_what_is_no_json_is_named_with_line_and_column(
    folder: Path, kind: str, content: str | bytes, expected: str
) -> None:
    file = Path(f"sat.{kind}")
    file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def read() -> object:
        return read_batch(file, no_warning) if kind == "batch" else read_experiment_file(file, folder, no_warning)

    assert message_for(read) == f"cannot read the {kind}: sat.{kind}{expected}"


def make_nothing(path: Path) -> None:
    pass


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path.name)  # relative: the length of a socket's path is limited


IRREGULAR: dict[str, tuple[Callable[[Path], object], str]] = {
    "B14-missing": (make_nothing, "there is no such file in {here}"),
    "B14-a directory": (Path.mkdir, "it is a directory, not a regular file"),
    "B14-a FIFO": (os.mkfifo, "it is a named pipe, not a regular file"),
    "B14-a link to a device": (lambda path: path.symlink_to("/dev/zero"), "it is a device, not a regular file"),
    "B14-a socket": (make_socket, "it is a socket, not a regular file"),
    "B14-a link to itself": (lambda path: path.symlink_to(path), "too many levels of symbolic links"),
    "B14-a link to nothing": (lambda path: path.symlink_to("nothing"), "there is no such file in {here}"),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("make", "expected"), IRREGULAR.values(), ids=IRREGULAR)
@pytest.mark.parametrize("kind", ["batch", "experiment"])
def test_what_is_no_regular_file_is_refused_without_blocking(
    folder: Path, kind: str, make: Callable[[Path], object], expected: str
) -> None:
    file = Path(f"sat.{kind}")
    make(file)

    def read() -> object:
        return read_batch(file, no_warning) if kind == "batch" else read_experiment_file(file, folder, no_warning)

    expected = expected.replace("{here}", str(folder))
    assert message_for(read) == f"cannot read the {kind}: sat.{kind}: {expected}. Check the path"


@pytest.mark.timeout(20)
def test_a_file_that_turns_into_a_fifo_after_the_first_look_does_not_block(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    regular = os.stat("a.cnf")
    os.mkfifo("sat.batch")
    monkeypatch.setattr(os, "stat", lambda path: regular)

    message = message_for(lambda: read_batch(Path("sat.batch"), no_warning))

    assert message == "cannot read the batch: sat.batch: it is a named pipe, not a regular file. Check the path"


def test_an_unreadable_file_says_why(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("sat.batch").write_text("{}")

    def refuse(path: str, flags: int) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # a mode of 0 would not stop root

    message = message_for(lambda: read_batch(Path("sat.batch"), no_warning))

    assert message == "cannot read the batch: sat.batch: permission denied. Check the path"


def test_a_path_through_a_file_says_that_it_is_no_directory(folder: Path) -> None:
    message = message_for(lambda: read_batch(Path("a.cnf/sat.batch"), no_warning))

    assert message == "cannot read the batch: a.cnf/sat.batch: not a directory. Check the path"


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [("[1 ,]", 3, '1:4: a comma stands before the closing "]"'), ('{"a": 1,\n}', 7, "1:8: a comma stands before")],
    ids=["a list", "an object"],
)
def test_a_trailing_comma_is_found_where_newer_versions_of_python_report_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, position: int, expected: str
) -> None:
    """From 3.13 on the standard library points at the comma and no longer at the bracket."""
    file = tmp_path / "x.batch"
    file.write_text(text)

    def loads(text: str, **_: object) -> object:
        raise json.JSONDecodeError("Illegal trailing comma before end of array", text, position)

    monkeypatch.setattr(json, "loads", loads)

    message = message_for(lambda: read_json(str(file), Origin("cannot read", "x.batch"), (), no_warning))

    assert message.startswith(f"cannot read: x.batch:{expected}")


WARNINGS: dict[str, tuple[str, str, list[str]]] = {
    "B16-a key with a slip": (
        "batch",
        '{"instances": ["a.cnf"], "instnces": []}',
        ['$: unknown key "instnces" is ignored. Did you mean "instances"?'],
    ),
    "B16-a key in capitals": (
        "batch",
        '{"instances": ["a.cnf"], "INCLUDE": []}',
        ['$: unknown key "INCLUDE" is ignored. Did you mean "include"?'],
    ),
    "B16-a key that is like no other": (
        "batch",
        '{"instances": ["a.cnf"], "colour": 1}',
        ['$: unknown key "colour" is ignored. Known keys are dir, include, instances, batches'],
    ),
    "B16-a key of a nested batch": (
        "batch",
        '{"batches": [{"instances": ["a.cnf"], "drr": "x"}]}',
        ['$.batches[0]: unknown key "drr" is ignored. Did you mean "dir"?'],
    ),
    "B16-keys of instances, each counted": (
        "batch",
        '{"instances": ["a.cnf", {"fil": 1}, {"fil": 2, "dta": 3}, {"fil": 4}]}',
        [
            '$.instances[1]: unknown key "fil" is ignored (3 times). Did you mean "file"?',
            '$.instances[2]: unknown key "dta" is ignored. Did you mean "data"?',
        ],
    ),
    "B16-a key that stands twice": (
        "batch",
        '{"instances": ["a.cnf", {"fil": 1}, {"fil": 2}]}',
        ['$.instances[1]: unknown key "fil" is ignored (2 times). Did you mean "file"?'],
    ),
    "B16-a key with control characters, shown as JSON": (
        "batch",
        '{"instances": ["a.cnf"], "\\u001b]52\\n": 1}',
        ['$: unknown key "\\u001b]52\\n" is ignored. Known keys are dir, include, instances, batches'],
    ),
    "B16-keys of an experiment": (
        "experiment",
        '{"load": "m.py", "batch": "m.batch", "wrokers": 2, "module": "m.py"}',
        [
            '$: unknown key "wrokers" is ignored. Did you mean "workers"?',
            '$: unknown key "module" is ignored. '
            "Known keys are load, batch, workers, iterations, seed, seed_globals, on",
        ],
    ),
    "a key of a batch that stands twice": (
        "batch",
        '{"instances": ["b.cnf"], "batches": [{"instances": ["a.cnf"]}], "instances": ["a.cnf"]}',
        ['"instances" stands more than once in one object, only the last one counts. Join them'],
    ),
    "a key of an instance that stands twice": (
        "batch",
        '{"instances": [{"file": "b.cnf", "data": 1, "file": "a.cnf"}, {"file": "a.cnf"}]}',
        ['"file" stands more than once in one object, only the last one counts. Join them'],
    ),
    "a key of an experiment that stands twice": (
        "experiment",
        '{"load": "m.py", "batch": "m.batch", "seed": 1, "seed": 2}',
        ['"seed" stands more than once in one object, only the last one counts. Join them'],
    ),
    "keys that stand once in each of several batches are fine": (
        "batch",
        '{"instances": ["a.cnf"], "batches": [{"instances": ["a.cnf"]}, {"instances": ["a.cnf"]}]}',
        [],
    ),
    "a key inside the data of an instance is nobody's business": (
        "batch",
        '{"instances": [{"data": {"instnces": 1, "fil": 2}}]}',
        [],
    ),
}


@pytest.mark.parametrize(("kind", "content", "expected"), WARNINGS.values(), ids=WARNINGS)
def test_what_is_ignored_is_warned_of(folder: Path, kind: str, content: str, expected: list[str]) -> None:
    file = Path(f"sat.{kind}")
    file.write_text(content)
    warnings: list[str] = []

    if kind == "batch":
        assert read_batch(file, warnings.append)
    else:
        assert read_experiment_file(file, folder, warnings.append)

    assert warnings == [f"sat.{kind}: {warning}" for warning in expected]

"""Arguments of a command line, values of a module's `instances`, and how entries become instances."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from pyalma_tui.errors import InputError
from pyalma_tui.loading.absent import missing
from pyalma_tui.loading.entries import WORTH_LISTING, Entry, expand_arguments, from_values, number
from pyalma_tui.model.instance import Instance
from tests.loading.conftest import touch
from tests.loading.saying import message_for, no_warning


def expanded(folder: Path, *arguments: str) -> list[str]:
    """The files of the arguments, relative to the folder where they are below it."""
    expanded = expand_arguments(arguments, folder)
    assert all(entry.data is None for entry in expanded)
    return [entry.file.removeprefix(f"{folder}/") for entry in expanded]


def refused(folder: Path, *arguments: str) -> str:
    return message_for(lambda: expand_arguments(arguments, folder))


def test_files_keep_their_order_and_need_not_exist(tmp_path: Path) -> None:
    touch(tmp_path, "a", "b")

    assert expanded(tmp_path, "b", "nope", "a", "./sub/../b", "/etc/../x") == ["b", "nope", "a", "b", "/x"]


def test_paths_are_seen_from_the_folder_given_even_if_it_is_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert expand_arguments(["a"], Path("sub")) == [Entry(f"{tmp_path}/sub/a")]
    assert expand_arguments(["a", "//a"], Path("/")) == [Entry("/a"), Entry("//a")]


def test_a_link_is_not_resolved(tmp_path: Path) -> None:
    touch(tmp_path, "real/a")
    os.symlink("real", tmp_path / "link")

    assert expanded(tmp_path, "link/a", "link") == ["link/a", "link/a"]


def test_a_directory_stands_for_its_regular_files_sorted(tmp_path: Path) -> None:
    touch(tmp_path, "d/b", "d/a", "d/a10", "d/a2", "d/sub/x", "d/.hidden", "target")
    os.symlink("../target", tmp_path / "d" / "link")
    os.symlink("nothing", tmp_path / "d" / "broken")
    os.symlink("loop", tmp_path / "d" / "loop")
    os.symlink("sub", tmp_path / "d" / "link to a folder")
    os.mkfifo(tmp_path / "d" / "pipe")

    assert expanded(tmp_path, "z", "d") == ["z", "d/a", "d/a10", "d/a2", "d/b", "d/link"]


def test_a_pattern_stands_for_its_matches_sorted(tmp_path: Path) -> None:
    touch(tmp_path, "d/b.cnf", "d/a.cnf", "d/e/c.cnf", "d/.x.cnf", "d/f.cnf/g")

    assert expanded(tmp_path, "d/*.cnf") == ["d/a.cnf", "d/b.cnf"]
    assert expanded(tmp_path, "**/*.cnf") == ["d/a.cnf", "d/b.cnf", "d/e/c.cnf"]
    assert expanded(tmp_path, f"{tmp_path}/d/[ab].cnf") == ["d/a.cnf", "d/b.cnf"]
    assert expanded(tmp_path / "d", "../d/?.cnf") == ["a.cnf", "b.cnf"]


def test_what_ends_in_a_slash_is_a_folder_that_is_passed_itself(tmp_path: Path) -> None:
    touch(tmp_path, "r2/b", "r1/a", "r1/sub/x", "r3", "empty/.hidden")

    assert expanded(tmp_path, "r*/", "r1/", "empty/", "r1/../r2//", "nope/", f"{tmp_path}/r1/") == [
        *["r1", "r2", "r1", "empty", "r2", "nope", "r1"]
    ]
    assert from_values(["r*/", "r1/"], tmp_path, "m.py", no_warning) == [
        Entry(f"{tmp_path}/{name}") for name in ("r1", "r2", "r1")
    ]


def test_an_existing_name_is_no_pattern(tmp_path: Path) -> None:
    touch(tmp_path, "a*", "ab", "d[1]/x", "d1/y")

    assert expanded(tmp_path, "a*", "d[1]") == ["a*", "d[1]/x"]


HOSTILE = ["a\nb", "\x1b[2J", "[/]", "\u202ex", "😀", "x" * 10_000, "a\0b", "\ud800", "-x", "~"]


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:12])
def test_b21_a_hostile_argument_is_passed_exactly(tmp_path: Path, name: str) -> None:
    assert expand_arguments([name], tmp_path) == [Entry(f"{tmp_path}/{name}")]


def test_b21_names_that_are_not_utf8_are_passed_exactly(tmp_path: Path) -> None:
    raw = b"\xff\xfe.cnf"
    touch(tmp_path, os.fsdecode(b"d/" + raw))

    for argument in (os.fsdecode(b"d/" + raw), "d", "d/*"):
        [entry] = expand_arguments([argument], tmp_path)
        assert os.fsencode(entry.file) == os.fsencode(tmp_path) + b"/d/" + raw


@pytest.mark.parametrize("count", [10, 1000])
def test_many_arguments_mean_the_same_as_few(tmp_path: Path, count: int) -> None:
    names = [f"{index}" for index in range(count)]
    touch(tmp_path, *names, "d/x")
    os.symlink("d", tmp_path / "link")

    assert expanded(tmp_path, *names, "d", "nope", "link") == [*names, "d/x", "nope", "link/x"]
    assert expanded(tmp_path, "[0-9]*", "l*/") == [*sorted(names), "link"]


def test_an_empty_argument_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a")

    assert refused(tmp_path, "a", "") == (
        'cannot find the instances: "": an empty argument names no file. '
        "Take it out, or check the variable it came from"
    )


def test_a_pattern_without_a_match_says_where_it_was_looked_for(tmp_path: Path) -> None:
    expected = f'no file matches "d/*.cnf" in {tmp_path}. Correct the pattern or the folder'

    assert refused(tmp_path, "d/*.cnf") == f"cannot find the instances: d/*.cnf: {expected}"


def test_a_pattern_in_the_root_says_so(tmp_path: Path) -> None:
    expected = 'no file matches "nowhere-*" in /. Correct the pattern or the folder'

    assert refused(Path("/"), "nowhere-*") == f"cannot find the instances: nowhere-*: {expected}"


def test_a_pattern_that_only_folders_match_says_how_to_reach_their_files(tmp_path: Path) -> None:
    touch(tmp_path, "r1/a")

    expected = f'only folders match "r*" in {tmp_path}. Write "r*/*" for the files in them, "r*/" for the folders'
    assert refused(tmp_path, "r*") == f"cannot find the instances: r*: {expected}"


def test_a_directory_without_files_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "full/a", "empty/.hidden", "empty/sub/a")
    expected = "this folder holds no files, apart from hidden ones. Name the files or another folder"

    assert refused(tmp_path, "full", "empty") == f"cannot find the instances: empty: {expected}"


def test_a_directory_that_cannot_be_listed_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "d").mkdir()

    def refuse(path: str) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)  # a mode of 0 would not stop root

    expected = "the folder cannot be listed, permission denied. Check its permissions"
    assert refused(tmp_path, "d") == f"cannot find the instances: d: {expected}"


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
@pytest.mark.parametrize("pattern", ["locked/*", "locked/**/*.txt", "{here}/locked/a*"])
def test_a_pattern_in_a_folder_that_is_not_for_us_says_why_nothing_matches(pattern: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        touch(folder, "locked/a.txt")
        (folder / "locked").chmod(0o700)
        pattern = pattern.replace("{here}", name)
        os.seteuid(65534)
        try:
            told = refused(folder, pattern)
        finally:
            os.seteuid(0)
    why = f'what matches "{pattern}" cannot be listed, permission denied. Check the permissions of its folder'
    assert told == f"cannot find the instances: {pattern}: {why}"


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
@pytest.mark.parametrize("pattern", ["**", "**/*.txt", "*/**/a.txt", "*/*.txt", "[lo]*/a.txt", "./*/../*/a*"])
def test_folders_that_a_pattern_cannot_look_into_are_named_beside_what_it_finds(pattern: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        touch(folder, "locked/a.txt", "open/a.txt")
        (folder / "locked").chmod(0o700)
        told: list[str] = []
        os.seteuid(65534)
        try:
            found = expand_arguments([pattern], folder, told.append)
            several = from_values([pattern], folder, "module.py", told.append)
            nothing = refused(folder, "*/x*.txt")
        finally:
            os.seteuid(0)
    passed = f"passes over 1 folder that cannot be looked into: {name}/locked. Check the permissions"
    assert [entry.file for entry in found] == [entry.file for entry in several] == [f"{name}/open/a.txt"]
    assert told[:2] == [f'"{pattern}" {passed}', f'module.py: instances[0]: "{pattern}" {passed}']
    assert "1 folder that cannot be looked into" in nothing


def test_values_of_a_module_are_paths_patterns_and_objects(tmp_path: Path) -> None:
    touch(tmp_path, "d/b", "d/a")
    values = ["x", "d/*", {"file": "y", "data": {"n": 1}}, {"data": 2}, "/z"]

    assert from_values(values, tmp_path, "module.py", no_warning) == [
        Entry(f"{tmp_path}/x"),
        Entry(f"{tmp_path}/d/a"),
        Entry(f"{tmp_path}/d/b"),
        Entry(f"{tmp_path}/y", b'{"n":1}'),
        Entry("", b"2"),
        Entry("/z"),
    ]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a", 3], "instances[1]: a path or an object was expected, found the number 3"),
        ([None], "instances[0]: a path or an object was expected, found null"),
        ([["a"]], "instances[0]: a path or an object was expected, found a list"),
        ([""], "instances[0]: a path or an object was expected, found an empty text"),
        ([b"a"], "instances[0]: a path or an object was expected, found a bytes"),
        ([{}, {"file": []}], "instances[1].file: a path was expected, found a list"),
        (["a", "*.cnf"], 'instances[1]: no file matches "*.cnf" in {here}'),
    ],
)
def test_a_value_that_is_no_instance_is_named_with_its_place(
    tmp_path: Path, values: list[object], expected: str
) -> None:
    message = message_for(lambda: from_values(values, tmp_path, "module.py", no_warning))

    expected = expected.replace("{here}", str(tmp_path))
    assert message.startswith(f"cannot read the instances: module.py: {expected}. ")


def test_unknown_keys_of_objects_are_warned_of_once_each(tmp_path: Path) -> None:
    warnings: list[str] = []
    values = [{"file": "a", "fiel": "a"}] * 1000 + [{"data": 1, "dat": 2}]

    assert len(from_values(values, tmp_path, "module.py", warnings.append)) == 1001
    assert warnings == [
        'module.py: instances[0]: unknown key "fiel" is ignored (1,000 times). Did you mean "file"?',
        'module.py: instances[1000]: unknown key "dat" is ignored. Did you mean "data"?',
    ]


def test_data_are_refused_when_they_are_nested_too_deeply_to_be_written(tmp_path: Path) -> None:
    data: list[object] = []
    for _ in range(100_000):
        data = [data]

    message = message_for(lambda: from_values([{"data": data}], tmp_path, "module.py", no_warning))
    assert message.endswith(" instances[0].data: it is nested deeper than 100. Make it flatter")


def test_numbers_count_from_zero_and_names_are_seen_from_the_base(tmp_path: Path) -> None:
    entries = [Entry("/base/a"), Entry("/base/sub/b"), Entry("/based/c"), Entry("/base"), Entry("/other/d")]

    instances = number(entries, Path("/base"))

    assert [instance.id for instance in instances] == [0, 1, 2, 3, 4]
    assert [instance.file for instance in instances] == [entry.file for entry in entries]
    assert [instance.name for instance in instances] == ["a", "sub/b", "/based/c", "/base", "/other/d"]
    assert all(instance.data is None and instance.in_batch for instance in instances)


def test_the_base_may_be_relative_or_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert number([Entry(f"{tmp_path}/x/a")], Path("x"))[0].name == "a"
    assert number([Entry("/x/a")], Path("/"))[0].name == "x/a"


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        (Entry("/base/a"), "a"),
        (Entry("/base/a", b"{}"), "a"),
        (Entry("/base/a", b'{"n":8}'), 'a {"n":8}'),
        (Entry("/base/a", b"null"), "a null"),
        (Entry("/else/a", b"0"), "/else/a 0"),
        (Entry("", b'{"n":9,"phi":1.2}'), '{"n":9,"phi":1.2}'),
        (Entry("", b"{}"), "{}"),
        (Entry("", '"é😀"'.encode()), '"é😀"'),
        (Entry("", rb'"\ud800\u00e9"'), r'"\ud800é"'),
        (Entry("", rb'"\\ud"'), r'"\\ud"'),
        (Entry("", rb'"a\nb"'), r'"a\nb"'),
    ],
    ids=str,
)
def test_an_instance_is_named_by_its_path_and_its_data(entry: Entry, name: str) -> None:
    assert list(number([entry], Path("/base"))) == [Instance(0, name, entry.file, entry.data)]


def test_equal_entries_are_counted_and_only_those(tmp_path: Path) -> None:
    entries = [
        Entry("/base/a"),
        Entry("/base/a", b"{}"),
        Entry("/base/a", b"1"),
        Entry("/base/a"),
        Entry("/base/a", b"1"),
        Entry("/base/A"),
        Entry("", b"1"),
        Entry("/base/a 1"),
        Entry("/base/a 1", b"{}"),
        Entry("/base/a"),
    ]

    instances = number(entries, Path("/base"))

    assert [instance.occurrence for instance in instances] == [1, 1, 1, 2, 2, 1, 1, 1, 1, 3]
    assert len({instance.identity for instance in instances}) == len(instances)


@pytest.mark.parametrize("count", [3, 500], ids=["asked one by one", "seen in the listing"])
def test_missing_files_are_named_once_in_the_order_of_the_batch(tmp_path: Path, count: int) -> None:
    names = [f"{index}" for index in range(count)]
    touch(tmp_path, *names, "d/x", "target")
    os.symlink("target", tmp_path / "link")
    os.symlink("nothing", tmp_path / "broken")
    wanted = ["nope", "broken", *names, "link", "d", "nope", "d/x", "d/y", "nodir/x", "a\0b", "\ud800", "target/x"]
    paths = [*(f"{tmp_path}/{name}" for name in wanted), "", f"{tmp_path}/no"]

    absent = ["nope", "broken", "d/y", "nodir/x", "a\0b", "\ud800", "target/x", "no"]
    assert missing(paths) == missing([path.removeprefix(f"{tmp_path}/") for path in paths], f"{tmp_path}/")
    assert missing(paths) == [f"{tmp_path}/{name}" for name in absent]


def test_nothing_is_missing_when_all_is_there(tmp_path: Path) -> None:
    touch(tmp_path, "a")
    (tmp_path / "d").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tmp_path / "s"))

    assert missing([*(f"{tmp_path}/{name}" for name in ("a", "d", "s")), "", "/"]) == []
    assert missing([]) == []


def test_files_of_one_folder_are_not_asked_for_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{index}" for index in range(1000)]
    touch(tmp_path, *names)
    asked: list[str] = []

    def exists(path: str) -> bool:
        asked.append(path)
        return False

    monkeypatch.setattr(os.path, "exists", exists)

    assert missing([f"{tmp_path}/{name}" for name in [*names, "nope"]]) == [f"{tmp_path}/nope"]
    assert asked == [f"{tmp_path}/nope"]


def test_a_folder_is_not_listed_for_a_few_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a")
    monkeypatch.delattr(os, "scandir")

    assert missing([f"{tmp_path}/{name}" for name in ("a", "nope")]) == [f"{tmp_path}/nope"]


def test_files_of_a_folder_that_cannot_be_listed_are_asked_for_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{index}" for index in range(1000)]
    touch(tmp_path, *names)

    def refuse(path: str) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)

    assert missing([f"{tmp_path}/{name}" for name in [*names, "nope"]]) == [f"{tmp_path}/nope"]


WRITTEN = [
    "*",
    "x?",
    "[a]",
    "./x",
    "../x",
    "x/",
    "x/./y",
    "x/../y",
    "x//y",
    "//x",
    ".",
    "..",
    "x/..",
    "x/.",
    "x",
    "/x",
    "..x",
    "x..",
    ".x",
    "[/]",
    "i7",
    "/base/i7",
]
ODD: list[object] = ["", *WRITTEN, "a\nb", "a\0b", "\ud800", "/base/d/i7", {"file": "x"}, {"data": 1}]


@pytest.mark.parametrize("odd", ODD, ids=ascii)
def test_a_long_list_means_what_its_parts_mean(tmp_path: Path, odd: object) -> None:
    values = [*(f"i{number}" for number in range(WORTH_LISTING)), odd]

    def found(values: Sequence[object]) -> list[Entry] | str:
        try:
            return list(from_values(values, Path("/base"), "m.py", no_warning))
        except InputError as error:
            return str(error).replace("instances[0]", f"instances[{WORTH_LISTING}]")

    alone = found([odd])
    expected = alone if isinstance(alone, str) else [*map(Entry, (f"/base/{value}" for value in values[:-1])), *alone]
    assert found(values) == expected
    for base in ("/base", "/", "/base/d"):
        if isinstance(expected, list):
            entries = from_values(values, Path("/base"), "m.py", no_warning)
            assert list(number(entries, Path(base))) == list(number(expected, Path(base)))

"""What a `.batch` file lists, and in which order."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pyalma_tui.loading.batch import read_batch
from pyalma_tui.loading.entries import Entry, number
from pyalma_tui.model.instance import argument
from tests.loading.conftest import touch
from tests.loading.saying import no_warning


def write(file: Path, content: dict[str, Any]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))
    return file


def listed(file: Path) -> list[str]:
    """The files of a batch as seen from its folder."""
    return [os.path.relpath(entry.file, file.parent) for entry in read_batch(file, no_warning)]


def test_instances_are_paths_from_the_folder_of_the_file(tmp_path: Path) -> None:
    file = write(tmp_path / "sat.batch", {"instances": ["a.cnf", "./sub/../b.cnf", "../c.cnf", "/data/d.cnf"]})

    assert read_batch(file, no_warning) == [
        Entry(f"{tmp_path}/a.cnf"),
        Entry(f"{tmp_path}/b.cnf"),
        Entry(f"{tmp_path.parent}/c.cnf"),
        Entry("/data/d.cnf"),
    ]


def test_a_relative_batch_file_gives_absolute_instances(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "sub" / "sat.batch", {"instances": ["a.cnf"]})
    monkeypatch.chdir(tmp_path)

    assert read_batch(Path("sub/sat.batch"), no_warning) == [Entry(f"{tmp_path}/sub/a.cnf")]


def test_a_linked_batch_file_is_read_from_the_folder_of_the_link(tmp_path: Path) -> None:
    write(tmp_path / "real" / "sat.batch", {"instances": ["a.cnf"]})
    (tmp_path / "sat.batch").symlink_to("real/sat.batch")

    assert read_batch(tmp_path / "sat.batch", no_warning) == [Entry(f"{tmp_path}/a.cnf")]


def test_an_object_has_a_file_data_or_both(tmp_path: Path) -> None:
    objects = [
        {"file": "b.cnf", "data": {"n": 8}},
        {"data": {"n": 9, "phi": 1.2}},
        {"file": "b.cnf"},
        {"file": "", "data": None},
        {"file": "/x/c.cnf", "data": [1, "é", False]},
        {},
    ]
    file = write(tmp_path / "sat.batch", {"instances": objects})

    assert read_batch(file, no_warning) == [
        Entry(f"{tmp_path}/b.cnf", b'{"n":8}'),
        Entry("", b'{"n":9,"phi":1.2}'),
        Entry(f"{tmp_path}/b.cnf", b"{}"),
        Entry("", b"null"),
        Entry("/x/c.cnf", '[1,"é",false]'.encode()),
        Entry("", b"{}"),
    ]


def test_data_reach_the_run_as_they_were_given(tmp_path: Path) -> None:
    data = {"big": 10**30, "small": -(2**63) - 1, "float": 0.1, "text": "\ud800é\0\u2028", "list": [None, True, {}]}
    file = write(tmp_path / "sat.batch", {"instances": [{"data": data}]})

    [instance] = number(read_batch(file, no_warning), tmp_path)

    assert argument(instance, 5) == {"file": "", "data": data, "id": 0, "seed": 5}
    passed = argument(instance, 5)
    assert isinstance(passed, dict)
    assert json.dumps(passed["data"]) == json.dumps(data)


def test_own_instances_come_before_batches_depth_first_and_before_includes(tmp_path: Path) -> None:
    write(tmp_path / "x.batch", {"include": ["y.batch"], "batches": [{"instances": ["8"]}], "instances": ["7"]})
    write(tmp_path / "y.batch", {"instances": ["9"]})
    write(tmp_path / "z.batch", {"instances": ["10"]})
    write(tmp_path / "in.batch", {"instances": ["5"]})
    file = write(
        tmp_path / "sat.batch",
        {
            "include": ["x.batch", "z.batch"],
            "batches": [
                {"include": ["in.batch"], "batches": [{"instances": ["4"]}], "instances": ["3"]},
                {"instances": ["6"]},
            ],
            "instances": ["2", "1"],
        },
    )

    assert listed(file) == ["2", "1", "3", "4", "5", "6", "7", "8", "9", "10"]


def test_dir_is_inherited_replaced_or_continued(tmp_path: Path) -> None:
    file = write(
        tmp_path / "sat.batch",
        {
            "dir": "./data",
            "instances": ["0"],
            "batches": [
                {"instances": ["1"]},
                {
                    "dir": "sub",
                    "instances": ["2"],
                    "batches": [{"dir": "deep", "instances": ["3"]}, {"instances": ["4"]}],
                },
                {"dir": "..", "instances": ["5"]},
                {"dir": f"{tmp_path}/else", "instances": ["6"], "batches": [{"dir": ".", "instances": ["7"]}]},
                {"dir": "", "instances": [{"file": "8"}]},
            ],
        },
    )

    expected = ["data/0", "data/1", "data/sub/2", "data/sub/deep/3", "data/sub/4", "5", "else/6", "else/7", "data/8"]
    assert listed(file) == expected


def test_an_include_is_found_from_the_effective_dir_and_is_a_root_of_its_own(tmp_path: Path) -> None:
    write(tmp_path / "data" / "lists" / "b.batch", {"instances": ["b"], "batches": [{"dir": "c", "instances": ["c"]}]})
    write(tmp_path / "data" / "d.batch", {"dir": "../d", "instances": ["d"]})
    file = write(
        tmp_path / "sat.batch",
        {"dir": "data", "batches": [{"dir": "lists", "include": ["b.batch"]}], "include": ["d.batch"]},
    )

    assert listed(file) == ["data/lists/b", "data/lists/c/c", "d/d"]


def test_an_include_may_be_absolute_and_stand_anywhere(tmp_path: Path) -> None:
    other = write(tmp_path / "other" / "b.batch", {"instances": ["b"]})
    file = write(tmp_path / "sub" / "sat.batch", {"include": [str(other), "../other/b.batch"]})

    assert listed(file) == ["../other/b", "../other/b"]


def test_a_file_may_be_included_twice_and_the_same_instance_may_stand_twice(tmp_path: Path) -> None:
    write(tmp_path / "x.batch", {"instances": ["x", "a"]})
    file = write(tmp_path / "sat.batch", {"instances": ["a", "a"], "include": ["x.batch", "x.batch"]})

    labels = [instance.label for instance in number(read_batch(file, no_warning), tmp_path)]

    assert labels == ["a", "a #2", "x", "a #3", "x #2", "a #4"]


def test_equal_objects_are_told_apart_by_their_names_and_by_a_number_only_where_these_are_equal(tmp_path: Path) -> None:
    called = ["g1", "g2", "g1", "g2 #2", None, None]
    entries = [{"data": {"n": 1}} | ({} if name is None else {"name": name}) for name in called]
    file = write(tmp_path / "sat.batch", {"instances": entries})

    instances = number(read_batch(file, no_warning), tmp_path)

    assert [each.label for each in instances] == ["g1", "g2", "g1 #2", "g2 #2", '{"n":1} #5', '{"n":1} #6']
    assert [each.occurrence for each in instances] == [1, 2, 3, 4, 5, 6], "what an instance is its name does not change"


def test_sixteen_levels_of_nested_batches_and_includes_are_read(tmp_path: Path) -> None:
    for level in range(2, 17):
        step = {"batches": [{"include": [f"{level + 2}.batch"]}]} if level < 15 else {"instances": ["a"]}
        write(tmp_path / f"{level}.batch", step)
    # Level 1 includes level 2, whose nested batch is level 3 and includes level 4 and so on; level 16 is the last.
    file = write(tmp_path / "1.batch", {"include": ["2.batch"]})

    assert listed(file) == ["a"]


def test_patterns_give_their_matches_sorted_where_they_stand(tmp_path: Path) -> None:
    touch(tmp_path, "u-10.cnf", "u-2.cnf", "u-1.cnf", "U-0.cnf", "u-3.txt", ".u-4.cnf")
    file = write(tmp_path / "sat.batch", {"instances": ["z", "u-*.cnf", "a", "[Uu]-[0-2].cnf", "u-?.txt"]})

    assert listed(file) == ["z", "u-1.cnf", "u-10.cnf", "u-2.cnf", "a", "U-0.cnf", "u-1.cnf", "u-2.cnf", "u-3.txt"]


def test_two_stars_reach_into_folders_and_give_files_only(tmp_path: Path) -> None:
    touch(tmp_path, "d/a", "d/e/b", "d/e/f/c", "d/.hidden/x", "d/e/.y")
    file = write(tmp_path / "sat.batch", {"dir": "d", "instances": ["**", "**/c"]})

    assert listed(file) == ["d/a", "d/e/b", "d/e/f/c", "d/e/f/c"]


def test_a_pattern_gives_folders_only_when_it_ends_in_a_slash(tmp_path: Path) -> None:
    touch(tmp_path, "r1/x", "r2/x", "r3")
    file = write(tmp_path / "sat.batch", {"instances": ["r*", "r*/"]})

    assert listed(file) == ["r3", "r1", "r2"]


def test_a_pattern_works_in_a_folder_whose_name_looks_like_one(tmp_path: Path) -> None:
    touch(tmp_path, "d[1]*/a.cnf", "d1/b.cnf")
    file = write(tmp_path / "d[1]*" / "sat.batch", {"instances": ["*.cnf"], "batches": [{"dir": "../d1"}]})

    assert listed(file) == ["a.cnf"]


def test_an_existing_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    touch(tmp_path, "a[1].cnf", "a1.cnf", "what?", "whats", "*")
    os.symlink("nothing", tmp_path / "broken[1]")
    file = write(tmp_path / "sat.batch", {"instances": ["a[1].cnf", "what?", "*", "broken[1]"]})

    assert listed(file) == ["a[1].cnf", "what?", "*", "broken[1]"]


def test_the_file_of_an_object_is_never_a_pattern(tmp_path: Path) -> None:
    touch(tmp_path, "a1", "a2")
    file = write(tmp_path / "sat.batch", {"instances": [{"file": "a*"}]})

    assert listed(file) == ["a*"]


def test_a_path_that_does_not_exist_is_passed_all_the_same(tmp_path: Path) -> None:
    file = write(tmp_path / "sat.batch", {"dir": "nowhere", "instances": ["a", "x[/]y", "[]", "b]"]})

    assert listed(file) == ["nowhere/a", "nowhere/x[/]y", "nowhere/[]", "nowhere/b]"]


def test_b19_a_byte_order_mark_and_crlf_are_accepted(tmp_path: Path) -> None:
    file = tmp_path / "sat.batch"
    file.write_bytes(b'\xef\xbb\xbf{\r\n  "instances": [\r\n    "a.cnf",\r\n    "caf\xc3\xa9.cnf"\r\n  ]\r\n}\r\n')

    assert listed(file) == ["a.cnf", "café.cnf"]


def test_empty_parts_are_fine_as_long_as_there_is_an_instance(tmp_path: Path) -> None:
    write(tmp_path / "empty.batch", {})
    file = write(tmp_path / "sat.batch", {"batches": [{}, {"instances": []}], "include": ["empty.batch", "a.batch"]})
    write(tmp_path / "a.batch", {"instances": ["a"]})

    assert listed(file) == ["a"]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("A.cnf", "a.cnf"),
        ("straße", "strasse"),
        ("İ", "i"),
        (unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")),
        ("ﬁ", "fi"),
        ("a", "a "),
        ("a", "а"),
    ],
    ids=["case", "sharp s", "dotted I", "composed and decomposed", "ligature", "trailing blank", "Latin and Cyrillic"],
)
def test_b22_names_that_only_look_equal_stay_distinct(tmp_path: Path, one: str, two: str) -> None:
    file = write(tmp_path / "sat.batch", {"instances": [one, two]})

    instances = number(read_batch(file, no_warning), tmp_path)

    assert [(instance.name, instance.occurrence) for instance in instances] == [(one, 1), (two, 1)]


HOSTILE = {
    "a newline": "a\nb",
    "a tab": "a\tb",
    "a carriage return at the end": "a\r",
    "an escape sequence": "\x1b[31mred\x1b[0m",
    "a clipboard sequence": "\x1b]52;c;AAAA\x07",
    "a C1 control": "\x9b6n",
    "console markup": "[/]",
    "a live link": "[@click=app.quit]x[/]",
    "right to left": "\u202egpj.exe",
    "zero width": "a\u200bb",
    "a line separator": "a\u2028b",
    "an emoji": "👩\u200d👩\u200d👧.cnf",
    "a NUL": "a\0b",
    "half a surrogate pair": "a\ud800b",
    "a backslash": "C:\\a.cnf",
    "blanks around it": "  a  ",
    "quotes": "\"'`$(x)",
    "an option": "--help",
    "a home": "~/a.cnf",
    "10,000 characters": "x" * 10_000,
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_b21_a_hostile_name_is_passed_exactly(tmp_path: Path, name: str) -> None:
    file = write(tmp_path / "sat.batch", {"instances": [name, {"file": name, "data": name}, {"data": {name: name}}]})
    with suppress(OSError, ValueError):  # some names no file can have; they are passed all the same
        touch(tmp_path, name)

    plain, with_data, data_only = number(read_batch(file, no_warning), tmp_path)

    assert argument(plain, 0) == f"{tmp_path}/{name}"
    assert argument(with_data, 0) == {"file": f"{tmp_path}/{name}", "data": name, "id": 1, "seed": 0}
    assert argument(data_only, 0) == {"file": "", "data": {name: name}, "id": 2, "seed": 0}
    assert plain.name == name


def test_b21_a_path_upwards_is_the_file_it_leads_to(tmp_path: Path) -> None:
    touch(tmp_path, "x")
    file = write(tmp_path / "a" / "b" / "sat.batch", {"instances": ["../../x"]})

    [instance] = number(read_batch(file, no_warning), file.parent)

    assert (instance.file, instance.name) == (f"{tmp_path}/x", f"{tmp_path}/x")


def not_utf8_matched(folder: Path) -> str:
    touch(folder, os.fsdecode(b"caf\xe9.cnf"))
    return '{"instances": ["*.cnf"]}'


def not_utf8_escaped(folder: Path) -> str:
    return '{"instances": ["caf\\udce9.cnf"]}'


@pytest.mark.parametrize("content_for", [not_utf8_matched, not_utf8_escaped], ids=["a pattern", "an escape in JSON"])
def test_b21_a_file_name_that_is_not_utf8_is_passed_exactly(tmp_path: Path, content_for: Callable[[Path], str]) -> None:
    file = tmp_path / "sat.batch"
    file.write_text(content_for(tmp_path))

    [entry] = read_batch(file, no_warning)

    assert os.fsencode(entry.file) == os.fsencode(tmp_path) + b"/caf\xe9.cnf"


def test_b23_many_instances_are_all_read_in_order(tmp_path: Path) -> None:
    names = [f"data/{index * 7919 % 100_000}.cnf" for index in range(100_000)]
    file = write(tmp_path / "sat.batch", {"instances": names})

    assert [entry.file for entry in read_batch(file, no_warning)] == [f"{tmp_path}/{name}" for name in names]


def test_b25_a_moved_folder_gives_the_same_identities(tmp_path: Path) -> None:
    content = {"instances": ["a", {"file": "sub/b", "data": {"n": 1}}, {"data": [1]}, "a"]}
    one = write(tmp_path / "one" / "sat.batch", content)
    two = write(tmp_path / "two" / "sat.batch", content)

    identities = [
        [instance.identity for instance in number(read_batch(file, no_warning), file.parent)] for file in (one, two)
    ]

    assert (
        identities[0]
        == identities[1]
        == [
            ("a", None, 1),
            ('sub/b {"n":1}', b'{"n":1}', 1),
            ("[1]", b"[1]", 1),
            ("a", None, 2),
        ]
    )

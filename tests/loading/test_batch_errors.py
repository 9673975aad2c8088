"""Malformed `.batch` files: the exact line that a user reads for each."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pyalma_tui.loading.batch import read_batch
from tests.loading.saying import message_for, no_warning

BATCH = "cannot read the batch: "
ENTRY = 'Write "a.cnf" or {"file": "a.cnf", "data": {}}'


def nested(levels: int) -> str:
    return '{"batches": [' * (levels - 1) + '{"instances": ["a.cnf"]}' + "]}" * (levels - 1)


BATCHES = {
    "a list": ("[]", '$: an object was expected, found a list. Write {"instances": ["a.cnf"]}'),
    "a text": ('"a.cnf"', '$: an object was expected, found the text "a.cnf". Write {"instances": ["a.cnf"]}'),
    "null": ("null", '$: an object was expected, found null. Write {"instances": ["a.cnf"]}'),
    "instances as one text": (
        '{"instances": "a.cnf"}',
        '$.instances: a list was expected, found the text "a.cnf". Write ["a.cnf"]',
    ),
    "instances as an object": (
        '{"instances": {"file": "a.cnf"}}',
        "$.instances: a list was expected, found an object. Put square brackets around its entries",
    ),
    "a number as an instance": (
        '{"instances": ["a.cnf", 2.5]}',
        f"$.instances[1]: a path or an object was expected, found the number 2.5. {ENTRY}",
    ),
    "null as an instance": (
        '{"instances": [null]}',
        f"$.instances[0]: a path or an object was expected, found null. {ENTRY}",
    ),
    "a list as an instance": (
        '{"instances": [["a.cnf"]]}',
        f"$.instances[0]: a path or an object was expected, found a list. {ENTRY}",
    ),
    "an empty text as an instance": (
        '{"instances": [""]}',
        f"$.instances[0]: a path or an object was expected, found an empty text. {ENTRY}",
    ),
    "a number as a file": (
        '{"instances": [{"file": 3}]}',
        '$.instances[0].file: a path was expected, found the number 3. Write it in double quotes or leave "file" out',
    ),
    "null as a file": (
        '{"instances": [{"file": null}]}',
        '$.instances[0].file: a path was expected, found null. Write it in double quotes or leave "file" out',
    ),
    "a list as dir": (
        '{"dir": ["."]}',
        '$.dir: a folder was expected, found a list. Write it in double quotes or leave "dir" out',
    ),
    "null as dir": (
        '{"dir": null}',
        '$.dir: a folder was expected, found null. Write it in double quotes or leave "dir" out',
    ),
    "include as one text": (
        '{"include": "b.batch"}',
        '$.include: a list was expected, found the text "b.batch". Write ["b.batch"]',
    ),
    "a number in include": (
        '{"include": [3]}',
        "$.include[0]: a path was expected, found the number 3. Write it in double quotes",
    ),
    "an empty text in include": (
        '{"include": [""]}',
        "$.include[0]: a path was expected, found an empty text. Name a file",
    ),
    "batches as an object": (
        '{"batches": {"instances": []}}',
        "$.batches: a list was expected, found an object. Put square brackets around its entries",
    ),
    "a text in batches": (
        '{"batches": ["b.batch"]}',
        '$.batches[0]: an object was expected, found the text "b.batch". Write {"instances": ["a.cnf"]}',
    ),
    "a number in a nested batch of a nested batch": (
        '{"batches": [{}, {"batches": [{"instances": [true]}]}]}',
        f"$.batches[1].batches[0].instances[0]: a path or an object was expected, found true. {ENTRY}",
    ),
    "a long text where a list belongs is cut": (
        json.dumps({"instances": "x" * 1000}),
        f'$.instances: a list was expected, found the text "{"x" * 39}…{"x" * 20}". Write ["{"x" * 39}…{"x" * 20}"]',
    ),
    "a text of 60 characters is not cut": (
        json.dumps({"batches": "x" * 60}),
        f'$.batches: a list was expected, found the text "{"x" * 60}". Write ["{"x" * 60}"]',
    ),
    "B20-no key at all": ("{}", 'it lists no instances. Add some, as in {"instances": ["data/*.cnf"]}'),
    "B20-empty lists only": (
        '{"instances": [], "batches": [{"instances": []}]}',
        'it lists no instances. Add some, as in {"instances": ["data/*.cnf"]}',
    ),
    "a pattern without a match": (
        '{"instances": ["a.cnf", "*.txt"]}',
        '$.instances[1]: no file matches "*.txt" in {here}. Correct the pattern or the folder',
    ),
    "a pattern without a match in another folder": (
        '{"dir": "folder", "instances": ["*.cnf"]}',
        '$.instances[0]: no file matches "*.cnf" in {here}/folder. Correct the pattern or the folder',
    ),
    "an absolute pattern without a match": (
        '{"instances": ["/nowhere/*.cnf"]}',
        '$.instances[0]: no file matches "/nowhere/*.cnf". Correct the pattern or the folder',
    ),
    "a pattern with a NUL": (
        '{"instances": ["a\\u0000/*"]}',
        '$.instances[0]: no file matches "a\\u0000/*" in {here}. Correct the pattern or the folder',
    ),
    "a pattern that only folders match": (
        '{"instances": ["f*"]}',
        '$.instances[0]: only folders match "f*" in {here}. Write "f*/*" for the files in them, "f*/" for the folders',
    ),
    "17 levels of batches": (
        nested(17),
        "$" + ".batches[0]" * 16 + ": batches and includes are more than 16 levels deep. Nest them less",
    ),
}


@pytest.mark.parametrize(("content", "expected"), BATCHES.values(), ids=BATCHES)
def test_what_is_no_batch_is_named_with_its_path_in_the_file(folder: Path, content: str, expected: str) -> None:
    Path("sat.batch").write_text(content)

    message = message_for(lambda: read_batch(Path("sat.batch"), no_warning))

    assert message == f"{BATCH}sat.batch: {expected.replace('{here}', str(folder))}"


def includes(*names: str) -> str:
    return json.dumps({"include": names})


CHAINS = {
    "B18-an include is missing": (
        {"a.batch": includes("nope.batch")},
        'nope.batch: there is no such file in {here} (included: a.batch → nope.batch). Correct "include" in a.batch',
    ),
    "B18-an include of an include is missing": (
        {"a.batch": includes("folder/b.batch"), "folder/b.batch": includes("nope.batch")},
        "folder/nope.batch: there is no such file in {here}/folder "
        '(included: a.batch → folder/b.batch → folder/nope.batch). Correct "include" in folder/b.batch',
    ),
    "B18-an include outside the first folder is named by its absolute path": (
        {"a.batch": includes("/nowhere/b.batch")},
        "/nowhere/b.batch: there is no such file in /nowhere (included: a.batch → /nowhere/b.batch). "
        'Correct "include" in a.batch',
    ),
    "B18-an include of a nested batch is missing": (
        {"a.batch": '{"batches": [{"dir": "folder", "include": ["nope.batch"]}]}'},
        "folder/nope.batch: there is no such file in {here}/folder (included: a.batch → folder/nope.batch). "
        'Correct "include" in a.batch',
    ),
    "B17-a file includes itself": (
        {"a.batch": includes("a.batch")},
        "a.batch: the includes form a cycle (included: a.batch → a.batch). Take one of them out",
    ),
    "B17-two files include each other": (
        {"a.batch": includes("b.batch"), "b.batch": includes("./folder/../a.batch")},
        "a.batch: the includes form a cycle (included: a.batch → b.batch → a.batch). Take one of them out",
    ),
    "B17-a cycle that does not lead through the first file": (
        {"a.batch": includes("b.batch"), "b.batch": includes("c.batch"), "c.batch": includes("b.batch")},
        "b.batch: the includes form a cycle (included: a.batch → b.batch → c.batch → b.batch). Take one of them out",
    ),
    "B15-an included file is no JSON": (
        {"a.batch": includes("b.batch"), "b.batch": '{"instances": [}'},
        "b.batch:1:16: no JSON value begins here (included: a.batch → b.batch). "
        "Write text in double quotes, a number, true, false or null",
    ),
    "B15-an included file has a wrong type": (
        {"a.batch": includes("b.batch"), "b.batch": '{"batches": [3]}'},
        "b.batch: $.batches[0]: an object was expected, found the number 3 (included: a.batch → b.batch). "
        'Write {"instances": ["a.cnf"]}',
    ),
    "B14-an included file is a directory": (
        {"a.batch": includes("folder")},
        'folder: it is a directory, not a regular file (included: a.batch → folder). Correct "include" in a.batch',
    ),
    "an include with a NUL": (
        {"a.batch": includes("b\0")},
        'b\0: no file can have this name (included: a.batch → b\0). Correct "include" in a.batch',
    ),
    "an include with half a surrogate pair": (
        {"a.batch": includes("b\ud800")},
        'b\ud800: no file can have this name (included: a.batch → b\ud800). Correct "include" in a.batch',
    ),
    "includes and nested batches count as levels together": (
        {"a.batch": '{"batches": [{"include": ["b.batch"]}]}', "b.batch": nested(15)},
        "b.batch: $" + ".batches[0]" * 14 + ": batches and includes are more than 16 levels deep "
        "(included: a.batch → b.batch). Nest them less",
    ),
}


@pytest.mark.parametrize(("files", "expected"), CHAINS.values(), ids=CHAINS)
def test_an_error_in_an_include_shows_the_chain(folder: Path, files: dict[str, str], expected: str) -> None:
    for name, content in files.items():
        Path(name).write_text(content)

    message = message_for(lambda: read_batch(Path("a.batch"), no_warning))

    assert message == BATCH + expected.replace("{here}", str(folder))


def test_an_include_is_named_by_the_folder_that_was_typed(folder: Path) -> None:
    Path("folder/a.batch").write_text(includes("sub/b.batch"))

    message = message_for(lambda: read_batch(Path("folder/a.batch"), no_warning))

    assert "(included: folder/a.batch → folder/sub/b.batch)" in message


def test_a_cycle_over_a_symbolic_link_is_found(folder: Path) -> None:
    Path("a.batch").write_text(includes("link.batch"))
    os.symlink("a.batch", "link.batch")

    message = message_for(lambda: read_batch(Path("a.batch"), no_warning))

    assert message == (
        f"{BATCH}link.batch: the includes form a cycle (included: a.batch → link.batch). Take one of them out"
    )

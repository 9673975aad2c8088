"""`.plan` files of pyalma: what is read, and the exact line that a user reads for what is wrong."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from pyalma_tui.loading.entries import Entry
from pyalma_tui.loading.plan_file import Assigned, PlanFile, read_plan_file
from tests.loading.saying import message_for, no_warning

RAND_STATE = json.loads(json.dumps(random.Random(1).getstate()))


def read(folder: Path, **changes: Any) -> PlanFile:
    values = {"iterations_left": 2, "pending": [], "assigned": [], "instance_states": {}, "rand_state": RAND_STATE}
    file = folder / "x.plan"
    file.write_text(json.dumps({key: value for key, value in (values | changes).items() if value != "absent"}))
    return read_plan_file(file, no_warning)


def test_every_key_is_read(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        pending=["a.cnf", "/b.cnf", {"file": "c.cnf", "data": {"n": 8}}],
        assigned=[{"file": "/d.cnf", "data": {}, "id": 3, "seed": 5}, {"instance": "e.cnf", "id": "4", "seed": 6}],
        instance_states={"3": "7", "4": ""},
    )
    assert found == PlanFile(
        iterations_left=2,
        pending=[
            Entry(str(tmp_path / "a.cnf")),
            Entry("/b.cnf"),
            Entry(str(tmp_path / "c.cnf"), b'{"n":8}'),
        ],
        assigned=[
            Assigned(Entry("/d.cnf", b"{}"), 5, b'"7"'),
            Assigned(Entry(str(tmp_path / "e.cnf")), 6, None),
        ],
        random_state=random.Random(1).getstate(),
        strays=0,
    )


def test_what_may_be_missing_is_none(tmp_path: Path) -> None:
    found = read(tmp_path, instance_states="absent", rand_state="absent")
    assert (found.random_state, found.strays) == (None, 0)
    assert read(tmp_path, instance_states=None, rand_state=None).random_state is None
    assert read(tmp_path, pending=[{"file": None, "data": {"n": 1}}]).pending == [Entry("", b'{"n":1}')]


def test_a_bracket_in_a_name_is_no_pattern(tmp_path: Path) -> None:
    assert read(tmp_path, pending=["/data/*[1].cnf"]).pending == [Entry("/data/*[1].cnf")]


def test_a_state_of_any_json_value_is_kept_and_those_of_nobody_are_counted(tmp_path: Path) -> None:
    assigned = [{"file": "/a", "id": 1, "seed": None}]
    found = read(tmp_path, assigned=assigned, instance_states={"1": {"k": [1]}, "2": "x", "9": ""})
    assert found.assigned == [Assigned(Entry("/a", b"{}"), None, b'{"k":[1]}')]
    assert found.strays == 1


BAD: list[tuple[dict[str, Any], str]] = [
    ({"iterations_left": "absent"}, "$.iterations_left: this key is missing. Is it a plan that pyalma wrote?"),
    ({"pending": "absent"}, "$.pending: this key is missing"),
    ({"iterations_left": -1}, "$.iterations_left: a whole number from 0 on was expected, found the number -1"),
    ({"iterations_left": True}, "$.iterations_left: a whole number from 0 on was expected, found true"),
    ({"pending": {}}, "$.pending: a list was expected, found an object"),
    ({"pending": ["a", 3]}, "$.pending[1]: an instance was expected, found the number 3"),
    ({"pending": [""]}, "$.pending[0]: an instance was expected, found an empty text"),
    ({"pending": [{"file": 3}]}, "$.pending[0].file: a path was expected, found the number 3"),
    ({"assigned": ["a"]}, '$.assigned[0]: an object was expected, found the text "a"'),
    ({"assigned": [{"file": "a", "seed": 1}]}, "$.assigned[0].id: an id was expected, found null"),
    (
        {"assigned": [{"file": "a", "id": 1, "seed": 1}, {"file": "b", "id": 1, "seed": 2}]},
        "$.assigned[1].id: the id 1 is that of $.assigned[0] too",
    ),
    ({"assigned": [{"file": "a", "id": 1, "seed": "x"}]}, "$.assigned[0].seed: a whole number was expected, found"),
    ({"instance_states": [1]}, "$.instance_states: an object was expected, found a list"),
    ({"rand_state": "x"}, '$.rand_state: a list was expected, found the text "x"'),
    ({"rand_state": [2, [], None]}, "$.rand_state: this is no state of Python's random numbers"),
    ({"rand_state": [3, [1, 2], None]}, "$.rand_state[1]: this is no state of Python's random numbers"),
    ({"rand_state": [3, [1.5] * 625, None]}, "$.rand_state[1]: this is no state of Python's random numbers"),
    ({"rand_state": [3, [1] * 624 + [9999], None]}, "$.rand_state: Python refuses this state"),
]


@pytest.mark.parametrize(("changes", "why"), BAD, ids=[str(i) for i in range(len(BAD))])
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, changes: dict[str, Any], why: str) -> None:
    message = message_for(lambda: read(tmp_path, **changes))
    assert message.startswith(f"cannot read the plan: {tmp_path / 'x.plan'}: {why}")


@pytest.mark.parametrize(
    ("content", "why"), [(b"", "the file is empty"), (b"[1", ":1:3: the file ends"), (b"\xff", "not")]
)
def test_what_is_no_json_is_told_with_line_and_column(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "x.plan"
    file.write_bytes(content)
    message = message_for(lambda: read_plan_file(file, no_warning))
    assert message.startswith("cannot read the plan: ")
    assert why in message


def test_an_unknown_key_is_warned_of(tmp_path: Path) -> None:
    file = tmp_path / "x.plan"
    file.write_text('{"iterations_left": 0, "pending": [], "assigned": [], "pendign": []}')
    warnings: list[str] = []
    read_plan_file(file, warnings.append)
    assert len(warnings) == 1
    assert 'Did you mean "pending"?' in warnings[0]

"""What each form of the filter language means, of runs and of rows, and where it says that it cannot be understood."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyalma_tui.errors import QueryError
from pyalma_tui.model import query as q
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.run_fields import completed, kind_of_runs, known_fields

INSTANCES = [
    Instance(0, "graphs/g003.json", "/w/graphs/g003.json"),
    Instance(1, '{"n": 7}', "", data=b'{"n":7,"best":{"gap":0.5},"tags":["easy","new"]}', title="seven"),
    Instance(2, "10", "/w/10"),
]
FAILED = s.Failed(s.Error("ValueError: negative weight -3 on edge 17"), at=9.0)
RUNS = {
    "failed": Run(1, 0, 7, 11, FAILED, state=b'"7"', saves=3, attempt=2, seconds=90.0, slot=1, host="lab3"),
    "done": Run(2, 1, 0, 12, s.Done(9.0, 30.0), state=b'{"gap":0.1,"a b":1,"text":"Gap"}', attempt=1, seconds=30.0),
    "pending": Run(3, 2, 1, 9_007_199_254_740_993),
    "running": Run(4, 0, 2, 14, s.Running(1, 0, since=100.0), state=b"17", attempt=1, seconds=5.0),
    "interrupted": Run(5, 1, 3, 15, s.Interrupted("asked by ctrl+c", 9.0), state=b'"3 of 7"', attempt=1, seconds=3.0),
}


def meant(text: str) -> set[str]:
    test = q.compile(text).over(kind_of_runs(INSTANCES, now=160.0))
    return {name for name, run in RUNS.items() if test(run)}


EVERY = set(RUNS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", EVERY),
        ("   ", EVERY),
        pytest.param("G003", {"failed", "running"}, id="capitals"),
        ("valueerror g003", {"failed"}),
        ("ValueError seven", set()),
        ("weight negative", {"failed"}),
        ('"weight negative"', set()),
        ('"negative weight" "edge 17"', {"failed"}),
        ("seven", {"done", "interrupted"}),
        ("ctrl+c", {"interrupted"}),
        ("!g003", {"done", "pending", "interrupted"}),
        ('!"negative weight" g003', {"running"}),
        (r"/weight -\d+ on/", {"failed"}),
        ("/VALUEERROR/", {"failed"}),
        ("/(?-i:VALUEERROR)/", set()),
        (r"/s\/g0/", {"failed", "running"}),
        ("/graphs/g/", {"failed", "running"}),
        ("!/g003|seven/", {"pending"}),
        ("status:failed", {"failed"}),
        ("status:FAIL", {"failed"}),
        ("!status:failed !status:done", {"pending", "running", "interrupted"}),
        ("status=done", {"done"}),
        ("status!=done", EVERY - {"done"}),
        ("error:value", {"failed"}),
        ('error:"weight -3"', {"failed"}),
        (r"error:/edge \d/", {"failed"}),
        ('error:""', {"failed"}),
        ('!error:""', EVERY - {"failed"}),
        ("name:g0", {"failed", "running"}),
        ("name=graphs/g003.json", {"failed", "running"}),
        ("name:1", {"pending"}),
        ("name:/^sev/", {"done", "interrupted"}),
        ("iteration:7", {"failed"}),
        ("iteration<2", {"done", "pending"}),
        ("state:7", {"failed", "interrupted"}),
        ("state<=7", {"failed"}),
        ("state>7", {"running"}),
        ("state!=7", {"done", "running", "interrupted"}),
        ('state:"3 of"', {"interrupted"}),
        ("gap>=0.1", {"done"}),
        ("gap<1e-1", set()),
        ("gap=0.10", {"done"}),
        ("text:gap", {"done"}),
        ("n:7", {"done", "interrupted"}),
        ("n=7 status:done", {"done"}),
        ("best.gap>0.4", {"done", "interrupted"}),
        ("data.n>6 state.gap<0.2", {"done"}),
        ("state.n>6", set()),
        ("tags:eas", {"done", "interrupted"}),
        ("tags=easy", {"done", "interrupted"}),
        ("tags=eas", set()),
        ("data:easy", {"done", "interrupted"}),
        ("time>60s", {"failed", "running"}),
        ("time>1:05", {"failed"}),
        ("time<=0.5min", {"done", "interrupted"}),
        ("time>=1m30s", {"failed"}),
        ("attempts>1", {"failed"}),
        ("saves>=3", {"failed"}),
        ("seed:9007199254740993", {"pending"}),
        ("seed:9007199254740992", set()),
        ("worker:1 host:lab", {"failed"}),
        ("name:/g003.json", {"failed", "running"}),
        ("nothing:7", set()),
        ("!nothing:7", EVERY),
        ("http://g003", set()),
    ],
)
def test_what_is_meant(text: str, expected: set[str]) -> None:
    assert meant(text) == expected


def test_a_text_with_a_sign_in_it_is_found_without_quotes() -> None:
    instances = [Instance(0, "er-n=100-p=0.5.txt", ""), Instance(1, "s3://bucket/a", "")]
    kind = kind_of_runs(instances)
    runs = [Run(1, 0, 0, 1), Run(2, 1, 0, 1)]
    for text, found in (("er-n=100", 0), ("s3://bucket", 1)):
        assert [run.instance for run in runs if q.compile(text).over(kind)(run)] == [found]


@pytest.mark.parametrize(
    ("text", "column", "why"),
    [
        ("!", 1, "behind this !"),
        ("a ! b", 3, "behind this !"),
        ('a "b c', 3, '" that closes'),
        ("/home/me", 1, 'quotes around it: "/…"'),
        ("x /a(b/", 5, "no pattern: missing ), unterminated subpattern"),
        ("error:/[z-a]/", 9, "no pattern: bad character range"),
        ("g status:fine", 10, "pending, running, interrupted, failed, done"),
        ("status:", 8, "what status should be"),
        ("status<done", 7, "has no order"),
        ("state<x", 7, "state< needs a number"),
        ("gap>=", 6, "what gap should be"),
        ("time>soon", 6, "60s or 1:30"),
        ("time>5 parsecs time>5parsecs", 21, "60s or 1:30"),
    ],
)
def test_what_cannot_be_understood_is_told_with_its_place_in_one_line(text: str, column: int, why: str) -> None:
    with pytest.raises(QueryError) as raised:
        q.compile(text)
    assert raised.value.column == column
    assert why in raised.value.why
    assert raised.value.message == f"column {column}: {raised.value.why}"
    assert "\n" not in raised.value.message


def test_rows_are_mappings_with_the_same_language() -> None:
    rows: dict[str, dict[str, Any]] = {
        "a": {"instance": "g003", "iteration": 7, "gap": 0.25, "seconds": 90, "status": "done", "ok": True},
        "b": {"instance": "g004", "iteration": 17, "gap": None, "seconds": 30, "state": {"gap": 3}, "note": "g003"},
        "c": {"name": "g004", "data": {"deep": {"gap": 9}}, "dotted.key": 1},
    }
    for text, expected in {
        "g003": "ab",
        "name:g004": "bc",
        "gap>=0.2": "ab",
        "iteration:7": "a",
        "time>60s": "a",
        "ok:true": "a",
        "ok=true": "a",
        "deep.gap>8": "c",
        "dotted.key:1": "c",
        "!status:done": "bc",
        "/^g00[34]$/": "",
        "note:/^g00[34]$/": "b",
    }.items():
        query = q.compile(text)
        assert [name for name, row in rows.items() if query.matches(row)] == list(expected), text


@given(st.text(st.characters(), max_size=40), st.text(st.sampled_from('!"/: <>=\\[(a7é'), max_size=12))
def test_no_text_is_worse_than_refused_with_a_column_inside_of_it(text: str, signs: str) -> None:
    for typed in (text, signs, f"{signs} {text}"):
        try:
            query = q.compile(typed)
        except QueryError as error:
            column = error.column
        else:
            column = 1
            for run in RUNS.values():
                assert query.over(kind_of_runs(INSTANCES))(run) in (True, False)
            assert query.matches({"name": typed, "x": [1, {"y": None}]}) in (True, False)
        assert 1 <= column <= len(typed) + 1


def test_what_is_being_typed_is_completed_by_fields_that_there_are() -> None:
    names = known_fields(INSTANCES, RUNS.values())
    assert names[:3] == ["name", "status", "error"]
    assert {"gap", "text", "n", "best", "tags"} <= set(names)
    assert "a b" not in names  # it could not be typed
    for typed, whole in {
        "sta": "status:",
        "x !sta": "x !status:",
        "status:f": "status:failed",
        "g003 ga": "g003 gap:",
        "status:failed": None,
        '"x sta': None,
        "": None,
        "x ": None,
        "zzz": None,
    }.items():
        assert completed(typed, names) == whole


def test_a_hundred_thousand_runs_are_looked_through_in_a_blink() -> None:
    instances = [Instance(i, f"instances/uf20-{i:06}.cnf", "") for i in range(100_000)]
    runs = [Run(i + 1, i, 0, i, FAILED if i % 2 else s.PENDING, state=b'{"gap":0.25}') for i in range(100_000)]
    for text in ("uf20-00077", "ValueError edge !09999", "status:failed", "gap>=0.5"):
        start = time.process_time()
        test = q.compile(text).over(kind_of_runs(instances))
        sum(test(run) for run in runs)
        assert time.process_time() - start < 0.5, text  # 20 to 60 ms when nothing else runs

"""What each form of the filter language means, of runs and of rows, and where it says that it cannot be understood."""

from __future__ import annotations

import time
import unicodedata
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pyalma_tui.errors import QueryError
from pyalma_tui.model import query as q
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import Extent
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.lacking import Lack
from pyalma_tui.model.row_fields import kind_of_rows
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
        ('status:"done"', {"done"}),
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


KEYS = {"val loss": 0.5, "train/loss": 0.25, "acc@1": 70, "time (s)": 9, "दूरी": 3, 'say "x"': 1}


@pytest.mark.parametrize(
    ("inside", "beside"),
    [
        ('"val loss"<0.6', '"val loss"<0.4'),
        ("train/loss<=0.25", "train/loss<0.25"),
        ("acc@1:70", "acc@1:71"),
        ('"time (s)">=9 !acc@1<70', '"time (s)">9'),
        ("दूरी=3", "दूरी>3"),
        (r'"say \"x\"":1', r'"say \"x\"":2'),
        ('"data.val loss"=0.5', '"state.val loss"=0.5'),
    ],
)
def test_any_key_can_be_named(inside: str, beside: str) -> None:
    kind = kind_of_runs([Instance(0, "{…}", "", data=msgspec.json.encode(KEYS))])
    run, of_rows = Run(1, 0, 0, 1), kind_of_rows(kind_of_runs([Instance(0, "a", "")]))
    assert q.compile(inside).over(kind)(run)
    assert not q.compile(beside).over(kind)(run)
    if "data." not in inside:
        assert q.compile(inside).over(of_rows)((run, KEYS))
        assert not q.compile(beside).over(of_rows)((run, KEYS))


def test_a_key_is_completed_and_told_as_it_has_to_be_written() -> None:
    names = known_fields([Instance(0, "{…}", "", data=msgspec.json.encode(KEYS))], [Run(1, 0, 0, 1)])
    for name in KEYS:
        written = q.spelled(name)
        assert q.compile(f"{written}:1").fields == {name}
        assert completed(written[:3], names) == f"{written}:"
    assert Lack("val los", 1).told("no run", "val loss") == 'no run has "val los" so far. Did you mean "val loss"?'


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_letter_with_its_mark_is_found_as_one_character_and_as_two(form: Literal["NFC", "NFD"]) -> None:
    """File systems and keyboards differ in how they write é."""

    def typed(text: str) -> str:
        return unicodedata.normalize("NFD" if form == "NFC" else "NFC", text)

    failed = s.Failed(s.Error(unicodedata.normalize(form, "ValueError: größer als é")), at=9.0)
    kind = kind_of_runs([Instance(0, unicodedata.normalize(form, "Müller.csv"), "")])
    run = Run(1, 0, 0, 1, failed, attempt=1)
    for text in ("müller", '"als é"', "/^m.ller/", "/größer/", "name:Müll", "name=müller.csv", "error:/é$/"):
        assert q.compile(typed(text)).over(kind)(run), text
        assert not q.compile(typed(f"!{text}")).over(kind)(run), text


@pytest.mark.parametrize(
    ("text", "column", "why"),
    [
        ("!", 1, "behind this !"),
        ("a ! b", 3, "behind this !"),
        ('a "b c', 3, '" that closes'),
        ("/home/me", 1, 'quotes around it: "/…"'),
        ("x /a(b/", 5, "no pattern: missing ), unterminated subpattern"),
        ("error:/[z-a]/", 9, "no pattern: bad character range"),
        ("name:/(x+)+y/", 6, "this pattern may take for ever: it repeats a group in which"),
        ("/(a|ab)*!/", 1, "this pattern may take for ever"),
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


ROWS: dict[str, tuple[str, dict[str, Any]]] = {
    "a": ("failed", {"instance": "g003.json", "iteration": 7, "gap": 0.25, "ok": True, "note": "seven"}),
    "b": ("done", {"instance": "seven", "iteration": 0, "gap": 9, "note": "g004", "dotted.key": 1}),
    "c": ("done", {"instance": "seven", "iteration": 0, "gap": None, "deep": {"gap": 9}}),
    "d": ("interrupted", {"instance": "seven", "iteration": 3, "status": "optimal", "time": 7}),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("g004", "b"),
        ("seven", "abcd"),
        ("negative weight", "a"),
        ("ctrl+c", "d"),
        ("name:seven", "bcd"),
        ("name:graphs", "a"),
        ("instance:seven", "bcd"),
        ("ok:true", "a"),
        ("ok=true", "a"),
        ("deep.gap>8", "c"),
        ("dotted.key:1", "b"),
        ("note:/^g00[34]$/", "b"),
        ("iteration:7", "a"),
        ("seed:12", "bc"),
        ("gap>=0.2", "ab"),
        ("gap=0.1", "c"),
        ("gap:9 state.gap<1", "b"),
        ("n=7", "bcd"),
        ("data.best.gap:0.5", "bcd"),
        ("status:failed", "a"),
        ("!status:done", "ad"),
        ('status:"optimal"', "d"),
        ("status:/^opt|^fail/", "ad"),
        ('status="optimal"', "d"),
        ("error:weight", "a"),
        ("attempts>1", "a"),
        ("saves>=3 state:7", "a"),
        ("host:lab3", "a"),
        ("worker:1", "a"),
        ("time>=30s", "abc"),
        ("time<8", "d"),
        ("time>7", "abc"),
        ("nothing:7", ""),
    ],
)
def test_of_a_row_its_own_fields_come_first_then_those_of_its_run(text: str, expected: str) -> None:
    test = q.compile(text).over(kind_of_rows(kind_of_runs(INSTANCES, now=160.0)))
    assert "".join(name for name, (run, row) in ROWS.items() if test((RUNS[run], row))) == expected


def test_of_a_run_the_last_row_counts_for_fields_that_neither_its_state_nor_its_data_have() -> None:
    asked: list[tuple[int, str]] = []

    def recorded(run: Run, name: str) -> Any:
        asked.append((run.id, name))
        return {"gap": 3, "cost": run.id}.get(name)

    extents = (Extent("a.jsonl", 1, 0, 9, 1),)
    runs = {name: replace(run, extents=() if name == "pending" else extents) for name, run in RUNS.items()}
    kind = kind_of_runs(INSTANCES, 160.0, recorded)
    for text, expected, looked_for in (
        ("cost>3", {"running", "interrupted"}, {1, 2, 4, 5}),
        ("cost:1", {"failed"}, {1, 2, 4, 5}),
        ("gap>=0.1", {"failed", "done", "running", "interrupted"}, {1, 4, 5}),
        ("status:done gap>=3", set(), set()),
        ("status:failed gap>=3", {"failed"}, {1}),
        ("n:7", {"done", "interrupted"}, {1, 4}),
        ("state.cost>0", set(), set()),
        ("data.cost>0", set(), set()),
        ("time>1s iteration:7 weight", {"failed"}, set()),
    ):
        asked.clear()
        test = q.compile(text).over(kind)
        assert {name for name, run in runs.items() if test(run)} == expected, text
        assert {run for run, _ in asked} == looked_for, "no row is read that decides nothing"


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
                row = (run, {"name": typed, "x": [1, {"y": None}]})
                assert query.over(kind_of_rows(kind_of_runs(INSTANCES)))(row) in (True, False)
        assert 1 <= column <= len(typed) + 1


def test_what_is_being_typed_is_completed_by_fields_that_there_are() -> None:
    names = known_fields(INSTANCES, RUNS.values(), ["cost", "c d", "gap"])
    assert names[:3] == ["name", "status", "error"]
    assert {"gap", "text", "n", "best", "tags", "cost"} <= set(names)
    assert {"c d", "a b"} <= set(names)
    for typed, whole in {
        "sta": "status:",
        "x !sta": "x !status:",
        "status:f": "status:failed",
        "g003 ga": "g003 gap:",
        "status:failed": None,
        '"x sta': None,
        '"c': '"c d":',
        'x !"c ': 'x !"c d":',
        'error:"c': None,
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

"""All that an experiment has been through: sessions, what people did, code versions; and two runs compared."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual.content import Content

from pyalma_tui.model import jsontext
from pyalma_tui.model.code import Code
from pyalma_tui.model.difference import differences, first_difference
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import Extent
from pyalma_tui.model.query import understood
from pyalma_tui.model.records import Note
from pyalma_tui.store import layout
from pyalma_tui.store.kept_code import KeptCode
from pyalma_tui.store.rows import row_line
from pyalma_tui.store.session_records import Git, SessionRecord, write_record
from pyalma_tui.tui.chronicle import CodeVersion, Versions, entries
from pyalma_tui.tui.comparing import DIFFERENCES, compared
from pyalma_tui.tui.screens.compare import ComparePage, compare_text
from pyalma_tui.tui.screens.history import HistoryPage, history_text
from pyalma_tui.tui.screens.main import MainScreen
from pyalma_tui.tui.screens.runs import RunsScreen
from pyalma_tui.tui.view_moment import Moment
from tests.tui.driving import opened
from tests.tui.fake_conductor import NOW, Experiment, large
from tests.tui.test_failures import assert_harmless
from tests.tui.test_runs import run_of, twenty
from tests.tui.test_screens import HOSTILE, raw

SIZES = [(80, 24), (120, 40)]
CODE = "3f2a5c1e90ab"


def started(number: int, at: float, command: str = "pyalma-tui sat.py", host: str = "lab") -> SessionRecord:
    return SessionRecord(
        session=number, began=at, pyalma_tui="1.0", python="3.11.7", implementation="CPython", platform="Linux",
        machine="x86_64", host=host, processors=8, command=tuple(command.split()), directory="/data/sat", code=CODE,
        workers=4, git=Git("a1" * 20, "main", dirty=True),
    )  # fmt: skip


def lived(state_dir: Path, *told: str) -> Path:
    """A state directory after two sessions, in the second of which this was told, one a minute."""
    state_dir.mkdir()
    write_record(state_dir, started(1, NOW - 90_000), 0o022)
    write_record(state_dir, started(2, NOW - 3600, "pyalma-tui sat.py -j 6"), 0o022)
    lines = [
        f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(NOW - 3000 + 60 * i))} {t}\n" for i, t in enumerate(told)
    ]
    layout.session_log(state_dir).write_text("".join(lines))
    return state_dir


def shown(content: Content) -> str:
    return content.plain


def test_sessions_and_what_was_told_in_them_are_in_one_order_the_newest_first(tmp_path: Path) -> None:
    found = entries(lived(tmp_path / "x.alma", "workers 4 → 6", "1 run (a) forgotten, to run anew"))
    assert [entry.text for entry in found] == [
        "1 run (a) forgotten, to run anew",
        "workers 4 → 6",
        "session 2  pyalma-tui sat.py -j 6",
        "session 1  pyalma-tui sat.py",
    ]
    text = shown(history_text(found, [], understood("")[0], NOW, 100))
    assert "4 workers · 8 processors of lab · Python 3.11.7" in text
    assert "" not in text.split("\n")
    assert "git a1a1a1a1a1 main with changes" in text
    narrow = shown(history_text(found, [], understood("")[0], NOW, 60))
    assert all(len(line) <= 60 for line in narrow.split("\n"))


def test_of_what_was_told_in_one_second_the_last_stands_first_and_after_the_start_in_it(tmp_path: Path) -> None:
    state_dir = tmp_path / "x.alma"
    state_dir.mkdir()
    write_record(state_dir, started(1, NOW + 0.7), 0o022)
    second = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(NOW))
    told = ["workers 4 → 5", "paused: no new runs are started", "no longer paused"]
    layout.session_log(state_dir).write_text("".join(f"{second} {line}\n" for line in told))
    assert [entry.text for entry in entries(state_dir)] == [*reversed(told), "session 1  pyalma-tui sat.py"]


def test_a_command_with_all_names_that_a_shell_has_made_of_a_pattern_takes_some_lines(tmp_path: Path) -> None:
    state_dir = lived(tmp_path / "x.alma")
    write_record(state_dir, started(3, NOW, "pyalma-tui sat.py " + " ".join(f"t{i}.txt" for i in range(300))), 0o022)
    text = entries(state_dir)[0].text
    assert text.startswith("session 3  pyalma-tui sat.py t0.txt t1.txt")
    assert text.endswith("…")
    assert len(text) < 350


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("forgotten", ["1 run (a) forgotten, to run anew"]),
        ("kind:note", ["1 run (a) forgotten, to run anew", "workers 4 → 6"]),
        ("kind:session /-j \\d/", ["session 2  pyalma-tui sat.py -j 6"]),
        ("kind:code", [f"{CODE}  sat.py  3 runs, 2 done"]),
        ("nobody", []),
    ],
)
def test_it_is_filtered_by_the_one_language_of_filters(tmp_path: Path, query: str, left: list[str]) -> None:
    found = entries(lived(tmp_path / "x.alma", "workers 4 → 6", "1 run (a) forgotten, to run anew"))
    versions = [CodeVersion(CODE, ("sat.py",), 3, 2, now=False)]
    text = shown(history_text(found, versions, understood(query)[0], NOW, 100))
    everything = [*(entry.text for entry in found), versions[0].text]
    assert [each for each in everything if each in text] == left
    assert ("nothing matches" in text) is not bool(left)


def test_a_log_that_is_no_log_and_records_that_are_none_are_left_out(tmp_path: Path) -> None:
    state_dir = lived(tmp_path / "x.alma")
    layout.session_log(state_dir).write_bytes(
        b"\xff\xfe\n2023-13-45 99:99:99 never\n99999-01-01 00:00:00 x\n2023-11-14 20:00:00 \x1b[31mtold\n2023-11-"
    )
    layout.session_record(state_dir, 1).write_bytes(b"{torn")
    found = entries(state_dir)
    assert sorted(entry.text for entry in found) == ["\x1b[31mtold", "session 2  pyalma-tui sat.py -j 6"]
    assert entries(tmp_path / "nothing here") == []


def test_which_runs_used_which_code_is_counted_little_by_little(tmp_path: Path) -> None:
    code = Code("sat.py", {"sat.py": "0" * 12, "parse.py": "1" * 12})
    KeptCode(tmp_path, code, {}).write(0o022)
    made = large(300)
    for run in range(1, 201):
        made.done(run, module=code.identity)
    made.failed(201, module=CODE)
    counting = Versions(made.snapshot().runs)
    looks = 0
    while not counting.ready:
        counting.go_on(lambda: True)
        looks += 1
    assert looks > 3
    first, second = counting.told(tmp_path, "sat.py", CODE)
    assert (first.text, second.text) == (
        f"{CODE}  sat.py  1 run, 0 done  · now",
        f"{code.identity}  sat.py, parse.py  200 runs, 200 done",
    )


@pytest.mark.parametrize("size", SIZES)
async def test_the_history_is_opened_filtered_and_left(tmp_path: Path, size: tuple[int, int]) -> None:
    made = Experiment(["a.cnf"], state_dir=lived(tmp_path / "x.alma", "workers 4 → 6", "done() is called again"))
    async with opened(made.snapshot(), size=size, read_only=True) as t:
        await t.press("H")
        await t.on(HistoryPage)
        await t.sees("2 sessions", "workers 4 → 6", "session 2  pyalma-tui sat.py -j 6")
        await t.press("slash", *"done()", "enter")
        await t.until(lambda: "workers 4 → 6" not in t.text())
        await t.sees("done() is called again")
        await t.press("escape")
        await t.sees("workers 4 → 6")
        layout.session_log(tmp_path / "x.alma").write_text("2023-11-14 22:00:00 paused: no new runs are started\n")
        await t.show(made.snapshot(serial=2, notes=(Note(NOW, "paused: no new runs are started"),)))
        await t.sees("paused: no new runs")
        await t.press("H")
        await t.on(MainScreen)


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_texts_are_harmless_in_the_history(tmp_path: Path, size: tuple[int, int]) -> None:
    told = [text.replace("\n", " ").replace("\0", " ") for text in HOSTILE.values()]
    state_dir = lived(tmp_path / "x.alma")
    for number, text in enumerate(told, start=3):
        write_record(state_dir, started(number, NOW - number, f"pyalma-tui {text}", host=text), 0o022)
    log = "".join(f"2023-11-14 22:00:00 {text}\n" for text in told)
    layout.session_log(state_dir).write_bytes(log.encode("utf-8", "surrogatepass"))
    async with opened(Experiment(["a"], state_dir=state_dir).snapshot(), size=size) as t:
        await t.press("H")
        await t.on(HistoryPage)
        await t.sees("history")
        for _ in range(6):
            assert_harmless(raw(t))
            await t.press("pagedown")


# Compare


def test_all_places_where_values_differ_are_found_in_their_order() -> None:
    one = b'{"gap":0.25,"best":{"tour":[1,2,3],"len":42},"only":1}'
    other = b'{"gap":0.5,"best":{"tour":[1,4],"len":42},"there":null}'
    assert [each.text for each in differences("state", one, other)] == [
        "state.gap: 0.25 ≠ 0.5",
        "state.best.tour[1]: 2 ≠ 4",
        "state.best.tour: 3 ≠ 2 values",
        "state.only: 1 ≠ nothing",
        "state.there: nothing ≠ null",
    ]
    assert first_difference("state", one, one) is None
    assert first_difference("state", None, b"1") == "state: nothing ≠ 1"
    assert [each.text for each in differences("s", b'{"a":1,"b":2}', b'{"b":2,"a":1}')] == [
        "s: its keys have another order"
    ]
    deep = b"[" * 400 + b"%d" + b"]" * 400
    assert len(list(differences("s", deep % 1, deep % 2))) == 1


def with_rows(state_dir: Path, made: Experiment, run: int, values: list[int]) -> Run:
    file = f"000001-w000{run}-0001.jsonl"
    layout.rows(state_dir).mkdir(parents=True, exist_ok=True)
    data = b"".join(row_line(run, 1, b'{"n":%d}' % n) for n in values)
    (layout.rows(state_dir) / file).write_bytes(data)
    return made.done(run, extents=(Extent(file, 1, 0, len(data), len(values)),), state=b'{"n":%d}' % run, module=CODE)


def logged(state_dir: Path, run: int, text: str) -> None:
    path = layout.log_path(state_dir, run, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize("width", [76, 116])
def test_states_rows_logs_and_facts_are_compared(tmp_path: Path, width: int) -> None:
    made = Experiment(["a.cnf", "b.cnf"], state_dir=tmp_path)
    one, other = with_rows(tmp_path, made, 1, [1, 2, 3]), with_rows(tmp_path, made, 2, [1, 9])
    logged(tmp_path, 1, "".join(f"restart {i}\n" for i in range(50)))
    found = compared(Moment(made.snapshot(), NOW), one, other)
    assert [each.text for each in found.rows] == ["row 1.n: 2 ≠ 9", 'row 2: {"n":3} ≠ nothing'] or found.rows[
        0
    ].text == ("row 1.n: 2 ≠ 9")
    assert found.tails == (tuple(b"restart %d" % i for i in range(40, 50)), ())
    text = shown(compare_text(found, width))
    lines = text.split("\n")
    assert all(len(line) <= width for line in lines)
    rows = next(i for i, line in enumerate(lines) if line.startswith("≠ rows"))
    if width >= 100:
        assert lines[rows].split() == ["≠", "rows", "3", "2"]
    else:
        assert [lines[rows].split(), lines[rows + 1].split()] == [["≠", "rows", "3"], ["2"]]
    assert "  status" in text, "what is the same is not marked"
    assert "restart 49" in text
    assert "restart 39" not in text


def test_of_very_different_states_some_places_are_told_and_that_there_are_more() -> None:
    made = Experiment(["a", "b"])
    one = made.done(1, state=b"[%s]" % b",".join(b"%d" % i for i in range(5000)))
    other = made.done(2, state=b"[%s]" % b",".join(b"%d" % -i for i in range(5000)))
    found = compared(Moment(made.snapshot(), NOW), one, other)
    assert (len(found.state), found.more_of_state) == (DIFFERENCES, True)
    assert "… and more" in shown(compare_text(found, 120))


@pytest.mark.parametrize("size", SIZES)
async def test_two_marked_are_compared_and_what_changes_is_shown(size: tuple[int, int]) -> None:
    made = twenty()
    async with opened(made.snapshot(), size=size, read_only=True) as t:
        await t.press("o", "equals_sign")
        await t.says("none marked: space marks two to compare")
        await t.press("v", "g", "space", "down", "down", "space", "equals_sign")
        await t.on(ComparePage)
        await t.sees("compare g000#0 ≠ g000#3", "state.gap", "0.3", "status")
        made.done(run_of(3), state=b'{"gap":0.77}')
        await t.show(made.snapshot(serial=3))
        await t.sees("0.77")
        await t.press("equals_sign")
        await t.on(RunsScreen)
        await t.press("escape", "escape")
        await t.on(MainScreen)
        await t.press("space", "space", "equals_sign")
        await t.on(ComparePage)
        await t.press("escape")
        await t.on(MainScreen)


@pytest.mark.parametrize("width", [76, 116])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_harmless_in_a_comparison(tmp_path: Path, name: str, width: int) -> None:
    text = HOSTILE[name]
    made = Experiment([text, "b"], state_dir=tmp_path)
    one = made.failed(1, text, state=jsontext.encode({text: text}), host=text, slot=1)
    other = made.done(2, state=jsontext.encode({text: 1, "k": text}))
    logged(tmp_path, 1, text.encode("utf-8", "replace").decode())
    told = compare_text(compared(Moment(made.snapshot(), NOW), one, other), width)
    assert_harmless(told.plain.replace("\n", ""))
    assert all(cell_len(line) <= width for line in told.plain.split("\n"))


async def test_hostile_texts_are_harmless_on_the_page(tmp_path: Path) -> None:
    made = Experiment(["".join(HOSTILE.values())[-500:], "b"], state_dir=tmp_path)
    made.failed(1, state=jsontext.encode(dict(enumerate(map(str, HOSTILE.values())))))
    made.done(2, state=jsontext.encode(dict.fromkeys(HOSTILE.values(), 1)))
    async with opened(made.snapshot(), size=(80, 24)) as t:
        await t.press("a", "equals_sign")
        await t.on(ComparePage)
        await t.sees("compare")
        for _ in range(3):
            assert_harmless(raw(t))
            await t.press("pagedown")


def test_what_takes_several_lines_stays_beside_its_time(tmp_path: Path) -> None:
    told = "5,638 of 5,711 done runs used older code: m.py; they are kept, `pyalma-tui reset m.py` forgets them"
    found = entries(lived(tmp_path / "x.alma", told))
    lines = shown(history_text(found, [], understood("")[0], NOW, 76)).split("\n")
    at = lines[0].index("5,638")
    more = [line for line in lines[1:] if "session" not in line and line.strip()]
    assert any("forgets them" in line for line in more)
    assert all(line[:at].strip() == "" for line in more)

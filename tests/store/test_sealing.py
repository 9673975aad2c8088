"""A file that is as we wrote it is opened without a look at its runs; any other is checked, and tells the same."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from zlib import crc32

import msgspec
import pytest
from tinydb import TinyDB, where

from pyalma_tui.model import jsontext
from pyalma_tui.model import query as q
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Files, Instance
from pyalma_tui.model.listing import SORT_KEYS, Listing, Source, WantedList
from pyalma_tui.model.plan import Grid, plan
from pyalma_tui.model.records import Raised, Record, Returned, Saved, Started, Stopped
from pyalma_tui.model.status import Error
from pyalma_tui.store import cold, sealing
from pyalma_tui.store.ledger import Ledger
from pyalma_tui.store.opening import Store, read_meta, read_store
from tests.store.stores import write_store

OLD = r"""{"meta":{"1":{"schema":1,"identity":"4566d878deffaf0a","serial":4,"session":2,"target":"/e/m.py","module":"/e/m.py","module_hash":"800e73b5fba8","state_dir":"/e/m.alma","iterations":1,"seed":1012005365,"written_at":1795866834.3512893,"done_hook":{"status":{"type":"absent"},"calls":0,"ahead":false,"identity":"","earlier":[]},"folded":{},"chosen":{"hash_seed":3725058482}}},
"instances":{"1":{"name":"a","file":"/e/a","data":null,"is_object":false,"occurrence":1,"in_batch":true},
"2":{"name":"b","file":"/e/b","data":null,"is_object":false,"occurrence":1,"in_batch":false},
"3":{"name":"c","file":"/e/c","data":null,"is_object":false,"occurrence":1,"in_batch":true}},
"runs":{"1":{"instance":"a","instance_id":0,"iteration":0,"status":"done","state":{"left":7},"seed":4595765202421530516,"saves":1,"saved_at":1795866834.1072242,"attempts":1,"seconds":0.000051,"at":1795866834.1072752,"duration":0.000051,"started":1795866834.1072242,"slot":0,"host":"vm","number":1,"module":"800e73b5fba8"},
"2":{"instance":"b","instance_id":1,"iteration":0,"status":"failed","state":{"left":7},"seed":8497793548511211741,"saves":1,"saved_at":1795866834.1061358,"attempts":1,"seconds":0.000108,"error":"ValueError: no","traceback":"Traceback (most recent call last):\nValueError: no\n","at":1795866834.1062438,"started":1795866834.1061358,"slot":0,"host":"vm","number":1,"module":"800e73b5fba8"},
"3":{"instance":"c","instance_id":2,"iteration":0,"status":"pending","state":null,"seed":800102909172391628}}}
"""  # noqa: E501 - as version 0.1 has written it


def life(run: int, state: bytes = b'{"left":7}') -> list[Record]:
    """What one run leaves, by its number."""
    started, saved = Started(run, 1, run % 4, 5.0 + run, "hash", 77, "vm"), Saved(run, 1, 1, 10, msgspec.Raw(state))
    ends: list[list[Record]] = [
        [],
        [Returned(run, 1, 0.5 + run)],
        [Raised(run, 1, 0.5, Error("ValueError: no", "Traceback …\n"))],
        [Stopped(run, 1, 0.5, 9.0, "interrupted")],
    ]
    return [started, saved, *ends[run % 4]]


def ledger_of(instances: Sequence[Instance], iterations: int, lived: Sequence[int]) -> Ledger:
    """A new experiment of which these runs have been called."""
    ledger = Ledger(instances, plan(len(instances), iterations, 5), s.DoneHook())
    ledger.apply_all(record for run in lived for record in life(run))
    return ledger


def files(count: int) -> Files:
    """Names of which some are hostile."""
    return Files(['"a\n"', "\ud800", '","status":"done', "/elsewhere/x", *(f"d/i{i}" for i in range(count - 4))], "/e/")


def objects(count: int) -> list[Instance]:
    """Instances of all kinds."""
    plain = [Instance(i, f"i{i}", f"/e/i{i}") for i in range(count)]
    plain[0] = Instance(0, '{"n":1}', "", b'{"n":1}', title="a title", bare=True)
    plain[1] = Instance(1, "i9", "/e/i9", occurrence=2, in_batch=False)
    return plain


CASES: dict[str, Callable[[], Ledger]] = {
    "new": lambda: ledger_of(files(300), 1, ()),
    "a block, and one run": lambda: ledger_of(files(257), 1, range(200, 258)),
    "exactly two blocks": lambda: ledger_of(files(512), 1, [1, 256, 257, 512]),
    "one run": lambda: ledger_of([Instance(0, "a", "/e/a")], 1, [1]),
    "new, with iterations": lambda: ledger_of(files(100), 7, ()),
    "iterations": lambda: ledger_of(files(100), 7, range(90, 330)),
    "objects, one that has left": lambda: ledger_of(objects(300), 1, range(1, 50)),
}


def facts(store: Store) -> tuple[object, ...]:
    """All that is known of an experiment."""
    book = store.ledger
    told: tuple[object, ...] = (list(book.instances), list(book.runs), list(book.rows), list(map(list, book.runs_of)))
    source = Source(book.instances, book.rows.freeze(), book.runs.freeze(), book.runs_of)
    queries = [q.compile(text) for text in ("", "i1", "status:failed", "state:7")]
    told += ([list(Listing().update(WantedList(query, sort), source)) for query in queries for sort in SORT_KEYS],)
    foreign = {name: jsontext.decode(bytes(raw)) for name, raw in store.foreign.items()}
    return (*told, book.counts, book.aside, book.saved_at, book.hook, store.meta, foreign, store.folded)


def opened(state_dir: Path) -> Store:
    """What is in the directory."""
    store = read_store(state_dir)
    assert store is not None
    return store


def is_sealed(state_dir: Path) -> bool:
    """Whether the file is taken as ours."""
    return sealing.read_sealed(state_dir / "db.json") is not None


def break_seal(state_dir: Path) -> None:
    """Make the file look like another's: only the number of its seal changes."""
    text = (state_dir / "db.json").read_bytes()
    body, _, crc = text.rpartition(b',"crc":')
    (state_dir / "db.json").write_bytes(body + b',"crc":%d}}}\n' % (int(crc.partition(b"}")[0]) ^ 1))


@pytest.mark.parametrize("case", CASES)
def test_with_a_seal_and_without_one_the_same_is_true(tmp_path: Path, case: str) -> None:
    foreign = {"theirs": msgspec.Raw(b'{"1": {"text":\n"\xe2\x80\xa8"}}'), "empty": msgspec.Raw(b"{}")}
    write_store(tmp_path, ledger=(made := CASES[case]()), foreign=foreign)
    assert is_sealed(tmp_path)
    sealed = opened(tmp_path)
    assert (list(sealed.ledger.instances), list(sealed.ledger.runs)) == (list(made.instances), list(made.runs))
    assert [row.tally for row in sealed.ledger.rows] == [row.tally for row in made.rows]
    break_seal(tmp_path)
    assert not is_sealed(tmp_path)
    checked = opened(tmp_path)
    assert facts(sealed) == facts(checked)
    write_store(tmp_path, ledger=sealed.ledger, meta=sealed.meta, foreign=sealed.foreign)
    again = opened(tmp_path)
    meta = msgspec.structs.replace(again.meta, written_at=sealed.meta.written_at)
    assert facts(msgspec.structs.replace(again, meta=meta)) == facts(sealed)
    assert read_meta(tmp_path) == again.meta


@pytest.mark.parametrize("case", CASES)
def test_what_happens_to_runs_that_were_only_read_happens_as_to_any(tmp_path: Path, case: str) -> None:
    write_store(tmp_path, ledger=CASES[case]())
    sealed = opened(tmp_path)
    break_seal(tmp_path)
    checked = opened(tmp_path)
    later = [Started(run.id, 2, 0, 99.0, "", 7) for run in checked.ledger.runs if s.word(run.status) == "failed"]
    later += [Started(run.id, 1, 0, 98.0, "", 7) for run in checked.ledger.runs if not run.attempt][::7]
    before = sealed.ledger.runs.freeze()
    then = list(before)
    for record in later:
        assert sealed.ledger.apply(record) == checked.ledger.apply(record) != None  # noqa: E711
    assert facts(sealed) == facts(checked)
    assert list(before) == then
    for word in s.WORDS:
        wanted = [run for run in checked.ledger.runs if s.word(run.status) == word]
        assert list(cold.having(sealed.ledger.runs, word)) == wanted
        assert list(cold.having(sealed.ledger.runs, word, last_first=True)) == wanted[::-1]
        assert sealed.ledger.standing(range(1, len(then) + 1), word) == [run.id for run in wanted]


def test_any_byte_that_is_changed_breaks_the_seal(tmp_path: Path) -> None:
    write_store(tmp_path, ledger=ledger_of(files(5), 1, [1, 2, 3]), foreign={"theirs": msgspec.Raw(b'{"1":{}}')})
    path = tmp_path / "db.json"
    text = path.read_bytes()
    with path.open("r+b", buffering=0) as file:
        for place in range(len(text)):
            os.pwrite(file.fileno(), bytes([text[place] ^ 1]), place)
            assert not is_sealed(tmp_path), text[: place + 1]
            os.pwrite(file.fileno(), text[place : place + 1], place)
    for end in range(0, len(text), 7):
        path.write_bytes(text[:end])
        assert not is_sealed(tmp_path), text[:end]
    path.write_bytes(text + b"\n")
    assert not is_sealed(tmp_path)


def test_f68_an_edit_by_plain_tinydb_counts(tmp_path: Path) -> None:
    write_store(tmp_path, ledger=ledger_of(files(300), 1, range(1, 100)))
    with TinyDB(tmp_path / "db.json") as db:
        db.table("runs").update({"state": "mine"}, where("instance_id") == 4)
    store = opened(tmp_path)
    assert store.ledger.run(5).state == b'"mine"'
    assert store.foreign == {}


def test_f68_an_edit_that_keeps_every_length_counts(tmp_path: Path) -> None:
    write_store(tmp_path, ledger=ledger_of(files(300), 1, range(1, 100)))
    path = tmp_path / "db.json"
    path.write_bytes(path.read_bytes().replace(b'"status":"running"', b'"status":"pending"', 1))
    store = opened(tmp_path)
    assert s.word(store.ledger.run(4).status) == "pending"
    assert store.ledger.counts.pending == 300 - 99 + 1


def test_the_seal_of_an_older_file_is_none_for_a_newer_one(tmp_path: Path) -> None:
    """As a version that knows no seal leaves it: it takes it for a table of somebody else, and writes it again."""
    write_store(tmp_path, ledger=ledger_of(files(300), 1, range(1, 100)))
    path = tmp_path / "db.json"
    ledger = opened(tmp_path).ledger
    for number in (2, 3):
        ledger.apply(Saved(96, 1, number, 10_000 + 1000 * number, msgspec.Raw(b'{"left":6}')))
    write_store(tmp_path, ledger=ledger)
    old = path.read_bytes()
    ledger.apply(Saved(96, 1, 4, 14_000, msgspec.Raw(b'{"left":6}')))
    new = b""
    while len(new) != len(old):  # the moment of writing has one digit more or less
        write_store(tmp_path, ledger=ledger)
        new = path.read_bytes()
    path.write_bytes(new.rpartition(sealing.BEGIN)[0] + sealing.BEGIN + old.rpartition(sealing.BEGIN)[2])
    store = opened(tmp_path)
    assert store.ledger.run(96).state == b'{"left":6}'
    assert store.ledger.saved_at == ledger.saved_at
    assert store.foreign == {}


def test_f68_a_table_of_somebody_else_that_is_called_seal_is_kept(tmp_path: Path) -> None:
    write_store(tmp_path, ledger=ledger_of(files(9), 1, [1]))
    text = (tmp_path / "db.json").read_bytes().rpartition(sealing.BEGIN)[0]
    (tmp_path / "db.json").write_bytes(text + b',"seal":{"1":{"of":"wax"}}}')
    for _ in range(2):
        store = opened(tmp_path)
        assert store.foreign == {"seal": msgspec.Raw(b'{"1":{"of":"wax"}}')}
        write_store(tmp_path, ledger=store.ledger, foreign=store.foreign)
        assert not is_sealed(tmp_path)
    with TinyDB(tmp_path / "db.json") as db:
        assert db.table("seal").all() == [{"of": "wax"}]


def test_what_an_earlier_version_has_written_is_opened_and_sealed_from_then_on(tmp_path: Path) -> None:
    (tmp_path / "db.json").write_text(OLD)
    old = opened(tmp_path)
    assert [(s.word(run.status), run.state, run.seed % 1000) for run in old.ledger.runs] == [
        ("done", b'{"left":7}', 516),
        ("failed", b'{"left":7}', 741),
        ("pending", None, 628),
    ]
    assert (old.ledger.counts.total, old.ledger.aside.failed) == (2, 1)
    write_store(tmp_path, ledger=old.ledger, meta=old.meta)
    assert is_sealed(tmp_path)
    new = opened(tmp_path)
    assert facts(msgspec.structs.replace(new, meta=old.meta)) == facts(old)


def test_a_state_that_somebody_has_laid_out_over_lines_stays_one_line(tmp_path: Path) -> None:
    ledger = ledger_of(files(300), 1, range(1, 100))
    for run in (6, 10):
        ledger.apply(Started(run, 2, 0, 1.0, "", 1))
        ledger.apply(Saved(run, 2, 1, 1, msgspec.Raw(b'{\n"7":{"status":"done"},\n"8":[\n1]}')))
    write_store(tmp_path, ledger=ledger)
    with TinyDB(tmp_path / "db.json") as db:
        expected = db.table("runs").get(doc_id=10)["state"]
    text = (tmp_path / "db.json").read_bytes()
    assert len(text.splitlines()) == 300 + 300 + 2
    found = opened(tmp_path).ledger
    assert is_sealed(tmp_path)
    for run in (6, 10):
        assert json.loads(found.run(run).state or b"") == expected == {"7": {"status": "done"}, "8": [1]}
    assert [found.run(run).id for run in range(1, 301)] == list(range(1, 301))


def test_experiments_whose_runs_are_not_where_a_plan_has_them_get_no_seal(tmp_path: Path) -> None:
    grown = [Instance(0, "a", "/a"), Instance(1, "b", "/b")]
    runs = [Run(1, 0, 0, 1), Run(2, 0, 1, 2), Run(3, 1, 0, 3), Run(4, 1, 1, 4)]
    ledger = Ledger(grown, runs, s.DoneHook())
    write_store(tmp_path, ledger=ledger)
    assert not is_sealed(tmp_path)
    found = opened(tmp_path).ledger
    assert list(found.runs) == runs
    assert not isinstance(found.runs_of, Grid)


def test_unread_instances_are_taken_from_todays_batch_if_they_are_the_same(tmp_path: Path) -> None:
    write_store(tmp_path, ledger=ledger_of(files(300), 1, ()))
    for today, same in (
        (files(300), True),
        (files(301), False),
        (Files(files(300).names, "/f/"), False),
        (Files([*files(300).names[:-2], *files(300).names[:-3:-1]], "/e/"), False),
        (list(files(300)), False),
    ):
        store = read_store(tmp_path, today)
        assert store is not None
        assert (store.ledger.instances is today) == same
        assert list(store.ledger.instances) == list(files(300))


# --- would these tests notice? -----------------------------------------------------------------------------------


def no_seal_is_checked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sealing, "crc32", lambda text, before=0: 0)


def only_the_tables_are_summed_up(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sealing, "crc32", lambda text, before=0: before if b'"blocks":[' in text else crc32(text, before))


def a_block_is_taken_from_the_wrong_place(patch: pytest.MonkeyPatch) -> None:
    class Shifted(cold.Cold):
        before = b""

        def __init__(self, text: bytes, first: int, words: bytes, saved_at: float | None) -> None:
            super().__init__(Shifted.before or text, first, words, saved_at)
            Shifted.before = text

    patch.setattr(sealing, "Cold", Shifted)


def words_are_those_of_the_block_before(patch: pytest.MonkeyPatch) -> None:
    ready = cold.packed
    last = ["256p"]

    def late(words: bytes) -> str:
        last.append(ready(words))
        return last[-2] if len(words) == 256 else last[-1]

    patch.setattr(sealing, "packed", late)


@pytest.mark.parametrize(
    ("mutant", "test"),
    [
        (no_seal_is_checked, test_any_byte_that_is_changed_breaks_the_seal),
        (no_seal_is_checked, test_f68_an_edit_that_keeps_every_length_counts),
        (no_seal_is_checked, test_the_seal_of_an_older_file_is_none_for_a_newer_one),
        (only_the_tables_are_summed_up, test_any_byte_that_is_changed_breaks_the_seal),
    ],
)
def test_these_tests_report_the_mutant(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mutant: Callable[[pytest.MonkeyPatch], None],
    test: Callable[[Path], None],
) -> None:
    mutant(monkeypatch)
    with pytest.raises((AssertionError, ValueError)):
        test(tmp_path)


@pytest.mark.parametrize("mutant", [words_are_those_of_the_block_before, a_block_is_taken_from_the_wrong_place])
def test_the_comparison_reports_the_mutant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mutant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    mutant(monkeypatch)
    with pytest.raises((AssertionError, ValueError)):
        test_with_a_seal_and_without_one_the_same_is_true(tmp_path, "exactly two blocks")

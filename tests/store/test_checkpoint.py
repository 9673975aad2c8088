"""`db.json` is a TinyDB file at any moment, replaced whole, and never guessed at (catalogue F64, F66, F68)."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tinydb import TinyDB, where

from pyalma_tui.errors import StoreError
from pyalma_tui.model.records import Raised, Returned, Saved, Started
from pyalma_tui.model.status import Error
from pyalma_tui.store.checkpoint import CheckpointStorage
from pyalma_tui.store.layout import BACKUP
from pyalma_tui.store.opening import read_store
from tests.store.stores import bytes_below, write_store

RECORDS = (
    Started(1, 1, 0, 5.0, "hash", 77),
    Saved(1, 1, 1, 10, msgspec.Raw(b'{"left":7}')),
    Returned(1, 1, 0.5),
    Started(2, 1, 0, 5.0, "hash", 77),
    Raised(2, 1, 0.5, Error("ValueError: no", "Traceback …")),
)


def test_plain_tinydb_opens_it_and_finds_flat_documents(tmp_path: Path) -> None:
    write_store(tmp_path, *RECORDS)
    with TinyDB(tmp_path / "db.json") as db:
        assert db.tables() == {"meta", "instances", "runs", "seal"}
        (done,) = db.table("runs").search(where("status") == "done")
        assert (done.doc_id, done["instance"], done["state"], done["saves"]) == (1, "i0", {"left": 7}, 1)
        (failed,) = db.table("runs").search(where("status") == "failed")
        assert failed["error"] == "ValueError: no"
        (meta,) = db.table("meta").all()
        assert (meta["schema"], meta["seed"]) == (1, 5)
        assert [row["name"] for row in db.table("instances")] == ["i0", "i1", "i2"]


def test_tinydb_works_through_our_storage(tmp_path: Path) -> None:
    with TinyDB(tmp_path / "db.json", storage=CheckpointStorage) as db:
        db.insert({"a": 1})
        db.table("x").insert_multiple({"n": n} for n in range(1000))
        db.table("x").update({"odd": True}, where("n").one_of(list(range(1, 1000, 2))))
    with TinyDB(tmp_path / "db.json") as plain:
        assert plain.all() == [{"a": 1}]
        assert plain.table("x").count(where("odd") == True) == 500  # noqa: E712


def test_f68_tables_of_somebody_else_are_kept_word_for_word(tmp_path: Path) -> None:
    write_store(tmp_path, *RECORDS)
    with TinyDB(tmp_path / "db.json") as db:
        db.table("theirs").insert({"text": "\u2028 \ud800", "number": 1e-300, "nested": [None, {"": 0}]})
        db.insert({"in the": "default table"})
    store = read_store(tmp_path)
    assert store is not None
    assert set(store.foreign) == {"theirs", "_default"}
    write_store(tmp_path, foreign=store.foreign, ledger=store.ledger)
    with TinyDB(tmp_path / "db.json") as db:
        assert db.table("theirs").all() == [{"text": "\u2028 \ud800", "number": 1e-300, "nested": [None, {"": 0}]}]
        assert db.all() == [{"in the": "default table"}]


def test_f68_a_tinydb_file_without_our_tables_is_welcome(tmp_path: Path) -> None:
    with TinyDB(tmp_path / "db.json") as db:
        db.insert({"somebody": "else"})
    store = read_store(tmp_path)
    assert store is not None
    assert (store.meta.session, len(store.ledger.runs), set(store.foreign)) == (0, 0, {"_default"})


def test_the_one_before_is_kept(tmp_path: Path) -> None:
    write_store(tmp_path)
    first = (tmp_path / "db.json").read_bytes()
    assert not (tmp_path / BACKUP).exists()
    write_store(tmp_path, *RECORDS)
    assert (tmp_path / BACKUP).read_bytes() == first
    assert sorted(bytes_below(tmp_path)) == ["db.json", BACKUP]


@pytest.mark.parametrize("name", ["db.json.tmp", "db.json.bak.tmp"])
def test_f66_a_leftover_temporary_file_is_ignored_and_replaced(tmp_path: Path, name: str) -> None:
    write_store(tmp_path, *RECORDS)
    (tmp_path / name).write_bytes(b'{"meta"')
    store = read_store(tmp_path)
    assert store is not None
    assert store.ledger.counts.done == 1
    write_store(tmp_path, *RECORDS)
    assert sorted(bytes_below(tmp_path)) == ["db.json", BACKUP]


def test_f66_after_a_crash_between_backup_and_rename_the_next_write_leaves_no_third_name(tmp_path: Path) -> None:
    write_store(tmp_path, *RECORDS)
    os.link(tmp_path / "db.json", tmp_path / BACKUP)
    write_store(tmp_path, *RECORDS)
    assert sorted(bytes_below(tmp_path)) == ["db.json", BACKUP]


def test_a_file_system_without_links_gets_a_copy_as_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    write_store(tmp_path)
    first = (tmp_path / "db.json").read_bytes()
    monkeypatch.setattr(os, "link", refuse)
    write_store(tmp_path, *RECORDS)
    assert (tmp_path / BACKUP).read_bytes() == first


@pytest.mark.parametrize("function", ["open", "fsync", "replace"])
def test_f72_a_write_that_fails_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    write_store(tmp_path)
    before = bytes_below(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, function, refuse)
        with pytest.raises(OSError, match="No space"):
            write_store(tmp_path, *RECORDS)
    after = bytes_below(tmp_path)
    assert after["db.json"] == before["db.json"]
    assert "db.json.tmp" not in after


def test_reading_changes_nothing(tmp_path: Path) -> None:
    write_store(tmp_path, *RECORDS)
    before = bytes_below(tmp_path)
    assert read_store(tmp_path) is not None
    assert bytes_below(tmp_path) == before


# --- what cannot be used -----------------------------------------------------------------------------------------

META = '{"1":{"schema":1,"session":1}}'
INSTANCE = '{"1":{"name":"a","file":"/a"}}'
RUN = {"instance": "a", "instance_id": 0, "iteration": 0, "status": "done", "state": None, "seed": 1}


def run(number: str = "1", **changed: object) -> str:
    return json.dumps({number: RUN | changed})


def document(meta: str = META, instances: str = INSTANCE, runs: str = run()) -> str:
    return f'{{"meta":{meta},"instances":{instances},"runs":{runs}}}'


BROKEN: dict[str, tuple[str, str]] = {
    "F64-empty": ("", "the file is empty"),
    "F64-blanks": (" \n", "the file is empty"),
    "F64-zeros": ("\0" * 512, "malformed"),
    "F64-garbage": ("hello", "malformed"),
    "F64-a list": ("[]", "Expected `object`, got `array`"),
    "F64-a number": ("7", "Expected `object`, got `int`"),
    "F64-cut": (document()[:-20], "truncated"),
    "F64-two documents": (document() + "{}", "malformed"),
    "F64-meta is missing": ('{"runs":{}}', "`$.meta` is missing"),
    "F64-meta is a list": (document(meta="[]"), "`$.meta`"),
    "F64-schema is text": (document(meta='{"1":{"schema":"1"}}'), "`$.meta.1.schema`"),
    "F64-seed is text": (document(meta='{"1":{"schema":1,"seed":"x"}}'), "`$.meta.1.seed`"),
    "F64-folded is a list": (document(meta='{"1":{"schema":1,"folded":[]}}'), "`$.meta.1.folded`"),
    "F64-a run is a list": (document(runs='{"1":[]}'), "`$.runs.1`"),
    "F64-a run lacks its state": (document(runs='{"1":{"instance":"a"}}'), "`$.runs.1`"),
    "F64-saves is text": (document(runs=run(saves="3")), "`$.runs.1.saves`"),
    "F64-a status is unknown": (document(runs=run(status="gone")), "`$.runs.1.status`"),
    "F64-a run is missing": (document(runs=run("2")), "`$.runs.2`"),
    "F64-a run of no instance": (document(runs=run(instance_id=7)), "`$.runs.1`"),
    "F64-a number that is none": (document(runs=run("x")), "`$.runs`"),
    "F64-an instance is missing": (document(instances='{"2":{"name":"a","file":"/a"}}'), "`$.instances`"),
    "F64-an instance has no name": (document(instances='{"1":{"file":"/a"}}'), "`$.instances.1`"),
    "F67-a newer schema": (document(meta='{"1":{"schema":2,"other":true}}'), "schema 2, this pyalma-tui knows up to 1"),
    "F64-a state nested too deep": (
        document(runs=run(state="deep").replace('"deep"', "[" * 100_000 + "]" * 100_000)),
        "nested too deep",
    ),
    "F64-a surrogate and a wrong type": (document(runs=run(error=["\ud800"])), "`$.runs.1.error`"),
}


def refused(tmp_path: Path) -> str:
    before = bytes_below(tmp_path)
    with pytest.raises(StoreError) as caught:
        read_store(tmp_path)
    message = caught.value.message
    assert bytes_below(tmp_path) == before, "it was changed"
    assert caught.value.exit_code == 3
    assert "\n" not in message
    assert "Nothing was changed" in message
    assert str(tmp_path / "db.json") in message
    return message


@pytest.mark.parametrize("backup", [False, True], ids=["alone", "with a backup"])
@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_cannot_be_used_is_refused_with_file_place_and_backup(
    tmp_path: Path, case: str, backup: bool
) -> None:
    text, why = BROKEN[case]
    (tmp_path / "db.json").write_text(text)
    if backup:
        (tmp_path / BACKUP).write_text(document())
    message = refused(tmp_path)
    assert why in message
    if not case.startswith("F67"):
        assert (str(tmp_path / BACKUP) in message) == backup


@pytest.mark.parametrize("text", [document(), document(meta='{"1":{"schema":1,"a key of tomorrow":[1]}}')])
def test_the_document_of_these_tests_is_a_good_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "db.json").write_text(text)
    store = read_store(tmp_path)
    assert store is not None
    assert store.ledger.counts.done == 1


def test_f64_a_valid_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    write_store(tmp_path, *RECORDS)
    whole = (tmp_path / "db.json").read_bytes().rstrip()
    for length in range(0, len(whole), 7):
        (tmp_path / "db.json").write_bytes(whole[:length])
        refused(tmp_path)


def _directory(path: Path) -> None:
    path.mkdir()


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _link(path: Path) -> None:
    path.with_name("elsewhere").write_text(document())
    path.symlink_to(path.with_name("elsewhere"))


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


@pytest.mark.parametrize("make", [_directory, _fifo, _link, _dangling], ids=lambda make: make.__name__)
def test_f64_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, make: Callable[[Path], Any]) -> None:
    make(tmp_path / "db.json")
    with pytest.raises(StoreError, match=r"db\.json: .*Nothing was changed"):
        read_store(tmp_path)


def test_f64_a_file_that_is_missing_beside_its_backup_is_not_taken_for_a_new_experiment(tmp_path: Path) -> None:
    write_store(tmp_path, *RECORDS)
    (tmp_path / "db.json").rename(tmp_path / BACKUP)
    assert f"it is missing. Nothing was changed; the one before it is {tmp_path / BACKUP}" in refused(tmp_path)

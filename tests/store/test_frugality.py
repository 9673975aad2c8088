"""What a large experiment may cost: counts that mean the same on any machine."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import Raw

from pyalma_tui.loading.absent import missing
from pyalma_tui.model.instance import Files
from pyalma_tui.model.listing import Listing, Source, WantedList
from pyalma_tui.model.records import Returned, Saved, Started
from pyalma_tui.runner.queue import Queue
from pyalma_tui.store import cold, planning
from pyalma_tui.store.checkpoint import Checkpoint, write_checkpoint
from pyalma_tui.store.ledger import Ledger
from pyalma_tui.store.opening import read_store
from pyalma_tui.store.schema import Meta
from tests.store.stores import write_store

RUNS = 20_000


@pytest.fixture
def names() -> Files:
    """Paths as a batch has them."""
    return Files([f"files/i{i:06d}.cnf" for i in range(RUNS)], "/data/")


def lived(names: Files, stop: int) -> Ledger:
    """An experiment of which the runs below this one are done."""
    ledger = planning.new_ledger(names, 1, 5)
    for run in range(1, stop):
        for record in (Started(run, 1, 0, 1.7e9, "", 1), Saved(run, 1, 1, 1, Raw(b'"7"')), Returned(run, 1, 0.5)):
            ledger.apply(record)
    return ledger


@contextmanager
def traced() -> Iterator[Callable[[], float]]:
    """A function that tells how many bytes a run have been kept since."""
    gc.collect()
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[0] / RUNS
    finally:
        tracemalloc.stop()


def test_a_new_experiment_takes_ten_bytes_a_run_beside_the_names(names: Files) -> None:
    with traced() as kept:
        planned = planning.plan_start(None, names, 1, 5, Path("m.py"), has_done=False)
        queue = Queue(planned.order)
        queue.add(planned.order)
        listing, ledger = Listing(), planned.ledger
        source = Source(ledger.instances, ledger.rows.freeze(), ledger.runs.freeze(), ledger.runs_of)
        order = listing.update(WantedList(sort="status"), source)
        assert kept() < 14  # 8 are the seed, 2 are the plan of blocks
        assert (len(order), len(queue), ledger.counts.pending) == (RUNS, RUNS, RUNS)


def test_names_take_their_letters_and_seven_bytes() -> None:
    with traced() as kept:
        files = Files([f"files/i{i:06d}.cnf" for i in range(RUNS)], "/data/")
        assert kept() < len("files/i000000.cnf") + 7  # a string of its own has 49 and its place in a list 8
        assert files[RUNS - 1].file == f"/data/files/i{RUNS - 1:06d}.cnf"


def test_a_look_for_missing_files_makes_no_string_for_each(tmp_path: Path, names: Files) -> None:
    (tmp_path / "files").mkdir()
    for name in names.names:
        (tmp_path / name).touch()
    with traced():
        assert missing(names.names, f"{tmp_path}/") == []
        assert tracemalloc.get_traced_memory()[1] / RUNS < 16  # a set of strings has 100


def test_an_experiment_that_is_opened_again_takes_its_text(names: Files, tmp_path: Path) -> None:
    ledger = lived(names, RUNS // 2)
    write_store(tmp_path, ledger=ledger)
    text = (tmp_path / "db.json").read_bytes()
    size = (text.index(b'"seal"') - text.index(b'"runs"')) / RUNS
    del ledger, text
    with traced() as kept:
        store = read_store(tmp_path, names)
        assert store is not None
        planned = planning.plan_start(store, names, 1, None, Path("m.py"), has_done=False)
        listing, book = Listing(), planned.ledger
        source = Source(book.instances, book.rows.freeze(), book.runs.freeze(), book.runs_of)
        order = listing.update(WantedList(sort="status"), source)
        assert book is store.ledger
        assert kept() < size + 16
        assert (len(order), book.counts.done) == (RUNS, RUNS // 2 - 1)


def test_frozen_blocks_are_not_kept_twice() -> None:
    ledger = planning.new_ledger(Files([f"{i}" for i in range(1000)], "/"), 1, 5)
    ledger.apply(Started(300, 1, 0, 1.0, "", 1))
    one, two = ledger.runs.freeze(), ledger.runs.freeze()
    assert all(a is b for a, b in zip(one.blocks, two.blocks, strict=True))
    ledger.apply(Started(301, 1, 0, 1.0, "", 1))
    three = ledger.runs.freeze()
    assert [a is b for a, b in zip(two.blocks, three.blocks, strict=True)] == [True, False, True, True]


def counted(patch: pytest.MonkeyPatch, *names: str) -> list[str]:
    """Every call of these functions of `cold`, by name."""
    calls: list[str] = []
    for name in names:
        ready = getattr(cold, name)

        def call(*args: object, name: str = name, ready: Callable[..., object] = ready) -> object:
            calls.append(name)
            return ready(*args)

        patch.setattr(cold, name, call)
    return calls


def test_blocks_that_nothing_happens_to_are_neither_decoded_nor_encoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_store(tmp_path, ledger=lived(Files([f"{i}" for i in range(2000)], "/"), 1000))
    calls = counted(monkeypatch, "_document", "_documents", "run_document", "_planned")
    store = read_store(tmp_path)
    assert store is not None
    assert calls == []
    write_checkpoint(tmp_path, Checkpoint(Meta(), store.ledger.instances, store.ledger.runs.freeze(), {}))
    assert calls == []
    store.ledger.apply(Started(1602, 9, 0, 99.0, "", 7))
    del calls[:]
    write_checkpoint(tmp_path, Checkpoint(Meta(), store.ledger.instances, store.ledger.runs.freeze(), {}))
    assert calls == ["run_document"] * 256

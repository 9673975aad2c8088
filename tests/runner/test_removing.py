"""Instances are taken out while it runs: what the disk has of it at once, and after it was taken back."""

from __future__ import annotations

from pathlib import Path

from pyalma_tui.report.results import Table
from pyalma_tui.runner import commands as c
from pyalma_tui.store.opening import Store, read_store
from tests.runner.conftest import Conduct

RECORDING = """
def run(instance, save, state, record):
    name = os.path.basename(instance)
    for n in range(3):
        record(n=n)
        save(f"{name} {n}")
    tell("began", name)
    if name == "fails":
        raise ValueError("negative weight")
    wait_for("go-" + name)
"""


def kept(state_dir: Path) -> Store:
    store = read_store(state_dir)
    assert store is not None
    return store


def rows_of(state_dir: Path) -> list[str]:
    return [str(row["instance"]) for row in Table(state_dir, kept(state_dir))]


def test_what_was_removed_is_so_on_the_disk_at_once_and_all_of_it_comes_back(conduct: Conduct, tmp_path: Path) -> None:
    conducted = conduct(RECORDING, ["fails", "waits"], workers=2)
    conducted.until(lambda now: (now.counts.failed, now.counts.running) == (1, 1))
    conducted.hears("began waits")
    state_dir = tmp_path / "m.alma"
    (run,) = conducted.ids("fails")
    number = conducted.now.runs[run - 1].instance
    before = conducted.now.runs[run - 1]
    conducted.send(c.Remove((number,)))
    conducted.until(lambda now: now.counts.total == 1)
    conducted.until(lambda now: kept(state_dir).ledger.instances[number].removed)
    assert kept(state_dir).ledger.run(run).state is None
    assert set(rows_of(state_dir)) == {"waits"}
    conducted.send(c.Remove((conducted.now.runs[conducted.ids("waits")[0] - 1].instance,)))
    conducted.until(lambda now: any(note.text.startswith("nothing removed: 1 run") for note in now.notes))
    conducted.send(c.Undo())
    conducted.until(lambda now: now.counts.failed == 1)
    conducted.until(lambda now: not kept(state_dir).ledger.instances[number].removed)
    assert kept(state_dir).ledger.run(run) == conducted.now.runs[run - 1] == before
    assert rows_of(state_dir).count("fails") == 3
    conducted.send(c.Retry())
    conducted.until(lambda now: now.runs[run - 1].attempt == 2 and now.counts.failed == 1)
    conducted.send(c.Remove((number,)))
    conducted.until(lambda now: now.counts.total == 1)
    conducted.folder.allow("go-waits")
    conducted.until(lambda now: now.counts.done == 1)
    conducted.send(c.Quit())
    conducted.runner.join(30)
    assert kept(state_dir).ledger.instances[number].removed
    assert rows_of(state_dir) == ["waits"] * 3

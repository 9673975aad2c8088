"""A state directory as a version without seal, synced segments allocated ahead and sessions has left it when killed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pyalma_tui.store.sealing import read_sealed
from tests.catalogue.experiment import Experiment

STATE = Path(__file__).with_name("earlier.state")
NAMES = ("waits", "lasts", "fails", "returns")
MODULE = """\
import os
import time


def instances():
    return ["waits", "lasts", "fails", "returns"]


def run(instance, save, state):
    name = os.path.basename(instance)
    save({"of": name, "after": state})
    if name == "fails":
        raise ValueError("no")
    if name == "lasts" and state == "":
        save("lasts")
        time.sleep(60)
"""


@pytest.mark.parametrize("sync", ["group", "fsync"])
def test_what_an_earlier_version_was_killed_with_is_opened_and_goes_on(experiment: Experiment, sync: str) -> None:
    experiment.module.write_text(MODULE)
    shutil.copytree(STATE, experiment.state_dir)
    for name in NAMES:
        (experiment.folder / name).touch()
    before = experiment.runs()
    assert [before[name]["status"] for name in NAMES] == ["pending", "interrupted", "failed", "done"]
    assert before["lasts"]["state"] == "lasts", "the newest of two"
    assert experiment.run("--sync", sync).code == 1
    after = experiment.runs()
    assert after["waits"]["state"] == {"of": "waits", "after": ""}
    assert after["lasts"]["state"] == {"of": "lasts", "after": "lasts"}, "it went on from what it had saved"
    assert [after[name]["attempts"] for name in NAMES] == [1, 2, 1, 1], "what was done or had failed was not called"
    assert {name: run["seed"] for name, run in after.items()} == {name: run["seed"] for name, run in before.items()}
    assert read_sealed(experiment.state_dir / "db.json") is not None, "opened quickly from now on"

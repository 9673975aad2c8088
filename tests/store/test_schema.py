"""A run and an instance come back from their documents as they were."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given

from pyalma_tui.model import jsontext
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run, fold
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.records import RunRecord
from pyalma_tui.store.schema import (
    InstanceDocument,
    Meta,
    RunDocument,
    instance_document,
    instance_of,
    run_document,
    run_of,
)
from tests.model.histories import histories

INSTANCE = Instance(4, "a", "/a")


def through_json(run: Run) -> Run:
    text = jsontext.encode(run_document(run, INSTANCE))
    return run_of(run.id, jsontext.decode_as(text, RunDocument))


@given(histories(run=7))
def test_a_run_of_any_history_comes_back_equal(records: list[RunRecord]) -> None:
    run = Run(7, 4, 2, 99)
    for record in records:
        run = fold(run, record)
        assert through_json(run) == run


@pytest.mark.parametrize("state", [b"null", b'""', b"0", b"[]", b'"\\ud800"', b'{"a":1e400}'], ids=repr)
def test_a_saved_state_is_told_from_none_whatever_it_is(state: bytes) -> None:
    assert through_json(Run(1, 4, 0, 0, state=state, saves=1)).state == state
    assert through_json(Run(1, 4, 0, 0)).state is None


@pytest.mark.parametrize(
    "instance",
    [
        INSTANCE,
        Instance(0, "{}", "", b"null"),
        Instance(0, "x", "/x", b'{"n":8}', occurrence=3, in_batch=False),
        Instance(0, "caf\udce9", "/caf\udce9"),
    ],
    ids=["string", "null data", "object", "not utf-8"],
)
def test_an_instance_comes_back_equal(instance: Instance) -> None:
    text = jsontext.encode(instance_document(instance))
    assert instance_of(instance.id + 1, jsontext.decode_as(text, InstanceDocument)) == instance


def test_an_unknown_status_is_a_key_error() -> None:
    document = msgspec.structs.replace(run_document(Run(1, 4, 0, 0), INSTANCE), status="gone")
    with pytest.raises(KeyError, match="gone"):
        run_of(1, document)


@pytest.mark.parametrize(
    "status",
    [
        s.HookAbsent(),
        s.HookNotYet(),
        s.HookRunning(1.0),
        s.HookDone(1.0, 2.0),
        s.HookFailed(s.Error("e"), 1.0),
        s.HookCutOff(1.0),
    ],
    ids=s.hook_word,
)
def test_the_history_of_done_comes_back_equal(status: s.HookStatus) -> None:
    meta = Meta(done_hook=s.DoneHook(status, calls=3, ahead=True), folded={"a": 1})
    assert jsontext.decode_as(jsontext.encode(meta), Meta) == meta

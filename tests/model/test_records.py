"""The order of records, and their form in the journal."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from msgspec import Raw

from pyalma_tui.model.extents import Extent
from pyalma_tui.model.records import (
    Checkpointed,
    DoneRaised,
    DoneReturned,
    DoneStarted,
    HookRecord,
    Imported,
    Lost,
    Note,
    Progressed,
    Raised,
    Record,
    Reset,
    Restored,
    Returned,
    RunRecord,
    Saved,
    Started,
    Stopped,
    Was,
    hook_order,
    order,
)
from pyalma_tui.model.status import Done, Error

ERROR = Error("e", "t")
FORMS: list[tuple[Record, str]] = [
    (Started(7, 1, 2, 100.5, "abc", 9, "lab"), '["started",7,1,2,100.5,"abc",9,"lab"]'),
    (Saved(7, 1, 42, 3500, Raw(b'"state"')), '["saved",7,1,42,3500,"state",[]]'),
    (Saved(7, 1, 42, 3500, Raw(b"1"), (Extent("f", 1, 0, 9, 2),)), '["saved",7,1,42,3500,1,[["f",1,0,9,2]]]'),
    (Progressed(7, 1, 1.0, 2.0), '["progressed",7,1,1.0,2.0]'),
    (Imported(7, 1, "3f2a5c1e90ab"), '["imported",7,1,"3f2a5c1e90ab"]'),
    (Returned(7, 1, 0.5), '["returned",7,1,0.5,[]]'),
    (Raised(7, 1, 0.5, ERROR), '["raised",7,1,0.5,{"message":"e","traceback":"t"}]'),
    (Stopped(7, 1, None, 5.0, "why"), '["stopped",7,1,null,5.0,"why"]'),
    (Lost(7, 1, None, 5.0, ERROR), '["lost",7,1,null,5.0,{"message":"e","traceback":"t"}]'),
    (Reset(7, 2, 5.0, 1), '["reset",7,2,5.0,1]'),
    (
        Restored(7, 3, 6.0, Was(Done(5.0, 1.0), Raw(b'"4"'), attempt=1)),
        '["restored",7,3,6.0,{"status":{"type":"done","at":5.0,"duration":1.0},"state":"4","attempt":1}]',
    ),
    (DoneStarted(1, 5.0, "ab12"), '["done_started",1,5.0,"ab12"]'),
    (DoneReturned(1, 5.0, 0.5), '["done_returned",1,5.0,0.5]'),
    (DoneRaised(1, 5.0, ERROR), '["done_raised",1,5.0,{"message":"e","traceback":"t"}]'),
    (Note(5.0, "text"), '["note",5.0,"text"]'),
    (Checkpointed(5, "ab12"), '["checkpointed",5,"ab12"]'),
]


@pytest.mark.parametrize(("record", "form"), FORMS, ids=lambda x: type(x).__name__)
def test_the_form_of_a_record_on_disk_does_not_change(record: Record, form: str) -> None:
    assert msgspec.json.encode(record).decode() == form
    back = msgspec.json.decode(form.encode(), type=Record)
    assert msgspec.json.encode(back).decode() == form
    assert type(back) is type(record)


def test_a_save_and_a_return_without_rows_are_still_read() -> None:
    saved = b'["saved",7,1,42,3500,"state"]'
    assert msgspec.json.decode(saved, type=Record) == Saved(7, 1, 42, 3500, Raw(b'"state"'))
    assert msgspec.json.decode(b'["returned",7,1,0.5]', type=Record) == Returned(7, 1, 0.5)


def test_a_call_of_done_that_was_recorded_without_its_results_is_still_read() -> None:
    assert msgspec.json.decode(b'["done_started",1,5.0]', type=Record) == DoneStarted(1, 5.0, "")


def test_records_are_ordered_by_attempt_then_by_what_must_come_first_then_by_number() -> None:
    right: list[RunRecord] = [
        Started(1, 1, 0, 900.0, "", 0),
        Saved(1, 1, 1, 0, Raw(b"1")),
        Saved(1, 1, 2, 0, Raw(b"2")),
        Saved(1, 1, 10, 0, Raw(b"3")),
        Returned(1, 1, 0.0),
        Lost(1, 1, None, 1.0, ERROR),
        Reset(1, 2, 5.0, 0),
        Started(1, 3, 0, 2.0, "", 0),  # the clock went back
        Raised(1, 3, 0.0, ERROR),
        Stopped(1, 3, None, 0.0, ""),
    ]
    for a, b in itertools.combinations(right, 2):
        assert order(a) < order(b) or {type(a), type(b)} <= {Raised, Returned} or {type(a), type(b)} <= {Lost, Stopped}
    assert sorted([*right[5:], *right[:5]], key=order) == right


def test_records_of_done_are_ordered_by_call_and_start_first() -> None:
    right: list[HookRecord] = [
        DoneStarted(1, 9.0),
        DoneReturned(1, 1.0, 0.1),
        DoneStarted(2, 0.0),
        DoneRaised(2, 0.0, ERROR),
    ]
    assert sorted([right[3], right[1], right[2], right[0]], key=hook_order) == right

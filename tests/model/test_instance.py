"""Who an instance is, and what run() is handed for it."""

from __future__ import annotations

import pytest

from pyalma_tui.model.instance import Instance, argument


def test_identity_is_content_and_occurrence_never_the_place() -> None:
    assert Instance(0, "a", "/x/a").identity == Instance(5, "a", "/y/a", in_batch=False).identity
    different = [
        Instance(0, "a", ""),
        Instance(0, "A", ""),
        Instance(0, "a", "", b"{}"),
        Instance(0, "a", "", occurrence=2),
        Instance(0, "a\u0301", ""),
        Instance(0, "\u00e1", ""),
    ]
    assert len({instance.identity for instance in different}) == 6


@pytest.mark.parametrize(("occurrence", "label"), [(1, "a"), (2, "a #2")])
def test_a_repeated_entry_is_told_apart_by_its_label(occurrence: int, label: str) -> None:
    assert Instance(0, "a", "", occurrence=occurrence).label == label


def test_a_string_is_handed_over_as_its_absolute_path_and_an_object_as_a_dict() -> None:
    assert argument(Instance(4, "a", "/x/a"), 7) == "/x/a"
    given = argument(Instance(4, "a", "", b'{"n":8,"t":"\\ud800"}'), 7)
    assert given == {"file": "", "data": {"n": 8, "t": "\ud800"}, "id": 4, "seed": 7}

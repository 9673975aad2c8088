"""Who an instance is, and what run() is handed for it."""

from __future__ import annotations

from hashlib import blake2b

import pytest

from pyalma_tui.model.instance import Instance, argument
from pyalma_tui.model.names import Names


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


ODD = ["", "f/a", "f/é", "f/\U0001f600", "\ud800", "a\0b", "\n", "f/a" * 300]


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 1000])
def test_names_are_given_back_as_they_were(count: int) -> None:
    kept = [f"{ODD[i % len(ODD)]}{i}" for i in range(count)]
    names = Names(kept)
    assert list(names) == kept == [names[i] for i in range(count)] == names[:]
    assert names[3:-3:7] == kept[3:-3:7]
    assert [names[-1 - i] for i in range(count)] == kept[::-1]
    for beyond in (count, -count - 1):
        with pytest.raises(IndexError):
            names[beyond]
    assert names == Names(kept)
    assert names != Names([*kept, "more"])
    text = "\0".join(("/e/", *kept)).encode("utf-8", "surrogatepass")
    assert names.digest("/e/") == blake2b(text, digest_size=16).hexdigest()

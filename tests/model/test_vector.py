"""A vector behaves as a list does, and what it froze to stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyalma_tui.model.vector import MASK, Vector

LENGTHS = st.one_of(st.integers(0, 5), st.integers(MASK - 1, MASK + 3), st.integers(2 * MASK, 2 * MASK + 5))


@given(LENGTHS, st.data())
def test_a_vector_holds_what_a_list_holds_and_its_frozen_views_stay(length: int, data: st.DataObject) -> None:
    model = list(range(length))
    vector = Vector(model)
    frozen = []
    for _ in range(data.draw(st.integers(0, 6))):
        if length and data.draw(st.booleans()):
            place = data.draw(st.integers(0, length - 1))
            vector[place] = model[place] = data.draw(st.integers())
        else:
            frozen.append((vector.freeze(), list(model)))
    frozen.append((vector.freeze(), list(model)))
    assert list(vector) == model
    assert len(vector) == length
    assert [vector[i] for i in range(length)] == model
    for view, expected in frozen:
        assert list(view) == expected
        assert len(view) == length
        assert [view[i] for i in range(length)] == expected
        assert [view[-i] for i in range(1, length + 1)] == expected[::-1]
        assert view[1:-1:2] == expected[1:-1:2]


def test_freezing_copies_only_blocks_that_changed() -> None:
    vector = Vector(range(3 * (MASK + 1)))
    before = vector.freeze()
    vector[MASK + 1] = -1
    after = vector.freeze()
    assert [a is b for a, b in zip(before.blocks, after.blocks, strict=True)] == [True, False, True]


@pytest.mark.parametrize("index", [3, -4, MASK + 1])
def test_a_frozen_view_has_nothing_beyond_its_end(index: int) -> None:
    with pytest.raises(IndexError):
        Vector(range(3)).freeze()[index]

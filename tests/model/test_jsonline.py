"""JSON with nothing in it that a terminal would obey, and equal when it is read."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from pyalma_tui.model import jsontext
from pyalma_tui.model.jsonline import escaped
from pyalma_tui.model.printable import HOSTILE

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.characters(min_codepoint=0x7E, max_codepoint=0x2100),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES, st.booleans())
def test_it_is_read_as_the_same_value(value: object, to_ascii: bool) -> None:
    text = jsontext.encode([value, "\x7f\x9b\u202e\U000e0001\U0001f642"]).decode()
    told = escaped(f"{text}\n", to_ascii=to_ascii)
    assert json.loads(told) == json.loads(text)
    assert told.endswith("\n")
    assert not HOSTILE.search(told.removesuffix("\n"))
    assert told.isascii() or not to_ascii


def test_what_is_harmless_stays_readable() -> None:
    assert escaped('{"é": "✓\x9b\U000e0001"}') == '{"é": "✓\\u009b\\udb40\\udc01"}'

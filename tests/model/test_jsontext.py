"""Values come back exactly, whatever text they hold (catalogue C29)."""

from __future__ import annotations

import json
from functools import partial
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyalma_tui.model import jsontext
from pyalma_tui.model.records import Lost, Note, Raised, Record, Saved, Stopped
from pyalma_tui.model.status import DoneHook, Error, HookFailed
from pyalma_tui.store.schema import InstanceDocument, Meta, RunDocument


def single(text: str) -> bool:
    """Whether JSON can hold it: a high surrogate before a low one is read as the character that the two stand for."""
    return text == text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


TEXT = st.text(st.characters(exclude_categories=()), max_size=20).filter(single)  # lone surrogates too
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
HOSTILE = [
    "",
    "\0",
    "a\r\nb\n",
    "\u2028\u2029",
    "\ud800",
    "\udfff tail",
    "\ud83d\ud83d",
    "\U0001f600",
    "\x1b]52;c;\x07",
    "\t",
    '"\\',
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_c29_hostile_text_comes_back_exactly(text: str) -> None:
    value = {text: [text, {"k": text}]}
    assert ascii(jsontext.decode(jsontext.encode(text))) == ascii(text)
    assert ascii(jsontext.decode(jsontext.encode(value))) == ascii(value)


@given(VALUES)
def test_c29_every_json_value_comes_back_equal_and_fits_a_journal_line(value: Any) -> None:
    text = jsontext.encode(value)
    assert ascii(jsontext.decode(text)) == ascii(value)
    assert b"\n" not in text
    assert b"\t" not in text


@given(VALUES)
def test_the_standard_library_reads_what_we_write(value: Any) -> None:
    assert ascii(json.loads(jsontext.encode(value))) == ascii(value)


@pytest.mark.parametrize(
    "value", [object(), {"\ud800": object()}, {"\ud800": {1}}], ids=["object", "object inside", "set inside"]
)
def test_what_json_has_no_form_for_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError):
        jsontext.encode(value)


def test_a_number_that_is_none_does_not_pass_beside_a_surrogate() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        jsontext.encode(["\ud800", float("inf")])


BAD = [b"", b"{", b'"abc', b"nul", b'{"a":}', b'"\\ud800', b'["\\ud800",]', b'"a\nb"', b"\xff"]


@pytest.mark.parametrize(("text", "nested"), [(b"[%s]", 1), (b'{"":%s}', 1), (b'[{"[]}{":[%s]},"\\"[",[{}]]', 3)])
def test_only_what_is_nested_deeper_than_the_limit_is_deep(text: bytes, nested: int) -> None:
    value = b"0"
    for _ in range(jsontext.DEEPEST // nested):
        value = text.replace(b"%s", value)
    value = b"[" * (jsontext.DEEPEST % nested) + value + b"]" * (jsontext.DEEPEST % nested)
    assert not jsontext.is_deep(value)
    assert not jsontext.is_deep(b'["%s",%s]' % (b"[" * 1000, b",".join([b"[{}]"] * 1000)))
    assert jsontext.is_deep(b"[%s]" % value)
    assert jsontext.decode(value)


TRICKY = st.recursive(
    st.text('[]{}"\\,', max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('[]{}"\\,', max_size=4), inner, max_size=3),
    max_leaves=8,
)


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth, inner), default=0)


@given(TRICKY, st.integers(0, 4))
def test_brackets_in_strings_do_not_count(value: Any, deepest: int) -> None:
    with patch.object(jsontext, "DEEPEST", deepest):
        assert jsontext.is_deep(jsontext.encode(value)) == (depth(value) > deepest)


@pytest.mark.parametrize("kind", [Any, msgspec.Raw, dict[str, Any]])
@pytest.mark.parametrize("more", ["", "\\ud800"])
def test_what_no_reader_can_descend_to_is_a_decode_error(kind: Any, more: str) -> None:
    text = b'{"%s":' % more.encode() + b"[" * 100_000 + b"]" * 100_000 + b"}"
    for decode in (partial(jsontext.decode_as, kind=kind), jsontext.decoder(kind)):
        with pytest.raises(msgspec.DecodeError):
            decode(text)


@pytest.mark.parametrize("text", BAD, ids=repr)
def test_what_is_no_json_is_a_decode_error(text: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        jsontext.decode(text)


ERROR = Error("caf\udce9", "Traceback \ud800")
RECORDS: list[Record] = [
    Saved(1, 1, 1, 5, msgspec.Raw(b'{"k\\ud800":["\\udfff",1.5,null]}')),
    Raised(1, 1, 0.5, ERROR),
    Lost(1, 1, None, 0.5, ERROR),
    Stopped(1, 1, None, 0.5, "\ud800"),
    Note(0.5, "\udfff"),
]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_c29_a_record_with_a_lone_surrogate_comes_back(record: Record) -> None:
    back: Record = jsontext.decode_as(jsontext.encode(record), Record)
    assert type(back) is type(record)
    assert jsontext.encode(back) == jsontext.encode(record)


def test_c29_documents_with_lone_surrogates_come_back_with_their_raw_parts() -> None:
    runs = {
        1: RunDocument("caf\udce9", 0, 0, "done", msgspec.Raw(b'{"n":"\\ud800"}'), 5, saves=1, earlier=("x",)),
        2: RunDocument("b", 1, 0, "failed", msgspec.Raw(b"null"), 5, error="\ud800"),
    }
    back: dict[int, RunDocument] = jsontext.decode_as(
        jsontext.encode({str(k): v for k, v in runs.items()}), dict[int, RunDocument]
    )
    assert jsontext.decode(bytes(back[1].state)) == {"n": "\ud800"}
    assert (back[1].instance, back[1].earlier, back[2].error) == ("caf\udce9", ("x",), "\ud800")
    there = {1: InstanceDocument("\udce9", "/\udce9", msgspec.Raw(b'{"a":1}'), is_object=True)}
    instances: dict[int, InstanceDocument] = jsontext.decode_as(
        jsontext.encode({"1": there[1]}), dict[int, InstanceDocument]
    )
    assert jsontext.decode(bytes(instances[1].data)) == {"a": 1}
    meta = Meta(target="\udce9", done_hook=DoneHook(HookFailed(ERROR, 1.0), calls=1), folded={"a": 1})
    assert jsontext.decode_as(jsontext.encode(meta), Meta) == meta


def test_a_wrong_type_beside_a_surrogate_is_named_with_its_place() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"\$\[\.\.\.\]\.iteration"):
        jsontext.decode_as(
            b'{"1":{"instance":"\\ud800","instance_id":0,"iteration":"x","status":"done","state":1,"seed":1}}',
            dict[int, RunDocument],
        )

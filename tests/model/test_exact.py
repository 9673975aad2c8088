"""Which values JSON gives back equal, and where one that it does not differs first."""

from __future__ import annotations

import collections
import decimal
import enum
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pyalma_tui.model import jsontext
from pyalma_tui.model.exact import InexactError, text_of


class Colour(enum.IntEnum):
    RED = 1


class Kind(enum.Enum):
    A = "a"


class Different(str):
    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


class Angry(float):
    def __eq__(self, other: object) -> bool:
        raise OSError("no comparison")

    __hash__ = float.__hash__


class Separate(str):
    """Equal texts that are two keys of one dict."""

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other or (type(other) is str and str.__eq__(self, other))


Point = collections.namedtuple("Point", "x y")


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


CYCLE: list[Any] = []
CYCLE.append(CYCLE)

TAKEN: list[object] = [
    *["", "ü\0\n\u2028", "\ud800", "a\udfffb", True, None, 0, -0.0, 1.0, 1e300, 5e-324, 2**63, 1 - 10**4299, [], {}],
    {"a": [1, {"b": None}], "": {"\ud800": "\udfff"}},
    nested(jsontext.DEEPEST),
    *[
        np.float64(0.5),
        np.str_("x"),
        Colour.RED,
        {"lr": np.float64(0.1), "who": np.str_("x")},
        [Colour.RED, np.float64(2)],
    ],
    *[collections.OrderedDict(a=1), collections.defaultdict(int, a=1), collections.Counter("aab")],
]


@pytest.mark.parametrize("value", TAKEN, ids=lambda value: ascii(value)[:30])
def test_what_is_taken_comes_back_equal_and_of_its_type_in_json(value: object) -> None:
    text = text_of(value, "state")
    back = jsontext.decode(text)
    assert back == value
    assert type(back) in (str, bool, int, float, list, dict, type(None))
    assert isinstance(value, type(back))
    assert json.loads(text) == back


NO_VALUE = "is no JSON value"
REFUSED: list[tuple[object, str, str, type[Exception]]] = [
    (float("inf"), f"state: inf {NO_VALUE}", "None, or str()", ValueError),
    ({"lr": float("-inf")}, f"state.lr: -inf {NO_VALUE}", "None, or str()", ValueError),
    ({"data": {"grid": [1, 2, float("nan")]}}, f"state.data.grid[2]: nan {NO_VALUE}", "None, or str()", ValueError),
    ({"a": 1, "b": [np.float64("nan")]}, f"state.b[0]: nan {NO_VALUE}", "None, or str()", ValueError),
    ({"ok": 1, "no": {1: 2}}, "state.no: its key 1 is no text, as keys of JSON are", "str()", TypeError),
    ({None: 1}, "state: its key None is no text, as keys of JSON are", "str()", TypeError),
    ({10**5000: 1}, "state: its key an int is no text", "str()", TypeError),
    ({"1": 1, 1: 2}, "state: its key 1 is no text, as keys of JSON are", "str()", TypeError),
    ({Separate("a"): 1, Separate("a"): 2}, 'state: two of its keys come back as "a"', "Rename", TypeError),
    ((1, 2), f"state: a tuple {NO_VALUE}", "list()", TypeError),
    ([Point(1, 2)], f"state[0]: a tests.Point {NO_VALUE}", "list()", TypeError),
    ({"a b": {1}}, f'state["a b"]: a set {NO_VALUE}', "sorted()", TypeError),
    ([b"x"], f"state[0]: a bytes {NO_VALUE}", ".decode()", TypeError),
    ({"file": Path("x")}, f"state.file: a pathlib.PosixPath {NO_VALUE}", "str() for a path", TypeError),
    (np.float32(0.5), f"state: a numpy.float32 {NO_VALUE}", ".item()", TypeError),
    ({"n": np.int64(3)}, f"state.n: a numpy.int64 {NO_VALUE}", ".item()", TypeError),
    ([np.bool_(True)], f"state[0]: a numpy.{np.bool_.__name__} {NO_VALUE}", ".item()", TypeError),
    ({"x": np.arange(3)}, f"state.x: a numpy.ndarray {NO_VALUE}", ".tolist()", TypeError),
    ([np.array(3)], f"state[0]: a numpy.ndarray {NO_VALUE}", ".item()", TypeError),
    (-(10**4299), "state: this number has more digits than JSON readers take", "str()", ValueError),
    (["\ud83d\ude00"], "state[0]: it holds a pair of surrogates, which would come back as one", "itself", ValueError),
    ({"\ud83d\ude00": 1}, "state: a key of it holds a pair of surrogates, which would come", "itself", ValueError),
    ({"x": nested(jsontext.DEEPEST)}, f"state: it is nested deeper than {jsontext.DEEPEST}", "flatter", TypeError),
    (nested(5000), f"state: it is nested deeper than {jsontext.DEEPEST}", "flatter", TypeError),
    (CYCLE, f"state: it is nested deeper than {jsontext.DEEPEST}", "flatter", TypeError),
    ([Kind.A], f"state[0]: a tests.Kind {NO_VALUE}", "a str, int", TypeError),
    (decimal.Decimal(1), f"state: a decimal.Decimal {NO_VALUE}", "a str, int", TypeError),
    (Different("x"), "state: a tests.Different comes back as another value", "a str, int", TypeError),
    ([Angry(1.5)], "state[0]: a tests.Angry comes back as another value", "a str, int", TypeError),
    (object(), f"state: an object {NO_VALUE}", "a str, int", TypeError),
]


@pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: ascii(refused[1]))
def test_what_is_refused_is_named_by_its_place(refused: tuple[object, str, str, type[Exception]]) -> None:
    value, told, advice, sort = refused
    with pytest.raises(InexactError) as caught:
        text_of(value, "state")
    assert str(caught.value).startswith(told)
    assert advice in caught.value.advice
    assert caught.value.sort is sort

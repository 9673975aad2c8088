"""What an instance tells: the fields of its data, the numbers in its name."""

from __future__ import annotations

import pytest

from pyalma_tui.model.instance import Instance
from pyalma_tui.model.traits import Traits, features, traits_of


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("x", b'{"n": 8, "kind": "a", "fast": true, "deep": {"m": 1}}', {"n": 8.0, "kind": "a", "fast": "True"}),
        ("x", b"7", {"data": 7.0}),
        ("x", b'"seven"', {"data": "seven"}),
        ("x", b"[1, 2]", {}),
        ("x", b'{"huge": 1e300}', {}),
        (
            "data/uf250-03.cnf",
            None,
            {"name": "data/uf#-#.cnf", "number 1 in the name": 250.0, "number 2 in the name": 3.0},
        ),
    ],
)
def test_what_is_told(name: str, data: bytes | None, told: Traits) -> None:
    assert traits_of(Instance(0, name, "", data)) == told


def test_what_is_the_same_for_all_and_what_is_a_name_of_its_own_explain_nothing() -> None:
    seen: list[Traits] = [{"n": float(i % 5), "same": 1.0, "who": f"g{i}", "kind": "ab"[i % 2]} for i in range(40)]
    assert {feature.trait for feature in features(seen)} == {"", "n", "kind"}

"""The catalogue of faults in `tests/README.md` and the tests name the same numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
LISTED = re.findall(r"^\| ([A-H])(\d+) \| \S.* \| \S.* \|$", (TESTS / "README.md").read_text(), re.MULTILINE)
NUMBER = re.compile(r"(?:[\[-]([A-H])|::test_([a-h]))(\d+)[-_]")


def collected(session: pytest.Session) -> Iterator[tuple[str, str]]:
    """The numbers in names and ids of tests, such as F64, and the tests."""
    for item in session.items:
        for upper, lower, number in NUMBER.findall(item.nodeid):
            yield f"{upper or lower.upper()}{number}", item.nodeid


def test_numbers_are_given_without_gaps_and_once() -> None:
    assert sorted(int(number) for _, number in LISTED) == list(range(1, len(LISTED) + 1))
    assert len(LISTED) >= 149


def test_every_number_of_a_test_is_in_the_catalogue(request: pytest.FixtureRequest) -> None:
    listed = {f"{letter}{number}" for letter, number in LISTED}
    assert {number: test for number, test in collected(request.session) if number not in listed} == {}


def test_every_number_of_the_catalogue_has_a_test(request: pytest.FixtureRequest) -> None:
    files = {path for path in TESTS.rglob("test_*.py") if "benchmarks" not in path.parts}
    if missing := files - {item.path for item in request.session.items}:
        pytest.skip(f"{len(missing)} of {len(files)} files were not collected: run all tests")
    tested = {number for number, _ in collected(request.session)}
    assert [f"{letter}{number}" for letter, number in LISTED if f"{letter}{number}" not in tested] == []


def test_cases_have_ids_of_their_own_with_the_letter_of_their_file(request: pytest.FixtureRequest) -> None:
    cases = [item for item in request.session.items if item.path.parent == TESTS / "catalogue"]
    ids = Counter(item.nodeid.partition("[")[2] for item in cases)
    assert [name for name, number in ids.items() if number > 1] == []
    assert [item.nodeid for item in cases if item.path.name[5].upper() != item.nodeid.partition("[")[2][:1]] == []

"""Which instances a typed word means."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import Literal, TypeAlias

import pytest

from pyalma_tui.errors import UsageError
from pyalma_tui.model.choice import choose
from pyalma_tui.model.instance import Instance

Form: TypeAlias = Literal["NFC", "NFD"]
FOLDER = "/data"
INSTANCES = [
    Instance(0, "x/a.cnf", "/data/x/a.cnf"),
    Instance(1, "x/a.cnf", "/data/x/a.cnf", occurrence=2),
    Instance(2, "y/a.cnf", "/data/y/a.cnf"),
    Instance(3, "y/[b].cnf", "/data/y/[b].cnf"),
    Instance(4, '{"n":8}', "", b'{"n":8}'),
]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("x/a.cnf", [0]),  # its label, though the second one has this name too
        ("x/a.cnf #2", [1]),
        ("/data/x/a.cnf", [0, 1]),
        ("./y/../x/a.cnf", [0, 1]),
        ("a.cnf", [0, 1, 2]),
        ("x/*", [0, 1]),
        ("y/[b].cnf", [3]),
        ("[b].cnf", [3]),
        ('{"n":8}', [4]),
        ("*n*8*", [4]),
    ],
)
def test_a_word_means_a_label_a_path_a_file_name_or_a_pattern(
    word: str, meant: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getcwd", lambda: FOLDER)
    assert [instance.id for instance in choose(INSTANCES, word)] == meant


@pytest.mark.parametrize("word", ["", "nothing", "/data", "X/A.CNF"])
def test_a_word_without_meaning_is_refused_with_what_is_near(word: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        choose(INSTANCES, word)
    assert caught.value.message.startswith(f'instance: "{word}": the experiment has none of this name. ')
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(("had", "typed"), [("NFD", "NFC"), ("NFC", "NFD")])
@pytest.mark.parametrize("word", ["x/M\u00fcller[1].cnf", "M\u00fcller[1].cnf", "x/M\u00fcl*", "*\u00fc*"])
def test_a_letter_with_its_mark_is_one_character_or_two(had: Form, typed: Form, word: str) -> None:
    name = unicodedata.normalize(had, "x/M\u00fcller[1].cnf")
    instances = [Instance(0, name, f"/data/{name}"), Instance(1, "x/Muller[1].cnf", "/data/x/Muller[1].cnf")]
    assert choose(instances, unicodedata.normalize(typed, word)) == instances[:1]

"""ASCII for what the program shows, where the terminal has no other characters."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual._border import BORDER_CHARS

import pyalma_tui
from pyalma_tui.model import status_style
from pyalma_tui.model.printable import printable
from pyalma_tui.model.standins import UNKNOWN, stand_in, standing_in

FRONT = [*Path(pyalma_tui.__file__).parent.glob("*.py"), Path(status_style.__file__)]
for room in ("cli", "report", "runner", "tui", "loading", "logs"):
    FRONT += (Path(pyalma_tui.__file__).parent / room).rglob("*.py")


def glyphs() -> Iterator[tuple[str, str]]:
    """Every character beyond ASCII in the texts of the program, and where it stands."""
    for path in FRONT:
        tree = ast.parse(path.read_text("utf-8"))
        docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings:
                yield from ((character, path.name) for character in node.value if character > "\x7f")
    for kind in ("round", "solid", "outer"):
        yield from ((character, kind) for row in BORDER_CHARS[kind] for character in "".join(row) if character > "\x7f")


def test_every_glyph_of_ours_has_a_stand_in_that_is_as_wide() -> None:
    unknown = {(glyph, place) for glyph, place in glyphs() if stand_in(glyph) == UNKNOWN}
    assert not unknown
    for glyph, place in glyphs():
        assert stand_in(glyph).isascii()
        assert cell_len(glyph) == len(stand_in(glyph)), (glyph, place)


@pytest.mark.parametrize(
    ("encoding", "text", "shown"),
    [
        ("latin-1", "✓ ü × é…", "+ ü × é~"),
        ("ascii", "● ‖ ✗ → a\u0301漢🙂\u200bü\ud800", "* = x > a??????"),
        ("utf-8", "✓ü\ud800", "✓ü?"),
        ("cp437", "═ ✓", "═ +"),
    ],
)
def test_what_an_encoding_cannot_carry_is_replaced_cell_by_cell(encoding: str, text: str, shown: str) -> None:
    import codecs

    codecs.register_error("test-stand-in", standing_in)
    assert text.encode(encoding, "test-stand-in").decode(encoding) == shown


def test_what_printable_makes_visible_keeps_its_width() -> None:
    for character in map(chr, range(0x300)):
        shown = printable(character)
        assert cell_len(shown) == sum(len(stand_in(c)) if c > "\x7e" else 1 for c in shown), repr(character)

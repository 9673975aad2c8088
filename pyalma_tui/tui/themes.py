"""The house's own themes; all of Textual's can be chosen as well."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from textual.theme import BUILTIN_THEMES, Theme

from pyalma_tui.errors import UsageError
from pyalma_tui.tui.preferences import Colours

DARK: Final = Theme(
    name="alma-dark",
    primary="#6cb4d9",
    secondary="#8fa3c8",
    accent="#e3b35f",
    warning="#e3b35f",
    error="#ee7d79",
    success="#86c78f",
    foreground="#d8dce4",
    background="#13161c",
    surface="#1a1e26",
    panel="#222731",
    dark=True,
)

LIGHT: Final = Theme(
    name="alma-light",
    primary="#1f6f9c",
    secondary="#4b6391",
    accent="#9a6400",
    warning="#9a6400",
    error="#b3312d",
    success="#2f7a3c",
    foreground="#22262e",
    background="#fbfaf7",
    surface="#f2f0ea",
    panel="#e8e5dd",
    dark=False,
    variables={"foreground-muted": "#555962"},  # three fifths of the foreground, as Textual has it, are hard to read
)

THEMES: Final = (DARK, LIGHT)


def own_themes(themes: Mapping[str, Colours]) -> list[Theme]:
    """The themes that a user has made."""
    return [Theme(name=name, **msgspec.structs.asdict(colours)) for name, colours in themes.items()]


def refuse_unknown(theme: str, own: Iterable[str] = (), where: str = "--theme") -> None:
    """Raise UsageError for a theme that there is not; `own` are those that the user has made, it was named `where`."""
    names = sorted({*BUILTIN_THEMES, *(house.name for house in THEMES), *own})
    if theme not in names:
        near = difflib.get_close_matches(theme, names, 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(f"{where} {theme}: there is no such theme. {hint}There are {', '.join(names)}")

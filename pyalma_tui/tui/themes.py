"""The house's own themes; all of Textual's can be chosen as well."""

from __future__ import annotations

from typing import Final

from textual.theme import Theme

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
)

THEMES: Final = (DARK, LIGHT)

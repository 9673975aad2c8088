"""The formats of an export, and the endings of files that ask for them."""

from __future__ import annotations

from typing import Literal, TypeAlias

Format: TypeAlias = Literal["csv", "json", "md"]
SUFFIXES: dict[str, Format] = {".csv": "csv", ".json": "json", ".md": "md"}

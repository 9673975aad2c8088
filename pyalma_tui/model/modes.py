"""The words that some options take; without msgspec, as the command line needs no more to tell them."""

from __future__ import annotations

from typing import Literal, TypeAlias

Sync: TypeAlias = Literal["flush", "group", "fsync"]
Import: TypeAlias = Literal["once", "each"]

"""What the engine and its bridge say to each other, one JSON object a line; with each Open goes a socket."""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Open(msgspec.Struct, frozen=True, tag="open"):
    """Bring a place to this dask worker; the socket that comes with it is the channel."""

    channel: int
    worker: str


class Close(msgspec.Struct, frozen=True, tag="close"):
    """Let the place end, or never begin."""

    channel: int


class Workers(msgspec.Struct, frozen=True, tag="workers"):
    """The addresses of all dask workers that there are now."""

    addresses: tuple[str, ...]


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """Nothing comes over this channel any more: how it ended, and the last words of what was there."""

    channel: int
    how: str
    said: str = ""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The cluster cannot be used, and the bridge ends."""

    why: str


ToBridge: TypeAlias = Open | Close
FromBridge: TypeAlias = Workers | Ended | Failed

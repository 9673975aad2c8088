"""What the user wants run: a path, or an object with `file`, `data` and `name`."""

from __future__ import annotations

import msgspec

from pyalma_tui.model import jsontext


class Instance(msgspec.Struct, frozen=True, gc=False):
    """One entry of the batch.

    `id` is its place in the experiment, given once and never reused. `name` tells what it is: the path as seen from the
    folder of the experiment, with or instead of it the data of an object. `file` is the absolute path or "". `data` is
    the JSON text of an object's data and None for an instance that was given as a plain string. `occurrence` counts
    equal entries of one batch from 1. `title` is what the user wants to read instead of `name`, "" for nothing. `bare`
    tells that the data was given without an object around it, such as a row of a table: `run` finds it without, too.
    `removed` tells that it is no part of the experiment any more: only its id, and what its seeds come from, is kept.
    """

    id: int
    name: str
    file: str
    data: bytes | None = None
    occurrence: int = 1
    in_batch: bool = True
    title: str = ""
    bare: bool = False
    removed: bool = False

    @property
    def identity(self) -> tuple[str, bytes | None, int]:
        """What makes two entries of two sessions the same instance: content and occurrence, never position or title."""
        return (self.name, self.data, self.occurrence)

    @property
    def label(self) -> str:
        """What people read: the title or else the name, with the occurrence where an entry was repeated."""
        name = self.title or self.name
        return name if self.occurrence == 1 else f"{name} #{self.occurrence}"


def argument(instance: Instance, seed: int | None) -> object:
    """What `run` gets for this instance: a `str`, or a `dict` with `file`, `data`, `id` and `seed`.

    What else `run` may take: pyalma_tui/README.md, "The run module".

    Of bare data the keys stand beside these; an `id` or `seed` among them is the user's then.
    """
    if instance.data is None:
        return instance.file
    data = jsontext.decode(instance.data)
    given = {"file": instance.file, "data": data}
    own = data if instance.bare and isinstance(data, dict) else {}
    return {**given, "id": instance.id, "seed": seed, **own, **given}

"""What the user wants run: a path, or an object with `file`, `data` and `name`."""

from __future__ import annotations

from collections.abc import Sequence
from operator import eq
from typing import overload

import msgspec

from pyalma_tui.model import jsontext
from pyalma_tui.model.names import Names


class Instance(msgspec.Struct, frozen=True, gc=False):
    """One entry of the batch.

    `id` is its place in the experiment, given once and never reused. `name` tells what it is: the path as seen from the
    folder of the experiment, with or instead of it the data of an object. `file` is the absolute path or "". `data` is
    the JSON text of an object's data and None for an instance that was given as a plain string. `occurrence` counts
    equal entries of one batch from 1. `title` is what people read instead of `name`, "" for nothing: what the user has
    called it, numbered where equal entries are called the same. `bare`
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
        return self.title or (self.name if self.occurrence == 1 else f"{self.name} #{self.occurrence}")


class Files(Sequence[Instance]):
    """Instances that are files and nothing else, each once, all in the batch, ids in order: only names are kept.

    A name that does not begin with a slash is seen from `folder`, which ends with one.
    """

    __slots__ = ("folder", "names")

    def __init__(self, names: Sequence[str], folder: str) -> None:
        self.names = names if isinstance(names, Names) else Names(names)
        self.folder = folder

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> Instance: ...
    @overload
    def __getitem__(self, index: slice) -> list[Instance]: ...
    def __getitem__(self, index: int | slice) -> Instance | list[Instance]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self.names)))]
        name = self.names[index]
        return Instance(index if index >= 0 else index + len(self.names), name, self.path(name))

    def path(self, name: str) -> str:
        """The absolute path of the file with this name."""
        return name if name.startswith("/") else self.folder + name

    @property
    def digest(self) -> str:
        """What tells these instances from all others; hashed anew each time."""
        return self.names.digest(self.folder)


def compact(instances: Sequence[Instance]) -> Sequence[Instance]:
    """The same instances, kept as `Files` if they are nothing else."""
    if isinstance(instances, Files):
        return instances
    first = next((each for each in instances if not each.name.startswith("/")), None)
    files = Files([each.name for each in instances], first.file[: -len(first.name) or None] if first else "/")
    alike = files.folder.endswith("/") and len(set(files.names)) == len(files) and all(map(eq, instances, files))
    return files if alike else instances


def all_in_batch(instances: Sequence[Instance]) -> bool:
    """Whether none of them has left the batch."""
    return isinstance(instances, Files) or all(instance.in_batch for instance in instances)


def in_batch(instances: Sequence[Instance]) -> Sequence[Instance]:
    """Those that have not left the batch."""
    return instances if isinstance(instances, Files) else [each for each in instances if each.in_batch]


def equal(some: Sequence[Instance], others: Sequence[Instance]) -> bool:
    """Whether these are the same instances in the same order, equal in all they have."""
    if isinstance(some, Files) and isinstance(others, Files):
        return some.folder == others.folder and some.names == others.names
    return len(some) == len(others) and all(map(eq, some, others))


def remaining_number(instances: Sequence[Instance]) -> int:
    """How many of them were not removed."""
    return len(instances) if isinstance(instances, Files) else sum(not each.removed for each in instances)


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

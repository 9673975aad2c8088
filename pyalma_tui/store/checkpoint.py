"""`db.json`: a TinyDB file that is replaced whole, never written in place.

Plain `TinyDB(path)` opens it at any moment, also after a crash. What came after it is in the journal.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from tinydb.storages import Storage

from pyalma_tui.errors import StoreError
from pyalma_tui.model import jsontext
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.vector import Frozen, Vector
from pyalma_tui.store import layout
from pyalma_tui.store.disk import open_regular, read_regular, refuse_irregular, remove, sync_directory
from pyalma_tui.store.layout import BACKUP, TEMPORARY
from pyalma_tui.store.schema import Meta
from pyalma_tui.store.sealing import CHUNK, sealed

EMPTY = msgspec.Raw(b"{}")

Tables = Mapping[str, Any]
T = TypeVar("T")


class CheckpointStorage(Storage):
    """A TinyDB storage that writes a new file beside the old one and renames it over.

    The order is: temporary file in the same directory, write, fsync, keep the previous one as `db.json.bak`, rename,
    fsync of the directory. A crash between any two steps leaves a whole file under the name.
    """

    def __init__(self, path: str | Path, umask: int | None = None) -> None:
        """`umask` decides the mode of what is written, None for that of the process."""
        super().__init__()
        self.path = Path(path)
        self._umask = umask

    def read(self) -> dict[str, dict[str, Any]] | None:
        """All tables with their documents, None if there is no file; raises StoreError."""
        tables = self.tables()
        return None if tables is None else {name: jsontext.decode(bytes(raw)) for name, raw in tables.items()}

    def tables(self) -> dict[str, msgspec.Raw] | None:
        """The tables, each as JSON text, None if there is no file; raises StoreError."""
        try:
            text = read_regular(self.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self.unreadable(error.strerror or str(error)) from error
        if not text or text.isspace():
            raise self.unreadable("the file is empty")
        try:
            tables: dict[str, msgspec.Raw] = jsontext.decode_as(text, dict[str, msgspec.Raw])
            if not text.isascii():
                text.decode()  # what stays JSON text is not looked at otherwise
        except UnicodeDecodeError as error:
            why = f"not UTF-8: byte 0x{text[error.start]:02X} at offset {error.start}"
            raise self.unreadable(why) from error
        except msgspec.DecodeError as error:
            raise self.unreadable(str(error)) from error
        return tables

    def documents(self, tables: Mapping[str, msgspec.Raw], name: str, kind: type[T]) -> Iterator[tuple[int, T]]:
        """The documents of one table with their numbers, in order; none if it is not there.

        One by one, so that 100,000 documents need not all be there at once beside what is made of them. Raises
        StoreError with the place of what is wrong.
        """
        number: int | None = None
        try:
            raw: dict[int, msgspec.Raw] = jsontext.decode_as(bytes(tables.get(name, EMPTY)), dict[int, msgspec.Raw])
            decode = jsontext.decoder(kind)
            for number in sorted(raw):
                yield number, decode(raw[number])
        except msgspec.DecodeError as error:
            where = f"$.{name}" if number is None else f"$.{name}.{number}"
            why = str(error) if "`$" in str(error) else f"{error} - at `$`"
            raise self.unreadable(why.replace("`$", f"`{where}")) from error

    def write(self, data: Tables) -> None:
        """Replace the file by these tables; raises OSError.

        A table is a mapping of documents by number as TinyDB hands it in, an iterable of such pairs, or JSON text.
        """
        self.replace(_pieces(data))

    def replace(self, pieces: Iterable[bytes]) -> None:
        """Replace the file by this text; raises OSError."""
        temporary = self.path.with_name(self.path.name + TEMPORARY)
        remove(temporary)
        fd = open_regular(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, self._umask)
        try:
            with os.fdopen(fd, "wb") as file:
                file.writelines(pieces)
                file.flush()
                os.fsync(file.fileno())
            self._keep_previous()
            os.replace(temporary, self.path)
        except OSError:
            remove(temporary)
            raise
        sync_directory(self.path.parent)

    def _keep_previous(self) -> None:
        spare = self.path.with_name(BACKUP + TEMPORARY)
        backup = self.path.with_name(BACKUP)
        refuse_irregular(backup)
        remove(spare)
        if not refuse_irregular(self.path):
            return
        try:
            os.link(self.path, spare)  # the old file keeps its name until the new one takes it
        except FileNotFoundError:
            return
        except OSError:  # a file system without links
            self._copy(spare)
        os.replace(spare, backup)
        remove(spare)  # a rename onto another name of the same file does nothing

    def _copy(self, spare: Path) -> None:
        with os.fdopen(open_regular(self.path, os.O_RDONLY), "rb") as source:
            fd = open_regular(spare, os.O_WRONLY | os.O_CREAT | os.O_EXCL, self._umask)
            with os.fdopen(fd, "wb") as copy:
                shutil.copyfileobj(source, copy)

    def unreadable(self, why: str) -> StoreError:
        """The one-line error of a file that cannot be used; it names the backup if there is one."""
        backup = self.path.with_name(BACKUP)
        hint = f"; the one before it is {backup}" if os.path.exists(backup) else ""
        return StoreError(f"store: {self.path}: {why}. Nothing was changed{hint}")


def _pieces(tables: Tables) -> Iterator[bytes]:
    opening = b"{"
    for name, documents in tables.items():
        yield opening + jsontext.encode(name) + b":"
        if isinstance(documents, msgspec.Raw):
            yield bytes(documents)
        else:
            yield from _table(documents.items() if isinstance(documents, Mapping) else documents)
        opening = b",\n"
    yield b"}\n" if tables else b"{}\n"


def _table(documents: Iterable[tuple[int | str, object]]) -> Iterator[bytes]:
    todo = iter(documents)
    opening = b"{"
    while chunk := list(islice(todo, CHUNK)):
        yield opening + b",\n".join([b'"%s":%s' % (str(key).encode(), jsontext.encode(value)) for key, value in chunk])
        opening = b",\n"
    yield b"}" if opening != b"{" else b"{}"


# --- in a state directory ----------------------------------------------------------------------------------------


def storage_of(state_dir: Path, umask: int | None = None) -> CheckpointStorage:
    """The storage of `db.json` in a state directory; `umask` is for what it writes."""
    return CheckpointStorage(layout.database(state_dir), umask)


def stamp(state_dir: Path) -> tuple[int, int] | None:
    """Something else whenever `db.json` was replaced, None while there is none."""
    try:
        found = os.lstat(layout.database(state_dir))
    except FileNotFoundError:
        return None
    return (found.st_ino, found.st_mtime_ns)


class Checkpoint(msgspec.Struct, frozen=True):
    """Everything that `db.json` is to contain, frozen so that another thread can write it."""

    meta: Meta
    instances: Sequence[Instance]
    runs: Sequence[Run]
    foreign: dict[str, msgspec.Raw]


def write_checkpoint(state_dir: Path, checkpoint: Checkpoint, umask: int | None = None) -> None:
    """Write `db.json`, its mode by `umask` or that of the process; raises OSError and leaves the old one."""
    meta = msgspec.structs.replace(checkpoint.meta, written_at=time.time(), state_dir=str(state_dir))
    runs = checkpoint.runs if isinstance(checkpoint.runs, Frozen) else Vector(checkpoint.runs).freeze()
    storage_of(state_dir, umask).replace(sealed(meta, checkpoint.instances, runs, checkpoint.foreign))

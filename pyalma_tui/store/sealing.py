"""The seal of `db.json`: a table behind all others that tells that the file is as we wrote it, and where what stands.

    "seal":{"1":{"meta":[end,crc],"instances":[begin,end],"runs":[begin,end],
                 "blocks":[[bytes,"256d",1769900000.5],…],"files":[folder,digest],"crc":…}}}

`crc` is the CRC-32 of all bytes before the comma in front of it; positions are bytes from the beginning of the file,
those of a table without its braces. `meta` ends at the first and has the second for its own CRC-32. A block has 256
runs, the last one the rest: how many bytes, how its runs stand (`200d56p`: 200 done, 56 pending after them) and when
was saved last; between two blocks stand a comma and a newline, and in a block only between runs. `files` is there if
the instances are files and nothing else.

What does not fit in every point is no seal. Then the file is another's work, and all of it is checked.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from zlib import crc32

import msgspec

from pyalma_tui.model import jsontext
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Files, Instance, remaining_number
from pyalma_tui.model.vector import BITS, MASK, Frozen
from pyalma_tui.store.cold import Cold, cold, is_untouched, packed, unpacked
from pyalma_tui.store.disk import open_regular
from pyalma_tui.store.schema import SCHEMA, SEAL, InstanceDocument, Meta, instance_document, instance_of

CHUNK = 512  # documents encoded at a time: other threads get the interpreter in between
PIECE = 1 << 20  # bytes read at a time
BEGIN = b',\n"seal":{"1":'
LAST = b',"crc":'
END = b"}}}\n"


class Block(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A block of runs."""

    size: int
    words: str
    saved_at: float | None


class Seal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The document of the table."""

    meta: tuple[int, int]
    instances: tuple[int, int]
    runs: tuple[int, int]
    blocks: tuple[Block, ...]
    files: tuple[str, str] | msgspec.UnsetType = msgspec.UNSET
    crc: int | msgspec.UnsetType = msgspec.UNSET


class Sealed(msgspec.Struct, frozen=True):
    """What a file holds; `foreign` are the tables that are not ours, as JSON text."""

    meta: Meta
    instances: Sequence[Instance]
    runs: Sequence[Run]
    foreign: dict[str, msgspec.Raw]


# --- writing -----------------------------------------------------------------------------------------------------


class _Written:
    """Counts and sums what goes by."""

    def __init__(self) -> None:
        self.place = self.crc = 0

    def __call__(self, piece: bytes) -> bytes:
        self.place += len(piece)
        self.crc = crc32(piece, self.crc)
        return piece


def sealed(
    meta: Meta, instances: Sequence[Instance], runs: Frozen[Run], foreign: Mapping[str, msgspec.Raw]
) -> Iterator[bytes]:
    """The text of `db.json`, piece by piece; it has a seal if the runs are where a plan has them."""
    sum_up = _Written()
    yield sum_up(b'{"meta":{"1":%b}' % jsontext.encode(meta))
    head = (sum_up.place, sum_up.crc)
    places: dict[str, tuple[int, int]] = {}
    blocks: list[Block] = []
    for table, lines in (("instances", _instance_lines(instances)), ("runs", _run_lines(runs, instances, blocks))):
        yield sum_up(b',\n"%b":{' % table.encode())
        begin = sum_up.place
        for number, text in enumerate(lines):
            if number:
                yield sum_up(b",\n")
            yield sum_up(text)
        places[table] = (begin, sum_up.place)
        yield sum_up(b"}")
    for name, raw in foreign.items():
        yield sum_up(b",\n%b:%b" % (jsontext.encode(name), raw))
    if SEAL in foreign or not _is_planned(runs, instances):
        yield b"}\n"
        return
    files = (instances.folder, instances.digest) if isinstance(instances, Files) else msgspec.UNSET
    seal = Seal(head, places["instances"], places["runs"], tuple(blocks), files)
    yield sum_up(BEGIN + jsontext.encode(seal)[:-1])
    yield b"%b%d%b" % (LAST, sum_up.crc, END)


def _is_planned(runs: Frozen[Run], instances: Sequence[Instance]) -> bool:
    """Whether run i + 1 is that of instance i modulo their number, and all instances have one and were not removed."""
    count = len(instances)
    if not 0 < count <= len(runs) or remaining_number(instances) < count:
        return False
    return all(
        is_untouched(block)
        or all(run.instance + run.iteration * count == i == run.id - 1 for i, run in enumerate(block, number << BITS))
        for number, block in enumerate(runs.blocks)
    )


def _run_lines(runs: Frozen[Run], instances: Sequence[Instance], blocks: list[Block]) -> Iterator[bytes]:
    for block in runs.blocks:
        written = cold(block, instances)
        blocks.append(Block(len(written.text), packed(written.words), written.saved_at))
        yield written.text


def _instance_lines(instances: Sequence[Instance]) -> Iterator[bytes]:
    encode = jsontext.encode
    for start in range(0, len(instances), CHUNK):
        if isinstance(instances, Files):
            lines = [
                b'"%d":{"name":%b,"file":%b,"data":null,"is_object":false,"occurrence":1,"in_batch":true}'
                % (number, encode(name), encode(instances.path(name)))
                for number, name in enumerate(instances.names[start : start + CHUNK], start + 1)
            ]
        else:
            part = instances[start : start + CHUNK]
            lines = [b'"%d":%b' % (each.id + 1, encode(instance_document(each))) for each in part]
        yield b",\n".join(lines)


# --- reading -----------------------------------------------------------------------------------------------------


def read_sealed(path: Path, today: Sequence[Instance] | None = None) -> Sealed | None:
    """What the file holds, None if it has no seal or not that of its content; raises OSError.

    Nothing of the runs is decoded. `today` are instances that it may be about: then they are not read from it.
    """
    fd = open_regular(path, os.O_RDONLY)
    try:
        found = _seal(fd)
        return None if found is None else _read(fd, *found, today)
    except (msgspec.DecodeError, ValueError):
        return None
    finally:
        os.close(fd)


def is_seal(table: msgspec.Raw) -> bool:
    """Whether a table of this name is ours, whatever it is worth: somebody else's is kept as any other."""
    try:
        jsontext.decode_as(bytes(table), dict[int, Seal])
    except msgspec.DecodeError:
        return False
    return True


def read_sealed_meta(path: Path) -> Meta | None:
    """What the file says of the experiment as a whole, read without the rest; None as for `read_sealed`."""
    fd = open_regular(path, os.O_RDONLY)
    try:
        found = _seal(fd)
        return None if found is None else _meta(_bytes(fd, 0, found[0].meta[0]), found[0])
    except (msgspec.DecodeError, ValueError):
        return None
    finally:
        os.close(fd)


def _seal(fd: int) -> tuple[Seal, int] | None:
    """The seal at the end of a file, and where it begins."""
    size = os.fstat(fd).st_size
    length = min(size, 1 << 14)
    while True:
        text = _bytes(fd, size - length, size)
        if not text.endswith(END):
            return None
        if (begin := text.rfind(BEGIN)) >= 0:
            document = text[begin + len(BEGIN) : -len(END) + 1]
            return jsontext.decode_as(document, Seal), size - length + begin
        if length == size:
            return None
        length = min(size, 4 * length)


def _bytes(fd: int, begin: int, end: int) -> bytes:
    """The bytes between two places of a file; raises ValueError if they are not there."""
    parts: list[bytes] = []
    if not 0 <= begin <= end:
        raise ValueError("no such place")
    while begin < end:
        part = os.pread(fd, end - begin, begin)
        if not part:
            raise ValueError("the file has been cut")
        parts.append(part)
        begin += len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


class _Head(msgspec.Struct):
    meta: dict[int, Meta]


def _meta(text: bytes, seal: Seal) -> Meta | None:
    if crc32(text) != seal.meta[1]:
        return None
    head: _Head = jsontext.decode_as(text + b"}", _Head)
    meta = head.meta.get(1)
    return meta if meta is not None and meta.schema == SCHEMA else None


def _read(fd: int, seal: Seal, seal_begin: int, today: Sequence[Instance] | None) -> Sealed | None:
    head = _bytes(fd, 0, seal.instances[0])
    meta = _meta(head[: seal.meta[0]], seal)
    if meta is None:
        return None
    sum_up = _Written()
    sum_up(head)
    instances = _instances(map(sum_up, _pieces(fd, *seal.instances)), seal, today)
    sum_up(_bytes(fd, seal.instances[1], seal.runs[0]))
    runs = _runs(fd, seal, sum_up)
    rest = sum_up(_bytes(fd, seal.runs[1], seal_begin))
    told = _bytes(fd, seal_begin, os.fstat(fd).st_size)
    sum_up(told[: told.rfind(LAST)])
    count = len(instances)
    if runs is None or sum_up.crc != seal.crc or not 0 < count <= len(runs):
        return None
    tables: dict[str, msgspec.Raw] = jsontext.decode_as(b'{"runs":{%b}' % rest, dict[str, msgspec.Raw])
    foreign = {name: raw.copy() for name, raw in tables.items() if name != "runs"}
    return Sealed(meta, instances, runs, foreign)


def _pieces(fd: int, begin: int, end: int) -> Iterator[bytes]:
    for place in range(begin, end, PIECE):
        yield _bytes(fd, place, min(place + PIECE, end))


class _Named(msgspec.Struct, gc=False):
    name: str


def _instances(pieces: Iterable[bytes], seal: Seal, today: Sequence[Instance] | None) -> Sequence[Instance]:
    """The instances in the text of their table, of which all pieces are taken."""
    if not seal.files:
        documents: dict[int, InstanceDocument] = jsontext.decode_as(
            b"{%b}" % b"".join(pieces), dict[int, InstanceDocument]
        )
        return [instance_of(*each) for each in documents.items()]
    folder, digest = seal.files
    if isinstance(today, Files) and today.folder == folder and today.digest == digest:
        for _ in pieces:
            pass
        return today
    names: list[str] = []
    left = b""
    for piece in pieces:
        whole, _, left = (left + piece).rpartition(b",\n")
        names += _names(whole)
    names += _names(left)
    return Files(names, folder)


def _names(lines: bytes) -> list[str]:
    documents: dict[int, _Named] = jsontext.decode_as(b"{%b}" % lines, dict[int, _Named])
    return [each.name for each in documents.values()]


def _runs(fd: int, seal: Seal, sum_up: _Written) -> Frozen[Run] | None:
    """The runs, a block each; None if they are not where the seal has them."""
    blocks: list[Sequence[Run]] = []
    place = seal.runs[0]
    for number, told in enumerate(seal.blocks):
        first = (number << BITS) + 1
        words = unpacked(told.words)
        whole = len(words) == MASK + 1 or (number == len(seal.blocks) - 1 and 0 < len(words) <= MASK)
        if number:
            if sum_up(_bytes(fd, place, place + 2)) != b",\n":
                return None
            place += 2
        text = sum_up(_bytes(fd, place, place + told.size))
        place += told.size
        last = b'"%d":{' % (first + len(words) - 1)
        begins = text.startswith(last if len(words) == 1 else b'"%d":{' % first) and text.endswith(b"}")
        if not (whole and begins and text.startswith(last, text.rfind(b"\n") + 1)):
            return None
        blocks.append(Cold(text, first, words, told.saved_at))
    return Frozen(tuple(blocks), sum(map(len, blocks))) if place == seal.runs[1] else None

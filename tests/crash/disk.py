"""A disk that remembers: every change below one folder, in order, and every state that a crash may leave of it.

The functions of `os` that the store uses are wrapped. They do what they always do, on a real folder, and write down
what they did. From these events come the states after a kill (all that was done, the last write torn) and after a
power cut (what was not synced may be missing, in any combination that POSIX allows).
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, TypeAlias

SECTOR = 512
LONG = 750  # bytes of a write: more than our longest record
ALL_UP_TO = 5  # pending changes of which every combination is tried
SAMPLES = 16  # combinations tried where there are more


# --- what happened -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Create:
    """A file got a name in a directory, by being made or linked."""

    directory: str
    name: str
    inode: int


@dataclass(frozen=True)
class MakeDirectory:
    directory: str
    name: str


@dataclass(frozen=True)
class Rename:
    directory: str
    old: str
    new: str
    inode: int


@dataclass(frozen=True)
class Unlink:
    directory: str
    name: str


@dataclass(frozen=True)
class Write:
    inode: int
    offset: int
    data: bytes


@dataclass(frozen=True)
class Truncate:
    inode: int
    size: int


@dataclass(frozen=True)
class Allocate:
    """Zeros were put at the end of a file until it had this size."""

    inode: int
    size: int


@dataclass(frozen=True)
class Sync:
    """fsync or fdatasync of a file; `done` is False where it failed, and then the kernel may drop the pages."""

    inode: int
    done: bool = True


@dataclass(frozen=True)
class SyncDirectory:
    directory: str
    done: bool = True


@dataclass(frozen=True)
class Mark:
    """Something that the workload wants to remember at this moment."""

    text: str


NameEvent: TypeAlias = Create | MakeDirectory | Rename | Unlink
DataEvent: TypeAlias = Write | Truncate | Allocate
Event: TypeAlias = NameEvent | DataEvent | Sync | SyncDirectory | Mark
Files: TypeAlias = tuple[tuple[str, bytes | None], ...]  # path → content, None for a directory


# --- writing it down ---------------------------------------------------------------------------------------------


@dataclass
class Fault:
    """The call that fails: its number, the error, and whether all after it fail too. `short` writes half instead."""

    at: int
    error: int = errno.EIO
    short: bool = False
    lasting: bool = False


FAILING = frozenset(
    {
        "open", "write", "close", "dup", "fcntl", "fsync", "fdatasync", "ftruncate", "replace", "link", "unlink",
        "mkdir", "preadv", "listdir", "posix_fallocate",
    }
)  # fmt: skip


READING = frozenset({"preadv", "listdir", "close", "dup", "fcntl"})  # no disk is too full for it


class Disk:
    """Wraps `os` while it is entered; `events` is what happened below `base`."""

    def __init__(self, base: Path, fault: Fault | None = None) -> None:
        self.base = base
        self.events: list[Event] = []
        self.calls: list[str] = []
        self.fault = fault
        self.hit = ""
        self._hooks: list[tuple[Callable[[Event], bool], Callable[[], None]]] = []
        self._names: dict[str, int] = {}
        self._sizes: dict[int, int] = {}
        self._open: dict[int, int | str] = {}  # descriptor → inode, or the directory's path
        self._real: dict[str, Any] = {}

    def when(self, happens: Callable[[Event], bool], do: Callable[[], None]) -> None:
        """Do something once, as soon as such an event has happened: others act in the middle of a step."""
        self._hooks.append((happens, do))

    def mark(self, text: str) -> int:
        """Remember this moment; the number of events before it."""
        self._note(Mark(text))
        return len(self.events) - 1

    def __enter__(self) -> Disk:
        names = (
            "open", "write", "close", "dup", "fsync", "fdatasync", "ftruncate", "replace", "rename", "link", "unlink",
            "mkdir", "fdopen", "preadv", "listdir", "posix_fallocate",
        )  # fmt: skip
        for name in names:
            self._real[name] = getattr(os, name)
            setattr(os, name, getattr(self, f"_{name}_"))
        self._real["fcntl"] = fcntl.fcntl
        fcntl.fcntl = self._fcntl_
        return self

    def __exit__(self, *_: object) -> None:
        fcntl.fcntl = self._real.pop("fcntl")
        for name, function in self._real.items():
            setattr(os, name, function)

    def _note(self, event: Event) -> None:
        self.events.append(event)
        for hook in list(self._hooks):
            happens, do = hook
            if happens(event) and hook in self._hooks:
                self._hooks.remove(hook)
                do()

    def _path(self, path: object) -> str | None:
        text = os.fspath(path) if isinstance(path, str | os.PathLike) else ""
        start = f"{self.base}/"
        if text == str(self.base):
            return ""
        if not isinstance(text, str) or not text.startswith(start):
            return None
        inside = text[len(start) :]
        return None if inside.endswith(("/lock", "/session.log")) else inside

    def _call(self, name: str, what: str) -> bool:
        """Count a call; raises if it is the one to fail, True if it is to write half only."""
        self.calls.append(f"{name} {what}")
        fault = self.fault
        full = fault is not None and fault.error == errno.ENOSPC and not fault.short
        if fault is None or name not in FAILING or (full and name in READING):
            return False
        number = len(self.calls)
        if number == fault.at or (fault.lasting and number > fault.at):
            self.hit = self.hit or self.calls[-1]
            if fault.short:
                return name == "write"
            raise OSError(fault.error, os.strerror(fault.error), what)
        return False

    def _open_(self, path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        inside = self._path(path)
        if inside is None:
            return self._real["open"](path, flags, *args, **kwargs)  # type: ignore[no-any-return]
        self._call("open", inside)
        fd: int = self._real["open"](path, flags, *args, **kwargs)
        if flags & os.O_DIRECTORY:
            self._open[fd] = inside
            return fd
        if flags & os.O_CREAT and inside not in self._names:
            inode = len(self._sizes) + 1
            self._names[inside] = inode
            self._sizes[inode] = 0
            self._open[fd] = inode
            self._note(Create(*_split(inside), inode))
        self._open[fd] = self._names.get(inside, 0)
        return fd

    def _write_(self, fd: int, data: Any) -> int:
        inode = self._open.get(fd)
        if not isinstance(inode, int):
            return self._real["write"](fd, data)  # type: ignore[no-any-return]
        text = bytes(data)
        if self._call("write", self._name_of(inode)):
            text = text[: len(text) // 2]
        written: int = self._real["write"](fd, text)
        offset = os.lseek(fd, 0, os.SEEK_CUR) - written
        self._sizes[inode] = max(self._sizes[inode], offset + written)
        self._note(Write(inode, offset, text[:written]))
        return written

    def _posix_fallocate_(self, fd: int, offset: int, length: int) -> None:
        inode = self._open.get(fd)
        if isinstance(inode, int):
            self._call("posix_fallocate", self._name_of(inode))
        self._real["posix_fallocate"](fd, offset, length)
        if isinstance(inode, int):
            self._sizes[inode] = max(self._sizes[inode], offset + length)
            self._note(Allocate(inode, self._sizes[inode]))

    def _close_(self, fd: int) -> None:
        known = self._open.pop(fd, None)
        self._real["close"](fd)
        if known is not None:
            self._call("close", self._name_of(known))

    def _dup_(self, fd: int) -> int:
        if fd in self._open:
            self._call("dup", self._name_of(self._open[fd]))
        new: int = self._real["dup"](fd)
        if fd in self._open:
            self._open[new] = self._open[fd]
        return new

    def _fcntl_(self, fd: Any, command: int, argument: Any = 0) -> Any:
        known = fd in self._open and command == fcntl.F_DUPFD_CLOEXEC
        if known:
            self._call("fcntl", self._name_of(self._open[fd]))
        result = self._real["fcntl"](fd, command, argument)
        if known:
            self._open[result] = self._open[fd]
        return result

    def _fsync_(self, fd: int) -> None:
        self._sync("fsync", fd)

    def _fdatasync_(self, fd: int) -> None:
        self._sync("fdatasync", fd)

    def _sync(self, name: str, fd: int) -> None:
        known = self._open.get(fd)
        if known is None:
            self._real[name](fd)
            return
        kind: Callable[[Any, bool], Event] = SyncDirectory if isinstance(known, str) else Sync
        try:
            self._call(name, self._name_of(known))
        except OSError:
            self._note(kind(known, False))
            raise
        self._note(kind(known, True))  # nothing is really synced: the states are made from the events

    def _ftruncate_(self, fd: int, size: int) -> None:
        inode = self._open.get(fd)
        if isinstance(inode, int):
            self._call("ftruncate", self._name_of(inode))
        self._real["ftruncate"](fd, size)
        if isinstance(inode, int):
            self._sizes[inode] = size
            self._note(Truncate(inode, size))

    def _replace_(self, old: Any, new: Any) -> None:
        before, after = self._path(old), self._path(new)
        if before is None or after is None:
            self._real["replace"](old, new)
            return
        self._call("replace", after)
        if before not in self._names:  # made by other means than `os.open`
            content = Path(old).read_bytes()
            inode = self._names[before] = len(self._sizes) + 1
            self._sizes[inode] = len(content)
            self._note(Create(*_split(before), inode))
            self._note(Write(inode, 0, content))
        self._real["replace"](old, new)
        if self._names[before] == self._names.get(after):
            return  # two names of one file: POSIX says that nothing happens
        self._names[after] = self._names.pop(before)
        self._note(Rename(*_split(before), _split(after)[1], self._names[after]))

    def _rename_(self, old: Any, new: Any) -> None:
        self._replace_(old, new)

    def _link_(self, old: Any, new: Any, **kwargs: Any) -> None:
        before, after = self._path(old), self._path(new)
        if before is not None:
            self._call("link", before)
        self._real["link"](old, new, **kwargs)
        if before is not None and after is not None:
            self._names[after] = self._names[before]
            self._note(Create(*_split(after), self._names[after]))

    def _unlink_(self, path: Any, **kwargs: Any) -> None:
        inside = self._path(path)
        if inside is not None:
            self._call("unlink", inside)
        self._real["unlink"](path, **kwargs)
        if inside is not None:
            self._names.pop(inside, None)
            self._note(Unlink(*_split(inside)))

    def _mkdir_(self, path: Any, *args: Any, **kwargs: Any) -> None:
        inside = self._path(path)
        if inside is not None:
            self._call("mkdir", inside)
        self._real["mkdir"](path, *args, **kwargs)
        if inside is not None:
            self._note(MakeDirectory(*_split(inside)))

    def _fdopen_(self, fd: int, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if mode == "wb" and fd in self._open:
            return io.BufferedWriter(_Raw(fd))
        if mode == "rb" and fd in self._open:
            self._open.pop(fd)  # read to the end at once, and closed behind our back
        return self._real["fdopen"](fd, mode, *args, **kwargs)

    def _preadv_(self, fd: int, buffers: Any, offset: int, *args: Any) -> int:
        known = self._open.get(fd)
        if known is not None:
            self._call("preadv", self._name_of(known))
        return self._real["preadv"](fd, buffers, offset, *args)  # type: ignore[no-any-return]

    def _listdir_(self, path: Any = ".") -> Any:
        inside = self._path(path)
        if inside is not None:
            self._call("listdir", inside)
        return self._real["listdir"](path)

    def _name_of(self, known: int | str) -> str:
        if isinstance(known, str):
            return known
        return next((name for name, inode in self._names.items() if inode == known), "(unlinked)")


class _Raw(io.RawIOBase):
    """A file whose writes pass through `os.write`, which those of the standard library do not."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd

    def write(self, data: Any) -> int:
        return os.write(self._fd, data)

    def close(self) -> None:
        if not self.closed:
            super().close()
            os.close(self._fd)


def _split(path: str) -> tuple[str, str]:
    directory, _, name = path.rpartition("/")
    return directory, name


# --- what a crash leaves -----------------------------------------------------------------------------------------


def killed(events: list[Event]) -> Iterator[tuple[int, Files]]:
    """The states after a kill -9: (events that had happened, files). Every write is also torn.

    It is torn at its ends and at each third byte in between, in each write at other ones: of each kind of record there
    are so many that each of its bytes is met.
    """
    names: dict[str, int | None] = {}
    contents: dict[int, bytearray] = {}
    yield 0, ()
    for number, event in enumerate(events):
        if isinstance(event, Write):
            before = bytes(contents[event.inode])
            for length in _torn_at(len(event.data), number):
                contents[event.inode][:] = _written(before, event.offset, event.data[:length])
                yield number, _files(names, contents)
            contents[event.inode][:] = before
        _apply(event, names, contents)
        yield number + 1, _files(names, contents)


def _torn_at(length: int, number: int) -> Iterator[int]:
    """How much is there of a record; of a long text, which is a checkpoint's temporary file, there are fewer."""
    step = length // 12 if length > LONG else 3
    ends = min(8, length // 2)
    yield from range(1, ends)
    yield from range(ends + number % step, length - ends, step)
    yield from range(length - ends, length)


def _apply(event: Event, names: dict[str, int | None], contents: dict[int, bytearray]) -> None:
    match event:
        case Write(inode, offset, data):
            contents[inode][:] = _written(bytes(contents[inode]), offset, data)
        case Truncate(inode, size):
            contents[inode][:] = bytes(contents[inode][:size]).ljust(size, b"\0")
        case Allocate(inode, size):
            contents[inode][:] = bytes(contents[inode]).ljust(size, b"\0")
        case Create(directory, name, inode):
            names[f"{directory}/{name}"] = inode
            contents.setdefault(inode, bytearray())
        case MakeDirectory(directory, name):
            names[f"{directory}/{name}".lstrip("/")] = None
        case Rename(directory, old, new, inode):
            names.pop(f"{directory}/{old}", None)
            names[f"{directory}/{new}"] = inode
        case Unlink(directory, name):
            names.pop(f"{directory}/{name}", None)


def _written(content: bytes, offset: int, data: bytes) -> bytes:
    return content[:offset].ljust(offset, b"\0") + data + content[offset + len(data) :]


def _files(names: dict[str, int | None], contents: dict[int, bytearray]) -> Files:
    there = {path for path, inode in names.items() if inode is None}
    return tuple(
        (path, None if inode is None else bytes(contents[inode]))
        for path, inode in sorted(names.items())
        if all(parent in there for parent in _parents(path))
    )


def _parents(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: i + 1]) for i in range(len(parts))]


@dataclass
class _Pending:
    """Changes of one file or directory since it was empty; `durable[i]` tells whether the i-th must be there."""

    changes: list[Event] = field(default_factory=list)
    durable: list[bool] = field(default_factory=list)
    doomed: set[int] = field(default_factory=set)  # not on the disk whatever a later sync says

    def add(self, event: Event) -> None:
        self.changes.append(event)
        self.durable.append(False)

    def sync(self, done: bool) -> None:
        for i in range(len(self.changes)):
            if done and i not in self.doomed:
                self.durable[i] = True
            elif not done and not self.durable[i]:
                self.doomed.add(i)

    def open(self) -> list[int]:
        return [i for i, durable in enumerate(self.durable) if not durable]


def power_cut(events: list[Event], seed: int, share: float = 1.0) -> Iterator[tuple[int, Files]]:
    """States after a power cut at this share of all moments: (events that had happened, files). Same for a seed.

    Of what was not synced anything may be missing: each write and each change of a name for itself; a write may also be
    there in part, with a sector of zeros, or with a sector of something older (it was allocated but not written).
    """
    rng = random.Random(seed)
    pending: dict[int | str, _Pending] = {}
    for number, event in enumerate(events, start=1):
        match event:
            case Sync(key, done) | SyncDirectory(key, done):
                pending.setdefault(key, _Pending()).sync(done)
            case Write(inode=key) | Truncate(inode=key) | Allocate(inode=key):
                pending.setdefault(key, _Pending()).add(event)
            case Create(directory=key) | MakeDirectory(directory=key) | Rename(directory=key) | Unlink(directory=key):
                pending.setdefault(key, _Pending()).add(event)
            case _:
                pass
        if rng.random() > share or (isinstance(event, Mark) and isinstance(events[min(number, len(events) - 1)], Mark)):
            continue
        for choice in _choices(pending, rng):
            yield number, _remains(pending, choice)


Choice: TypeAlias = dict[tuple[int | str, int], Event]  # what is there of the changes that were not synced


def _choices(pending: dict[int | str, _Pending], rng: random.Random) -> Iterator[Choice]:
    loose = [(key, i) for key, changes in pending.items() for i in changes.open()]
    whole: Choice = {(key, i): pending[key].changes[i] for key, i in loose}
    if len(loose) <= ALL_UP_TO:
        patterns = list(product((False, True), repeat=len(loose)))
    else:
        patterns = [
            tuple(rng.random() < share for _ in loose) for share in (0.2, 0.5, 0.8) for _ in range(SAMPLES // 3)
        ]
        patterns += [tuple(i != missing for i in range(len(loose))) for missing in range(len(loose))]
        patterns += [tuple(i == present for i in range(len(loose))) for present in range(len(loose))]
        patterns += [(True,) * len(loose), (False,) * len(loose)]
    for pattern in patterns:
        yield {place: whole[place] for place, there in zip(loose, pattern, strict=True) if there}
    for place in loose:
        change = whole[place]
        if isinstance(change, Write) and change.data:
            for part in _in_part(change, rng):
                others = {p: c for p, c in whole.items() if rng.random() < 0.5}
                yield {**others, place: part}


def _in_part(write: Write, rng: random.Random) -> Iterator[Write]:
    data = write.data
    yield Write(write.inode, write.offset, data[: rng.randrange(len(data))])
    yield Write(write.inode, write.offset, bytes(len(data)))
    first = rng.randrange(write.offset // SECTOR, (write.offset + len(data) - 1) // SECTOR + 1) * SECTOR
    low, high = max(0, first - write.offset), min(len(data), first + SECTOR - write.offset)
    yield Write(write.inode, write.offset, data[:low] + bytes(high - low) + data[high:])
    older = bytes(rng.choice(b"0123456789abcdef") for _ in range(high - low))  # of some other file, long removed
    yield Write(write.inode, write.offset, data[:low] + older + data[high:])


def _remains(pending: dict[int | str, _Pending], choice: Choice) -> Files:
    names: dict[str, int | None] = {}
    contents: dict[int, bytearray] = {}
    for key, changes in pending.items():
        if isinstance(key, int):
            contents.setdefault(key, bytearray())
        for i, change in enumerate(changes.changes):
            if changes.durable[i]:
                _apply(change, names, contents)
            elif (key, i) in choice:
                _apply(choice[key, i], names, contents)
    return _files(names, contents)


def lay_out(files: Files, folder: Path, before: Files = ()) -> None:
    """Make a folder hold exactly these files; `before` is what it holds now."""
    old, new = dict(before), dict(files)
    for path in sorted(old.keys() - new.keys(), reverse=True):
        if old[path] is None:
            (folder / path).rmdir()
        else:
            (folder / path).unlink()
    for path, content in files:
        if content is None:
            if path not in old:
                (folder / path).mkdir()
        elif path not in old or old[path] != content:
            (folder / path).write_bytes(content)

"""When the disk refuses: no acknowledged line is lost, no torn line stays, and append says so (C34, F72)."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from pyalma_tui.model.records import Saved
from pyalma_tui.store import disk, segment
from pyalma_tui.store.disk import is_at
from pyalma_tui.store.layout import next_segment
from pyalma_tui.store.segment import SegmentWriter
from tests.store.test_segment import NAME, every_line, saved


class Faulty:
    """`os` for the segment: calls of one function go wrong as told, one after the other."""

    def __init__(self, function: str, *answers: Callable[..., Any] | OSError | None) -> None:
        self._function = function
        self._answers = list(answers)

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name != self._function:
            return real

        def call(*args: Any, **kwargs: Any) -> Any:
            answer = self._answers.pop(0) if self._answers else None
            if isinstance(answer, OSError):
                raise answer
            return (answer or real)(*args, **kwargs)

        return call


def fail(code: int) -> OSError:
    return OSError(code, os.strerror(code))


def short(fd: int, data: bytes) -> int:
    return os.write(fd, data[: len(data) // 2])


def numbers(directory: Path) -> list[int]:
    found = []
    for path in sorted(directory.iterdir()):
        data = path.read_bytes().rstrip(b"\0")  # allocated ahead
        assert data == b"" or data.endswith(b"\n"), f"{path.name} has a torn line"
        lines = every_line(data)
        assert len(lines) == data.count(b"\n"), f"{path.name} has a damaged line"
        found += [record.number for record in lines if isinstance(record, Saved)]
    return found


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
@pytest.mark.parametrize("synced", [False, True])
def test_f72_a_line_that_is_refused_raises_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, synced: bool
) -> None:
    writer = SegmentWriter(tmp_path, NAME, synced=synced, ahead=synced)
    writer.append(saved(1, 1))
    monkeypatch.setattr(segment, "os", Faulty("write", fail(code)))
    with pytest.raises(OSError, match=os.strerror(code)):
        writer.append(saved(1, 2))
    writer.append(saved(1, 3))
    assert numbers(tmp_path) == [1, 3]
    writer.trim()
    assert writer.position == (tmp_path / NAME).stat().st_size
    writer.close()


def test_f72_a_short_write_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = SegmentWriter(tmp_path, NAME)
    monkeypatch.setattr(segment, "os", Faulty("write", short))
    writer.append(saved(1, 1))
    writer.append(saved(1, 2))
    assert numbers(tmp_path) == [1, 2]
    writer.close()


@pytest.mark.parametrize("then", [short, fail(errno.ENOSPC)], ids=["short again", "refused"])
def test_f72_a_short_write_that_cannot_be_completed_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: Any
) -> None:
    writer = SegmentWriter(tmp_path, NAME)
    writer.append(saved(1, 1))
    monkeypatch.setattr(segment, "os", Faulty("write", short, then))
    with pytest.raises(OSError, match="No space"):
        writer.append(saved(1, 2))
    assert numbers(tmp_path) == [1]
    writer.append(saved(1, 3))
    assert numbers(tmp_path) == [1, 3]
    writer.close()


def test_a_torn_line_that_cannot_be_cut_off_is_cut_off_before_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SegmentWriter(tmp_path, NAME)
    writer.append(saved(1, 1))
    cut = writer._cut_back
    monkeypatch.setattr(segment, "os", Faulty("write", short, fail(errno.EIO)))
    monkeypatch.setattr(writer, "_cut_back", lambda: os.ftruncate(-1, 0))
    with pytest.raises(OSError, match="Bad file"):
        writer.append(saved(1, 2))
    with pytest.raises(OSError, match="Bad file"):
        writer.append(saved(1, 3))
    monkeypatch.setattr(writer, "_cut_back", cut)
    writer.append(saved(1, 4))
    assert numbers(tmp_path) == [1, 4]
    writer.close()


@pytest.mark.parametrize("before", [True, False], ids=["before the write", "after the write"])
def test_c36_a_signal_handler_that_raises_in_the_middle_leaves_whole_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    writer = SegmentWriter(tmp_path, NAME)
    writer.append(saved(1, 1))

    def interrupted(fd: int, data: bytes) -> int:
        if not before:
            os.write(fd, data)
        raise KeyboardInterrupt

    monkeypatch.setattr(segment, "os", Faulty("write", interrupted, None, fail(errno.ENOSPC)))
    with pytest.raises(KeyboardInterrupt):
        writer.append(saved(1, 2))
    writer.append(saved(1, 3))
    with pytest.raises(OSError, match="No space"):  # what is cut back must not be a line that was acknowledged
        writer.append(saved(1, 4))
    assert numbers(tmp_path) == ([1, 3] if before else [1, 2, 3])
    writer.close()


def test_c36_a_signal_handler_that_raises_after_a_short_write_does_not_spoil_the_next_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SegmentWriter(tmp_path, NAME)

    def interrupted(fd: int, data: bytes) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(segment, "os", Faulty("write", short, interrupted))
    with pytest.raises(KeyboardInterrupt):
        writer.append(saved(1, 1))
    writer.append(saved(1, 2))
    assert numbers(tmp_path) == [2]
    writer.close()


@pytest.mark.parametrize("raises", [True, False], ids=["raises", "appends"])
@pytest.mark.parametrize(
    ("function", "call"), [("open", 0), ("open", 1), ("close", 0), ("close", 1), ("fsync", 0), ("close", 2)]
)
def test_c36_a_signal_handler_that_raises_or_appends_while_a_segment_begins_loses_no_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str, call: int, raises: bool
) -> None:
    """Readers go on to the next segment when it exists: what is appended to the one before is not seen any more."""
    writer = SegmentWriter(tmp_path, NAME)
    writer.append(saved(1, 1))

    def interrupted(*args: Any, **names: Any) -> Any:
        answer = getattr(os, function)(*args, **names)
        if raises:
            raise TimeoutError  # what handlers of SIGALRM like to raise, which is an OSError
        writer.rotate()
        writer.append(saved(1, 2))
        return answer

    faulty = Faulty(function, *[None] * call, interrupted)
    monkeypatch.setattr(segment, "os", faulty)
    monkeypatch.setattr(disk, "os", faulty)
    with pytest.raises(TimeoutError) if raises else nullcontext():
        writer.rotate()
    assert not faulty._answers, "it has happened"
    writer.append(saved(1, 3))
    last = max(path.name for path in tmp_path.iterdir())
    assert writer.name == last
    assert is_at(tmp_path / last, writer.fd)
    assert numbers(tmp_path) == ([1, 3] if raises else [1, 2, 3])
    writer.close()


def test_after_a_failed_sync_the_line_goes_into_a_new_segment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = SegmentWriter(tmp_path, NAME, synced=True, ahead=True)
    writer.append(saved(1, 1))
    monkeypatch.setattr(disk, "os", Faulty("fdatasync", fail(errno.EIO)))
    writer.append(saved(1, 2))
    assert writer.name == next_segment(NAME)
    assert numbers(tmp_path) == [1, 2, 2]
    assert [r.number for r in every_line((tmp_path / writer.name).read_bytes()) if isinstance(r, Saved)] == [2]
    writer.close()


def test_a_disk_that_refuses_every_sync_is_never_believed_and_no_file_is_synced_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SegmentWriter(tmp_path, NAME, synced=True, ahead=True)
    synced: list[int] = []

    def sync(fd: int) -> None:
        synced.append(os.fstat(fd).st_ino)
        raise fail(errno.EIO)

    monkeypatch.setattr(segment, "sync_data", sync)
    for number in range(1, 4):
        with pytest.raises(OSError, match="Input/output"):
            writer.append(saved(1, number))
    assert len(synced) == len(set(synced)) == 6
    writer.close()


def test_a_full_disk_that_takes_no_new_file_takes_lines_into_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SegmentWriter(tmp_path, NAME, limit=10)
    writer.append(saved(1, 1))
    monkeypatch.setattr(segment, "os", Faulty("open", None, fail(errno.ENOSPC)))
    writer.append(saved(1, 2))
    assert (writer.name, numbers(tmp_path)) == (NAME, [1, 2])
    writer.append(saved(1, 3))
    assert (writer.name, numbers(tmp_path)) == (next_segment(NAME), [1, 2, 3])
    writer.close()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_once_the_next_segment_has_a_name_nothing_is_added_to_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Readers let go of the old one then: what is added to it would be lost."""
    writer = SegmentWriter(tmp_path, NAME, limit=10)
    writer.append(saved(1, 1))
    monkeypatch.setattr(segment, "os", Faulty("fsync", fail(code)))  # of the directory, when the file is there
    with pytest.raises(OSError, match=os.strerror(code)):
        writer.append(saved(1, 2))
    assert (tmp_path / next_segment(NAME)).exists()
    writer.append(saved(1, 3))
    writer.append(saved(1, 4))
    assert every_line((tmp_path / NAME).read_bytes()) == every_line(saved(1, 1))
    assert numbers(tmp_path) == [1, 3, 4]
    writer.close()


def test_a_segment_that_cannot_be_begun_leaves_no_open_descriptor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = len(os.listdir("/dev/fd"))
    monkeypatch.setattr(segment, "os", Faulty("fsync", fail(errno.EIO)))
    with pytest.raises(OSError, match="Input/output"):
        SegmentWriter(tmp_path, NAME)
    assert len(os.listdir("/dev/fd")) == before


FEW = """
import os, resource, sys
from pathlib import Path
from pyalma_tui.store.segment import SegmentWriter, saved_line, saved_prefix
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
writer = SegmentWriter(Path(sys.argv[1]), "000001-w0001-0001.jsonl")
writer.append(saved_line(saved_prefix(1, 1), 1, 0, b'"x"'))
writer.rotate()
writer.append(saved_line(saved_prefix(1, 1), 2, 0, b'"x"'))
print(writer.fd)
"""


def test_a_small_limit_of_descriptors_is_no_hindrance(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", FEW, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(result.stdout) < 64
    assert numbers(tmp_path) == [1, 2]


FULL = """
import errno, resource, signal, sys
from pathlib import Path
from pyalma_tui.store.segment import SegmentWriter, saved_line, saved_prefix
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
synced = sys.argv[2] == "synced"
writer = SegmentWriter(Path(sys.argv[1]), "000001-w0001-0001.jsonl", synced=synced, ahead=synced)
number = 0
try:
    while True:
        writer.append(saved_line(saved_prefix(1, 1), number + 1, 0, b'"' + b"x" * 50 + b'"'))
        number += 1
except OSError as error:
    again = []
    for _ in range(3):
        try:
            writer.append(saved_line(saved_prefix(1, 1), number + 1, 0, b'"' + b"x" * 50 + b'"'))
        except OSError as failure:
            again.append(failure.errno)
    print(number, error.errno, *again)
"""


@pytest.mark.parametrize("mode", ["synced", "flushed"])
def test_f72_a_real_limit_of_the_kernel_keeps_every_acknowledged_line_and_refuses_the_rest(
    tmp_path: Path, mode: str
) -> None:
    result = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path), mode], capture_output=True, text=True, check=True, timeout=60
    )
    acknowledged, *errors = map(int, result.stdout.split())
    assert errors == [errno.EFBIG] * 4  # the errno of this limit; a full disk says ENOSPC
    assert acknowledged > 5
    assert numbers(tmp_path) == list(range(1, acknowledged + 1))


@pytest.mark.skipif(not os.access("/dev/full", os.W_OK), reason="there is no /dev/full")
def test_f72_a_real_full_device_refuses_with_enospc(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, NAME)
    writer.append(saved(1, 1))
    os.dup2(full := os.open("/dev/full", os.O_WRONLY), writer.fd)
    os.close(full)
    device = os.fstat(writer.fd)
    writer._identity = (device.st_dev, device.st_ino)  # else it would not be taken for the segment at all
    with pytest.raises(OSError, match=r"No space|Invalid"):
        writer.append(saved(1, 2))
    writer.close()
    assert numbers(tmp_path) == [1]


HALF = """
import os, signal, sys
from pathlib import Path
from pyalma_tui.store.segment import SegmentWriter, saved_line, saved_prefix
writer = SegmentWriter(Path(sys.argv[1]), "000001-w0001-0001.jsonl")
for number in range(1, 10_000_000):
    writer.append(saved_line(saved_prefix(1, 1), number, 0, b'"x"'))
    if number % 1000 == 0:
        os.write(1, b"%d\\n" % number)
"""


def test_f70_what_a_killed_writer_acknowledged_is_there(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HALF, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(5)]
        process.send_signal(signal.SIGKILL)
        told += [int(line) for line in process.stdout]
    data = (tmp_path / NAME).read_bytes()
    found = [record.number for record in every_line(data) if isinstance(record, Saved)]
    assert found == list(range(1, len(found) + 1))
    assert len(found) >= told[-1]

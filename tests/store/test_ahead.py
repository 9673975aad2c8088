"""Bytes allocated ahead: zeros at the end of a segment are no line, no damage, and never what was written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pyalma_tui.model.records import Returned, Saved
from pyalma_tui.store import journal as journals
from pyalma_tui.store.journal import Journal
from pyalma_tui.store.layout import next_segment
from pyalma_tui.store.row_files import RowFiles
from pyalma_tui.store.segment import FIRST, READ, SegmentWriter, line_of
from pyalma_tui.store.tail import Tail
from tests.store.test_segment import NAME, every_line, saved


def writer_in(folder: Path, limit: int = 1 << 20) -> SegmentWriter:
    return SegmentWriter(folder, NAME, synced=True, ahead=True, limit=limit)


def read(tail: Tail) -> list[int]:
    return [record.number for record in tail.read(bytearray(READ)) if isinstance(record, Saved)]


def test_a_reader_takes_the_zeros_for_nothing(tmp_path: Path) -> None:
    writer, path = writer_in(tmp_path), tmp_path / NAME
    writer.append(saved(1, 1))
    tail = Tail(path)
    assert path.stat().st_size > writer.position == tail.size()
    assert read(tail) == [1]
    assert read(tail) == []
    writer.append(saved(1, 2))
    assert read(tail) == [2]
    assert (tail.position, tail.damaged) == (writer.position, 0)
    tail.close()
    writer.close()


@pytest.mark.parametrize("growing", [True, False])
def test_a_line_whose_end_is_seen_before_its_beginning_is_read_when_it_is_whole(tmp_path: Path, growing: bool) -> None:
    """A reader does not wait for a write: it may see the second page of it before the first one."""
    line, path = saved(1, 2), tmp_path / NAME
    path.write_bytes(saved(1, 1) + bytes(9) + line[9:] + bytes(5000))
    tail = Tail(path, growing=growing)
    assert read(tail) == [1]
    assert (tail.damaged == 0) == growing
    path.write_bytes(saved(1, 1) + line + bytes(5000))
    assert read(tail) == ([2] if growing else [])
    tail.close()


def test_the_zeros_go_when_a_segment_is_complete(tmp_path: Path) -> None:
    writer = writer_in(tmp_path)
    writer.append(saved(1, 1))
    writer.rotate()
    assert (tmp_path / NAME).read_bytes() == saved(1, 1)
    writer.append(saved(1, 2))
    writer.trim()
    assert (tmp_path / writer.name).read_bytes() == saved(1, 2)
    writer.append(saved(1, 3))
    writer.trim()
    assert (tmp_path / writer.name).read_bytes() == saved(1, 2) + saved(1, 3)
    writer.close()


def test_a_forked_child_that_lets_go_cuts_nothing(tmp_path: Path) -> None:
    """What it would cut may have a line meanwhile."""
    writer = writer_in(tmp_path)
    writer.append(saved(1, 1))
    size = (tmp_path / NAME).stat().st_size
    child = os.fork()
    if child == 0:
        writer.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert (tmp_path / NAME).stat().st_size == size
    writer.append(saved(1, 2))
    assert len(every_line((tmp_path / NAME).read_bytes().rstrip(b"\0"))) == 2
    writer.close()


def test_where_nothing_can_be_allocated_the_segment_grows_as_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fd: int, offset: int, length: int) -> None:
        os.ftruncate(fd, offset + length // 2)  # as far as there was room
        raise OSError(28, "No space left on device")

    writer = writer_in(tmp_path)
    monkeypatch.setattr(os, "posix_fallocate", refuse)
    for number in range(1, 4):
        writer.append(saved(1, number))
    assert (tmp_path / NAME).read_bytes() == saved(1, 1) + saved(1, 2) + saved(1, 3)
    writer.close()


def test_as_much_is_allocated_as_was_written_and_no_more_than_the_limit(tmp_path: Path) -> None:
    """A worker that saves once takes little room, and none a segment more than it may."""
    writer, sizes = writer_in(tmp_path, limit=100_000), set()
    while writer.name == NAME:
        writer.append(saved(1, 1))
        sizes.add(os.fstat(writer.fd).st_size)
    assert min(sizes) == FIRST
    assert 3 <= len(sizes) <= 6, "as much again each time"
    assert max(sizes) <= 100_000 + len(saved(1, 1))
    writer.close()


def test_what_a_killed_worker_has_not_synced_is_synced_whatever_the_size_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line in what was allocated does not change the size: a done() could be on the disk, and not what it follows."""
    folder = tmp_path / "journal"
    folder.mkdir()
    journal = Journal(folder, 1, {}, RowFiles(tmp_path / "rows", 1), synced=True)
    name = journal.name_for("w0001")
    writer = SegmentWriter(folder, name, ahead=True)
    writer.append(saved(1, 1))
    journal.follow("w0001")
    journal.sync()
    size = (folder / name).stat().st_size
    synced: list[int] = []
    monkeypatch.setattr(journals, "sync_data", lambda fd: synced.append(os.fstat(fd).st_ino))
    writer.append(line_of(Returned(1, 1, 0.5)))
    assert (folder / name).stat().st_size == size
    list(journal.end("w0001"))
    journal.sync()
    assert (folder / name).stat().st_ino in synced
    journal.close()
    writer.close()


KILLED = """
import os, sys
from pathlib import Path
from pyalma_tui.store.segment import SegmentWriter, saved_line, saved_prefix
writer = SegmentWriter(Path(sys.argv[1]), "000001-w0001-0001.jsonl", synced=True, ahead=True, limit=20_000)
for number in range(1, 10_000_000):
    writer.append(saved_line(saved_prefix(1, 1), number, 0, b'"x"'))
    os.write(1, b"%d\\n" % number)
"""


def test_f70_what_a_killed_writer_acknowledged_is_there_before_the_zeros(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        told = [int(process.stdout.readline()) for _ in range(1200)]
        process.send_signal(signal.SIGKILL)
        told += [int(line) for line in process.stdout]
    name, found = NAME, []
    while (tmp_path / name).exists():
        tail = Tail(tmp_path / name, growing=False)
        size = tail.size()
        lines = (tmp_path / name).read_bytes()[:size]
        found += [record.number for record in every_line(lines) if isinstance(record, Saved)]
        list(tail.read(bytearray(READ)))
        assert (tail.position, tail.damaged) == (size, 0)
        tail.close()
        name = next_segment(name)
    assert found == list(range(1, len(found) + 1))
    assert len(found) >= told[-1]
    assert next_segment(NAME) < name, "it went on in another segment"


LIMITED = """
import resource, sys
from pathlib import Path
from signal import SIG_DFL, SIGXFSZ, signal
from pyalma_tui.store.segment import SegmentWriter, saved_line, saved_prefix
signal(SIGXFSZ, SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
writer = SegmentWriter(Path(sys.argv[1]), "000001-w0001-0001.jsonl", synced=True, ahead=True)
for number in range(1, 200):
    writer.append(saved_line(saved_prefix(1, 1), number, 0, b'"' + b"x" * 50 + b'"'))
"""


def test_nobody_is_killed_for_bytes_that_he_has_not_written(tmp_path: Path) -> None:
    """A limit of the size of files is that of what is saved, not of what is ready."""
    subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], check=True, timeout=60)
    assert len(every_line((tmp_path / NAME).read_bytes().rstrip(b"\0"))) == 199

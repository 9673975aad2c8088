"""The lock: one start at a time, held until the last process of a session is gone (catalogue F69, F70)."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from pyalma_tui.errors import InUseError, StoreError
from pyalma_tui.runner.handover import obstacle
from pyalma_tui.store.lock import Holder, Lock, holder, in_use, read_holder

NOW = 1_700_000_000.0
HERE = os.uname().nodename

HOLD = """
import os, subprocess, sys
from pathlib import Path
from pyalma_tui.store.lock import Lock
lock = Lock(Path(sys.argv[1]), 1_700_000_000.0)
if sys.argv[2] == "with a worker":
    worker = subprocess.Popen(
        [sys.executable, "-c", "import signal; print('ready', flush=True); signal.pause()"],
        pass_fds=[lock.fd], stdout=subprocess.PIPE, text=True)
    worker.stdout.readline()
    print(worker.pid, flush=True)
else:
    child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], stdout=subprocess.DEVNULL)
    print(child.pid, flush=True)
sys.stdin.read()
"""


@contextmanager
def held(state_dir: Path, how: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Another process holds the lock; it and the pid of its child."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state_dir), how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    child = int(process.stdout.readline())
    try:
        yield process, child
    finally:
        for pid in (child, process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.communicate()


def test_f69_a_second_start_is_refused_and_told_who_and_since_when(tmp_path: Path) -> None:
    with held(tmp_path, "alone") as (process, _):
        with pytest.raises(InUseError) as caught:
            Lock(tmp_path, NOW)
        assert caught.value.exit_code == 4
        assert f"in use by process {process.pid} since 2023-11-1" in caught.value.message
        assert "\n" not in caught.value.message
        assert holder(tmp_path) == Holder(process.pid, NOW, HERE)


def test_f69_a_link_to_the_directory_is_the_same_lock(tmp_path: Path) -> None:
    (tmp_path / "real.alma").mkdir()
    (tmp_path / "link.alma").symlink_to("real.alma")
    with Lock(tmp_path / "real.alma", NOW):
        for other in (tmp_path / "link.alma", tmp_path / "real.alma" / ".." / "real.alma"):
            with pytest.raises(InUseError, match=f"process {os.getpid()} "):
                Lock(other, NOW)


def test_it_is_free_when_let_go_and_names_its_next_holder(tmp_path: Path) -> None:
    with Lock(tmp_path, NOW):
        assert holder(tmp_path) == Holder(os.getpid(), NOW, HERE)
    assert holder(tmp_path) is None
    with Lock(tmp_path, NOW + 5):
        assert holder(tmp_path) == Holder(os.getpid(), NOW + 5, HERE)


def test_f70_a_worker_that_outlives_its_session_keeps_it_held_until_kill_9(tmp_path: Path) -> None:
    with held(tmp_path, "with a worker") as (process, worker):
        process.kill()
        process.wait()
        with pytest.raises(InUseError, match=f"process {process.pid} "):
            Lock(tmp_path, NOW)
        os.kill(worker, signal.SIGKILL)
        wait_until_free(tmp_path)


def test_one_on_another_host_is_told_with_its_host_and_nobody_waits_for_its_guard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which processes of that host live, nobody knows here; one of ours may even have its number."""
    with held(tmp_path, "with a worker") as (process, _):
        process.kill()
        process.wait()
        who = Holder(process.pid, NOW, "node9")
        (tmp_path / "lock").write_bytes(msgspec.json.encode(who))
        monkeypatch.delattr(time, "sleep")
        assert f"in use by process {process.pid} on node9 since 2023-11-1" in in_use(tmp_path)
        assert obstacle(tmp_path, who) == "it runs on node9"
        assert obstacle(tmp_path, Holder(os.getpid(), NOW, "node9")) == "it runs on node9"
        assert obstacle(tmp_path, Holder(process.pid, NOW, HERE)) == "", "its guard is waited for"


def test_a_host_may_have_any_bytes_for_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = list(os.uname())
    monkeypatch.setattr(os, "uname", lambda: os.uname_result((known[0], os.fsdecode(b"n\xff1"), *known[2:])))
    with Lock(tmp_path, NOW):
        assert read_holder(tmp_path / "lock") == Holder(os.getpid(), NOW, os.fsdecode(b"n\xff1"))
        assert f"in use by process {os.getpid()} since" in in_use(tmp_path)


def test_f70_a_forked_child_of_a_script_holds_nobody_up(tmp_path: Path) -> None:
    (reading, writing), (hearing, saying) = os.pipe(), os.pipe()
    lock = Lock(tmp_path, NOW)
    child = os.fork()
    if child == 0:
        os.write(saying, b"born")
        os.close(writing)
        os.read(reading, 1)  # until the test is over
        os._exit(0)
    try:
        assert os.read(hearing, 4) == b"born"
        assert holder(tmp_path) is not None, "a fork lets go of what its parent holds"
        lock.close()
        assert holder(tmp_path) is None
    finally:
        os.close(writing)
        os.waitpid(child, 0)
        for fd in (reading, hearing, saying):
            os.close(fd)


def test_f70_a_child_that_was_not_handed_it_holds_nobody_up(tmp_path: Path) -> None:
    with held(tmp_path, "alone") as (process, child):
        process.kill()
        process.wait()
        os.kill(child, 0)  # it lives on
        Lock(tmp_path, NOW).close()


def wait_until_free(state_dir: Path) -> None:
    """Blocks in the kernel until nobody holds the lock."""
    fd = os.open(state_dir / "lock", os.O_RDONLY)
    signal.alarm(60)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
    finally:
        signal.alarm(0)
        os.close(fd)
    Lock(state_dir, NOW).close()


def test_one_that_only_looks_does_not_refuse_one_that_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lock").touch()
    looking = os.open(tmp_path / "lock", os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    monkeypatch.setattr(time, "sleep", lambda seconds: os.close(looking))  # the look is over by then
    Lock(tmp_path, NOW).close()


def test_looking_at_a_free_lock_changes_nothing(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    Lock(tmp_path, NOW).close()
    before = (tmp_path / "lock").read_bytes()
    assert holder(tmp_path) is None
    assert (tmp_path / "lock").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"garbage", b"{}", b"[1,2]"])
def test_a_lock_file_of_any_content_is_taken_over(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "lock").write_bytes(content)
    with Lock(tmp_path, NOW):
        (tmp_path / "lock").write_bytes(content)
        with pytest.raises(InUseError, match="in use by another process"):
            Lock(tmp_path, NOW)


def test_f72_a_full_disk_does_not_keep_it_from_being_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", refuse)
        taken = Lock(tmp_path, NOW)
    with pytest.raises(InUseError, match="in use"):
        Lock(tmp_path, NOW)
    taken.close()
    Lock(tmp_path, NOW).close()


@pytest.mark.parametrize("kind", ["missing directory", "link", "no locks"])
def test_f71_where_no_lock_can_be_taken_is_a_store_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    state_dir = tmp_path
    if kind == "missing directory":
        state_dir = tmp_path / "nowhere"
    elif kind == "link":
        (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    else:

        def refuse(*_: object) -> None:
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

        monkeypatch.setattr(fcntl, "flock", refuse)
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(StoreError, match=r"lock: .*Nothing was changed"):
        Lock(state_dir, NOW)
    assert len(os.listdir("/dev/fd")) == before
    assert not (tmp_path / "elsewhere").exists()

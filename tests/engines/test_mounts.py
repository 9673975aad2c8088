"""Hosts that have the shared folder on mounts of their own, each of which knows late what others have written."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyalma_tui.store.leases import Leases
from pyalma_tui.store.lock import Lock
from tests.engines import lab as labs
from tests.engines.lab import LACKS_MOUNTS, NODES, Lab
from tests.places import counting, is_place, processes
from tests.places.checking import Score, check, lines_of

READS = """
import os, socket, time

def run(instance, save, state):
    for number in range(int(state or 0) + 1, 401):
        time.sleep(0.02)
        with open(instance) as file:  # of the shared folder
            file.read()
        with open(f"TOLD/{os.path.basename(instance)}", "a") as told:
            told.write(f"0 {socket.gethostname()} {os.getpid()} saved {number}\\n")
        if number % 100 == 0:
            save(number)
"""
RECORDS = """
import os, time

def run(instance, save, state, record):
    with open(f"TOLD/{os.path.basename(instance)}", "a") as told:
        told.write(f"0 {os.uname().nodename} {os.getpid()} began\\n")
    while not os.path.exists("TOLD/go"):
        time.sleep(0.01)
    record(n=1)  # into a file that is opened now
    save(1)
"""
IMPORTS = """
import os, time
with open("/proc/self/cmdline") as file:
    if '"separate"' in file.read():  # in a worker that imports by itself
        open("TOLD/" + os.uname().nodename, "w").close()
        while not os.path.exists("TOLD/go"):
            time.sleep(0.01)
open("i1.txt").close()

def run(instance, save, state):
    save(1)
"""
COMPUTES = """
import os, time

def run(instance, save, state):
    name = os.path.basename(instance)
    with open(f"TOLD/{name}", "a", buffering=1) as told:
        told.write(f"{time.monotonic()} {os.uname().nodename} {os.getpid()} start\\n")
        if state or name != "i1.txt":
            return
        save(1)
        while True:  # without a word to the shared folder
            told.write(f"{time.monotonic()} {os.uname().nodename} {os.getpid()} lives\\n")
            time.sleep(0.01)
"""
LOOKS = """
import sys
from pathlib import Path
from pyalma_tui.place.here import here
state_dir = Path(sys.argv[1])
print((state_dir / "leases").exists(), flush=True)
input()
print([here(state_dir, "", 10.0).why])
"""
NAMES = ("i1.txt", "i2.txt")
pytestmark = [pytest.mark.xdist_group("engines"), pytest.mark.timeout(120)]
mounts = pytest.mark.skipif(bool(LACKS_MOUNTS), reason=LACKS_MOUNTS)


class Started:
    """A start on the head, with a folder that all hosts have."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self.process = process
        self.work = folder / "work"
        self._out = folder / "out"

    @property
    def out(self) -> str:
        """What it has said."""
        return self._out.read_text()

    def until(self, true: Callable[[], object]) -> None:
        """Wait for this."""
        deadline = time.monotonic() + 20
        while not true():
            assert time.monotonic() < deadline, self.out
            time.sleep(0.01)

    def has_saved(self, name: str) -> bool:
        """Whether this instance has."""
        return any(line[3] == "saved" for line in lines_of(self.work, name))

    def host(self, name: str) -> str:
        """Where this instance was called last."""
        return str(lines_of(self.work, name)[-1][1])

    def ends_well_without(self, host: str, what: str = "") -> None:
        """Wait for its end: all is done, and this host was taken away, as its state directory cannot be `what`."""
        self.process.wait(60)
        assert self.process.returncode == 0, self.out
        assert f"{host} is taken away (the state directory cannot be {what}" in self.out


@contextmanager
def started(lab: Lab, folder: Path, module: str, *more: str, workers: int, apart: bool = True) -> Iterator[Started]:
    """Such a start, the folder on mounts `apart`; TOLD in the module is a folder that each host sees as it is."""
    (work := folder / "work").mkdir()
    (told := folder / "told").mkdir()
    (work / "history").symlink_to(told)
    (work / "m.py").write_text(module.replace("TOLD", str(told)))
    for name in NAMES:
        (work / name).write_text("x")
    if apart:
        lab.share(work)
    on = "each:" + ";".join(shlex.join(lab.on(node)) for node in NODES)
    program = [sys.executable, "-m", "pyalma_tui", "m.py", *NAMES, "--plain", "--workers", str(workers), "--on", on]
    with (
        open(folder / "out", "w") as out,
        subprocess.Popen(
            [*lab.on(0), *program, "--lease", "4", *more],
            cwd=work,
            env=lab.env | {"SAVES": "150"},
            stdout=out,
            stderr=out,
        ) as process,
    ):
        try:
            yield Started(process, folder)
        finally:
            process.kill()


def _counting() -> str:
    text = Path(counting.__file__).read_text()
    return text.replace(f'HISTORY = "{counting.HISTORY}"', 'HISTORY = "TOLD"')


@mounts
def test_a_host_whose_mount_is_gone_is_given_up_and_its_run_goes_on_at_another_one(lab: Lab, tmp_path: Path) -> None:
    with started(lab, tmp_path, _counting(), workers=2) as start:
        start.until(lambda: all(start.has_saved(name) for name in NAMES))
        where = start.host("i1.txt")
        lab.detach(int(where[-1]))
        start.ends_well_without(where)
    assert "NOT SAVED" not in start.out
    assert "failed" not in start.out
    assert {line[1] for line in lines_of(start.work, "i1.txt")} == {f"node{node}" for node in NODES}
    score = Score()
    check(start.work, start.work / "m.alma", list(NAMES), score, finished=True)
    assert score.broken == [], score.told()


@mounts
def test_a_run_that_cannot_read_its_own_files_where_the_mount_is_gone_has_not_failed(lab: Lab, tmp_path: Path) -> None:
    with started(lab, tmp_path, READS, workers=2) as start:
        start.until(lambda: all(start.has_saved(name) for name in NAMES))
        where = start.host("i1.txt")
        lab.detach(int(where[-1]))
        start.ends_well_without(where)
    assert "failed" not in start.out


@mounts
def test_what_computes_where_the_mount_hangs_ends_with_the_lease_though_its_place_cannot(
    lab: Lab, tmp_path: Path
) -> None:
    with started(lab, tmp_path, COMPUTES, workers=2) as start:
        start.until(lambda: any(line[3] == "lives" for line in lines_of(start.work, "i1.txt")))
        first = lines_of(start.work, "i1.txt")[0]
        lab.hang(int(first[1][-1]))
        start.process.wait(60)
        assert start.process.returncode == 0, start.out
        hosts = [line[1] for line in lines_of(start.work, "i1.txt")]
    assert set(hosts) == {f"node{node}" for node in NODES}
    assert hosts == sorted(hosts, key=lambda host: host != first[1]), "both at once"


@mounts
def test_a_worker_that_comes_to_a_host_whose_mount_is_gone_does_not_stop_the_others(lab: Lab, tmp_path: Path) -> None:
    with started(lab, tmp_path, _counting(), workers=1) as start:
        start.until(lambda: start.out.count(" has come, ") == 2 and any(map(start.has_saved, NAMES)))
        [where] = {start.host(name) for name in NAMES if start.has_saved(name)}
        [idle] = {f"node{node}" for node in NODES} - {where}
        lab.detach(int(idle[-1]))
        [place] = [pid for pid in processes(str(start.work / "m.alma")) if is_place(pid) and _host_of(pid) == where]
        os.kill(place, signal.SIGTERM)
        start.ends_well_without(idle)
    assert "NOT SAVED" not in start.out


@mounts
def test_a_worker_that_cannot_import_where_the_mount_is_gone_tells_nothing_of_the_module(
    lab: Lab, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    with started(lab, tmp_path, IMPORTS, "--import", "each", workers=1) as start:
        start.until(lambda: start.out.count(" has come, ") == 2 and any(told.glob("node*")))
        [where] = told.glob("node*")
        lab.detach(int(where.name[-1]))
        (told / "go").touch()
        start.ends_well_without(where.name, "read there")
    assert "could not import" not in start.out


@mounts
def test_a_host_that_remembers_that_no_session_was_there_looks_again(lab: Lab, tmp_path: Path) -> None:
    lab.share(tmp_path)
    look = [*lab.on(1), sys.executable, "-c", LOOKS, str(tmp_path)]
    with subprocess.Popen(look, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/") as place:
        assert place.stdout is not None
        assert place.stdout.readline() == "False\n"
        with Lock(tmp_path, time.time()):
            leases = Leases(tmp_path, 10.0)
            said, _ = place.communicate("\n", 60)
            leases.close(over=True)
    assert said == "['']\n"


@pytest.mark.skipif(bool(lacking := labs.lacks()), reason=lacking)
def test_a_run_whose_host_can_only_read_any_more_has_not_failed(lab: Lab, tmp_path: Path) -> None:
    with started(lab, tmp_path, RECORDS, workers=2, apart=False) as start:
        start.until(lambda: {start.host(name) for name in NAMES if lines_of(start.work, name)} == {"node1", "node2"})
        covered = f"mount --bind {start.work} {start.work} && mount -o remount,bind,ro {start.work}"
        subprocess.run([*lab.on(1), "sh", "-c", covered], check=True, cwd="/")
        (tmp_path / "told" / "go").touch()
        start.ends_well_without("node1", "written there)")
    assert "failed" not in start.out.replace("the file system failed", "")


def test_without_the_device_of_such_mounts_they_are_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labs, "FUSE", "/nowhere/fuse")
    monkeypatch.setattr(labs, "lacks", lambda *programs: "")
    assert labs.lacks_mounts() == "/nowhere/fuse: No such file or directory"


def _host_of(pid: int) -> str:
    """Of which host a process is."""
    named = ["nsenter", f"--uts=/proc/{pid}/ns/uts", "hostname"]
    return subprocess.run(named, capture_output=True, text=True, check=True).stdout.strip()

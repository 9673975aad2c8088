"""Catalogue H: what is missing for a while, room on the disk or processes: everything goes on later."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyalma_tui.runner import room
from tests.catalogue.case import case, cases
from tests.catalogue.disks import FILLING, disk
from tests.catalogue.experiment import PATIENCE, Experiment, Running, until

FULL = "a  interrupted (the disk was full: the state could not be stored: No space left on device. "
WAITS = "; what it has interrupted goes on by itself when there is room\n"


@cases("H106", one_worker="1", two_workers="2")
def test_what_a_full_disk_interrupted_goes_on_by_itself_when_there_is_room(
    experiment: Experiment, workers: str
) -> None:
    experiment.write(FILLING, ("b", "a"))
    place = experiment.folder / "disk"
    with disk(place, "256k") as remount:
        running = experiment.go("--state", str(place / "m.alma"), "--workers", workers)
        until(lambda: WAITS in running.printed(), experiment.outputs)
        remount("size=16m")
        result = running.end()
    assert result.code == 0, result
    assert result.err == ""
    assert any(FULL.replace("a", name, 1) in result.out for name in "ab")  # of two the other may find room already
    assert "there is room on the disk again" in result.out
    assert "failed" not in result.out
    for name in "ab":
        assert f"{name}  done in " in result.out


@case("H106-while-the-disk-stays-full")
def test_a_disk_that_stays_full_ends_the_session_after_a_while(experiment: Experiment) -> None:
    """Without a screen it waits a while, and then ends as it always did."""
    experiment.write(FILLING, ("b", "a"))
    place = experiment.folder / "disk"
    program = experiment.folder / "impatient.py"
    program.write_text(
        "import sys\nfrom pyalma_tui.runner import room\nroom.PATIENCE = 3.0\n"
        "from pyalma_tui.cli.main import main\nsys.exit(main(sys.argv[1:]))\n"
    )
    with disk(place, "256k"):
        ended = experiment.call(sys.executable, str(program), "m.py", "--plain", "--state", str(place / "m.alma"))
    assert ended.returncode == 3, ended
    assert ended.stderr.startswith("pyalma-tui: NOT SAVED: a: the state could not be stored: No space left on device.")
    assert ended.stderr.endswith("; make room or allow writing, then start again\n")
    assert FULL in ended.stdout
    assert room.PATIENCE >= 60


@case("H106-interrupted-while-it-waits")
def test_who_interrupts_what_waits_for_room_is_told_of_the_disk(experiment: Experiment) -> None:
    experiment.write(FILLING, ("b", "a"))
    place = experiment.folder / "disk"
    with disk(place, "256k") as remount:
        running = experiment.go("--state", str(place / "m.alma"))
        until(lambda: WAITS in running.printed(), experiment.outputs)
        running.signal(signal.SIGINT)
        result = running.end()
        assert result.code == 3, result
        assert "\npyalma-tui: NOT SAVED: a: the state could not be stored: No space left on device" in result.err
        remount("size=16m")
        assert experiment.run("--state", str(place / "m.alma")).code == 0


@case("H106-that-it-returned-does-not-fit")
def test_a_return_that_does_not_fit_on_the_disk_is_called_again(experiment: Experiment) -> None:
    """The disk is full when run() returns: it is done when that is written down, not before."""
    experiment.write("""
        def run(instance, save, state):
            if state:
                tell("begins", state)
                return
            save("1")
            with open("disk/filler", "wb", buffering=0) as file:
                try:
                    while file.write(b"x" * 4096):
                        pass
                except OSError:
                    pass
            for number in range(10_000):  # to the end of the last page that the journal has
                try:
                    save("1")
                except BaseException:
                    return
    """)
    place = experiment.folder / "disk"
    with disk(place, "256k"):
        running = experiment.go("--state", str(place / "m.alma"))
        until(lambda: WAITS in running.printed(), experiment.outputs)
        (place / "filler").unlink()
        result = running.end()
        assert result.code == 0, result
    assert experiment.told() == ["begins 1"]


# --- processes and threads ---------------------------------------------------------------------------------------

PYTHON = "/usr/bin/python3"
SAME = f"import sys; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
MOST = 14  # processes and threads of a user
HOG = """
import os, subprocess, sys, time
children = []
while not os.path.exists("hog-over"):
    try:
        children.append(subprocess.Popen(["sleep", "1000"]))
    except OSError:
        open("hog-full", "w").close()
        time.sleep(0.0005)
for child in children:
    child.kill()
for child in children:
    child.wait()
"""


class Somebody:
    """A user of his own, who may have so many processes and threads, and no more."""

    def __init__(self, experiment: Experiment) -> None:
        self._number = 20_000 + os.getpid() % 20_000
        self._experiment = experiment

    def start(self, *command: str, most: int = MOST) -> Running:
        """Start a program as this user, with its own view of how many he may have."""

        def become() -> None:
            resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
            os.setgroups([])
            os.setresgid(self._number, self._number, self._number)
            os.setresuid(self._number, self._number, self._number)

        experiment = self._experiment
        paths = [str(Path(__file__).parents[2]), *[path for path in sys.path if "site-packages" in path]]
        out, err = ((experiment.folder / f"{name}-{len(experiment.started)}").open("w+b") for name in ("out", "err"))
        process = subprocess.Popen(
            command,
            cwd=experiment.folder,
            env=experiment.environment(PYTHONPATH=":".join(paths), HOME=str(experiment.folder)),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            preexec_fn=become,  # noqa: PLW1509 - limits that only the new process shall have
        )
        running = Running(process, out, err)
        experiment.started.append(running)
        return running

    def go(self, *options: str, most: int = MOST) -> Running:
        """Start the experiment without a screen as this user."""
        return self.start(PYTHON, "-m", "pyalma_tui", "m.py", "--plain", *options, most=most)

    @contextmanager
    def starts_nothing_more(self) -> Iterator[None]:
        """Another program of the user takes whatever processes are left, and those that get free."""
        experiment = self._experiment
        (experiment.folder / "hog.py").write_text(HOG)
        hog = self.start(PYTHON, "hog.py")
        until((experiment.folder / "hog-full").exists, experiment.outputs)
        try:
            yield
        finally:
            (experiment.folder / "hog-over").touch()
            hog.process.wait(PATIENCE)


@contextmanager
def somebody(experiment: Experiment) -> Iterator[Somebody]:
    """A user with a limit, and a folder of his own, where both can be made for a test."""
    found = shutil.which(PYTHON) is not None and subprocess.run([PYTHON, "-c", SAME]).returncode == 0
    if os.getuid() != 0 or not found:
        pytest.skip(f"only root can become a user with a limit of his own, for whom there must be {PYTHON}")
    folder, experiment.folder = experiment.folder, Path(tempfile.mkdtemp(prefix="catalogue-"))
    try:
        experiment.folder.chmod(0o777)
        yield Somebody(experiment)
        experiment.nothing_left()
    finally:
        experiment.clear()
        shutil.rmtree(experiment.folder)
        experiment.folder = folder


@case("H107-while-workers-are-wanted")
def test_where_no_worker_can_be_started_for_a_while_it_is_started_later(experiment: Experiment) -> None:
    """A worker dies when nothing can be started in its place: another is, a while later, and nothing is reported."""
    with somebody(experiment) as user:
        experiment.write(
            """
            def run(instance, save, state):
                save("1")
                tell(os.getpid())
                wait_for("go")
            """,
            ("b", "a"),
        )
        running = user.go("--retries", "3")
        worker = int(until(experiment.told, experiment.outputs)[0])
        with user.starts_nothing_more():
            os.kill(worker, signal.SIGKILL)
            note = "no worker can be started at the moment"
            until(lambda: note in running.printed(), experiment.outputs)
            time.sleep(1.5)  # for more than one try
            assert running.process.poll() is None, "it waits"
        experiment.allow("go")
        result = running.end()
        assert result.code == 0, result
        assert result.err == ""
        assert "done in" in result.out


@case("H107-while-checkpoints-are-due")
def test_without_a_thread_to_write_it_a_checkpoint_is_written_all_the_same(experiment: Experiment) -> None:
    """Without a thread to write it, a checkpoint is written all the same: the journal stays bounded."""
    with somebody(experiment) as user:
        experiment.write("""
            def run(instance, save, state):
                tell("in it")
                wait_for("hog-full")
                for number in range(130):
                    save("%d %s" % (number, "x" * 1_000_000))
                    time.sleep(0.005)
                tell("saved")
                wait_for("go")
        """)
        running = user.go()
        experiment.hears("in it")
        with user.starts_nothing_more():
            experiment.hears("saved")
            journal = experiment.state_dir / "journal"
            until(lambda: sum(path.stat().st_size for path in journal.iterdir()) < 100 << 20, experiment.outputs)
            assert running.process.poll() is None
        experiment.allow("go")
        result = running.end()
        assert result.code == 0, result
        assert "report this" not in result.out + result.err


@case("H107-at-the-start")
def test_a_start_with_too_few_processes_says_so_or_runs(experiment: Experiment) -> None:
    """However few can be started, it says so in one line, or it runs."""
    with somebody(experiment) as user:
        experiment.write("def run(instance, save, state): tell('called')")
        codes = []
        with user.starts_nothing_more():
            for more in range(1, 14):  # itself, a worker, its guard, their threads, and so on
                result = user.go(most=MOST + more).end()
                codes.append(result.code)
                if result.code == 3:
                    assert "processes: " in result.last_line(), result
                    assert result.last_line().endswith("then start again"), result
                assert "Traceback" not in result.err, result
                assert "report this" not in result.err, result
        assert codes[0] == 3, codes
        assert codes[-1] == 0, codes
        assert set(codes) == {0, 3}, codes
        assert experiment.told() == ["called"]

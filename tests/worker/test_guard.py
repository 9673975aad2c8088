"""What a worker keeps from the children that user code forks, and what the guard ends of them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from pyalma_tui.marks import mark_in
from pyalma_tui.model.messages import WORKER_MARK
from pyalma_tui.store.lock import holder
from tests.catalogue.experiment import Experiment, until
from tests.family import is_over

FORKS = """
import os
from pyalma_tui.worker.descriptors import close_in_children
kept, reused, closed = (os.open(os.devnull, os.O_RDONLY) for _ in range(3))
other = os.pipe()[0]
for fd in (kept, reused, closed):
    close_in_children(fd)
os.close(closed)
os.dup2(other, reused)
if os.fork() == 0:
    for fd in (kept, reused, closed):
        try:
            os.fstat(fd)
            os.write(1, b"open ")
        except OSError:
            os.write(1, b"closed ")
    os._exit(0)
os.wait()
"""


def test_a_child_closes_ours_and_nothing_that_user_code_has_put_there() -> None:
    result = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, check=True, timeout=60)
    assert (result.stdout, result.stderr) == ("closed open closed ", "")


STARTS = "import subprocess\nwhile True: subprocess.Popen(['true']).wait()"


def test_a_process_that_is_just_becoming_another_program_has_its_mark() -> None:
    """Killed at that moment, its worker would leave it behind, unseen by every sweep."""
    with subprocess.Popen([sys.executable, "-c", STARTS], env=os.environ | {WORKER_MARK: "x.1"}) as starting:
        children = Path(f"/proc/{starting.pid}/task/{starting.pid}/children")
        try:
            marked = 0
            while marked < 10_000:  # a sweep that does not wait fails after 2,000 or so
                for child in map(int, children.read_text().split()):
                    if mark_in(child) is not None:
                        marked += 1
                    else:  # it is about to end
                        assert not any(mark_in(child) for _ in range(100)), "it had no mark, and has one again"
        finally:
            starting.kill()


HELD = """
import fcntl, subprocess
def run(instance, save, state):
    with open("held", "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("overlap")
            return
        if state == "":
            save("begun")
            subprocess.Popen(["sleep", "1000"], pass_fds=[file.fileno()], start_new_session=True)
            tell("solver")
            time.sleep(1000)
    tell("alone")
"""


def test_who_looks_while_the_guard_ends_what_was_left_is_told_what_stands_then(experiment: Experiment) -> None:
    """Until it has, the lock is held as by one that runs: what its dead holder wrote last would be told as true."""
    experiment.write(HELD)
    running = experiment.start("m.py", "--plain")
    experiment.hears("solver")
    guard = running.guard()
    guard.suspend()
    running.signal(signal.SIGKILL)
    running.end()
    looking = experiment.start("status", "m.py", "--json")
    with pytest.raises(subprocess.TimeoutExpired):
        looking.process.wait(1)
    guard.resume()
    assert '"status":"interrupted"' in looking.end().out


def test_nobody_begins_before_the_guard_has_ended_what_a_killed_program_has_left(experiment: Experiment) -> None:
    experiment.write(HELD)
    first = experiment.start("m.py", "--plain")
    experiment.hears("solver")
    guard, others = first.guard(), [first.agent(), *first.workers()]
    guard.suspend()
    first.signal(signal.SIGKILL)
    first.end()
    until(lambda: all(map(is_over, others)), lambda: f"the end of {others}")
    assert holder(experiment.state_dir) is not None
    second = experiment.start("m.py", "--plain")
    guard.resume()
    assert second.end().code == 0
    assert experiment.told() == ["solver", "alone"]


LEASED = """
import os, signal, socket, subprocess, sys, time
from pyalma_tui.model.messages import WORKER_MARK
from pyalma_tui.place.lease import Lease
from pyalma_tui.store.leases import now
from pyalma_tui.worker import guard
mark, channel = f"t-{os.getpid()}", socket.socket(fileno=int(sys.argv[1]))
lease = Lease(1.0)
def marked():
    return subprocess.Popen(["sleep", "1000"], env=os.environ | {WORKER_MARK: mark + ".1"})
"""
SUCCEEDED = """
if os.fork() == 0:  # the agent; what else the place has open it holds too, as one does that is killed and hangs
    first, line = guard.start(channel, mark, lease.over)
    time.sleep(0.1)
    os.kill(first, signal.SIGKILL)
    assert os.read(line, 1) == b"", "it has ended"
    guard.start(channel, mark, lease.over)
    os.write(1, b"%d" % marked().pid)
time.sleep(1000)
"""
STOPPED = """
stopped, line = guard.start(channel, mark, lease.over)
os.kill(stopped, signal.SIGSTOP)
lives = marked()
begin = now()
for number in range(10_000):  # as many as in seven hours
    lease.renew(begin + number / 1e6)
while now() < begin + 1.2:
    lease.renew(now())
    time.sleep(0.05)
os.kill(stopped, signal.SIGCONT)
try:
    while now() < begin + 1.8:
        lease.renew(now())
        assert lives.poll() is None, "it was ended too early"
        time.sleep(0.05)
finally:
    lives.kill()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there are no leases")
def test_the_guard_that_follows_a_killed_one_knows_the_end_of_a_lease_that_nobody_renews_any_more() -> None:
    ours, theirs = socket.socketpair()
    command = [sys.executable, "-c", LEASED + SUCCEEDED, str(theirs.fileno())]
    with ours, theirs, subprocess.Popen(command, stdout=subprocess.PIPE, pass_fds=[theirs.fileno()]) as place:
        assert place.stdout is not None
        marked = psutil.Process(int(os.read(place.stdout.fileno(), 32)))
        try:
            assert not is_over(marked)
            until(lambda: is_over(marked), lambda: "the end of what lives on the lease", seconds=10)
        finally:
            place.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there are no leases")
def test_a_guard_that_was_stopped_for_long_does_not_take_an_old_end_of_the_lease_for_the_last() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = [sys.executable, "-c", LEASED + STOPPED, str(theirs.fileno())]
        result = subprocess.run(
            command, pass_fds=[theirs.fileno()], capture_output=True, text=True, timeout=60, check=False
        )
    assert (result.returncode, result.stderr) == (0, "")

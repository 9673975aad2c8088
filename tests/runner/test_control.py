"""Steering what runs: each command does what it says, and the session log tells of it."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

from pyalma_tui.model.records import Started
from pyalma_tui.runner import commands as c
from pyalma_tui.runner.commands import Limits
from pyalma_tui.runner.crew import Crew
from pyalma_tui.runner.workers.local import LocalAgent
from pyalma_tui.store.lock import holder
from pyalma_tui.store.segment import line_of
from tests.catalogue.experiment import PATIENCE
from tests.runner.conftest import Conduct, Conducted

WAITING = """
def run(instance, save, state):
    name = os.path.basename(instance)
    tell("began", name, state or "anew")
    save(name)
    while not os.path.exists("go-" + name):
        save(name)
        time.sleep(0.01)
"""
FAILING = """
def run(instance, save, state):
    tell("tried")
    raise ValueError("no")
"""
SLOW = """
def run(instance, save, state):
    save("7")
    tell("began", os.path.basename(instance))
    time.sleep(600)
"""
SLEEPING = """
import subprocess
def run(instance, save, state):
    save("7")
    busy = "import time; x = b'x' * (64 << 20); [0 for _ in iter(lambda: time.process_time() < 60, False)]"
    child = subprocess.Popen(["python3", "-c", busy])
    tell("began")
    child.wait()
"""


def session_log(conducted: Conducted) -> str:
    return Path("m.alma/session.log").read_text()


def began(conducted: Conducted) -> list[str]:
    return [line.split()[1] for line in conducted.folder.told() if line.startswith("began")]


def test_run_next_goes_before_all_others_that_wait(conduct: Conduct) -> None:
    names = [f"i{number}" for number in range(6)]
    conducted = conduct(WAITING, names)
    conducted.hears("began i5 anew")
    conducted.send(c.Next(conducted.ids("i0")), c.Next(conducted.ids("i2", "i1")))
    conducted.until(lambda now: "next: 2 runs (i2, i1)" in conducted.notes())
    for name in names:
        conducted.folder.allow(f"go-{name}")
    conducted.until(lambda now: now.counts.done == 6)
    assert began(conducted) == ["i5", "i2", "i1", "i0", "i4", "i3"]
    assert "next: i0" in conducted.notes()
    assert "next: i0" in session_log(conducted)


def test_a_run_that_is_put_first_and_interrupted_before_it_began_is_not_begun(conduct: Conduct) -> None:
    conducted = conduct(WAITING, ["a", "b", "c"])
    conducted.hears("began c anew")
    conducted.send(c.Next(conducted.ids("a")), c.Interrupt(conducted.ids("a")))
    conducted.folder.allow("go-c")
    conducted.hears("began b anew")
    conducted.folder.allow("go-b")
    conducted.until(lambda now: now.phase == "idle")
    assert conducted.statuses() == {"a": "pending", "b": "done", "c": "done"}


def test_after_everything_was_interrupted_only_what_is_resumed_runs(conduct: Conduct) -> None:
    conducted = conduct(WAITING, ["a", "b", "c", "d"], workers=2)
    conducted.hears("began d anew", "began c anew")
    conducted.send(c.Interrupt())
    conducted.until(lambda now: now.counts.interrupted == 2 and now.phase == "idle")
    conducted.folder.allow("go-c")
    conducted.send(c.Resume(conducted.ids("c")))
    conducted.until(lambda now: now.counts.done == 1 and now.phase == "idle")
    assert conducted.statuses() == {"a": "pending", "b": "pending", "c": "done", "d": "interrupted"}
    conducted.send(c.Resume())
    conducted.hears("began d d")
    conducted.until(lambda now: conducted.notes()[-2:] == ["resuming 1 run (d)", "starting 2 runs (b, a)"])
    assert "began c c" in conducted.folder.told(), "it was not resumed with its state"


def test_a_timeout_that_is_set_while_a_run_runs_ends_it_and_keeps_its_state(conduct: Conduct) -> None:
    conducted = conduct(WAITING, ["a"])
    conducted.hears("began a anew")
    conducted.send(c.SetLimits(Limits(timeout=0.05)))
    conducted.until(lambda now: now.counts.failed == 1)
    run = conducted.now.runs[0]
    assert run.state == b'"a"'
    assert "timed out after 0.05 s" in str(run.status)
    assert conducted.now.limits == Limits(timeout=0.05)
    assert "timeout none → 0.05 s" in session_log(conducted)
    conducted.send(c.SetLimits(Limits()))
    conducted.until(lambda now: conducted.notes()[-1] == "timeout 0.05 s → none")


def test_a_run_has_the_time_that_was_granted_last_also_if_it_returns_by_itself(conduct: Conduct) -> None:
    conducted = conduct(WAITING, ["a", "b"], workers=2, timeout=1000.0, grace=1000.0)
    conducted.hears("began a anew", "began b anew")
    conducted.send(c.SetLimits(Limits(timeout=2000.0)))
    conducted.folder.allow("go-a")
    conducted.until(lambda now: now.counts.done == 1)
    conducted.send(c.SetLimits(Limits(timeout=0.001)))
    conducted.until(lambda now: "timeout 2000 s → 0.001 s" in conducted.notes())
    conducted.folder.allow("go-b")
    conducted.until(lambda now: now.counts.failed == 1)
    assert "timed out after 0.001 s (ran " in str(conducted.now.runs[1].status)


def test_retries_that_are_raised_count_for_the_next_failure(conduct: Conduct) -> None:
    conducted = conduct(FAILING, ["a"])
    conducted.until(lambda now: now.counts.failed == 1 and now.phase == "idle")
    conducted.send(c.SetLimits(Limits(retries=2)), c.Retry())
    conducted.until(lambda now: now.runs[0].attempt == 3)  # retried by hand, then once by itself
    assert "retries 0 → 2" in conducted.notes()
    conducted.send(c.SetLimits(Limits(retries=0)))
    conducted.until(lambda now: now.phase == "idle" and now.counts.failed == 1)
    assert conducted.now.runs[0].attempt == 3


@pytest.mark.parametrize(
    ("commands", "said"),
    [
        ([c.SetWorkers(3)], "workers 1 → 3"),
        ([c.Pause(True)], "paused: no new runs are started"),
        ([c.Pause(True), c.Pause(False)], "no longer paused"),
        ([c.Interrupt()], "interrupting 1 run (b)"),
        ([c.Interrupt((2,))], "interrupting 1 run (b)"),
        ([c.Interrupt((1,))], "1 run (a) waits no more"),
        ([c.Forget((1,))], "1 run (a) forgotten, to run anew"),
        ([c.RerunDone()], "the module has no done()"),
        ([c.Interrupt(), c.Interrupt()], "killing 1 run (b)"),
    ],
)
def test_every_action_is_told_in_the_session_log(conduct: Conduct, commands: list[c.Command], said: str) -> None:
    conducted = conduct(WAITING, ["a", "b"])
    conducted.hears("began b anew")
    conducted.send(*commands)
    conducted.until(lambda now: said in conducted.notes())
    assert said in session_log(conducted)


def test_what_a_worker_takes_is_told_with_what_it_has_started(conduct: Conduct) -> None:
    conducted = conduct(SLEEPING, ["a"])
    conducted.until(lambda now: now.slots and now.slots[0].load is not None and now.slots[0].load.cpu > 0.2)
    load = conducted.now.slots[0].load
    assert load is not None
    assert 64 << 20 < load.rss < 512 << 20
    assert load.cpu < 1.0 + 0.2 * (os.cpu_count() or 1)


ENDLESS = """
def run(instance, save, state):
    name = os.path.basename(instance)
    try:
        os.mkdir("in-" + name)
    except FileExistsError:
        tell("overlap", name)
        raise
    for count in range(int(state or 0) + 1, 12):
        save(str(count))
        time.sleep(0.01)
    os.rmdir("in-" + name)
"""


def test_no_command_hands_a_run_to_two_workers_however_early_it_comes(conduct: Conduct) -> None:
    """Between the order to a worker and the record of its start the ledger does not know that it is taken."""
    names = [f"i{number}" for number in range(12)]
    conducted = conduct(ENDLESS, names, workers=3)
    every = conducted.ids(*names)
    while conducted.now.counts.done < len(names):
        assert not conducted.now.failure, conducted.now.failure
        conducted.send(c.Resume(), c.Next(every), c.Retry(), c.Resume(every))
    assert "overlap" not in " ".join(conducted.folder.told())
    assert [(run.attempt, run.saves) for run in conducted.now.runs] == [(1, 11)] * len(names)


def test_a_reset_that_comes_as_a_run_begins_forgets_nothing_of_it(conduct: Conduct) -> None:
    conducted = conduct(WAITING, ["a"])
    while not conducted.folder.told():
        conducted.send(c.Forget((1,)))
    conducted.folder.allow("go-a")
    conducted.until(lambda now: now.counts.done == 1)
    assert conducted.folder.told() == ["began a anew"]


def test_a_record_that_does_not_fit_is_told_and_the_session_ends_as_it_should(conduct: Conduct) -> None:
    conducted = conduct(WAITING, ["a"])
    conducted.hears("began a anew")
    segment = next(Path("m.alma/journal").glob("*-w*"))
    with segment.open("ab") as journal:
        journal.write(line_of(Started(99, 1, 0, 1.0, "", 1)))
    conducted.until(lambda now: any("does not fit" in note for note in conducted.notes()))
    conducted.folder.allow("go-a")
    conducted.until(lambda now: now.counts.done == 1)
    conducted.send(c.Quit())
    conducted.runner.join(PATIENCE)
    assert (conducted.now.phase, conducted.now.failure) == ("closed", None)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_at_the_end_is_told_and_nobody_waits_for_ever(
    conduct: Conduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    conducted = conduct(WAITING, ["a"])
    conducted.hears("began a anew")

    def broken(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(Crew, "look_at_logs", broken)
    conducted.runner.join(PATIENCE)
    assert conducted.now.phase == "closed"
    assert conducted.now.failure is not None
    assert "RecursionError: too deep" in conducted.now.failure.message
    assert holder(Path("m.alma")) is None


def test_the_first_interrupt_of_all_does_not_kill_what_has_been_asked_already(conduct: Conduct) -> None:
    conducted = conduct(SLOW, ["a", "b"], workers=2, grace=60.0)
    conducted.hears("began a", "began b")
    conducted.send(c.Interrupt(conducted.ids("a")))
    conducted.until(lambda now: any(slot.stopping for slot in now.slots))
    conducted.send(c.Interrupt(), c.Quit())
    conducted.until(lambda now: all(slot.stopping and slot.stopping.step == "asked" for slot in now.slots))
    conducted.send(c.Quit())
    conducted.until(lambda now: now.phase == "closed")
    assert conducted.notes()[-1] == "killing 2 runs (b, a)"


def test_a_run_whose_worker_was_ended_with_all_processes_of_a_login_is_interrupted(conduct: Conduct) -> None:
    conducted = conduct(SLOW, ["a"])
    conducted.hears("began a")
    conducted.until(lambda now: now.counts.running == 1 and now.slots)
    os.kill(conducted.now.slots[0].pid, signal.SIGTERM)
    conducted.until(lambda now: now.counts.interrupted == 1)
    assert "its worker was ended by SIGTERM" in str(conducted.now.runs[0].status)
    assert conducted.now.runs[0].state == b'"7"'


def test_without_descriptors_for_more_workers_those_that_are_there_go_on(
    conduct: Conduct, monkeypatch: pytest.MonkeyPatch
) -> None:
    conducted = conduct(WAITING, ["a", "b", "c"])
    conducted.hears("began c anew")

    def refused(*_: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(LocalAgent, "start", refused)
    conducted.send(c.SetWorkers(3))
    conducted.until(lambda now: any("no more workers can be started" in note for note in conducted.notes()))
    assert conducted.now.workers == 1
    for name in "abc":
        conducted.folder.allow(f"go-{name}")
    conducted.until(lambda now: now.counts.done == 3)

"""An edited module is taken up while a session runs: what is decided, and what real processes run then."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from pyalma_tui.model import messages as m
from pyalma_tui.model import status as s
from pyalma_tui.model.code import Code, code_hash
from pyalma_tui.runner import commands as c
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.module_watch import ModuleWatch
from pyalma_tui.runner.state import Absent, Policy
from pyalma_tui.runner.workers.protocol import NotRenewed, Renewed
from pyalma_tui.store.session_records import read_record
from tests.catalogue.experiment import until
from tests.family import agents_of
from tests.runner.conftest import Conduct, Conducted
from tests.runner.stage import Stage, at_work, dismissed, given, hired, said

NEW = Renewed(m.Loaded("", False, None))


def renewing(command: c.Calls | None = None, *, agent: bool = True) -> Stage:
    """Two workers: the first runs run 1, the second waits; run 2 has failed, and the module is being imported."""
    stage = at_work(2, workers=2)
    stage.raises(2)
    assert stage.tell(c.Renew(command))[-1] == i.RenewAgent()
    return stage


def test_what_is_asked_for_waits_for_the_import_and_what_runs_goes_on() -> None:
    stage = renewing(c.Retry((2,)))
    assert not stage.passes(1)
    told = stage.tell(NEW)
    assert dismissed(told) == [2], "it has the code of before"
    assert not given(told)
    assert "1 call goes on with that of before" in said(told)[0]
    assert hired(stage.leaves(2)) == [(3, 1)]
    assert given(stage.come(3)) == [(3, 2)]
    assert dismissed(stage.returns(1)) == [1], "its worker is not given anything else"
    assert stage.word(1) == "done"


def test_a_module_that_cannot_be_imported_changes_nothing() -> None:
    stage = renewing(c.Retry((2,)))
    [told] = said(stage.tell(NotRenewed(s.Error("m.py:3: SyntaxError"))))
    assert told.startswith("not imported: m.py:3: SyntaxError. The session keeps the code that it has; nothing was")
    assert stage.word(2) == "failed"
    assert given(stage.tell(c.Retry((2,)))) == [(2, 2)]


def test_after_an_interrupt_it_is_imported_and_nothing_is_called() -> None:
    stage = renewing(c.Retry((2,)))
    stage.tell(c.Interrupt())
    assert not hired(stage.tell(NEW))
    assert stage.word(2) == "failed"
    assert not len(stage.state.queue)


def test_who_is_on_the_way_with_the_code_of_before_is_let_go() -> None:
    stage = Stage(1)
    stage.passes(0)
    stage.tell(c.Renew())
    assert dismissed(stage.tell(NEW)) == [1]
    assert hired(stage.leaves(1)) == [(2, 0)]


def test_where_there_is_no_agent_none_is_started_with_the_code_of_before() -> None:
    stage = Stage(1, agent=False)
    stage.state.gate = type(stage.state.gate)(paused=True)
    stage.tell(c.Renew(c.Resume()))
    assert isinstance(stage.state.agent, Absent)
    assert not stage.passes(1)
    assert hired(stage.tell(NEW)) == [(1, 0)]


def test_a_failed_run_that_is_tried_again_by_itself_gets_the_new_code() -> None:
    stage = at_work(1, retries=1)
    stage.tell(c.Renew())
    stage.tell(NEW)
    assert dismissed(stage.raises(1)) == [1]
    stage.leaves(1)
    assert hired(stage.passes(60)) == [(2, 0)]


def test_on_other_hosts_it_is_refused() -> None:
    stage = Stage(1, policy=Policy(renews=False))
    [told] = stage.tell(c.Renew(c.Retry()))[:1]
    assert isinstance(told, i.Say)
    assert "start again" in told.text


def test_who_leaves_meanwhile_is_not_kept_by_an_import() -> None:
    stage = renewing(c.Retry((2,)))
    stage.tell(c.Quit())
    stage.stops(1)
    stage.leaves(1, 2)
    assert stage.state.agent != Absent()
    assert not stage.tell(c.Renew(c.Retry()))


# --- real processes ---------------------------------------------------------------------------------------------------

OLD = """
import helping
def run(instance, save, state):
    name = os.path.basename(instance)
    tell("began", name, "old", helping.NAME)
    save("7")
    if name == "fails":
        raise ValueError("negative weight")
    wait_for("go-" + name)
"""


def edited(conducted: Conducted, *changes: tuple[str, str]) -> None:
    """Edit the module; its time is another one, whatever the clock of the file system."""
    file = conducted.folder.path / "m.py"
    text = file.read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    file.write_text(text)


def begun(conduct: Conduct, tmp_path: Path, **settings: Any) -> Conducted:
    (tmp_path / "helping.py").write_text('NAME = "one"\n')
    conducted = conduct(OLD, ["fails", "waits"], **({"workers": 2} | settings))
    conducted.hears("began waits old one")
    conducted.until(lambda now: now.counts.failed == 1)
    return conducted


def code_of(conducted: Conducted, name: str) -> str:
    (run,) = conducted.ids(name)
    return conducted.now.runs[run - 1].module


@pytest.mark.parametrize("settings", [{}, {"runs_per_worker": 1}, {"each": True}], ids=str)
def test_a_retry_runs_the_mended_module_and_its_helper_while_what_runs_keeps_its_code(
    conduct: Conduct, tmp_path: Path, settings: dict[str, Any]
) -> None:
    conducted = begun(conduct, tmp_path, **settings)
    before = conducted.now.code
    (first,) = agents_of(os.getpid())
    edited(conducted, ('"old"', '"new"'), ('name == "fails"', 'name == "never"'))
    (tmp_path / "helping.py").write_text('NAME = "two"\n')
    conducted.send(c.Renew(c.Retry()))
    conducted.hears("began fails new two")
    conducted.until(lambda now: now.counts.running == 2)  # what ran goes on beside it
    assert psutil.pid_exists(first.pid)
    conducted.folder.allow("go-fails")
    conducted.folder.allow("go-waits")
    conducted.until(lambda now: now.counts.done == 2)
    until(lambda: len(agents_of(os.getpid())) == 1, lambda: "that of before has ended with its last worker")
    now = conducted.now
    assert conducted.folder.told().count("began waits old one") == 1
    assert (code_of(conducted, "waits"), code_of(conducted, "fails")) == (before, now.code) != (before, before)
    assert now.code in now.codes
    assert before not in now.codes
    told = "1 run has a state saved by older code"
    until(lambda: any(note.startswith(told) for note in conducted.notes()), lambda: f"told: {conducted.notes()}")
    record = until(lambda: read_record(tmp_path / "m.alma", 1), lambda: "there is a record")
    assert record.code == before
    assert [each.code for each in record.renewals] == [now.code]
    for name in ("m.py", "helping.py"):
        text = (tmp_path / name).read_bytes()
        assert (tmp_path / "m.alma/code" / f"{code_hash(text)}.py").read_bytes() == text


def test_one_that_does_not_import_is_told_in_a_line_and_the_session_goes_on(conduct: Conduct, tmp_path: Path) -> None:
    conducted = begun(conduct, tmp_path)
    before = conducted.now.code
    edited(conducted, ("import helping", "import helpping"))
    conducted.send(c.Renew(c.Retry()))
    conducted.until(lambda now: any(note.text.startswith("not imported: ") for note in now.notes))
    [told] = [note for note in conducted.notes() if note.startswith("not imported: ")]
    assert "No module named 'helpping'" in told
    assert "nothing was called again" in told
    assert conducted.now.code == before
    assert conducted.statuses() == {"fails": "failed", "waits": "running"}
    edited(conducted, ("import helpping", "import helping"), ('"old"', '"new"'))
    conducted.send(c.Renew(c.Retry()))
    conducted.hears("began fails new one")
    conducted.folder.allow("go-waits")
    conducted.until(lambda now: now.counts.done == 1)


def test_an_import_that_hangs_is_given_up_for_the_next_one(conduct: Conduct, tmp_path: Path) -> None:
    conducted = begun(conduct, tmp_path)
    edited(conducted, ("import helping", "import helping; tell('hangs'); wait_for('never')"))
    conducted.send(c.Renew(c.Retry()))
    conducted.hears("hangs")
    edited(conducted, ("wait_for('never')", "tell('mended')"))
    conducted.send(c.Renew(c.Retry()))
    conducted.until(lambda now: conducted.folder.told().count("began fails old one") == 2)
    until(lambda: len(agents_of(os.getpid())) == 2, lambda: "the one that hung is gone")
    conducted.folder.allow("go-waits")


@pytest.mark.parametrize("which", ["before", "now"])
def test_when_either_agent_is_killed_its_runs_go_on_with_the_new_code(
    conduct: Conduct, tmp_path: Path, which: str
) -> None:
    conducted = begun(conduct, tmp_path)
    (before,) = agents_of(os.getpid())
    edited(conducted, ('"old"', '"new"'), ('name == "fails"', 'name == "never"'))
    conducted.send(c.Renew(c.Retry()))
    conducted.hears("began fails new one")
    (now,) = [each for each in agents_of(os.getpid()) if each.pid != before.pid]
    (before if which == "before" else now).send_signal(signal.SIGKILL)
    conducted.hears("began waits new one")
    conducted.folder.allow("go-fails")
    conducted.folder.allow("go-waits")
    conducted.until(lambda now: now.counts.done == 2)


def test_a_later_agent_has_the_new_code_whatever_is_on_the_disk_by_then(conduct: Conduct, tmp_path: Path) -> None:
    conducted = begun(conduct, tmp_path, runs_per_worker=None)
    edited(conducted, ('"old"', '"new"'))
    conducted.send(c.Renew())
    conducted.folder.allow("go-waits")
    conducted.until(lambda now: now.counts.done == 1 and any("has this code" in note.text for note in now.notes))
    edited(conducted, ('"new"', '"newest"'))
    until(lambda: len(agents_of(os.getpid())) == 1, lambda: "that of before has ended with its last worker")
    (agent,) = agents_of(os.getpid())
    agent.send_signal(signal.SIGKILL)
    until(lambda: not agents_of(os.getpid()), lambda: "it is gone")
    conducted.send(c.Retry())
    conducted.hears("began fails new one")


RAISES = """
import helping
def run(instance, save, state):
    tell("began", "it")
    wait_for("go-on")
    helping.check(-1)  # as it runs
"""


@pytest.mark.parametrize("settings", [{}, {"each": True}], ids=str)
def test_a_traceback_shows_the_lines_that_ran_not_those_of_a_file_that_was_edited_since(
    conduct: Conduct, tmp_path: Path, settings: dict[str, Any]
) -> None:
    helper = tmp_path / "helping.py"
    helper.write_text("def check(weight):\n    raise ValueError(weight)  # once\n")
    conducted = conduct(RAISES, ["a"], workers=1, **settings)
    conducted.hears("began it")
    edited(conducted, ("helping.check(-1)  # as it runs", "pass  # mended"))
    helper.write_text("def check(weight):\n    return  # mended\n\n")
    conducted.folder.allow("go-on")
    conducted.until(lambda now: now.counts.failed == 1)
    (status,) = [run.status for run in conducted.now.runs]
    assert isinstance(status, s.Failed)
    error = status.error
    assert "helping.check(-1)  # as it runs" in error.traceback
    assert "raise ValueError(weight)  # once" in error.traceback
    assert "mended" not in error.traceback


def test_who_asks_for_the_code_as_it_is_now_is_not_told_of_its_edits_behind_the_answer(tmp_path: Path) -> None:
    texts = {"m.py": b"a = 1\n", "one.py": b"b = 1\n", "two.py": b"c = 1\n"}
    for name, text in texts.items():
        (tmp_path / name).write_bytes(text)
    watch = ModuleWatch(tmp_path, Code("m.py", {name: code_hash(text) for name, text in texts.items()}))
    for name in texts:
        (tmp_path / name).write_text("x = 12 +\n")
    watch.take_as_told()
    assert [watch.news() for _ in texts] == [[], [], []]
    (tmp_path / "two.py").write_text("x = 123\n")
    [told] = [text for _ in texts for text in watch.news()]
    assert told.startswith("two.py has changed on disk (")

"""Catalogue F, continued: other people's files, and files of ours that other people use."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from tinydb import TinyDB

import pyalma_tui.experiment
from pyalma_tui.errors import UsageError
from tests.catalogue.case import case, cases
from tests.catalogue.experiment import Experiment, as_anybody, below, until

SAVING = """
def run(instance, save, state):
    tell("begins", os.path.basename(instance), repr(state))
    print("printed")
    save("1")
"""
OTHER = "def run(instance, save, state): tell('other')"
GROUP, OWNER = 20000, 12345  # of nobody else here


# --- 83: --fresh -------------------------------------------------------------------------------------------------

FOREIGN = ("thesis/thesis.tex", "notes.md", "logs/3/notes.txt", "logs/diary.log", "code/mine.py", "journal/a.jsonl")


@case("F83-folder-of-the-users-own")
def test_fresh_removes_what_is_ours_by_name_and_names_what_stays(experiment: Experiment) -> None:
    assert experiment.write(SAVING, ("a", "b")).run("--state", ".").code == 0
    for name in FOREIGN:
        (experiment.folder / name).parent.mkdir(exist_ok=True)
        (experiment.folder / name).write_text("two years of work")
    os.mkfifo(experiment.folder / "crash.log")
    (experiment.folder / "db.json.tmp").symlink_to("notes.md")
    refused = experiment.run("--state", ".", "--fresh", "--yes")
    assert (refused.code, len(refused.said)) == (3, 1), "what has a name of ours and is none is not removed"
    for name in ("crash.log", "db.json.tmp"):
        (experiment.folder / name).unlink()
    result = experiment.run("--state", ".", "--fresh", "--yes")
    assert result.code == 0
    assert experiment.told() == ["begins b ''", "begins a ''"] * 2
    (line,) = [line for line in result.said if "--fresh: left in " in line]
    for name in ("m.py", "a", "thesis/", "notes.md", "logs/3/notes.txt", "logs/diary.log", "journal/a.jsonl"):
        assert f" {name}" in line, line
    for name in FOREIGN:
        assert (experiment.folder / name).read_text() == "two years of work"
    assert sorted(path.name for path in (experiment.folder / "logs").iterdir()) == ["1", "2", "3", "diary.log"]


@case("F83-links")
def test_fresh_goes_through_no_link(experiment: Experiment) -> None:
    state_dir = experiment.write(SAVING, ("a", "b")).state_dir
    assert experiment.run().code == 0
    outside = experiment.folder / "outside"
    (state_dir / "logs" / "1").rename(outside)
    (state_dir / "logs" / "1").symlink_to(outside)
    victim = experiment.folder / "precious"
    victim.write_text("two years of work")
    (state_dir / "logs" / "2" / "7.log").symlink_to(victim)
    (state_dir / "code" / "0123456789ab.py").symlink_to(victim)
    kept = below(outside)
    result = experiment.run("--fresh", "--yes")
    assert result.code == 0
    assert any("code/0123456789ab.py, logs/1, logs/2/7.log" in line for line in result.said), result
    assert (below(outside), victim.read_text()) == (kept, "two years of work")
    assert "what run() prints is lost" in experiment.session_log()
    (state_dir / "logs").rename(experiment.folder / "logs")
    (state_dir / "logs").symlink_to(experiment.folder / "logs")
    before = below(experiment.folder)
    result = experiment.run("--fresh", "--yes")
    assert (result.code, len(result.said)) == (3, 1), result
    assert "m.alma/logs: a symbolic link, not a directory. Nothing was changed" in result.last_line()
    assert below(state_dir) == {name.removeprefix("m.alma/"): x for name, x in before.items() if "m.alma/" in name}


@case("F83-tables-of-somebody-else")
def test_fresh_keeps_tables_of_somebody_else(experiment: Experiment) -> None:
    state_dir = experiment.write(SAVING).state_dir
    state_dir.mkdir()
    with TinyDB(state_dir / "db.json") as db:
        db.table("theirs").insert({"years": 2})
    for options in ((), ("--fresh", "--yes")):
        assert experiment.run(*options).code == 0
        with TinyDB(state_dir / "db.json") as db:
            assert db.table("theirs").all() == [{"years": 2}]
    assert len(experiment.told()) == 2


@case("F83-nothing-else-names-the-instances")
def test_fresh_does_not_forget_instances_that_nothing_else_names(experiment: Experiment) -> None:
    experiment.write(SAVING)
    experiment.module.with_suffix(".batch").unlink()
    assert experiment.run("a").code == 0
    before = below(experiment.state_dir)
    result = experiment.run("--fresh", "--yes")
    assert "none given. Name them" in result.refusal()
    assert below(experiment.state_dir) == before


NAMED_LIKE_OURS = {
    "lock": "poetry",
    "session_log": "monday",
    "db_json_bak": "[2]",
    "db_json_tmp": "[3]",
    "logs/1/1.log": "mine",
    "db_json": "[1, 2]",
}


@cases("F83-never-begun", **{name.replace("/", "_"): name for name in NAMED_LIKE_OURS})
def test_a_folder_that_was_never_begun_keeps_what_is_named_like_ours(experiment: Experiment, name: str) -> None:
    """A folder in which nobody has started anything may hold what only looks like ours."""
    experiment.write("print('imported')\n" + SAVING)
    theirs = experiment.folder / re.sub(r"_(?=json|log|bak|tmp)", ".", name)
    theirs.parent.mkdir(parents=True, exist_ok=True)
    theirs.write_text(NAMED_LIKE_OURS[name])
    names = set(os.listdir(experiment.folder))
    for options in ((), ("--fresh", "--yes")):
        result = experiment.run("--state", ".", *options)
        assert (result.code, len(result.said)) == (3, 1), result
        assert str(theirs) in result.last_line()
        assert "Nothing was" in result.last_line()
        assert theirs.read_text() == NAMED_LIKE_OURS[name]
        made = set(os.listdir(experiment.folder)) - names
        assert not [each for each in made if not each.startswith(("out-", "err-", "__pycache__"))], made


@case("F83-what-a-start-that-came-to-nothing-has-left")
def test_what_a_start_that_came_to_nothing_has_left_is_no_obstacle(experiment: Experiment) -> None:
    """As when the power went off while the first lock was written, or between --fresh and the start after it."""
    state_dir = experiment.write(SAVING).state_dir
    state_dir.mkdir()
    for left in ("", '{"pid":77,"since":0.0}\n'):
        (state_dir / "lock").write_text(left)
        (state_dir / "session.log").write_text("")
        assert experiment.run().code == 0
        assert experiment.run("--fresh", "--yes").code == 0


@case("F83-a-link-in-the-journal")
def test_fresh_refuses_a_link_in_the_journal_before_it_forgets(experiment: Experiment) -> None:
    """--fresh does not forget first and refuse to start then."""
    state_dir = experiment.write(SAVING).state_dir
    assert experiment.run().code == 0
    (state_dir / "journal" / "000009-w0001-0001.jsonl").symlink_to(experiment.module)
    before = below(state_dir)
    result = experiment.run("--fresh", "--yes")
    assert (result.code, len(result.said)) == (3, 1), result
    assert "000009-w0001-0001.jsonl: a symbolic link, not a regular file. Nothing was changed" in result.last_line()
    assert below(state_dir) == before


# --- 84, 85: whose state it is -----------------------------------------------------------------------------------


@case("F84-every-command")
def test_the_state_of_another_module_is_refused_with_both_names_by_every_command(experiment: Experiment) -> None:
    assert experiment.write(SAVING).run("--state", "S").code == 0
    before = below(experiment.folder / "S")
    (experiment.folder / "n.py").write_text("from telling import tell\n" + OTHER)
    whose = f"state directory: {experiment.folder}/S: it holds the runs of m.py, not of n.py. Nothing was changed; "
    commands: list[tuple[str, ...]] = [("n.py", "a", "--plain")]
    commands += [(verb, "n.py") for verb in ("status", "logs", "export")] + [("reset", "n.py", "--yes")]
    for command in commands:
        assert experiment.start(*command, "--state", "S").end().refusal().startswith(whose), command
        assert below(experiment.folder / "S") == before, command
    doctor = experiment.start("doctor", "n.py", "--state", "S").end()
    assert (doctor.code, doctor.out.count("it holds the runs of m.py, not of n.py")) == (2, 1)
    dispatcher = pyalma_tui.experiment.load(experiment.folder / "n.py", state=experiment.folder / "S", instances=["a"])
    with pytest.raises(UsageError, match=r"it holds the runs of m\.py, not of n\.py"):
        dispatcher.results()
    assert below(experiment.folder / "S") == before
    assert "other" not in experiment.told()
    assert experiment.start("n.py", "a", "--plain", "--state", "S", "--fresh", "--yes").end().code == 0
    assert experiment.told()[-1] == "other"
    assert "it holds the runs of n.py" in experiment.run("--state", "S").refusal()


@case("F84-experiment-of-that-name")
def test_an_experiment_with_another_module_is_another_target(experiment: Experiment) -> None:
    experiment.write(SAVING)
    assert experiment.run().code == 0
    (experiment.folder / "n.py").write_text("from telling import tell\n" + OTHER)
    keys = {"load": "./m.py", "batch": "./m.batch"}
    (experiment.folder / "m.experiment").write_text(json.dumps(keys))
    assert experiment.start("m.experiment", "--plain").end().code == 0, "it loads the module that it stands beside"
    (experiment.folder / "m.experiment").write_text(json.dumps(keys | {"load": "./n.py"}))
    line = experiment.start("m.experiment", "--plain").end().refusal()
    assert "it holds the runs of m.experiment with m.py, not of m.experiment with n.py" in line


@case("F84-its-module-is-not-imported")
def test_the_module_of_a_refused_start_is_not_imported(experiment: Experiment) -> None:
    """It would see the arguments of the other one."""
    experiment.write(SAVING)
    assert experiment.start("m.py", "--plain", "--state", "S", "--", "--delete", "all").end().code == 0
    (experiment.folder / "n.py").write_text(
        "from telling import tell\nimport sys\ntell('import', *sys.argv[1:])\n" + OTHER
    )
    experiment.start("n.py", "a", "--plain", "--state", "S").end().refusal()
    dispatcher = pyalma_tui.experiment.load(experiment.folder / "n.py", state=experiment.folder / "S", instances=["a"])
    with pytest.raises(UsageError, match=r"it holds the runs of m\.py, not of n\.py"):
        dispatcher.start()
    assert not [line for line in experiment.told() if line.startswith("import")]


@case("F84-while-it-runs")
def test_the_state_of_another_module_is_refused_while_that_runs(experiment: Experiment) -> None:
    experiment.write(SAVING + "    wait_for('go')\n")
    running = experiment.go("--state", "S")
    experiment.hears("begins a ''")
    (experiment.folder / "n.py").write_text(OTHER)
    assert "runs of m.py, not of n.py" in experiment.start("n.py", "a", "--plain", "--state", "S").end().refusal()
    experiment.allow("go")
    assert running.end().code == 0


@cases("F85", moved=Path.rename, copied=lambda old, new: os.system(f"cp -r '{old}' '{new}'"))
def test_a_moved_or_copied_folder_is_the_same_experiment(
    experiment: Experiment, move: Callable[[Path, Path], object]
) -> None:
    experiment.write(SAVING + "    if os.path.exists('fail'): raise ValueError\n")
    experiment.allow("fail")
    assert experiment.run().code == 1
    new = experiment.folder / "new"
    old = experiment.folder / "old"
    old.mkdir()
    for name in ("m.py", "m.alma", "m.batch", "telling.py", "a"):
        (experiment.folder / name).rename(old / name)
    move(old, new)
    experiment.folder.joinpath("fail").unlink()
    assert experiment.start("new/m.py", "--plain", "--retry-failed").end().code == 0
    assert (new / "told").read_text() == "begins a '1'\n", "it is called with the state that it had saved"


# --- 86, 92: pipes and links in the place of our files -----------------------------------------------------------


@cases("F86", code="*.py", manifest="*.json")
def test_a_link_in_the_place_of_kept_code_is_not_written_through(experiment: Experiment, name: str) -> None:
    state_dir = experiment.write(SAVING).state_dir
    assert experiment.run().code == 0
    victim = experiment.folder / "precious"
    victim.write_text("two years of work")
    copy = min((state_dir / "code").glob(name))
    copy.unlink()
    copy.symlink_to(victim)
    result = experiment.run()
    assert (result.code, len(result.said)) == (3, 1), result
    assert f"{copy}: a symbolic link, not a regular file" in result.last_line()
    assert victim.read_text() == "two years of work"


@cases("F86", lock="lock", segment="journal/000002-w0001-0001.jsonl", session_log="session.log")
def test_a_pipe_in_the_place_of_a_file_of_ours_holds_no_command_up(experiment: Experiment, name: str) -> None:
    state_dir = experiment.write(SAVING).state_dir
    assert experiment.run().code == 0
    (state_dir / name).unlink(missing_ok=True)
    os.mkfifo(state_dir / name)
    for command in (("m.py", "--plain"), ("reset", "m.py", "--yes"), ("status", "m.py")):
        result = experiment.start(*command).end()
        assert (result.code, len(result.said)) == (3, 1), result
        assert f"{state_dir / name}: a named pipe, not a regular file" in result.last_line()


@case("F86-log-is-a-pipe")
def test_a_pipe_in_the_place_of_a_log_costs_the_log_alone(experiment: Experiment) -> None:
    state_dir = experiment.write(SAVING).state_dir
    (state_dir / "logs" / "1").mkdir(parents=True)
    os.mkfifo(state_dir / "logs" / "1" / "1.log")
    assert experiment.run().code == 0
    assert f"{state_dir}/logs/1/1.log: a named pipe, not a regular file" in experiment.session_log()
    assert "not a regular file" in experiment.start("logs", "m.py", "a").end().refusal()


@case("F92-a-followed-log-becomes-a-pipe")
def test_a_followed_log_that_becomes_a_pipe_is_not_waited_for(experiment: Experiment) -> None:
    experiment.write(SAVING + "    wait_for('go')\n")
    running = experiment.go()
    experiment.hears("begins a ''")
    looking = experiment.start("logs", "m.py", "a", "--follow")
    until(lambda: "printed" in looking.printed(), experiment.outputs)
    log = experiment.state_dir / "logs" / "1" / "1.log"
    log.unlink()
    os.mkfifo(log)
    result = looking.end()
    assert (result.code, result.out) == (2, "printed\n")
    assert "not a regular file" in result.last_line()
    experiment.allow("go")
    assert running.end().code == 0


# --- 88, 89: modes -----------------------------------------------------------------------------------------------

MANY = """
print("imported")

def run(instance, save, state):
    tell("begins", os.path.basename(instance))
    print("printed")
    UMASK
    for k in range(40):
        save(str(k) + "x" * 1_000_000)
    tell("saved", os.path.basename(instance))
    if instance.endswith("last"):
        wait_for("go")
"""


def assert_modes_hold(experiment: Experiment, umask: int) -> None:
    """Play it with this umask, killed and resumed, and look at all that was made."""
    experiment.folder.chmod(0o2775)

    def with_umask() -> None:
        as_anybody()
        os.umask(umask)

    running = experiment.go("--workers", "1", before=with_umask)
    experiment.hears("saved last")
    assert experiment.start("status", "m.py", before=as_anybody).end().code == 0, "whoever may read it can"
    experiment.kill(running)
    assert _modes(experiment.state_dir) == {0o666 & ~umask, 0o2777 & ~umask}
    names = set(below(experiment.state_dir))
    assert {"db.json", "journal", "logs/2/1.log", "logs/1/1.log", "logs/load/first.log"} <= names
    assert sum(name.startswith("journal/") for name in names) > 2
    experiment.allow("go")
    experiment.batch(("last", "b", "new"))
    assert experiment.run("--workers", "2", before=with_umask).code == 0
    assert _modes(experiment.state_dir) == {0o666 & ~umask, 0o2777 & ~umask}
    assert (experiment.state_dir / "session.log").exists()


@cases("F88", group=0o002, private=0o077)
def test_modes_follow_the_umask_of_the_start(experiment: Experiment, umask: int) -> None:
    experiment.write(MANY.replace("UMASK", ""), ("last", "b"))
    assert_modes_hold(experiment, umask)


@case("F89-everything-masked")
def test_modes_follow_the_umask_of_the_start_whatever_a_run_does_to_its_own(experiment: Experiment) -> None:
    experiment.write(MANY.replace("UMASK", "os.umask(0o777)"), ("last", "b"))
    assert_modes_hold(experiment, 0o002)


def _modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(path.lstat().st_mode) for path in (folder, *folder.rglob("*"))}


# --- 90, 91: a group ---------------------------------------------------------------------------------------------


def colleague() -> None:
    """Become somebody of the group, who owns nothing here."""
    shared()
    os.setgroups([GROUP])
    as_anybody()


def shared() -> None:
    """Let the group write what is made."""
    os.umask(0o002)


def private() -> None:
    """Let nobody else read what is made."""
    os.umask(0o077)


def _hand_over(folder: Path) -> None:
    """Let everything belong to somebody else, of the group."""
    for path in (folder, *folder.rglob("*")):
        try:
            os.chown(path, OWNER, GROUP, follow_symlinks=False)
        except OSError as error:
            if error.errno != errno.EPERM:
                raise
            pytest.skip("only root can be two people")
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(path.stat().st_mode | stat.S_ISGID)


@case("F90-a-group-works-on-it")
def test_a_group_works_on_one_experiment(experiment: Experiment) -> None:
    experiment.write(SAVING, ("a", "b")).batch(("a",))
    assert experiment.run(before=shared).code == 0
    _hand_over(experiment.state_dir)
    for command in ("status", "logs", "export"):
        result = experiment.start(command, "m.py", before=colleague).end()
        assert (result.code, result.err) == (0, ""), result
    experiment.batch(("a", "b"))
    assert experiment.run(before=colleague).code == 0
    assert experiment.statuses() == {"a": "done", "b": "done"}
    for path in (experiment.state_dir, *experiment.state_dir.rglob("*")):
        assert path.stat().st_gid == GROUP, path
        assert path.stat().st_mode & 0o060 == 0o060, path


@case("F91-what-may-not-be-read-is-said-in-a-line")
def test_what_may_not_be_read_is_said_in_a_line(experiment: Experiment) -> None:
    experiment.write(SAVING).run(before=private)
    _hand_over(experiment.state_dir)
    commands = [("m.py", "--plain"), ("reset", "m.py", "--yes")]
    commands += [(verb, "m.py") for verb in ("status", "logs", "export")]
    for searchable in (False, True):
        experiment.state_dir.chmod(0o2755 if searchable else 0o2700)
        for command in commands:
            result = experiment.start(*command, before=colleague).end()
            assert (result.code, result.out, len(result.said)) == (3, "", 1), (command, result)
            assert "Permission denied. Nothing was changed" in result.last_line()
        doctor = experiment.start("doctor", "m.py", before=colleague).end()
        assert (doctor.code, doctor.err) == (3, "")
        assert "Permission denied" in doctor.out

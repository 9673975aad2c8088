"""Catalogue F: the store."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any

from tinydb import TinyDB, where

from pyalma_tui.store.lock import Lock, holder
from tests.catalogue.case import case, cases
from tests.catalogue.disks import FILLING, disk
from tests.catalogue.experiment import PATIENCE, Experiment, Result, Running, as_anybody, below, until
from tests.terminal.screen import FULL_SCREEN, LEFT, Terminal

COUNTING = """
def run(instance, save, state):
    name = os.path.basename(instance)
    number = int(state or "0")
    tell("begins", name, number)
    while number < 5:
        number += 1
        save(str(number))
        tell("saved", name, number)
        if number == 3:
            wait_for("go")

def done():
    tell("done()")
"""


def killed(experiment: Experiment, names: tuple[str, ...] = ("a",)) -> Experiment:
    """A session that was killed after the third save: one checkpoint of its begin, a journal with the rest."""
    running = experiment.write(COUNTING, names).go()
    experiment.hears(f"saved {names[-1]} 3")
    experiment.kill(running)
    return experiment


def finished(experiment: Experiment) -> Experiment:
    """A session that ran to its end."""
    experiment.write(COUNTING).allow("go")
    assert experiment.run().code == 0
    return experiment


def refused(experiment: Experiment, *options: str, before: Callable[[], None] | None = None) -> str:
    """The one line of a start that ends with 3 and changes nothing."""
    was, told = below(experiment.state_dir), experiment.told()
    result = experiment.run(*options, before=before)
    assert (result.code, result.out, len(result.said)) == (3, "", 1), result
    assert below(experiment.state_dir) == was
    assert experiment.told() == told, "no user code may have run"
    return result.last_line()


def resumed(experiment: Experiment, state: int = 3, *options: str) -> Result:
    """A start that goes on where the last one stopped, to the end."""
    experiment.allow("go")
    result = experiment.run(*options)
    assert result.code == 0, result
    assert f"begins a {state}" in experiment.told()
    assert {(run["status"], run["state"]) for run in experiment.runs().values()} == {("done", "5")}
    assert experiment.told().count("done()") == 1
    return result


def journal(experiment: Experiment) -> Path:
    """The segment of the worker, which has a line for each save."""
    (segment,) = [path for path in (experiment.state_dir / "journal").iterdir() if "-w0" in path.name]
    return segment


@case("F63-missing")
def test_a_missing_state_directory_is_made_and_holds_one_file_of_results_at_the_end(experiment: Experiment) -> None:
    state_dir = finished(experiment).state_dir
    sampled = {"series.json"}  # what the worker took, if it took a second
    assert sorted({path.name for path in state_dir.iterdir()} - sampled) == [
        "code",
        "db.json",
        "db.json.bak",
        "journal",
        "lock",
        "logs",
        "sessions",
    ]
    assert list((state_dir / "journal").iterdir()) == [], "a session that ends well leaves one file"


@case("F63-not-writable")
def test_a_place_that_cannot_be_written_is_told_before_any_screen(experiment: Experiment) -> None:
    experiment.write(COUNTING)
    (experiment.folder / "told").touch()
    experiment.allow("go")
    experiment.folder.chmod(0o555)
    result = experiment.run(before=as_anybody)
    line = (
        f"state directory: {experiment.state_dir}: Permission denied. Nothing was started; "
        "--state DIR chooses another place"
    )
    assert (result.code, result.out, len(result.said), result.last_line()) == (3, "", 1, line)
    assert not experiment.state_dir.exists()
    with Terminal(experiment.folder, "m.py", columns=300, before=as_anybody) as terminal:
        assert terminal.end() == 3
        assert FULL_SCREEN not in terminal.raw, "said before any screen"
        assert line in terminal.text
    experiment.folder.chmod(0o755)
    resumed(experiment, 0)


@case("F63-db-json-alone-is-missing")
def test_a_journal_without_its_database_is_refused(experiment: Experiment) -> None:
    database = killed(experiment).state_dir / "db.json"
    kept = database.read_bytes()
    database.unlink()
    (experiment.state_dir / "db.json.bak").unlink(missing_ok=True)
    line = refused(experiment)
    assert line == f"store: {database}: it is missing, but the journal beside it is not. Nothing was changed"
    database.write_bytes(kept)
    resumed(experiment)


def with_run(**facts: object) -> Callable[[bytes], bytes]:
    """Change facts of run 1."""

    def change(text: bytes) -> bytes:
        tables = json.loads(text)
        tables["runs"]["1"] |= facts
        return json.dumps(tables).encode()

    return change


UNREADABLE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda text: b"", "the file is empty"),
    "blank": (lambda text: b"\n\n", "the file is empty"),
    "cut": (lambda text: text[: len(text) // 2], "truncated"),
    "zeros": (lambda text: b"\0" * len(text), "malformed"),
    "garbage": (lambda text: bytes(range(256)), "malformed"),
    "list": (lambda text: b"[]", "Expected `object`, got `array`"),
    "two values": (lambda text: text + text, "malformed"),
    "meta gone": (lambda text: text.replace(b'"meta"', b'"atem"'), "`$.meta` is missing"),
    "wrong type": (with_run(saves="many"), "Expected `int`, got `str` - at `$.runs"),
    "wrong status": (with_run(status="finished"), "`$.runs.1.status` is 'finished', not one of pending, running"),
    "no such instance": (with_run(instance_id=7), "`$.runs.1` does not fit the runs and instances around it"),
}


@case("F64-unreadable")
def test_a_database_that_cannot_be_read_is_refused_with_its_backup_and_not_touched(experiment: Experiment) -> None:
    database = killed(experiment).state_dir / "db.json"
    kept = database.read_bytes()
    backup = database.with_name("db.json.bak")
    backup.write_bytes(kept)
    for name, (damage, why) in UNREADABLE.items():
        database.write_bytes(damage(kept))
        line = refused(experiment)
        assert line.startswith(f"store: {database}: "), name
        assert why in line, name
        assert line.endswith(f". Nothing was changed; the one before it is {backup}"), name
        looked = experiment.says("status", "m.py")
        assert (looked.code, looked.out, looked.last_line()) == (3, "", line), name
    shutil.copy(backup, database)
    resumed(experiment)


@cases("F65", torn_tail=0, damaged_middle=1, damaged_last_line=-1)
def test_a_damaged_line_costs_itself_alone_and_its_file_is_kept(experiment: Experiment, line: int) -> None:
    segment = journal(killed(experiment))
    lines = segment.read_bytes().splitlines(keepends=True)
    assert len(lines) == 4, "started, and three saves"
    if line:
        number = 2 if line > 0 else 3
        lines[number] = lines[number].replace(b'"2"', b'"9"').replace(b'"3"', b'"9"')
        assert b'"9"' in lines[number]
    else:
        lines.append(lines[-1][:-7])
    damaged = b"".join(lines)
    segment.write_bytes(damaged)

    result = resumed(experiment, 2 if line < 0 else 3)
    (preserved,) = (experiment.state_dir / "journal").iterdir()
    assert re.fullmatch(re.escape(segment.name) + r"\.damaged-\d{8}-\d{6}", preserved.name)
    assert preserved.read_bytes() == damaged
    note = f"1 damaged or torn line(s) of {segment.name} were skipped; the file is kept as {preserved.name}"
    assert note in experiment.session_log()
    assert note in result.out


@case("F66-leftover-temporary-files")
def test_leftover_temporary_files_are_cleared_away(experiment: Experiment) -> None:
    state_dir = killed(experiment).state_dir
    for name in ("db.json.tmp", "db.json.bak.tmp"):
        (state_dir / name).write_bytes(b'{"meta": {"1": {"schema"')
    resumed(experiment)
    assert not list(state_dir.glob("*.tmp"))


@case("F66-checkpoint-older-than-the-journal")
def test_a_checkpoint_older_than_the_journal_is_refused(experiment: Experiment) -> None:
    state_dir = killed(experiment, ("b", "a")).state_dir
    older = (state_dir / "db.json").read_bytes()
    running = experiment.go()
    experiment.hears("begins a 3")
    experiment.kill(running)
    newer = (state_dir / "db.json").read_bytes()
    assert newer != older
    (state_dir / "db.json").write_bytes(older)
    line = refused(experiment)
    assert re.search(r": it is checkpoint \d+, the journal goes on from checkpoint \d+: was one of them restored", line)
    assert line.endswith(
        f"Nothing was changed; put the newer file back, or go on without {state_dir / 'journal'} by moving it"
    )
    (state_dir / "db.json").write_bytes(newer)
    resumed(experiment)


@case("F66-checkpoint-of-another-experiment")
def test_a_checkpoint_of_another_experiment_is_refused(experiment: Experiment) -> None:
    state_dir = killed(experiment, ("c", "b", "a")).state_dir
    own = (state_dir / "db.json").read_bytes()
    other = Experiment(experiment.folder / "other")
    other.folder.mkdir()
    killed(other)
    shutil.copy(other.state_dir / "db.json", state_dir)
    assert refused(experiment).startswith(
        f"store: {state_dir / 'db.json'}: the journal beside it is that of another experiment: was one of them restored"
    )
    (state_dir / "db.json").write_bytes(own)
    resumed(experiment)


@case("F66-checkpoint-newer-than-the-journal")
def test_a_journal_older_than_the_checkpoint_is_told_and_taken_in_nowhere(experiment: Experiment) -> None:
    state_dir = killed(experiment).state_dir
    old = below(state_dir / "journal")
    resumed(experiment)
    for name, text in old.items():
        assert isinstance(text, bytes)
        (state_dir / "journal" / name).write_bytes(text)
    before = experiment.told()
    result = experiment.run()
    assert result.code == 0, result
    for name, text in old.items():
        assert f"{name} is older than db.json, as from a backup: nothing of it was taken in" in result.out
        (kept,) = (state_dir / "journal").glob(f"{name}.stale-*")
        assert kept.read_bytes() == text
    assert experiment.told() == before, "an old journal takes nothing back: neither a run nor done()"
    assert experiment.one()["state"] == "5"


@case("F67-newer-schema")
def test_a_newer_schema_is_refused(experiment: Experiment) -> None:
    database = killed(experiment).state_dir / "db.json"
    kept = database.read_bytes()
    tables = json.loads(kept)
    tables["meta"]["1"] = {"schema": 2, "something": ["else"]}
    database.write_text(json.dumps(tables))
    assert refused(experiment) == (
        f"store: {database}: it has schema 2, this pyalma-tui knows up to 1. "
        "Nothing was changed; use the newer pyalma-tui that wrote it"
    )
    database.write_bytes(kept)
    resumed(experiment)


@case("F67-older-file")
def test_an_older_file_is_read_and_kept_as_the_backup(experiment: Experiment) -> None:
    database = killed(experiment, ("b", "a")).state_dir / "db.json"
    tables = json.loads(database.read_text())
    for run, name in product(("1", "2"), ("earlier", "progress", "module", "number", "saved_at")):
        tables["runs"][run].pop(name, None)
    tables["meta"]["1"].pop("written_at")
    old = json.dumps(tables, indent=1).encode()
    database.write_bytes(old)
    running = experiment.go()
    experiment.hears("saved b 3")
    assert database.read_bytes() != old
    assert database.with_name("db.json.bak").read_bytes() == old
    experiment.allow("go")
    assert running.end().code == 0
    assert "begins a 3" in experiment.told()
    assert {run["state"] for run in experiment.runs().values()} == {"5"}
    assert experiment.told().count("done()") == 1


@case("F68-file-of-somebody-else")
def test_tables_of_somebody_else_are_kept(experiment: Experiment) -> None:
    experiment.state_dir.mkdir(0o700)
    with TinyDB(experiment.state_dir / "db.json") as db:
        db.insert({"mine": "é\u2028", "nested": {"a": [1.5, None]}})
        db.table("more").insert_multiple({"n": n} for n in range(3))
        theirs = {name: [dict(each) for each in db.table(name).all()] for name in ("_default", "more")}
    killed(experiment)
    resumed(experiment)
    with TinyDB(experiment.state_dir / "db.json") as db:
        assert {name: db.table(name).all() for name in theirs} == theirs
        assert [run["state"] for run in db.table("runs").search(where("status") == "done")] == ["5"]
        db.table("added").insert({"later": True})
    assert experiment.run().code == 0
    with TinyDB(experiment.state_dir / "db.json") as db:
        assert {name: db.table(name).all() for name in theirs} == theirs
        assert db.table("added").all() == [{"later": True}]


@cases(
    "F69",
    same=("m.py",),
    relative=("../{name}/./m.py",),
    absolute=("{folder}/m.py",),
    linked_directory=("link/m.py",),
    linked_state=("m.py", "--state", "linked.alma"),
)
def test_a_second_start_is_refused_by_whatever_path_and_told_who_and_since_when(
    experiment: Experiment, arguments: tuple[str, ...]
) -> None:
    experiment.write(COUNTING + "\ntell('imported')\n")
    (experiment.folder / "link").symlink_to(experiment.folder)
    (experiment.folder / "linked.alma").symlink_to("m.alma")
    running = experiment.go()
    experiment.hears("saved a 3")
    who = until(lambda: holder(experiment.state_dir), lambda: "who holds it")
    command = [each.format(name=experiment.folder.name, folder=experiment.folder) for each in arguments]
    second = experiment.start(*command, "--plain").end()
    assert (second.code, second.out, len(second.said)) == (4, "", 1), second
    assert re.fullmatch(
        re.escape(f"{experiment.state_dir}: the experiment is in use by process {running.process.pid} since ")
        + r"\d{4}-\d\d-\d\d \d\d:\d\d"
        + re.escape(". Nothing was changed; `pyalma-tui status` shows it, or wait until it ends"),
        second.last_line(),
    )
    assert holder(experiment.state_dir) == who
    assert experiment.told().count("imported") == 1, "the module of a busy experiment is not imported once more"
    experiment.allow("go")
    assert running.end().code == 0
    assert experiment.one()["attempts"] == 1


def one_is_over(one: Running, other: Running, experiment: Experiment) -> tuple[Running, Running]:
    """The one that goes on and the one that has ended."""
    over = until(lambda: [each for each in (one, other) if each.process.poll() is not None], experiment.outputs)
    assert len(over) == 1, experiment.outputs()
    return (other, one) if over == [one] else (one, other)


@case("F69-two-first-starts-at-once")
def test_of_two_first_starts_at_once_one_goes_on(experiment: Experiment) -> None:
    experiment.write(COUNTING)
    for _ in range(5):
        shutil.rmtree(experiment.state_dir, ignore_errors=True)
        going, refused = one_is_over(experiment.go(), experiment.go(), experiment)
        result = refused.end()
        assert (result.code, result.out) == (4, ""), result
        assert "the experiment is in use" in result.last_line()
        experiment.hears("saved a 3")
        going.signal(signal.SIGKILL)
        going.end()
        experiment.nothing_left(5)
        (experiment.folder / "told").unlink()


@case("F69-in-a-terminal")
def test_a_second_terminal_sees_it_read_only(experiment: Experiment) -> None:
    experiment.write(COUNTING)
    with Terminal(experiment.folder, "m.py") as first:
        experiment.hears("saved a 3")
        with Terminal(experiment.folder, "./m.py", columns=300) as second:
            second.see(f"in use by process {first.pid} since ", "read only")
            second.press("q")
            assert second.end() == 4
            said = second.raw.rpartition(LEFT)[2].decode()
            assert f"the experiment is in use by process {first.pid} since " in said
        with Terminal(experiment.folder, "status", "m.py", columns=120) as looking:
            assert looking.end() == 0
            assert "running" in looking.text
        experiment.allow("go")
        first.see("100 %")
        first.press("q")
        assert first.end() == 0


@cases("F70", program=(True, False), worker=(False, True), both=(True, True), group=(True, None))
def test_whatever_is_killed_every_save_is_there_and_it_goes_on(
    experiment: Experiment, victims: tuple[bool, bool | None]
) -> None:
    """Any moment and any process is what tests/kill_loop is for; here the states of each kind are looked at."""
    program, worker = victims
    running = experiment.write(COUNTING, ("b", "a")).go()
    experiment.hears("saved a 3")
    workers = running.workers()
    if program:
        running.signal(signal.SIGKILL)
    for each in workers:
        if worker is None:
            os.killpg(each.pid, signal.SIGKILL)
        elif worker:
            each.kill()
    if program:
        running.end()
        experiment.nothing_left(5)
        until(lambda: holder(experiment.state_dir) is None, lambda: "the lock is free", 5)
        runs = experiment.runs()
        assert runs["a"]["state"] == "3"
        assert runs["b"]["status"] == "pending"
        resumed(experiment)
        return
    experiment.allow("go")
    result = running.end()
    assert result.code == 1, "the other run went on"
    assert experiment.runs()["a"]["error"] == "killed by SIGKILL, not by pyalma-tui: usually out of memory"
    resumed(experiment, 3, "--retry-failed")


@cases(
    "F71",
    state_directory=(".", "state directory: {}: it cannot be written. Nothing was started; --state DIR chooses"),
    journal=("journal", "state directory: {}: it cannot be written. Nothing was started; --state DIR chooses"),
    lock=("lock", "lock: {}: Permission denied. Nothing was changed"),
    database=("db.json", "store: {}: Permission denied. Nothing was changed"),
)
def test_what_may_not_be_written_is_refused_and_nothing_is_changed(
    experiment: Experiment, fault: tuple[str, str]
) -> None:
    name, said = fault
    state_dir = killed(experiment).state_dir
    path = state_dir / name
    mode = path.stat().st_mode & 0o777
    path.chmod(0o500 if path.is_dir() else 0)
    assert refused(experiment, before=as_anybody).startswith(said.format(path))
    path.chmod(mode)
    resumed(experiment)


@case("F71-read-only-logs")
def test_logs_that_cannot_be_written_stop_nothing(experiment: Experiment) -> None:
    state_dir = killed(experiment, ("c", "b", "a")).state_dir
    shutil.rmtree(state_dir / "logs")
    (state_dir / "logs").mkdir(0o500)
    experiment.allow("go")
    result = experiment.run("--workers", "3", before=as_anybody)
    assert result.code == 0, "a log is no reason to stop"
    assert {run["state"] for run in experiment.runs().values()} == {"5"}


@case("F71-read-only-file-system")
def test_a_read_only_file_system_can_be_looked_at_and_not_started_on(experiment: Experiment) -> None:
    experiment.write(COUNTING)
    where_to = experiment.folder / "disk"
    with disk(where_to, "4m") as remount:
        state_dir = where_to / "m.alma"
        experiment.allow("go")
        assert experiment.run("--state", str(state_dir)).code == 0
        remount("ro")
        was = below(state_dir)
        result = experiment.run("--state", str(state_dir))
        assert (result.code, result.out, len(result.said)) == (3, "", 1), result
        assert result.last_line().startswith(f"state directory: {state_dir}: it cannot be written. Nothing was ")
        assert below(state_dir) == was
        looked = experiment.says("status", "m.py", "--state", str(state_dir), "--json")
        assert (looked.code, looked.err) == (0, ""), "looking needs no write"
        assert json.loads(looked.out)["counts"]["done"] == 1
        remount("rw")
        assert experiment.run("--state", str(state_dir)).code == 0


@case("F69-lock-removed-and-taken")
def test_whose_lock_another_process_has_taken_ends_with_4(experiment: Experiment) -> None:
    running = experiment.write(COUNTING).go()
    experiment.hears("saved a 3")
    place = experiment.folder / "elsewhere"
    place.mkdir()
    with Lock(place, 0.0):
        os.replace(place / "lock", experiment.state_dir / "lock")
        result = running.end()
    assert result.code == 4
    assert f"the experiment is in use by process {os.getpid()} since" in result.last_line()


def filled(experiment: Experiment, result: Result, why: str, *options: str) -> None:
    """What a full disk leaves: what was promised, and nothing that was not; with room it goes on."""
    assert result.code == 3, result
    assert len(result.said) == 1, result
    line = result.last_line()
    assert line.startswith("NOT SAVED: a: ")
    assert f": {why}. " in line
    assert line.endswith("; make room or allow writing, then start again"), line
    told = experiment.told()
    last = int(told[-1].removeprefix("refused "))
    looked = experiment.says("status", "m.py", "--json", *options)
    assert looked.code == 0, looked
    (one,) = [run for run in json.loads(looked.out)["runs"] if run["instance"] == "a"]
    assert (one["status"], one["state"].strip()) == ("interrupted", str(last - 1)), "it is no fault of its own"


@case("F72-no-space-left")
def test_a_full_file_system_loses_nothing_and_with_room_it_goes_on(experiment: Experiment) -> None:
    experiment.write(FILLING, ("b", "a"))
    place = experiment.folder / "disk"
    with disk(place, "256k") as remount:
        options = ("--state", str(place / "m.alma"))
        running = experiment.go(*options)
        until(lambda: "goes on by itself when there is room" in running.printed(), experiment.outputs)
        running.signal(signal.SIGTERM)  # else it would wait for room
        filled(experiment, running.end(), "No space left on device", *options)
        last = int(experiment.told()[-1].removeprefix("refused "))
        remount("size=16m")
        result = experiment.run(*options)
        assert result.code == 0, result
        assert f"begins {last - 1}" in experiment.told()


@case("F72-file-size-limit")
def test_a_limit_of_file_sizes_loses_nothing_and_without_it_it_goes_on(experiment: Experiment) -> None:
    experiment.write(FILLING, ("b", "a"))
    result = experiment.run(before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 10, 64 << 10)))
    filled(experiment, result, "File too large")
    last = int(experiment.told()[-1].removeprefix("refused "))
    assert experiment.run().code == 0
    assert f"begins {last - 1}" in experiment.told()


@case("F72-no-room-to-begin")
def test_a_disk_without_room_to_begin_is_told_before_any_run(experiment: Experiment) -> None:
    experiment.write(COUNTING)
    place = experiment.folder / "disk"
    with disk(place, "64k") as remount:
        with suppress(OSError), (place / "full").open("wb", buffering=0) as file:
            while file.write(b"x" * 4096):
                continue
        options = ("--state", str(place / "m.alma"))
        result = experiment.run(*options)
        assert (result.code, result.out, len(result.said)) == (3, "", 1), result
        assert "No space left on device" in result.last_line()
        assert experiment.told() == []
        remount("size=1m")
        experiment.allow("go")
        assert experiment.run(*options).code == 0


THREE = """
def run(instance, save, state):
    number = int(state or "0")
    tell("begins", number)
    while number < 3:
        number += 1
        tell("call", number)
        save(str(number))
        tell("saved", number)

def done():
    tell("done()")
"""


@cases(
    "F73",
    open_enospc=("open", "ENOSPC"),
    write_enospc=("write", "ENOSPC"),
    write_eio=("write", "EIO"),
    write_short=("write", "short"),
    fsync_eio=("fsync", "EIO"),
    fdatasync_eio=("fdatasync", "EIO"),
    replace_eio=("replace", "EIO"),
    link_eio=("link", "EIO"),
    unlink_eio=("unlink", "EIO"),
    mkdir_enospc=("mkdir", "ENOSPC"),
)
def test_no_failing_call_loses_an_acknowledged_save_or_calls_done_twice(
    experiment: Experiment, fault: tuple[str, str]
) -> None:
    """In the process of the program; a worker's are met in tests/store, every crash in between in tests/crash.

    EINTR is not among them: Python itself calls again (PEP 475).
    """
    call, error = fault
    experiment.write(THREE)
    done = subprocess.run(
        [sys.executable, "-m", "tests.catalogue.failing", call, error, str(experiment.folder)],
        env=experiment.environment(PYTHONPATH=str(Path(__file__).parents[2])),
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    lives: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert lives, "the call was never met"
    for life in lives:
        assert life["code"] in (0, 3), life
        assert "Traceback" not in life["err"], life
        assert life["code"] == 0 or len(life["err"].splitlines()) == 1, life
        told = life["told"]
        calls = life["told again"].count("done()")
        ended = (life["again"], life["hook"], calls)
        assert ended == (0, "done", 1) or (ended == (1, "cut off", 0) and call == "fdatasync"), life
        stored = 0
        for word, _, number in (line.partition(" ") for line in life["told again"]):
            stored = int(number) if word == "saved" else stored
            assert word != "begins" or int(number) >= stored, life
        assert life["state"] == "3", life
        assert life["code"] == 3 or "done()" in told, life


UNRECORDED = """
import errno, os, sys
real = os.write
def write(fd, data):
    if b"done_started" in data:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return real(fd, data)
os.write = write
from pyalma_tui.cli.main import main
sys.exit(main(["m.py", "--plain"]))
"""


@case("F73-done-that-cannot-be-recorded")
def test_a_done_whose_begin_cannot_be_recorded_is_not_called(experiment: Experiment) -> None:
    experiment.write("""
        def run(instance, save, state):
            save("5")
        def done():
            tell("done()")
            wait_for("never")
    """)
    (experiment.folder / "unrecorded.py").write_text(UNRECORDED)
    first = experiment.call(sys.executable, "unrecorded.py")
    line = (
        f"pyalma-tui: store: {experiment.state_dir}: No space left on device. "
        "What was saved is kept; make room or allow writing, then start again\n"
    )
    assert (first.returncode, first.stderr) == (3, line)
    assert experiment.told() == [], "else it would be called again after a crash"
    second = experiment.go()
    experiment.hears("done()")
    experiment.kill(second)
    assert experiment.run().code == 1
    assert experiment.told() == ["done()"]
    assert experiment.status()["done_hook"] == {"status": "cut off", "calls": 1}


@case("F74-state-directory-renamed")
def test_a_state_directory_renamed_while_it_is_used_is_written_anew(experiment: Experiment) -> None:
    running = experiment.write(COUNTING, ("b", "a")).go()
    experiment.hears("saved a 3")
    moved = experiment.folder / "moved"
    experiment.state_dir.rename(moved)
    note = f"{experiment.state_dir} was removed while it was in use; it is written anew from memory"
    until(lambda: note in running.printed(), experiment.outputs)
    experiment.allow("go")
    assert running.end().code == 0
    assert {(run["status"], run["state"]) for run in experiment.runs().values()} == {("done", "5")}
    assert holder(moved) is None
    looked = experiment.says("status", "m.py", "--json", "--state", str(moved))
    assert looked.code == 0, looked
    assert {run["instance"]: run["state"] for run in json.loads(looked.out)["runs"]}["a"] in ("3", "4", "5")


@cases("F74", parent_renamed_and_back=True, parent_renamed=False)
def test_a_parent_renamed_while_it_is_used_loses_no_save(experiment: Experiment, back: bool) -> None:
    experiment.write(COUNTING)
    parent, moved = experiment.folder / "parent", experiment.folder / "moved"
    parent.mkdir()
    running = experiment.go("--state", "parent/m.alma")
    experiment.hears("saved a 3")
    parent.rename(moved)
    if back:
        moved.rename(parent)
    experiment.allow("go")
    result = running.end()
    place = parent if back else moved
    looked = experiment.says("status", "m.py", "--json", "--state", str(place / "m.alma"))
    (one,) = json.loads(looked.out)["runs"]
    assert one["state"] == "5", "save() had returned"
    if back:
        assert result.code == 0
        return
    assert (result.code, len(result.said)) == (3, 1), result
    assert str(parent) in result.last_line()
    assert "No such file or directory" in result.last_line()
    moved.rename(parent)
    assert experiment.run("--state", "parent/m.alma").code == 0

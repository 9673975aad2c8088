"""`pyalma-tui verify`: a run that an interruption changes is told from one that it does not, and why."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
from pathlib import Path

import pytest

from tests.catalogue.experiment import Experiment, Result, as_anybody, below
from tests.prepared import PROGRAM

FAITHFUL = """
import json, random

def run(instance, save, state, seed):
    draw = random.Random(seed)
    step, values = 0, []
    if state:
        step, values, inner = json.loads(state)
        draw.setstate((inner[0], tuple(inner[1]), inner[2]))
    while step < 8:
        step += 1
        values.append(draw.random())
        with open("last.txt", "w") as file:
            file.write(f"{values}")
        save(json.dumps([step, values, draw.getstate()]))
"""
FORGETS_RANDOM = """
import random

def run(instance, save, state, seed):
    draw = random.Random(seed)
    values = state or []
    while len(values) < 8:
        values.append(draw.random())
        save(values)
"""
APPENDS = """
def run(instance, save, state):
    for step in range(int(state or 0), 8):
        with open("rows.csv", "a") as file:
            file.write(f"{step}\\n")
        save(str(step + 1))
"""
TELLS_CALLS = """
def run(instance, save, state):
    with open(instance + ".calls", "a") as file:
        file.write("called\\n")
    for step in range(int(state or 0), 8):
        save(str(step + 1))
"""
TELLS_TIME = """
def run(instance, save, state):
    for step in range(8):
        save({"step": step, "at": time.time_ns()})
"""
SETS = """
def run(instance, save, state):
    for step in range(8):
        save({"step": step, "names": list({f"name {n}" for n in range(30)})})
"""
RECORDS_LATE = """
def run(instance, save, state, record):
    for step in range(int(state or 0), 8):
        save(str(step + 1))
        record(step=step, square=step * step)
"""
RECORDS = """
def run(instance, save, state, record):
    for step in range(int(state or 0), 8):
        record(step=step, square=step * step, at=os.path.abspath("x"))
        save(str(step + 1))
"""
FAILS_LATER = """
def run(instance, save, state):
    for step in range(8):
        save(str(step))
    if state:
        raise ValueError("resumed")
"""


@pytest.fixture(autouse=True)
def copies(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where copies are made, and those that differ are kept."""
    folder = tmp_path_factory.mktemp("copies")
    monkeypatch.setenv("TMPDIR", os.fspath(folder))
    return folder


def verify(experiment: Experiment, *arguments: str) -> Result:
    return experiment.start("verify", experiment.name, *arguments).end()


@pytest.mark.parametrize("how", [(), ("--kill", "--interruptions", "10")], ids=["asked", "killed"])
def test_what_resumes_exactly_is_identical_and_the_experiment_is_untouched(
    experiment: Experiment, how: tuple[str, ...]
) -> None:
    assert experiment.write(FAITHFUL, ("a", "b")).run("--iterations", "2").code == 0
    written = (experiment.folder / "last.txt").stat().st_mtime_ns
    before = below(experiment.state_dir)
    result = verify(experiment, "a", "b", "--workers", "2", *how)
    assert result.code == 0, result
    lines = sorted(result.out.splitlines())
    assert len(lines) == 2
    for name, line in zip("ab", lines, strict=True):
        assert re.fullmatch(
            rf"identical  {name}#0: (interrupted|killed) at saves [\d, ]+ of 8( and on its way out)?: done, same .*",
            line,
        )
        assert line.endswith("same 1 file")
    assert below(experiment.state_dir) == before
    assert (experiment.folder / "last.txt").stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("module", "options", "told"),
    [
        (FORGETS_RANDOM, (), r"interrupted at save \d, resumed from save \d: state\[\d\]: 0\.\d+ ≠ 0\.\d+"),
        (
            APPENDS,
            ("--kill",),
            r'killed on its way into save \d, .*: file rows\.csv, byte \d+: .* ≠ ".*" \(\d+ ≠ \d+',
        ),
        (TELLS_TIME, (), r"two undisturbed calls differ as well, .*: state\.at: \d+ ≠ \d+"),
        (SETS, (), r'two undisturbed calls differ as well, .*: state\.names\[\d+\]: "name \d+" ≠ "name \d+"'),
        (
            RECORDS_LATE,
            ("--kill", "--interruptions", "4"),
            r"killed (after|on its way into) save \d, resumed from save \d: row \d, step: \d ≠ \d",
        ),
        (FAILS_LATER, (), r"interrupted at save \d, .*: it ended otherwise: done ≠ failed: ValueError: resumed"),
    ],
    ids=["random state", "appended file", "time", "order of a set", "row after its save", "end"],
)
def test_what_an_interruption_changes_is_told_with_its_place(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch, module: str, options: tuple[str, ...], told: str
) -> None:
    monkeypatch.setenv("PYTHONHASHSEED", "random")
    assert experiment.write(module, ("a",)).run("--seed", "1").code == 0  # the cuts are drawn from it
    result = verify(experiment, *options)
    assert result.code == 1, result
    assert re.match(f"differs    a: {told}", result.out), result.out
    assert "Usual reasons" in result.err


WRITES = """
import os

def run(instance, save, state):
    if os.path.exists("old"):
        os.remove("old")
    with open("new", "w") as file:
        file.write("same")
    for step in range(int(state or 0), 8):
        save(str(step + 1))
    os.rename("kept", "moved")
"""


EDITED = """
def run(instance, save, state):
    for step in range(int(state or 0), 8):
        save(str(step + 1))
    with open(HELPER, "a") as file:
        file.write("N += 1\\n")
    import helper
    save(str(helper.N))
    with open("new", "w") as file:
        file.write("same")
"""


def test_what_others_write_meanwhile_is_no_difference(experiment: Experiment) -> None:
    helper = experiment.folder / "helper.py"  # by its own path, so that it is another one when it is copied again
    helper.write_text("N = 1\n")
    experiment.write(f"HELPER = {os.fspath(helper)!r}\n{EDITED}", ("a",))
    result = verify(experiment, "--interruptions", "2")
    told = f": done, same state, same 1 file; not compared: {helper} (outside of the copy)\n"
    assert result.out.endswith(told), result
    assert helper.read_text().count("+=") >= 2, "the run itself has done so, in each call"


def test_a_file_that_is_removed_by_an_interrupted_run_alone_is_a_difference(experiment: Experiment) -> None:
    experiment.write(WRITES.replace('    if os.path.exists("old"):', '    if state and os.path.exists("old"):'), ("a",))
    for name in ("old", "kept"):
        (experiment.folder / name).touch()
    result = verify(experiment)
    assert re.search(r": file old: there ≠ not there\n", result.out), result


LINKS = """
def run(instance, save, state):
    for step in range(int(state or 0), 8):
        save(str(step + 1))
    os.symlink("to-" + str(state or 0), "new")
    os.replace("new", "link")
"""


def test_where_a_link_leads_that_a_run_makes_is_compared(experiment: Experiment) -> None:
    experiment.write(LINKS, ("a",))
    result = verify(experiment)
    assert re.search(r': link link: "to-0" ≠ "to-\d"\n', result.out), result
    experiment.write(LINKS.replace("str(state or 0)", "os.getcwd()").replace('"to-" +', "''+"), ("a",))
    (experiment.folder / "link").symlink_to("a")
    result = verify(experiment)
    assert result.out.endswith(": done, same state, same 1 file\n"), result
    assert os.readlink(experiment.folder / "link") == "a"


ELSEWHERE = """
import pathlib, sqlite3, tempfile
THERE = pathlib.Path({there!r})

def run(instance, save, state):
    (THERE / "passing").write_text("gone")
    (THERE / "passing").unlink()
    (THERE / "read").read_text()
    with tempfile.NamedTemporaryFile(), tempfile.TemporaryFile():
        pass
    with open(THERE / "appended", "a") as file:
        file.write("row")
    open(THERE / "moving", "w").close()
    os.replace(THERE / "moving", THERE / "moved")
    sqlite3.connect(THERE / "base").close()
    try:
        os.remove(THERE / "old")
    except FileNotFoundError:
        pass
    open("inside", "w").close()
    save("1")
"""


@pytest.mark.parametrize("options", [(), ("--import", "each")], ids=["forked", "each"])
def test_what_a_run_writes_outside_of_its_copy_is_named_and_nothing_else(
    experiment: Experiment, tmp_path_factory: pytest.TempPathFactory, options: tuple[str, ...]
) -> None:
    there = tmp_path_factory.mktemp("elsewhere")
    experiment.write(ELSEWHERE.format(there=os.fspath(there)))
    (there / "read").touch()
    assert experiment.run(*options).code == 0
    (there / "old").touch()
    told = ", ".join(str(there / name) for name in ("appended", "base", "moved", "old"))
    result = verify(experiment)
    assert result.code == 0, result
    assert result.out.endswith(f": done, same state, same 1 file; not compared: {told} (outside of the copy)\n"), result
    assert result.err.count("see --kill") == 1, "what is appended between saves is found only by it"
    (there / "old").touch()
    result = experiment.start("reproduce", experiment.name, "a").end()
    assert result.out.splitlines()[0] == f"identical  a: 3 bytes of state; not compared: {told} (outside of the copy)"
    assert "see --kill" not in verify(experiment, "--kill").err


LOCKS = """
def run(instance, save, state):
    for step in range(int(state or 0), 8):
        save(str(step + 1))
    os.mkdir("locked")
    open("locked/in", "w").close()
    os.chmod("locked", 0o500)
    os.close(os.open("hidden", os.O_WRONLY | os.O_CREAT, 0))
"""


def test_files_that_a_run_lets_nobody_read_or_remove_are_compared_as_well(experiment: Experiment, copies: Path) -> None:
    experiment.write(LOCKS, ("a",))
    result = experiment.start("verify", experiment.name, before=as_anybody).end()
    assert result.out.endswith(": done, same state, same 2 files\n"), result
    assert not list(copies.iterdir())


def test_rows_recorded_before_their_save_are_the_same_however_it_is_killed(experiment: Experiment) -> None:
    experiment.write(RECORDS, ("a",))
    result = verify(experiment, "--kill", "--interruptions", "5")
    assert result.code == 0, result
    assert re.search(r" of 8( and on its way out)?: done, same state, same 8 rows\n$", result.out), result.out


def test_a_file_that_grows_beside_an_instance_elsewhere_is_found_and_the_original_is_not_touched(
    experiment: Experiment, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = tmp_path_factory.mktemp("elsewhere")
    (data / "a.cnf").write_text("p cnf")
    experiment.write(TELLS_CALLS, ())
    experiment.module.with_suffix(".batch").write_text(json.dumps({"instances": [str(data / "a.cnf")]}))
    result = verify(experiment, "--kill")
    assert result.code == 1, result
    assert re.search(rf": file {data}/a\.cnf\.calls, byte \d+: ", result.out), result.out
    assert below(data) == {"a.cnf": b"p cnf"}


def test_a_run_that_ends_otherwise_in_a_copy_is_not_called_identical(experiment: Experiment) -> None:
    needed = experiment.folder / "needed"
    needed.touch()
    experiment.write("def run(instance, save, state):\n    save(open('needed').read())\n").run()
    needed.unlink()
    result = verify(experiment)
    assert result.code == 1
    told = f"differs    a: called undisturbed in a copy of {experiment.folder} it ended otherwise than it had: done ≠ "
    assert result.out.startswith(told + "failed: FileNotFoundError: "), result.out


def test_runs_are_called_where_they_were_called_wherever_one_is(
    experiment: Experiment, tmp_path_factory: pytest.TempPathFactory
) -> None:
    there = tmp_path_factory.mktemp("there")
    (there / "needed").write_text("1")
    experiment.write("def run(instance, save, state):\n    save(open('needed').read())\n", ("a",))

    def called(folder: Path, *words: str) -> str:
        command = [PROGRAM, *words]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60).stdout

    assert "1 done" in called(there, os.fspath(experiment.module), "--plain")
    told = called(experiment.folder, "verify", experiment.name)
    assert told == "identical  a: interrupted at save 1 of 1: done, same state\n"


def test_a_copy_that_has_no_room_is_told_in_one_line(experiment: Experiment) -> None:
    experiment.write(FAITHFUL)
    (experiment.folder / "a").write_bytes(bytes(1 << 20))

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 19, 1 << 19))

    result = experiment.start("verify", experiment.name, before=little_room).end()
    assert result.code == 3, result
    assert re.fullmatch(
        r"trial: .*/a: File too large\. The experiment is as it was; free some space, .*", result.last_line()
    )


def test_a_run_that_never_saves_is_cut_on_its_way_out(experiment: Experiment) -> None:
    experiment.write('def run(instance, save, state):\n    open("out", "a").write("row")\n')
    asked = verify(experiment)
    assert (asked.code, asked.out[:14], "identical" in asked.out + asked.err) == (0, "not tested a: ", False)
    killed = verify(experiment, "--kill")
    assert killed.code == 1
    assert "killed on its way out, begun anew: file out, byte 3: its end" in killed.out


def test_unknown_names_and_numbers_that_mean_nothing_start_nothing(experiment: Experiment) -> None:
    experiment.write(FAITHFUL)
    for arguments, said in [
        (("b",), 'instance: "b": the experiment has none of this name'),
        (("--iteration", "3"), "--iteration 3: there is no such iteration"),
        (("--interruptions", "0"), "--interruptions: 0: it must be at least 1"),
    ]:
        result = verify(experiment, *arguments)
        assert result.code == 2
        assert said in result.err
    assert not experiment.state_dir.exists()

"""Where results come from: the code of each run, the instance files, and what each start records of itself."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.catalogue.experiment import Experiment, until

HELPED = """
from helpers import work
def run(instance, save, state):
    save(work(os.path.basename(instance)))
"""


def edit(file: Path, text: str) -> None:
    """Change it as an editor does that saves in one go."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


def records(experiment: Experiment) -> list[dict[str, Any]]:
    """What each start has recorded."""
    return [json.loads(file.read_text()) for file in sorted((experiment.state_dir / "sessions").glob("0*.json"))]


def helped(experiment: Experiment, *names: str) -> Path:
    """An experiment with a helper beside its module."""
    helper = experiment.folder / "helpers.py"
    helper.write_text("def work(name):\n    return name\n")
    experiment.write(HELPED, names)
    return helper


def test_a_helper_that_was_edited_is_told_with_its_lines_and_only_its_runs_are_forgotten(
    experiment: Experiment,
) -> None:
    helper = helped(experiment, "a", "b")
    assert experiment.run().code == 0
    edit(helper, "# new\ndef work(name):\n    return name.upper()\n")
    experiment.batch(["a", "b", "c"])
    result = experiment.run()
    assert "2 of 2 done runs used older code: helpers.py +2 −1; they are kept" in result.out
    assert {name: run["state"] for name, run in experiment.runs().items()} == {"a": "a", "b": "b", "c": "C"}
    assert all(run["attempts"] == 1 for run in experiment.runs().values()), "nothing is run again by itself"

    assert "2 of 3 done runs used older code" in experiment.run().out
    forgot = experiment.says("reset", experiment.name, "--changed", "--yes")
    assert forgot.last_line().startswith("forgot 2 runs (2 done")
    assert experiment.statuses() == {"a": "pending", "b": "pending", "c": "done"}
    assert "older code" not in experiment.run().out
    assert {run["state"] for run in experiment.runs().values()} == {"A", "B", "C"}


def test_what_was_run_is_kept_once_for_each_content(experiment: Experiment) -> None:
    helper = helped(experiment, "a")
    first = helper.read_text()
    experiment.run()
    edit(helper, "def work(name):\n    return 'second'\n")
    experiment.batch(["a", "b"])
    experiment.run()
    edit(helper, first)
    experiment.batch(["a", "b", "c"])
    experiment.run()
    runs = experiment.runs()
    assert runs["a"]["module"] == runs["c"]["module"] != runs["b"]["module"]
    code = experiment.state_dir / "code"
    for name, text in (("a", first), ("b", "def work(name):\n    return 'second'\n")):
        told = json.loads((code / f"{runs[name]['module']}.json").read_text())
        assert set(told["files"]) == {"m.py", "helpers.py", "telling.py"}
        assert (code / f"{told['files']['helpers.py']}.py").read_text() == text
    assert len(list(code.glob("*.py"))) == 4  # module, telling, two helpers


def test_what_is_imported_inside_of_run_counts_as_it_was_when_it_was_imported(experiment: Experiment) -> None:
    late = experiment.folder / "late.py"
    late.write_text("VALUE = 'then'\n")
    experiment.write(
        """
        def run(instance, save, state):
            if instance.endswith("b"):
                import late
                save(late.VALUE)
                tell("imported")
                wait_for("go")
            else:
                tell("the other worker")
        """,
        ("a", "b"),
    )
    running = experiment.go("--workers", "2")
    experiment.hears("imported")
    experiment.hears("the other worker")
    edit(late, "VALUE = 'since'\n")  # before anybody could look at it afterwards
    experiment.allow("go")
    assert running.end().code == 0
    runs = experiment.runs()
    assert runs["a"]["module"] != runs["b"]["module"]
    code = experiment.state_dir / "code"
    told = json.loads((code / f"{runs['b']['module']}.json").read_text())
    assert (code / f"{told['files']['late.py']}.py").read_text() == "VALUE = 'then'\n"
    assert told["base"] == runs["a"]["module"]
    assert "1 of 2 done runs used older code: late.py +1 −1" in experiment.run().out


def test_modules_loaded_by_their_path_count_and_installed_ones_beside_the_module_do_not(
    experiment: Experiment,
) -> None:
    installed = experiment.folder / "venv" / "lib" / "site-packages"
    installed.mkdir(parents=True)
    (installed / "vendored.py").write_text("")
    (experiment.folder / "plug.py").write_text("X = 1\n")
    experiment.write("""
        import importlib.util
        sys.path.append(os.path.join(os.path.dirname(__file__), "venv", "lib", "site-packages"))
        import vendored
        spec = importlib.util.spec_from_file_location("anything", os.path.join(os.path.dirname(__file__), "plug.py"))
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
        def run(instance, save, state):
            pass
    """)
    experiment.run()
    (record,) = records(experiment)
    assert set(record["files"]) == {"m.py", "plug.py", "telling.py"}


def test_a_later_process_imports_the_helper_that_the_session_began_with(experiment: Experiment) -> None:
    helper = experiment.folder / "helpers.py"
    helper.write_text("VERSION = 'old'\n")
    experiment.write(
        """
        from helpers import VERSION
        def run(instance, save, state):
            tell("runs", os.path.basename(instance), VERSION)
            wait_for("go")
        """,
        ("a", "b"),
    )
    running = experiment.go()
    experiment.hears("runs b old")
    edit(helper, "VERSION = 'new'\n")
    until(lambda: "helpers.py has changed on disk" in running.printed(), experiment.outputs)
    running.agent().kill()
    until(lambda: len(experiment.told()) == 2, experiment.outputs)
    experiment.allow("go")
    running.end()
    assert not any(line.endswith("new") for line in experiment.told())
    assert len({run["module"] for run in experiment.runs().values()}) == 1


def test_an_instance_file_that_is_another_one_is_told_and_one_that_was_only_touched_is_not(
    experiment: Experiment,
) -> None:
    experiment.write("def run(instance, save, state):\n    save(open(instance).read())\n", ("a", "b"))
    for name in "ab":
        (experiment.folder / name).write_text(f"{name}1")
    experiment.run()
    os.utime(experiment.folder / "b")
    assert "instance file" not in experiment.run().out
    (experiment.folder / "a").write_text("a2")  # of the same length
    before = experiment.run().out
    assert "1 of 2 done runs read an instance file that has changed since: a;" in before
    assert "instance file" in experiment.run().out, "it is told until it is run anew"
    experiment.says("reset", experiment.name, "--changed", "--yes")
    assert experiment.statuses() == {"a": "pending", "b": "done"}
    assert "instance file" not in experiment.run().out
    assert "instance file" not in experiment.run().out
    assert experiment.runs()["a"]["state"] == "a2"


def test_each_start_records_where_and_with_what_it_ran_and_no_secret(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("SOME_TOKEN", "a-secret")

    def git(*words: str) -> str:
        who = ("-c", "user.name=n", "-c", "user.email=n@example.org")
        return subprocess.run(
            ["git", *who, *words], cwd=experiment.folder, check=True, capture_output=True, text=True
        ).stdout.strip()

    experiment.write("import numpy\ndef run(instance, save, state):\n    pass\n")
    git("init", "-q", ".")
    git("add", "m.py")
    git("commit", "-qm", "first")
    experiment.run()
    edit(experiment.module, experiment.module.read_text() + "# edited\n")
    experiment.run("--", "--depth", "3")
    first, second = records(experiment)
    assert (first["git"]["commit"], first["git"]["dirty"], first["git"]["diff"]) == (
        git("rev-parse", "HEAD"),
        False,
        "",
    )
    assert second["git"]["dirty"]
    assert "+# edited" in second["git"]["diff"]
    assert second["arguments"] == ["--depth", "3"]
    assert first["command"][1:3] == ["m.py", "--plain"]
    assert first["environment"]["OMP_NUM_THREADS"] == "3"
    assert first["environment"]["PYTHONHASHSEED"].isdecimal()
    assert "numpy" in first["distributions"]
    assert first["host"]
    assert "a-secret" not in "".join(map(str, records(experiment)))
    told = experiment.status()["session"]
    assert (told["session"], told["git"]["diff"]) == (2, "")


def test_versions_of_what_runs_and_done_import_are_recorded_as_well(experiment: Experiment) -> None:
    experiment.write(
        """
        def run(instance, save, state):
            import numpy
            save("1")
            if instance.endswith("b"):
                tell("imported")
                wait_for("go")
        def done():
            import rich
        """,
        ("a", "b"),
    )
    running = experiment.go("--workers", "2")
    experiment.hears("imported")
    until(lambda: "numpy" in (records(experiment) or [{"distributions": {}}])[0]["distributions"], experiment.outputs)
    assert "rich" not in records(experiment)[0]["distributions"]
    experiment.allow("go")
    assert running.end().code == 0
    assert {"numpy", "rich"} <= set(records(experiment)[0]["distributions"])
    assert "circumstance" not in experiment.start("reproduce", experiment.name, "a").end().out


def test_what_cannot_be_recorded_is_told_and_the_experiment_goes_on(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state):\n    save('1')\n").run("--paused")
    record = experiment.state_dir / "sessions" / "000002.json.tmp"
    record.mkdir()
    result = experiment.run()
    assert result.code == 0
    assert "where this session's results come from could not be recorded: " in result.out
    assert experiment.one()["status"] == "done"


def test_a_state_that_older_code_has_saved_is_told_before_newer_code_goes_on_with_it(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state):\n    save('1')\n    raise ValueError\n").run()
    edit(experiment.module, experiment.module.read_text().replace("    raise ValueError\n", ""))
    out = experiment.run("--retry-failed").out
    assert "1 run has a state saved by older code: m.py +0 −1; newer code gets that when it goes on" in out
    assert "older code" not in experiment.run().out


def test_a_worker_that_imports_by_itself_keeps_what_it_has_imported(experiment: Experiment) -> None:
    helper = experiment.folder / "helpers.py"
    helper.write_text("VALUE = 'then'\n")
    experiment.write(
        """
        import helpers
        def run(instance, save, state):
            save(helpers.VALUE)
            if instance.endswith("b"):
                tell("first")
                wait_for("go")
                os._exit(1)
        """,
        ("a", "b"),
    )
    running = experiment.go("--import", "each")
    experiment.hears("first")
    edit(helper, "VALUE = 'since'\n")
    experiment.allow("go")
    running.end()
    run = experiment.runs()["a"]
    told = json.loads((experiment.state_dir / "code" / f"{run['module']}.json").read_text())
    assert (
        experiment.state_dir / "code" / f"{told['files']['helpers.py']}.py"
    ).read_text() == f"VALUE = '{run['state']}'\n"


SLOW_GIT = """#!/bin/sh
case "$*" in
*" diff "*) echo $$ > asked; exec sleep 1000 ;;
*) printf '# branch.oid 5ca1ab1e\\n# branch.head main\\n1 .M N... 100644 100644 100644 0 0 m.py\\n' ;;
esac
"""
ENDLESS_GIT = SLOW_GIT.replace("exec sleep 1000", "exec yes")


@pytest.mark.parametrize(("program", "kept"), [(SLOW_GIT, 0), (ENDLESS_GIT, 200_000)], ids=["slow", "endless"])
def test_a_start_is_recorded_whatever_git_has_to_say_of_a_large_repository(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch, program: str, kept: int
) -> None:
    experiment.write("def run(instance, save, state):\n    wait_for('asked')\n    save(1)\n", ("a",))
    (experiment.folder / ".git").mkdir()
    (experiment.folder / "bin").mkdir()
    git = experiment.folder / "bin" / "git"
    git.write_text(program)
    git.chmod(0o755)
    monkeypatch.setenv("PATH", str(git.parent), prepend=os.pathsep)
    assert experiment.run().code == 0
    told = records(experiment)[0]["git"]
    assert (told["commit"], told["branch"], told["dirty"], told["cut"]) == ("5ca1ab1e", "main", True, True)
    assert len(told["diff"]) == kept
    asked = int((experiment.folder / "asked").read_text())
    until(lambda: not psutil.pid_exists(asked), lambda: f"git {asked} goes on")

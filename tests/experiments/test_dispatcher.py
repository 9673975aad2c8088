"""The Python API: in this process, and in scripts as pyalma users write them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

import pyalma_tui.batch as batch
import pyalma_tui.experiment as experiment
from pyalma_tui.errors import InputError, InUseError, LoadError, PyalmaError, StoreError, UsageError
from tests.catalogue.experiment import PATIENCE, until
from tests.experiments.folder import Folder

COUNTING = """
def run(instance, save, state):
    count = int(state or 0)
    tell("began", os.path.basename(instance if type(instance) is str else instance["file"]), count)
    while count < 3:
        count += 1
        save(str(count))
        if count == 1:
            tell("waits")
            while not os.path.exists("go"):
                save("1")
                time.sleep(0.01)

def done():
    tell("done()")
"""


SHORT = """
import subprocess
def run(instance, save, state):
    subprocess.run(["sh", "-c", "sleep 0.05 &"], start_new_session=True)  # leaves an orphan behind
"""


def states(records: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    return [(record["status"], record["state"]) for record in records]


def hears(folder: Folder, line: str) -> None:
    until(lambda: line in folder.told(), lambda: f"tell {line!r}, only {folder.told()}")


# --- in this process ---------------------------------------------------------------------------------------------


def test_execute_runs_everything_and_gives_plain_records(folder: Folder) -> None:
    folder.module(COUNTING)
    folder.allow("go")
    file = folder.experiment(["a", {"file": "b", "data": {"n": 1}}], workers=2, seed=1)
    dispatcher = experiment.execute(file)
    assert not dispatcher.is_alive()
    assert dispatcher.num_active_workers() == 0
    assert folder.told().count("done()") == 1
    first, second = dispatcher.results()
    assert json.loads(json.dumps([first, second])) == [first, second]
    known = {name: first[name] for name in ("id", "instance", "file", "data", "iteration", "status", "state", "error")}
    assert known == {
        "id": 1,
        "instance": "a",
        "file": str(folder.path / "a"),
        "data": None,
        "iteration": 0,
        "status": "done",
        "state": "3",
        "error": None,
    }
    assert (second["data"], second["attempts"]) == ({"n": 1}, 1)
    assert experiment.load(file).results() == [first, second]


def test_stop_keeps_every_state_and_a_later_start_goes_on(folder: Folder) -> None:
    folder.module(COUNTING)
    file = folder.experiment(["a", "b"])
    dispatcher = experiment.load(file)
    assert dispatcher.results() == []
    dispatcher.start()
    assert dispatcher.is_alive()
    assert dispatcher.num_active_workers() == 1
    hears(folder, "waits")
    dispatcher.stop()
    assert not dispatcher.is_alive()
    assert states(dispatcher.results()) == [("pending", None), ("interrupted", "1")]
    assert folder.take_told() == ["began b 0", "waits"]
    folder.allow("go")
    again = experiment.load(file)
    assert states(again.results()) == [("pending", None), ("interrupted", "1")]
    again.start()
    again.join()
    assert states(again.results()) == [("done", "3"), ("done", "3")]
    assert folder.told() == ["began b 1", "began a 0", "waits", "done()"]


def test_the_same_dispatcher_may_be_started_again(folder: Folder) -> None:
    folder.module(COUNTING)
    dispatcher = experiment.load(folder.experiment(["a"]))
    dispatcher.start()
    hears(folder, "waits")
    with pytest.raises(UsageError, match="it has been started already"):
        dispatcher.start()
    dispatcher.stop()
    folder.allow("go")
    dispatcher.start()
    dispatcher.join()
    assert states(dispatcher.results()) == [("done", "3")]
    dispatcher.stop()


def test_join_comes_back_after_its_time(folder: Folder) -> None:
    folder.module(COUNTING)
    dispatcher = experiment.load(folder.experiment(["a"]))
    dispatcher.join()
    dispatcher.stop()
    dispatcher.start()
    dispatcher.join(0.01)
    assert dispatcher.is_alive()
    dispatcher.stop()


def test_it_may_be_started_by_a_thread_that_ends(folder: Folder) -> None:
    folder.module(COUNTING)
    dispatcher = experiment.load(folder.experiment(["a"]))
    starter = threading.Thread(target=dispatcher.start)
    starter.start()
    starter.join()
    hears(folder, "waits")
    folder.allow("go")
    dispatcher.join()
    assert states(dispatcher.results()) == [("done", "3")]
    assert dispatcher.results()[0]["attempts"] == 1


def test_a_run_that_fails_is_a_result_and_no_error(folder: Folder) -> None:
    folder.module("def run(instance, save, state):\n    save('kept')\n    raise ValueError('no')\n")
    dispatcher = experiment.execute(folder.experiment(["a"]))
    (record,) = dispatcher.results()
    assert (record["status"], record["state"], record["error"]) == ("failed", "kept", "ValueError: no")


def test_a_module_with_instances_needs_no_experiment_file(folder: Folder) -> None:
    module = folder.module("def run(instance, save, state):\n    tell(os.path.basename(instance))\n")
    for name in ("a.cnf", "b.cnf"):
        folder.allow(name)
    experiment.execute(module, instances=["*.cnf"], iterations=2, workers="2", state="elsewhere")
    assert sorted(folder.told()) == ["a.cnf", "a.cnf", "b.cnf", "b.cnf"]
    assert (folder.path / "elsewhere" / "db.json").is_file()


def test_two_experiments_run_side_by_side_in_one_process(folder: Folder) -> None:
    folder.module(COUNTING)
    dispatchers = [experiment.load(folder.experiment(["a"], name=name)) for name in ("x", "y")]
    for dispatcher in dispatchers:
        dispatcher.start()
    until(lambda: folder.told().count("waits") == 2, lambda: f"two that run, only {folder.told()}")
    dispatchers[0].stop()
    folder.allow("go")
    dispatchers[1].join()
    assert [states(each.results()) for each in dispatchers] == [[("interrupted", "1")], [("done", "3")]]


def test_errors_are_those_of_the_command_line(folder: Folder) -> None:
    with pytest.raises(LoadError, match="there is no such file"):
        experiment.load("nothing.py")
    with pytest.raises(InputError, match="there is no such file"):
        experiment.load("nothing.experiment")
    file = folder.experiment(["a"])
    with pytest.raises(PyalmaError, match="there is no file"):
        experiment.load(file)
    folder.module("def run(:\n")
    with pytest.raises(LoadError, match="SyntaxError") as caught:
        experiment.load(file).start()
    assert "def run(:" in caught.value.details
    for name, value in (("iterations", 0), ("workers", 0), ("timeout", 0), ("retries", -1)):
        with pytest.raises(UsageError):
            experiment.load(file, **{name: value})  # type: ignore[arg-type]
    assert not (folder.path / "m.alma").exists()


def test_one_that_is_in_use_is_not_started_twice(folder: Folder) -> None:
    folder.module(COUNTING)
    file = folder.experiment(["a"])
    dispatcher = experiment.load(file)
    dispatcher.start()
    with pytest.raises(InUseError, match="in use by process"):
        experiment.load(file).start()
    dispatcher.stop()


def test_an_unreadable_store_is_an_error_and_stays_as_it_is(folder: Folder) -> None:
    folder.module(COUNTING)
    file = folder.experiment(["a"])
    (folder.path / "m.alma").mkdir()
    (folder.path / "m.alma" / "db.json").write_text("")
    dispatcher = experiment.load(file)
    with pytest.raises(StoreError, match="the file is empty"):
        dispatcher.start()
    assert not dispatcher.is_alive()
    with pytest.raises(StoreError):
        dispatcher.results()


def test_what_is_worth_a_warning_is_a_python_warning(folder: Folder) -> None:
    folder.module("def run(instance, save, state):\n    pass\n")
    file = folder.experiment(["a"], wokers=3)
    (folder.path / "a").unlink()
    with pytest.warns(UserWarning, match='Did you mean "workers"'):
        dispatcher = experiment.load(file)
    with pytest.warns(UserWarning, match="1 file does not exist"):
        dispatcher.start()
    dispatcher.join()


def test_a135_options_that_there_are_not_raise_before_anything_is_opened(folder: Folder) -> None:
    folder.module("open('imported', 'w')\ndef run(instance, save, state):\n    pass\n")
    file = folder.experiment(["a"])
    wrong: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"wokers": 4}, TypeError, "load() got an unexpected keyword argument 'wokers'. Did you mean 'workers'?"),
        ({"xyz": 4}, TypeError, "load() got an unexpected keyword argument 'xyz'. There are instances, batch, "),
        ({"args": "--depth 3"}, TypeError, "load() takes args as a list of texts, not one text"),
        ({"instances": "a"}, TypeError, "load() takes instances as a list of texts, not one text"),
        ({"on": 5}, TypeError, "load() takes on as one text"),
        ({"workers": "many"}, UsageError, "cannot start workers: --workers"),
        ({"sync": "fsnyc"}, UsageError, "sync: fsnyc: choose flush, group, fsync. Nothing was started"),
        ({"timeout": 0}, UsageError, "timeout: 0: it must be more than 0 seconds"),
        ({"grace": float("nan")}, UsageError, "grace: nan: it must be at least 0"),
        ({"instances": ["a"], "batch": "m.batch"}, UsageError, "instances and batch: choose one of them"),
    ]
    for options, kind, message in wrong:
        for start in (experiment.load, experiment.execute):
            with pytest.raises(kind, match=re.escape(message)):
                start(file, **options)
    assert sorted(os.listdir()) == ["a", "m.batch", "m.experiment", "m.py", "telling.py"]


def test_options_of_none_are_as_if_not_given_and_what_is_chosen_stays(folder: Folder) -> None:
    folder.module("import sys\ndef run(instance, save, state):\n    save(sys.argv[1:])\n")
    nothing: dict[str, Any] = dict.fromkeys(experiment.Options.__annotations__)
    file = folder.experiment(["a"])
    assert experiment.execute(file, **nothing).results()[0]["state"] == []
    folder.experiment(["a", "b"])
    experiment.execute(file, args=["--depth", "3"], workers=2)
    folder.experiment(["a", "b", "c"])
    assert [run["state"] for run in experiment.execute(file).results()] == [[], ["--depth", "3"], ["--depth", "3"]]


def test_a_plan_that_pyalma_left_is_told_before_a_first_start_only(folder: Folder) -> None:
    folder.module("def run(instance, save, state):\n    pass\n")
    file = folder.experiment(["a"])
    file.with_suffix(".plan").write_text("{}")
    hint = re.escape(f"m.plan is an unfinished experiment of pyalma; `pyalma-tui import {file}` continues it")
    with pytest.warns(UserWarning, match=hint):
        experiment.execute(file)
    with warnings.catch_warnings(action="error"):
        experiment.execute(file)


def test_the_exit_code_of_a_process_of_the_scripts_own_is_left_to_the_script(folder: Folder) -> None:
    folder.module(COUNTING)
    dispatcher = experiment.load(folder.experiment(["a"]))
    dispatcher.start()
    hears(folder, "waits")
    own = subprocess.Popen([sys.executable, "-c", "import sys; sys.exit(7)"])
    dispatcher.stop()
    folder.allow("go")
    experiment.execute(folder.experiment(["a"]))
    assert own.wait() == 7


def test_a_batch_is_what_run_would_get(folder: Folder) -> None:
    folder.experiment(["a", {"file": "b", "data": {"n": 1}}, {"data": 3}])
    assert batch.load("m.batch") == [
        str(folder.path / "a"),
        {"file": str(folder.path / "b"), "data": {"n": 1}, "id": 1, "seed": None},
        {"file": "", "data": 3, "id": 2, "seed": None},
    ]
    with pytest.raises(InputError, match="there is no such file"):
        batch.load("no.batch")


# --- in a script -------------------------------------------------------------------------------------------------


def start(
    folder: Folder, script: str, line: str = "import pyalma_tui.experiment as experiment"
) -> subprocess.Popen[str]:
    (folder.path / "script.py").write_text(f"{line}\n{script}")
    return subprocess.Popen(
        [sys.executable, "script.py"], cwd=folder.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


LOOPS = {
    "listdir": (
        "import pyalma.experiment as experiment",
        """
import os
for file in sorted(os.listdir("set")):
    if file.endswith(".experiment"):
        dispatcher = experiment.load(os.path.join("set", file))
        dispatcher.start()
        dispatcher.join()
        print(file, dispatcher.num_active_workers(), dispatcher.is_alive())
""",
    ),
    "glob": (
        "from pyalma import experiment",
        """
from pathlib import Path
folder = Path("set")
for f in sorted(folder.glob("*.experiment")):
    d = experiment.load(f)
    d.start()
    d.join()
    print(f.name, d.num_active_workers(), d.is_alive())
""",
    ),
    "execute": (
        "from pyalma import experiment",
        """
import glob
for f in sorted(glob.glob("set/*.experiment")):
    d = experiment.execute(f)
    print(f[4:], d.num_active_workers(), d.is_alive())
""",
    ),
}


@pytest.mark.parametrize("name", LOOPS)
def test_the_loop_over_a_folder_that_pyalma_users_write(folder: Folder, name: str) -> None:
    folder.module(
        """
        def run(instance, save, state, worker_id, iteration):
            with open(f"out{worker_id:03d}", "a") as out:
                print(os.path.basename(instance), iteration, file=out)
        def done():
            os.system("sort out0* >> merged && rm out0*")
        """
    )
    (folder.path / "set").mkdir()
    keys: dict[str, dict[str, Any]] = {
        "one": {},
        "two": {"workers": 2, "iterations": 2, "seed": 1},
        "three": {"workers": "all"},
    }
    for each in keys:
        paths = {"load": "../m.py", "batch": f"../{each}.batch"}
        file = folder.experiment([f"{each}.a", f"{each}.b"], name=each, **paths | keys[each])
        file.rename(folder.path / "set" / file.name)
    line, rest = LOOPS[name]
    script = start(folder, rest, line.replace("pyalma", "pyalma_tui"))
    out, err = script.communicate(timeout=PATIENCE)
    assert (script.returncode, err) == (0, "")
    assert out == "one.experiment 0 False\nthree.experiment 0 False\ntwo.experiment 0 False\n"
    runs = ["one.a 0", "one.b 0", "three.a 0", "three.b 0", "two.a 0", "two.a 1", "two.b 0", "two.b 1"]
    assert (folder.path / "merged").read_text().splitlines() == runs
    assert sorted(path.name for path in (folder.path / "set").glob("*.alma")) == ["one.alma", "three.alma", "two.alma"]


def test_a_script_that_joins_nothing_ends_when_all_has_run(folder: Folder) -> None:
    folder.module(COUNTING)
    folder.experiment(["a", "b"], workers=2)
    script = start(folder, "experiment.load('m.experiment').start()\nprint('end of script', flush=True)\n")
    assert script.stdout is not None
    assert script.stdout.readline() == "end of script\n"
    hears(folder, "waits")
    folder.allow("go")
    _, err = script.communicate(timeout=PATIENCE)
    assert (script.returncode, err) == (0, "")
    assert folder.told()[-1] == "done()"


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        ("import signal, os; os.kill(os.getpid(), signal.SIGINT); dispatcher.join()", "KeyboardInterrupt"),
        (
            "import signal, os, threading\n"
            "threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()\ndispatcher.join()",
            "KeyboardInterrupt",
        ),
        ("raise ValueError('a mistake in the script')", "a mistake in the script"),
    ],
    ids=["ctrl-c", "ctrl-c-in-join", "mistake"],
)
def test_a_script_that_crashes_interrupts_its_runs(folder: Folder, rest: str, why: str) -> None:
    folder.module(COUNTING)
    file = folder.experiment(["a"])
    wait = "import time\nwhile not dispatcher.results() or dispatcher.results()[0]['state'] != '1': time.sleep(0.01)\n"
    script = start(folder, f"dispatcher = experiment.load('m.experiment')\ndispatcher.start()\n{wait}{rest}\n")
    _, err = script.communicate(timeout=PATIENCE)
    assert script.returncode != 0
    assert why in err
    assert states(experiment.load(file).results()) == [("interrupted", "1")]


def test_the_script_of_the_readme_runs_as_it_is(folder: Folder) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    folder.module("def run(instance, save, state):\n    save('7')\n")
    folder.experiment(["a", "b"], name="sat")
    script = start(folder, next(block for block in blocks if "pyalma_tui.experiment" in block))
    out, err = script.communicate(timeout=PATIENCE)
    assert (script.returncode, err) == (0, "")
    assert out == "a done 7 None\nb done 7 None\n"


def test_a_script_needs_neither_the_screen_nor_tables(tmp_path: Path) -> None:
    code = (
        "import sys, pyalma_tui.experiment, pyalma_tui.batch\n"
        "sys.exit(', '.join({'textual', 'rich', 'click'} & set(sys.modules)) or 0)"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_script_learns_how_its_own_processes_ended(folder: Folder) -> None:
    folder.module(SHORT)
    dispatcher = experiment.load(folder.experiment([f"i{number}" for number in range(30)], workers=2))
    dispatcher.start()
    processes = []
    while dispatcher.is_alive():
        processes.append(subprocess.Popen(["sh", "-c", "exit 7"], start_new_session=True))
        time.sleep(0.02)
    assert {process.wait() for process in processes} == {7}

"""Catalogue A, continued: what a run module gets, and what becomes of what was typed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pyalma_tui.store import layout
from tests.catalogue.case import case, cases
from tests.catalogue.experiment import Experiment
from tests.prepared import PROGRAM

# --- 127: its arguments ------------------------------------------------------------------------------------------

SHOWING = """
imported = list(sys.argv)
def run(instance, save, state):
    save([imported, sys.argv])
def done():
    tell(*sys.argv)
"""


@case("A127-argv-at-import-in-run-and-in-done")
def test_a_module_sees_its_own_path_and_what_follows_two_dashes_everywhere(experiment: Experiment) -> None:
    seen = [str(experiment.module), "--depth", "3", "--", "a b"]
    experiment.write(SHOWING, ("a", "b"))
    assert experiment.run("--workers", "2", "--", *seen[1:]).code == 0
    assert [run["state"] for run in experiment.status()["runs"]] == [[seen, seen], [seen, seen]]
    assert experiment.told() == [" ".join(seen)]
    assert experiment.status()["args"] == seen[1:]
    assert "m.py gets the arguments --depth 3 -- 'a b'" in experiment.session_log()


@case("A127-argv-without-any-is-the-path")
def test_without_arguments_a_module_sees_its_path_alone(experiment: Experiment) -> None:
    assert experiment.write("N = int(sys.argv[1]) if len(sys.argv) > 1 else 10\n" + SHOWING).run().code == 0
    assert experiment.one()["state"][1] == [str(experiment.module)]


@case("A127-argv-is-remembered-until-others-are-given")
def test_arguments_stay_until_others_are_given(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state):\n    save(sys.argv[1:])\n    os._exit(1)\n", ("a", "b"))
    elsewhere = experiment.folder / "elsewhere"
    elsewhere.mkdir()

    def start(*arguments: str) -> tuple[Any, str]:
        """What the runs saw, each in a worker of its own, and what was told."""
        ended = Experiment(elsewhere).start(f"../{experiment.name}", "--plain", "--retry-failed", *arguments).end()
        first, second = experiment.status()["runs"]
        assert first["state"] == second["state"]
        return first["state"], ended.out

    assert start("--", "x")[0] == ["x"]
    assert start()[0] == ["x"]
    seen, told = start("--", "y", "\udcff")
    assert seen == ["y", "\udcff"], "names need not be UTF-8"
    assert r"m.py gets other arguments: x → y '\xff'" in told
    assert start()[0] == ["y", "\udcff"]
    seen, told = start("--")
    assert (seen, "→ none" in told) == ([], True)
    assert start()[0] == []


@case("A127-argv-of-argparse")
def test_a_module_that_parses_arguments_works_and_its_usage_is_shown(experiment: Experiment) -> None:
    experiment.write("""
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--depth", type=int, required=True)
        depth = parser.parse_args().depth
        def run(instance, save, state):
            save(depth)
    """)
    missing = experiment.run()
    assert missing.code == 2
    assert missing.said[:2] == [
        "usage: m.py [-h] --depth DEPTH",
        "m.py: error: the following arguments are required: --depth",
    ]
    assert not experiment.state_dir.exists()
    assert experiment.run("--", "--depth", "3").code == 0
    assert experiment.one()["state"] == 3
    assert experiment.start("doctor", "m.py").end().code == 0, "the doctor gives it those of the last time"
    assert "invalid int value: 'x'" in experiment.start("doctor", "m.py", "--", "--depth", "x").end().out


@case("A127-argv-of-thousands")
def test_thousands_of_arguments_arrive_and_a_line_tells_some_of_them(experiment: Experiment) -> None:
    many = [f"data/instance-{number:06d}.txt" for number in range(8_000)]  # more than fits into one argument
    experiment.write("def run(instance, save, state):\n    save(len(sys.argv))\n")
    result = experiment.run("--", *many)
    assert result.code == 0
    assert experiment.one()["state"] == len(many) + 1
    assert max(map(len, result.out.splitlines())) < 400, "a line of the screen has room for some"


@case("A127-what-follows-two-dashes-of-other-commands-is-theirs")
def test_two_dashes_of_other_commands_are_theirs(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state):\n    print('said')\n", ("-a",)).run()
    assert experiment.says("logs", "m.py", "--", "-a").out == "said\n"


# --- 128: what its import printed --------------------------------------------------------------------------------


class Printed(NamedTuple):
    """A module that prints and is not imported; what is said of it, and its last line."""

    module: str
    why: str
    last: str = "set DATA_DIR first"
    told: bool = True  # whether the one line has it too


SAYS = "print('one'); print('set DATA_DIR first', file=sys.stderr); "
PRINTED = {
    "exits": Printed(SAYS + "sys.exit(1)", "it calls sys.exit(1) while it is imported"),
    "exits-within-a-line": Printed(
        "sys.stdout.write('set DATA_DIR first'); sys.exit(1)", "it calls sys.exit(1) while it is imported"
    ),
    "ends": Printed(SAYS + "os._exit(3)", "the process exits with code 3 while it is imported. Nothing was started"),
    "child": Printed("os.system('echo set DATA_DIR first'); sys.exit(2)", "it calls sys.exit(2) while it is imported"),
    "raises": Printed(SAYS + "raise ValueError('no')", "ValueError: no", told=False),
    "help": Printed(SAYS + "sys.exit(0)", "it calls sys.exit(0) while it is imported", told=False),
    "no-run": Printed(
        SAYS, "no function named run: it has no functions. Add `def run(instance, save, state):`", told=False
    ),
    "colours": Printed(
        "print('\\x1b[31mset DATA_DIR\\x1b[0m first\\x1b]52;c;eHh4\\x07'); sys.exit(1)",
        "it calls sys.exit(1) while it is imported",
        "set DATA_DIR first␛]52;c;eHh4␇",
    ),
}


@cases("A128-import", **PRINTED)
def test_what_a_failing_import_printed_last_is_in_the_error(experiment: Experiment, fault: Printed) -> None:
    experiment.write("").module.write_text("import os, sys\n" + fault.module + "\n")
    result = experiment.run()
    assert result.code == 2
    line = f"module: {experiment.module}: {fault.why}"
    assert result.last_line() == line + f". It printed last: {fault.last}" * fault.told
    assert fault.last in result.said[:-1]
    assert "\x1b" not in result.err
    assert not experiment.state_dir.exists()
    found = experiment.start("doctor", "m.py").end()
    assert (found.code, not fault.told or fault.last in found.out) == (2, True), found


@case("A128-import-all-of-it-is-in-the-load-log")
def test_all_that_a_failing_import_printed_is_in_the_load_log(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state):\n    pass\n").run()
    experiment.module.write_text("for n in range(5000): print('line', n)\nraise SystemExit(1)\n")
    result = experiment.run()
    log = experiment.state_dir / "logs" / "load" / "first.log"
    assert result.said[0] == f"… all of it is in {log}"
    assert result.said[-2] == "line 4999"
    assert len(result.said) < 30, "its end is on the screen"
    assert log.read_text() == "".join(f"line {n}\n" for n in range(5000))


@case("A128-import-without-a-log-nearly-all-of-it-is-told")
def test_where_there_is_no_log_nearly_all_that_an_import_printed_is_told(experiment: Experiment) -> None:
    experiment.write("").module.write_text("for n in range(50_000): print('line', n)\nraise SystemExit(1)\n")
    result = experiment.run()
    assert result.said[0] == "… only the last 64 kB are shown"
    assert 60_000 < len(result.err) < 70_000
    assert not experiment.state_dir.exists()


@cases(
    "A128",
    import_by_a_later_worker=(("--import", "each"), "os._exit(1)"),
    import_by_a_later_agent=((), "os.kill(os.getppid(), signal.SIGKILL)"),
)
def test_what_the_import_of_a_later_process_printed_last_is_in_the_error(
    experiment: Experiment, how: tuple[tuple[str, ...], str]
) -> None:
    options, end = how
    experiment.write(
        f"""
        if os.path.exists("broken"):
            print("the licence has expired")
            sys.exit(1)
        def run(instance, save, state):
            open("broken", "w").close()
            {end}
            wait_for("never")
    """,
        ("a", "b"),
    )
    result = experiment.run(*options)
    assert result.code == 2, result
    assert "it calls sys.exit(1) while it is imported. It printed last: the licence has expired" in result.last_line()
    logs = [path.read_text() for path in layout.load_log_dir(experiment.state_dir).iterdir()]
    assert logs.count("the licence has expired\n") == 3, "each that was tried has a log of its own"


# --- 129: a decorated run ----------------------------------------------------------------------------------------

DECORATED = """
import functools
def plain(function):
    def inner(*args, **kwargs):
        return function(*args, **kwargs)
    return inner
def wrapping(function):
    return functools.wraps(function)(plain(function))
"""
RUNS = {
    "plain": ("@plain\ndef run(instance, save, state): save([])", []),
    "wraps": ("@wrapping\ndef run(instance, save, state): save([])", []),
    "wraps_a_seeded_one": ("@wrapping\ndef run(instance, save, state, seed): save(['seed'])", ["seed"]),
    "keywords": ("def run(instance, save, state, **kwargs): save(sorted(kwargs))",
                 ["iteration", "progress", "record", "seed", "worker_id"]),
    "plain_keywords": ("@plain\ndef run(instance, save, state, **kwargs): save(sorted(kwargs))", []),
    "partial": ("def solve(depth, instance, save, state, *, seed): save(['seed', depth])\n"
                "run = functools.partial(solve, 3)", ["seed", 3]),
    "cached": ("@functools.lru_cache\ndef run(instance, save, state, iteration): save([iteration])", [0]),
    "object": ("class Solver:\n    @wrapping\n    def __call__(self, instance, save, state, worker_id):\n"
               "        save([worker_id])\nrun = Solver()", [0]),
}  # fmt: skip


@cases("A129-decorated", **RUNS)
def test_a_decorated_run_gets_what_its_decorator_passes_on(experiment: Experiment, fault: tuple[str, Any]) -> None:
    run, expected = fault
    result = experiment.write(DECORATED + run + "\n").run()
    assert result.code == 0, result
    assert experiment.one()["state"] == expected


# --- 130: the code around it -------------------------------------------------------------------------------------

SAVES_X = "def run(instance, save, state):\n    save([X, __name__, __file__, sys.path[0]])\n"


class Around(NamedTuple):
    """Files of a project, which of them is started, and what its run saves of where it finds itself."""

    files: dict[str, str]
    started: str
    name: str = "m"
    folder: str = "."
    links: tuple[tuple[str, str], ...] = ()


AROUND = {
    "beside": Around({"m.py": "import sys\nfrom near import X\n" + SAVES_X, "near.py": "X = 1"}, "m.py"),
    "package": Around(
        {"pkg/__init__.py": "", "pkg/m.py": "import sys\nfrom .near import X\n" + SAVES_X, "pkg/near.py": "X = 1"},
        "pkg/m.py",
        "pkg.m",
        "pkg",
    ),
    "package_by_its_name": Around(
        {"pkg/__init__.py": "", "pkg/m.py": "import sys\nfrom pkg.near import X\n" + SAVES_X, "pkg/near.py": "X = 1"},
        "pkg/m.py",
        "m",
        "pkg",
    ),
    "package_in_a_package": Around(
        {
            "a/__init__.py": "from .near import Y as X",
            "a/b/__init__.py": "",
            "a/b/m.py": "import sys\nfrom .. import X\n" + SAVES_X,
            "a/near.py": "Y = 1",
        },
        "a/b/m.py",
        "a.b.m",
        "a/b",
    ),
    "package_that_imports_it": Around(
        {
            "pkg/__init__.py": "from .m import run",
            "pkg/m.py": "import sys\nfrom .near import X\n" + SAVES_X,
            "pkg/near.py": "X = 1",
        },
        "pkg/m.py",
        "pkg.m",
        "pkg",
    ),
    "package_that_does_not_import": Around(
        {"pkg/__init__.py": "import no_such_module", "pkg/m.py": "import sys\nX = 1\n" + SAVES_X},
        "pkg/m.py",
        "m",
        "pkg",
    ),
    "beside_a_package_of_its_name": Around(
        {
            "m.py": "import sys\nfrom m.core import X\n" + SAVES_X,
            "m/__init__.py": "",
            "m/core.py": "X = 1",
        },
        "m.py",
    ),
    "behind_a_link": Around(
        {"lib/code.py": "import sys\nfrom near import X\n" + SAVES_X, "lib/near.py": "X = 1"},
        "e1/m.py",
        "m",
        "lib",
        (("e1/m.py", "../lib/code.py"),),
    ),
    "a_helper_named_as_the_standard_library": Around(
        {
            "pkg/__init__.py": "",
            "pkg/m.py": "import sys, random\nX = int(random.random() < 1)\n" + SAVES_X,
            "pkg/random.py": "raise SystemExit",
            "random.py": "raise SystemExit",
        },
        "pkg/m.py",
        "m",
        "pkg",
    ),
}


@cases("A130-code", **AROUND)
def test_a_module_finds_the_code_around_it_as_pythons_own_scripts_and_modules_do(
    experiment: Experiment, around: Around
) -> None:
    for path, text in around.files.items():
        file = experiment.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    for path, target in around.links:
        (experiment.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (experiment.folder / path).symlink_to(target)
    experiment.name = around.started
    result = experiment.start(around.started, "an instance", "--plain").end()
    assert result.code == 0, result
    file = experiment.folder / around.started
    assert experiment.one()["state"] == [1, around.name, str(file), str((experiment.folder / around.folder).resolve())]


# --- 131: processes of its own -----------------------------------------------------------------------------------

POOL = """
import multiprocessing, pickle, sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

@dataclass
class Point:
    x: int

def square(point):
    return point.x ** 2, sys.argv[1:], hash("text")

def run(instance, save, state):
    context = multiprocessing.get_context(instance["data"])
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        (found,) = pool.map(square, [Point(3)])
    same = pickle.loads(pickle.dumps(Point(3))) == Point(3) and found[2] == hash("text")
    save([*found[:2], same])

instances = [{"data": "METHOD"}]
"""


@cases(
    "A131-pool",
    **{
        f"{method}_{place}": (method, place)
        for method in ("fork", "spawn", "forkserver")
        for place in ("alone", "in_a_package")
    },
)
def test_a_pool_of_processes_finds_the_module_its_arguments_and_its_hashes(
    experiment: Experiment, variant: tuple[str, str]
) -> None:
    method, place = variant
    module = POOL.replace("METHOD", method)
    experiment.name = "m.py"
    if place == "in_a_package":
        (experiment.folder / "pkg").mkdir()
        (experiment.folder / "pkg/__init__.py").touch()
        (experiment.folder / "pkg/near.py").touch()
        module = f"from . import near\n{module}"
        experiment.name = "pkg/m.py"
    experiment.module.write_text(module)
    result = experiment.run("--timeout", "30", "--", "--depth", "3")
    assert result.code == 0, result
    assert experiment.one()["state"] == [9, ["--depth", "3"], True]


# --- 132: the order of sets --------------------------------------------------------------------------------------

ORDER = """
def order():
    return [*{f"word {number}" for number in range(20)}]
def run(instance, save, state):
    tell(*order())
    tell(os.popen(f"{sys.executable} -c 'print(*{{f\\"word {{n}}\\" for n in range(20)}})'").read().strip())
    save("begun")
    if not state:
        os._exit(1)
def done():
    tell(*order())
"""


@case("A132-sets-have-one-order-in-all-workers-at-all-starts-and-in-done")
def test_sets_have_one_order_in_all_workers_at_all_starts_and_in_done(experiment: Experiment) -> None:
    experiment.write(ORDER, ("a", "b", "c"))
    assert experiment.run("--workers", "2").code == 1
    assert experiment.run("--retry-failed").code == 0
    assert len(experiment.told()) == 13
    assert len(set(experiment.told())) == 1, "in what they start, too"


@case("A132-sets-of-the-same-seed-have-the-same-order")
def test_sets_have_the_same_order_with_the_same_seed(experiment: Experiment) -> None:
    experiment.write(ORDER)
    orders = []
    for seed in ("5", "5", "6"):
        experiment.run("--seed", seed, "--fresh", "--yes")
        orders.append(experiment.told()[-1])
    assert orders[0] == orders[1] != orders[2]


@case("A132-the-users-own-hash-seed-wins-and-stays")
def test_the_users_own_hash_seed_wins_and_a_change_of_it_is_told(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state):\n    tell(os.environ['PYTHONHASHSEED'])\n    os._exit(1)\n")
    notes = []
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PYTHONHASHSEED", raising=False)
        for own in (None, "7", None, "random", "0"):
            if own is None:
                patch.delenv("PYTHONHASHSEED", raising=False)
            else:
                patch.setenv("PYTHONHASHSEED", own)
            out = experiment.run("--retry-failed").out
            notes.append(next((line for line in out.splitlines() if "PYTHONHASHSEED" in line), "")[9:])
    drawn, *seen = experiment.told()
    assert seen == ["7", "7", "random", "0"]
    changed = "PYTHONHASHSEED {}: sets of text have another order than before"
    expected = ["", f"{drawn} → 7", "", "7 → random", "random → 0"]
    assert notes == [change and changed.format(change) for change in expected]


# --- 134: a debugger ---------------------------------------------------------------------------------------------

STOPS = """
def run(instance, save, state):
    number = int(state or 0)
    while number < 3:
        number += 1
        save(str(number))
        if number == 2:
            breakpoint()
    print("reached the end")
def done():
    tell("done()")
"""


def debugging(experiment: Experiment, keys: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What `--debug` makes of these lines of a keyboard that is a pipe."""
    return experiment.call(PROGRAM, experiment.name, "--debug", *arguments, keys=keys)


@case("A134-breakpoint-without-a-keyboard-says-how")
def test_a_breakpoint_without_a_keyboard_says_how_to_get_one(experiment: Experiment) -> None:
    assert experiment.write(STOPS).run().code == 1
    run = experiment.one()
    assert run["error"] == "BdbQuit (run() has no keyboard: `--debug INSTANCE` calls it with one)"
    assert run["state"] == "2"


@case("A134-debug-runs-one-instance-with-the-keyboard")
def test_debug_runs_the_named_instance_with_the_keyboard(experiment: Experiment) -> None:
    experiment.write(STOPS, ("a", "b"))
    ended = debugging(experiment, "p number\np 40 + 2\nc\n", "b")
    assert ended.returncode == 0, ended
    assert "(Pdb) 2\n(Pdb) 42\n(Pdb) reached the end\n" in ended.stdout
    assert ended.stderr.splitlines()[-1].startswith("pyalma-tui: b: done in ")
    assert experiment.statuses() == {"a": "pending", "b": "done"}
    assert (experiment.runs()["b"]["state"], experiment.runs()["b"]["attempts"]) == ("3", 1)
    assert "done()" not in experiment.told()


@case("A134-debug-goes-on-with-the-state-of-what-failed")
def test_debug_goes_on_with_the_state_of_what_failed_and_starts_nothing_that_is_done(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state):\n    save('7')\n    assert state == '7', state\n").run()
    ended = debugging(experiment, "", "a")
    assert ended.returncode == 0, ended
    assert experiment.one()["attempts"] == 2
    again = debugging(experiment, "", "a")
    line = "pyalma-tui: --debug a: it is done. `pyalma-tui reset m.py a` lets it run anew; nothing was started"
    assert (again.returncode, again.stderr.splitlines()[-1]) == (2, line)


@case("A134-debug-names-the-iteration-as-everywhere")
def test_debug_names_an_iteration_as_it_is_named_everywhere(experiment: Experiment) -> None:
    ended = debugging(experiment.write(STOPS), "c\n", "a", "--iterations", "2")
    assert ended.stderr.splitlines()[-1].startswith("pyalma-tui: a#0: done in ")


@case("A134-debug-of-what-fails-shows-where")
def test_debug_of_what_fails_shows_where(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state):\n    save('7')\n    raise ValueError('here')\n")
    ended = debugging(experiment, "", "a")
    assert ended.returncode == 1
    assert f'File "{experiment.module}", line 5, in run' in ended.stderr
    assert ended.stderr.splitlines()[-1] == "pyalma-tui: a: failed: ValueError: here; state 7, which is kept"


@cases("A134-debug-is-left", quit="q\n", end_of_file="")
def test_a_debugger_that_is_left_interrupts_the_run(experiment: Experiment, keys: str) -> None:
    ended = debugging(experiment.write(STOPS), keys, "a")
    assert ended.returncode == 130, ended
    assert experiment.one() | {"status": "interrupted", "state": "2", "error": None} == experiment.one()


@case("A134-debug-means-one-instance")
def test_debug_means_one_instance(experiment: Experiment) -> None:
    experiment.write(STOPS, ("a1", "a2", "b"))
    ended = debugging(experiment, "", "a*")
    assert ended.stderr == "pyalma-tui: --debug a*: 2 instances are meant: a1, a2. Name one of them\n"
    assert debugging(experiment, "", "c").returncode == 2
    assert not experiment.state_dir.exists()


# --- 136: what was chosen stays ----------------------------------------------------------------------------------


@case("A136-workers-and-limits-stay-until-told-otherwise")
def test_workers_and_limits_stay_until_told_otherwise(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state):\n    sys.exit(1)\n", ("a", "b"))

    def notes(*options: str) -> str:
        result = experiment.start(experiment.name, "--plain", *options).end()
        assert result.code == 1
        return next((line[9:] for line in result.out.splitlines() if "as last time" in line), "")

    assert notes("--workers", "2", "--timeout", "60", "--grace", "3", "--retries", "0", "--sync", "fsync") == ""
    assert notes() == "as last time: 2 workers, timeout 60 s, grace 3 s, sync fsync"
    assert notes("--workers", "1", "--timeout", "inf") == "as last time: grace 3 s, sync fsync"
    assert notes("--grace", "10", "--sync", "group") == ""
    assert notes() == "", "what is usual need not be told"
    assert notes("--workers", "3", "--iterations", "2") == ""
    assert notes() == "as last time: 3 workers, 2 iterations"
    assert len(experiment.status()["runs"]) == 4
    assert notes("--fresh", "--yes") == ""
    assert notes() == "", "with everything else it is forgotten"


@case("A136-an-edit-of-the-experiment-file-wins")
def test_an_edit_of_the_experiment_file_wins_over_what_was_chosen(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state):\n    sys.exit(1)\n", ("a", "b"))
    file = experiment.folder / "m.experiment"

    def start(workers: int, *options: str) -> str:
        file.write_text(f'{{"load": "m.py", "batch": "m.batch", "workers": {workers}}}')
        result = experiment.start("m.experiment", "--plain", *options).end()
        return next((line[9:] for line in result.out.splitlines() if "as last time" in line), "")

    assert start(4) == ""
    assert start(4, "--workers", "2") == ""
    assert start(4) == "as last time: 2 workers (m.experiment says 4)"
    assert start(3) == ""
    assert "workers" not in experiment.table("meta")["1"]["chosen"]


DAMAGED = {
    "args": {"args": ["a\0b"]},
    "no_list": {"args": 3},
    "hash_seed": {"hash_seed": "x"},
    "large_hash_seed": {"hash_seed": 1 << 40},
    "no_workers": {"workers": 0},
    "many_workers": {"workers": 10**9},
    "timeout": {"timeout": -1},
    "grace": {"grace": "long"},
    "sync": {"sync": "never"},
    "file": {"file": 3},
    "all": [],
}


@case("A136-damaged")
def test_damaged_choices_are_refused_with_their_place(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state):\n    pass\n").run()
    database = experiment.state_dir / "db.json"
    tables = json.loads(database.read_text())
    for name, chosen in DAMAGED.items():
        tables["meta"]["1"]["chosen"] = chosen
        database.write_text(json.dumps(tables))
        for command in (("m.py", "--plain"), ("status", "m.py")):
            result = experiment.says(*command)
            assert (result.code, result.out, len(result.said)) == (3, "", 1), (name, result)
            assert "`$.meta.1.chosen" in result.last_line(), name


# --- 137: nothing is ignored -------------------------------------------------------------------------------------

IGNORED = {
    "theme": (("m.py", "--plain", "--theme", "drakula"), "--theme drakula: there is no such theme. Did you"),
    "plain_and_json": (("m.py", "--plain", "--json"), "--plain and --json: choose one of them"),
    "batch_and_instances": (("m.py", "a", "--batch", "m.batch"), "--batch and instances: choose one of them"),
    "rerun_and_no_done": (("m.py", "--rerun-done", "--no-done"), "--rerun-done and --no-done: choose one of them"),
    "debug_and_workers": (("m.py", "--debug", "a", "--workers", "2"), "--debug and --workers: choose one of them"),
    "debug_and_timeout": (("m.py", "--debug", "a", "--timeout", "2"), "--debug and --timeout: choose one of them"),
    "debug_and_paused": (("m.py", "--debug", "a", "--paused"), "--debug and --paused: choose one of them"),
    "format": (("export", "m.py", "--output", "x.xls"), "--output: x.xls: no format is known by .xls. End it in .csv"),
    "format_behind_another": (("export", "m.py", "--output", "x.csv.gz"), "--output: x.csv.gz: no format is known"),
    "iteration_of_done": (("logs", "m.py", "done()", "--iteration", "1"), "--iteration 1: done() has none"),
    "iteration_of_nothing": (("logs", "m.py", "--iteration", "1"), "logs: m.py: of which instance?"),
    "state_of_nothing": (("doctor", "--state", "x"), "doctor: --state: of which TARGET?"),
    "arguments_of_nothing": (("doctor", "--", "x"), "doctor: --: of which TARGET?"),
}  # fmt: skip


@case("A137-ignored")
def test_an_option_that_would_be_ignored_is_refused(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state):\n    pass\n")
    later = ("logs", "export")  # which need an experiment

    def refuses(*, known: bool) -> None:
        for arguments, line in IGNORED.values():
            if (arguments[0] in later) == known:
                assert experiment.says(*arguments).refusal().startswith(line), arguments
        assert not list(experiment.folder.glob("x*"))

    refuses(known=False)
    assert not experiment.state_dir.exists()
    experiment.run()
    refuses(known=True)


@case("A137-what-only-a-screen-has-harms-nobody-without-one")
def test_what_only_a_screen_has_harms_nobody_without_one(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state):\n    pass\n")
    result = experiment.run("--theme", "dracula", "--no-mouse", "--on-hangup", "interrupt", "--yes")
    assert (result.code, result.err) == (0, "")
    assert experiment.says("export", "m.py", "--output", "no-ending").code == 0
    assert Path(experiment.folder, "no-ending").read_text().startswith("id,instance")

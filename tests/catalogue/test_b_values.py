"""Catalogue B, continued: what an instance may be, where it may come from, and what becomes of one that is gone."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

from tests.catalogue.case import case, cases
from tests.catalogue.experiment import Experiment, until
from tests.catalogue.handed import TELLS, told
from tests.prepared import PROGRAM
from tests.terminal.screen import FULL_SCREEN, LEFT, Terminal


def naming(experiment: Experiment, instances: str, run: str = TELLS) -> Experiment:
    """A module that names its own instances; there is no batch."""
    experiment.write(f"import numpy as np\nfrom pathlib import Path\ninstances = {instances}\n{run}", ())
    experiment.module.with_suffix(".batch").unlink()
    return experiment


@cases(
    "B115",
    infinity=(
        '[{"data": {"n": x}} for x in (1, float("inf"))]',
        "[1].data.n: inf is no JSON value. Use None, or str()",
    ),
    nested=('["a", {"data": {"grid": [0, (1, 2)]}}]', "[1].data.grid[1]: a tuple is no JSON value. Use list()"),
    int_keys=("[{1: 2}]", "[0]: its key 1 is no text, as keys of JSON are. Use str() for it"),
    path_in_data=('[{"data": {"out": Path("x")}}]', "[0].data.out: a pathlib.PosixPath is no JSON value. Use str()"),
    array=('[{"x": np.arange(3)}]', "[0].x: a numpy.ndarray is no JSON value. Use .tolist()"),
    scalar=('[{"lr": np.float32(0.1)}]', "[0].lr: a numpy.float32 is no JSON value. Use .item()"),
    surrogates=('["a", "\\ud83d\\ude00"]', "[1]: it holds a pair of surrogates"),
    no_instance=("(Path('a'), (1, 2))", "[1]: a tuple. An instance is a path, a glob or a dict"),
    no_list=("3", ": an int. Make it a list of paths, globs or dicts"),
)
def test_a_value_that_would_not_arrive_equal_is_refused_with_its_place(
    experiment: Experiment, fault: tuple[str, str]
) -> None:
    instances, message = fault
    line = naming(experiment, instances).run().refusal()
    assert line.startswith(f"module: {experiment.module}: instances{message}")
    assert not experiment.state_dir.exists()


@case("B116-arrives-equal")
def test_every_value_that_json_has_arrives_equal(experiment: Experiment) -> None:
    naming(
        experiment,
        '[Path("a"), {"file": Path("b"), "data": [1, 1.0, True, None, 2**70, "\\ud800"]}, '
        '{"data": {"lr": np.float64(0.1), "": {"x": []}}}, {"lr": 0.2, "seed": 3, "grid": [{"n": 1e300}]}, {"n": 1}]',
    )
    assert experiment.run().code == 0
    path, file, data, alone, last = told(experiment)
    assert path == f"{experiment.folder}/a"
    assert (file["file"], file["data"]) == (f"{experiment.folder}/b", [1, 1.0, True, None, 2**70, "\ud800"])
    assert list(map(type, file["data"][:3])) == [int, float, bool]
    assert (data["file"], data["data"]) == ("", {"lr": 0.1, "": {"x": []}})
    given = {"lr": 0.2, "seed": 3, "grid": [{"n": 1e300}]}
    assert alone["data"] == given, "the dict is the data"
    assert {key: alone[key] for key in given} == given, "and reads as it was written"
    assert (alone["file"], alone["id"], type(last["seed"])) == ("", 3, int)
    experiment.allow("again")
    assert experiment.run().code == 0
    assert len(experiment.told()) == 5, "what is in the batch still is the same instance"


LATIN = os.fsdecode(b"data/M\xfcller.cnf")

RESUMES = """
def run(instance, save, state):
    file = instance if isinstance(instance, str) else instance["file"]
    print("log of", os.fsencode(file))
    assert os.path.exists(file)
    save(file)
    if state == "":
        kill_program()
    tell(state == file)
"""


def listed(name: str, text: str) -> tuple[str, tuple[str, ...], tuple[str, str]]:
    return ("", ("--batch", name), (name, text))


SOURCES = {
    "module": (f"instances = [{LATIN!r}]", (), ("", "")),
    "argument": ("", (LATIN,), ("", "")),
    "folder": ("", ("data",), ("", "")),
    "pattern": ("", ("data/M*.cnf",), ("", "")),
    "text": listed("x.txt", LATIN),
    "table": listed("x.csv", f"n,file\n1,{LATIN}"),
    "batch": listed("x.batch", json.dumps({"instances": [{"file": LATIN, "data": {"n": 1}}]})),
}


@cases("B118", **SOURCES)
def test_a_name_that_is_not_utf8_works_wherever_a_path_does(
    experiment: Experiment, source: tuple[str, tuple[str, ...], tuple[str, str]]
) -> None:
    """A name that is not UTF-8, with a kill amid the run, wherever it may be seen."""
    module, arguments, (name, text) = source
    experiment.write(module + RESUMES, ()).module.with_suffix(".batch").unlink()
    (experiment.folder / LATIN).parent.mkdir()
    (experiment.folder / LATIN).touch()
    if name:
        (experiment.folder / name).write_text(text, "utf-8", "surrogateescape")
    assert experiment.run(*arguments).code == -signal.SIGKILL
    experiment.nothing_left()
    result = experiment.start("m.py", "--json", *arguments).end()
    assert (result.code, experiment.told()) == (0, ["True"]), result
    events = [json.loads(line) for line in result.out.splitlines()]
    run = experiment.one()
    shown = run["instance"]
    assert {event["instance"] for event in events if event["run"]} == {shown}
    assert (run["status"], run["file"], run["state"]) == ("done", f"{experiment.folder}/{LATIN}", run["file"])
    assert shown.startswith(LATIN)
    assert (experiment.table("instances")["1"]["name"], experiment.table("runs")["1"]["state"]) == (shown, run["file"])
    if source not in (
        SOURCES["argument"],
        SOURCES["batch"],
    ):  # the others are read alike
        return
    assert "M\\xfcller.cnf" in experiment.says("status", "m.py").out
    for word in (shown, "*ller*"):
        log = experiment.says("logs", "m.py", word).out
        assert log == f"log of {os.fsencode(run['file'])!r}\n"
    assert LATIN in experiment.says("export", "m.py").out
    assert "M\\udcfcller.cnf" in experiment.says("export", "m.py", "--format", "json").out
    assert experiment.says("reset", "m.py", shown, "--yes").last_line().startswith("forgot 1 run")


@case("B119-a-name-is-shown-and-nothing-more")
def test_a_name_is_shown_and_is_no_part_of_what_an_instance_is(experiment: Experiment) -> None:
    experiment.write(TELLS, ())
    batch = experiment.module.with_suffix(".batch")
    objects: list[dict[str, Any]] = [
        {"name": "first", "data": {"n": 1}},
        {"file": "b", "name": "sec\x1b[31mond"},
        {"data": {"name": "x"}},
    ]
    batch.write_text(json.dumps({"instances": objects}))
    result = experiment.run()
    assert result.code == 0
    assert "\x1b" not in result.out
    assert list(experiment.statuses()) == ["first", "sec\x1b[31mond", '{"name":"x"}']
    first = told(experiment)[0]
    assert set(first) == {"file", "data", "id", "seed"}, "run() has no use for it"
    objects[0]["name"] = "renamed"
    objects[1] = {"file": "b"}
    batch.write_text(json.dumps({"instances": objects}))
    result = experiment.run()
    assert (result.code, len(experiment.told())) == (0, 3), "a name is no part of what an instance is"
    assert "everything is done already" in result.err
    assert list(experiment.statuses()) == ["renamed", "b", '{"name":"x"}']
    assert experiment.says("logs", "m.py", "renamed").code == 0
    naming(experiment, '[{"name": "of data", "lr": 0.1}, {"name": 3}]')
    assert experiment.run().code == 0
    assert list(experiment.statuses())[3:] == ["of data", '{"name":3}']
    assert [each["data"] for each in told(experiment)[:2]] == [{"name": "of data", "lr": 0.1}, {"name": 3}]


@case("B120-warnings-are-on-the-screen-and-in-the-session-log")
def test_warnings_of_a_batch_are_on_the_screen_and_in_the_session_log_once(experiment: Experiment) -> None:
    experiment.write(TELLS, ())
    experiment.module.with_suffix(".batch").write_text('{"instances": [{"file": "gone", "dta": 1}], "zzz": 1}')
    warned = [
        f'{experiment.folder}/m.batch: $: unknown key "zzz" is ignored. ',
        f'{experiment.folder}/m.batch: $.instances[0]: unknown key "dta" is ignored. Did you mean "data"?',
        f"1 file does not exist: {experiment.folder}/gone. The runs are started all the same",
    ]
    with Terminal(experiment.folder, "m.py", columns=150, program=(PROGRAM,)) as terminal:
        terminal.wait(lambda _: b"file does not exist" in terminal.raw.partition(FULL_SCREEN)[2], "it in a message")
        terminal.see("all done")
        terminal.press("s")
        terminal.see("session log", 'unknown key "zzz"', 'unknown key "dta"', "1 file does not exist")
        terminal.press("escape")
        terminal.wait(lambda text: "session log" not in text, "the list")
        terminal.press("q")
        assert terminal.end() == 0
    for line in warned:
        assert experiment.session_log().count(line) == 1
    result = experiment.run()
    for line in warned:
        assert (result.out + result.err).count(line) == 1, "without a screen it is on stderr, and not said twice"


@case("B120-a-file-that-a-large-batch-lacks-is-told-as-soon-as-it-is-known")
def test_a_missing_file_of_a_large_batch_is_told_in_the_same_places(experiment: Experiment) -> None:
    names = [f"i{number:04d}" for number in range(3000)]
    experiment.write(TELLS, names)
    for name in ("i0007", "i2999"):
        (experiment.folder / name).unlink()
    line = (
        f"2 files do not exist: {experiment.folder}/i0007, {experiment.folder}/i2999. The runs are started all the same"
    )
    with Terminal(experiment.folder, "m.py", "--paused", columns=150, program=(PROGRAM,)) as terminal:
        terminal.wait(lambda _: b"2 files do not" in terminal.raw.partition(FULL_SCREEN)[2], "it in a message")
        terminal.press("s")
        terminal.see("session log", "2 files do not exist")
        terminal.press("escape")
        terminal.wait(lambda text: "session log" not in text, "the list")
        terminal.press("q")
        assert terminal.end() == 130
        assert b"warning: 2 files do not exist" in terminal.raw.rpartition(LEFT)[2]
    assert experiment.session_log().count(line) == 1
    for form in ("--plain", "--json"):
        result = experiment.start("m.py", form, "--paused").end()
        assert (result.err.count(line), result.out.count("not exist")) == (1, 0)
    assert experiment.session_log().count(line) == 3


@cases(
    "B121",
    text=("x.txt", b"a\n\nsub/\nM\xfc*\n", ["a", "sub", "M\udcfcller"]),
    table=("x.csv", b"file,n,lr\na,1,1e-3\n,2,x\n", [{"n": 1, "lr": 0.001}, {"n": 2, "lr": "x"}]),
    json_lines=("x.jsonl", b'"a"\n{"lr": 1}\n', ["a", {"lr": 1}]),
    standard_input=("-", b"a\nsub/\n", ["a", "sub"]),
    its_device=("/dev/stdin", b'["a", {"lr": 1}]\n', ["a", {"lr": 1}]),
    batch_through_a_pipe=("-", b'{"dir": "sub", "instances": ["a"]}', ["sub/a"]),
)
def test_a_list_of_any_kind_is_a_batch_and_what_came_through_a_pipe_is_remembered(
    experiment: Experiment, source: tuple[str, bytes, list[Any]]
) -> None:
    """A list as a batch; what came through a pipe is remembered."""
    name, content, wanted = source
    experiment.write(TELLS, ()).module.with_suffix(".batch").unlink()
    (experiment.folder / "sub").mkdir()
    (experiment.folder / os.fsdecode(b"M\xfcller")).touch()
    fed = None
    if name[0] in "-/":
        fed = content
    else:
        (experiment.folder / name).write_bytes(content)
    result = experiment.start("m.py", "--plain", "--paused", "--batch", name, fed=fed).end()
    assert result.code == 130, result
    assert experiment.run().code == 0
    handed = [each["data"] if isinstance(each, dict) else each for each in told(experiment)]
    assert handed == [f"{experiment.folder}/{each}" if isinstance(each, str) else each for each in wanted]


@case("B121-process-substitution")
def test_a_batch_may_be_a_process_substitution(experiment: Experiment) -> None:
    experiment.write(TELLS, ()).module.with_suffix(".batch").unlink()
    line = f"exec {PROGRAM} m.py --plain --batch <(printf 'a\\nb\\n')"
    assert (experiment.call("bash", "-c", line).returncode, told(experiment)) == (
        0,
        [f"{experiment.folder}/a", f"{experiment.folder}/b"],
    )


@cases(
    "B122",
    text=("x.txt", b"a\n\n*.none\n", 'x.txt:3: no file matches "*.none" in '),
    table=("x.csv", b"n,m\n1,2\n1\n", "x.csv:3: this row has 1 cells, the first one has 2. "),
    json_lines=("x.jsonl", b'{"n": 1}\n{"n": 1,}\n', 'x.jsonl:2:8: a comma stands before the closing "}". '),
    standard_input=("-", b'{"n": 1}\n{"n": NaN}\n', "stdin:2:7: JSON knows no NaN. "),
    nothing=("-", b"\n", "stdin: it lists no instances. Write a path a line, or JSON"),
)
def test_a_fault_in_a_list_is_told_with_its_line(experiment: Experiment, source: tuple[str, bytes, str]) -> None:
    name, content, message = source
    experiment.write(TELLS, ())
    (experiment.folder / name).write_bytes(content)
    result = experiment.start("m.py", "--plain", "--batch", name, fed=content if name == "-" else None).end()
    assert result.refusal().startswith(f"cannot read the batch: {message}")
    assert (experiment.state_dir.exists(), experiment.told()) == (False, [])


@cases("B123", arguments=None, batch="x.batch", text="x.txt", module="")
def test_a_path_that_ends_in_a_slash_is_a_folder_as_an_instance(experiment: Experiment, batch: str | None) -> None:
    """A path, or a pattern, that ends in a slash is a folder as an instance; arguments without are its files."""
    for name in ("cases/a/mesh", "cases/b/mesh", "cases/b/conf", "cases/file"):
        (experiment.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (experiment.folder / name).touch()
    experiment.write(TELLS, ()).module.with_suffix(".batch").unlink()
    paths = ["cases/*/", "cases/b/../a/"]
    if batch == "":
        naming(experiment, repr(paths))
    elif batch is not None:
        text = json.dumps({"instances": paths}) if batch == "x.batch" else "\n".join(paths)
        (experiment.folder / batch).write_text(text)
    assert experiment.run(*(paths if batch is None else ["--batch", batch] if batch else [])).code == 0
    assert told(experiment) == [f"{experiment.folder}/cases/{name}" for name in ("a", "b", "a")]
    assert list(experiment.statuses()) == ["cases/a", "cases/b", "cases/a #2"]
    assert experiment.run("cases/b").code == 0
    assert sorted(experiment.told()[3:]) == [f'"{experiment.folder}/cases/b/{name}"' for name in ("conf", "mesh")]


OPENS = """
def run(instance, save, state, seed):
    tell(os.path.basename(instance), seed)
    if os.path.basename(instance) == "saves":
        save("1")
        raise ValueError
    open(instance).close()

def done():
    tell("done()")
"""


def shown(experiment: Experiment) -> str:
    """Every name that any command still knows."""
    exported = experiment.says("export", "m.py", "--format", "json").out
    names = dict.fromkeys(row["instance"] for row in json.loads(exported))
    assert list(names) == list(experiment.runs())
    texts = [experiment.start(verb, "m.py").end().out for verb in ("status", "logs")]
    return " ".join([*names, *texts])


@case("B124-what-was-mistyped-once-is-forgotten")
def test_what_was_mistyped_once_is_forgotten_and_comes_back_with_its_seed(experiment: Experiment) -> None:
    experiment.write(OPENS, ("a", "saves")).module.with_suffix(".batch").unlink()
    assert experiment.run("a", "typo", "saves").code == 1
    result = experiment.run("a", "b")
    assert "1 forgotten (not in it any more, nothing done or saved)" in experiment.session_log()
    assert "typo" not in shown(experiment) + result.out
    runs = experiment.runs()
    assert {name: run["id"] for name, run in runs.items()} == {"a": 1, "saves": 3, "b": 4}
    assert (runs["saves"]["status"], runs["saves"]["state"]) == ("failed", "1"), "what has saved is kept"
    assert experiment.says("reset", "m.py", "typo", "--yes").refusal().startswith('instance: "typo"')
    (experiment.folder / "typo").touch()
    (experiment.folder / "b").touch()
    assert experiment.run("a", "b", "typo", "--retry-failed").code == 0
    runs = experiment.runs()
    assert (runs["typo"]["status"], runs["typo"]["id"]) == ("done", 2)
    first, second = (line for line in experiment.told() if line.startswith("typo"))
    assert first == second, "its seed is what it was"
    assert "failed" not in {run["status"] for name, run in runs.items() if name != "saves"}


@case("B124-killed-amid-the-start-that-forgets")
def test_a_kill_amid_the_start_that_forgets_costs_nothing(experiment: Experiment) -> None:
    """What is in a journal of an earlier session still folds, whenever the session that forgets is killed."""
    experiment.write(
        """
        def run(instance, save, state):
            tell(os.path.basename(instance))
            if os.path.basename(instance) == "dies":
                kill_program()
        """,
        ("a",),
    ).module.with_suffix(".batch").unlink()
    assert experiment.run("a", "dies").code == -signal.SIGKILL
    experiment.nothing_left()
    assert experiment.runs()["dies"]["attempts"] == 1
    assert experiment.run("dies", "a", "new").code == -signal.SIGKILL
    experiment.nothing_left()
    assert experiment.run("a").code == 0
    assert experiment.statuses() == {"a": "done", "new": "done"}
    assert experiment.run("a").code == 0
    assert not list((experiment.state_dir / "journal").glob("*damaged*"))


@case("B125-instances-are-taken-out")
def test_instances_are_taken_out_when_asked_and_come_back_as_new(experiment: Experiment) -> None:
    experiment.write(OPENS, ("a", "b", "c"))
    assert experiment.run("--iterations", "2").code == 0
    before = {(run["instance"], run["iteration"]): run for run in experiment.status()["runs"]}
    for arguments, why in (
        (["--remove", "--yes"], "which ones?"),
        (["a", "--remove", "--status", "done"], "a status is that of runs"),
        (["zz", "--remove", "--yes"], 'instance: "zz"'),
        (["a", "--remove"], "not confirmed. Nothing was changed"),
    ):
        assert why in experiment.says("reset", "m.py", *arguments).refusal()
    assert len(experiment.status()["runs"]) == 6
    result = experiment.says("reset", "m.py", "a", "c", "--remove", "--yes")
    assert result.code == 0
    assert result.last_line().startswith("took out 2 instances with 4 runs (4 done, 0 saved states of 0 saves, ")
    assert "2 instances taken out by `reset --remove`: a, c" in experiment.session_log()
    assert shown(experiment).count("b") >= 2
    assert set(experiment.runs()) == {"b"}
    assert experiment.status()["counts"]["done"] == 2
    told_before = experiment.told()
    result = experiment.run("--iterations", "2")
    assert result.code == 0
    assert "2 new instances, 4 new runs" in experiment.session_log()
    assert sorted(experiment.told()[len(told_before) :]) == sorted(
        ["done()", *[line for line in told_before if line[0] in "ac"]]
    ), "they come back as new, with their seeds, and make the results complete anew"
    after = {(run["instance"], run["iteration"]): run for run in experiment.status()["runs"]}
    assert {key: run["id"] for key, run in after.items()} == {key: run["id"] for key, run in before.items()}
    experiment.module.with_suffix(".batch").unlink()
    assert experiment.says("reset", "m.py", "*", "--remove", "--yes").code == 0
    assert experiment.run().refusal().startswith(f"instances: {experiment.module}: none given. ")
    assert experiment.status()["runs"] == []


@cases("B126", failed=("saves", 1), interrupted=("stops", 130))
def test_what_left_the_batch_decides_neither_the_exit_code_nor_done(
    experiment: Experiment, gone: tuple[str, int]
) -> None:
    """What is not in the batch any more decides nothing: no exit code, not whether all is done, not done()."""
    name, code = gone
    stops = "    if os.path.basename(instance) == 'stops':\n        save('1')\n        wait_for('never')\n    open"
    experiment.write(OPENS.replace("    open", stops), ("a", name))
    running = experiment.go()
    if name == "stops":
        until(experiment.told, experiment.outputs)
        running.signal(signal.SIGINT)
    assert (running.end().code, "done()" in experiment.told()) == (code, False)
    experiment.batch(["a"])
    result = experiment.run()
    assert (result.code, experiment.told()[-1]) == (0, "done()")
    status = experiment.status()
    assert (status["counts"]["done"], sum(status["counts"].values())) == (1, 1)
    assert sum(status["not_in_batch"].values()) == 1
    assert "not in the batch any more: 1 " in experiment.says("status", "m.py").out
    result = experiment.run()
    assert (result.code, "everything is done already: nothing to run" in result.err) == (0, True)
    assert experiment.told().count("done()") == 1

"""`.experiment` and `.batch` files in the real program: what is malformed, what is unknown.

Of each malformed one there is one line, and nothing else happens; what is unknown is warned of, and the runs go on.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pytest

from tests.catalogue.experiment import Experiment, as_anybody

File: TypeAlias = str | bytes | Callable[[Path], object]  # its content, or what makes it
Files: TypeAlias = dict[str, File]

MODULE = """
open("imported", "w").close()

def run(instance, save, state):
    pass
"""
PATHS = {"load": "./m.py", "batch": "./m.batch"}
OBJECT = 'Write {"instances": ["a.cnf"]}'
ENTRY = 'a path or an object was expected, found %s. Write "a.cnf" or {"file": "a.cnf", "data": {}}'
NUMBER = "Write null, or the number as text"
SEED = 'a whole number was expected, found %s. Leave "seed" out to have one drawn and recorded'
WORKERS = 'a whole number from 1 to 1,000 or "all" was expected, found %s. Write "workers": 4'
ITERATIONS = 'a whole number from 1 to 10,000,000 was expected, found %s. Write "iterations": 1'


class Malformed(NamedTuple):
    """Files of an experiment, what is said of them, and the command that reads them.

    `imported` is whether the module had to be imported first: it may name instances of its own.
    """

    files: Files
    line: str
    command: tuple[str, ...] = ("x.experiment",)
    imported: bool = False


def experiment_file(content: File, why: str) -> Malformed:
    """What is said of `x.experiment`; `why` begins with the place."""
    return Malformed({"x.experiment": content}, f"cannot read the experiment: x.experiment{why}")


def experiment_key(why: str, **keys: Any) -> Malformed:
    """What is said of the value of a key; `why` begins with the key, whose `$.path` it is."""
    return experiment_file(json.dumps(PATHS | keys), f": $.{why}")


def batch_file(content: File, why: str, **others: File) -> Malformed:
    """What is said of the batch of `x.experiment`, which is named by its absolute path; `others` are `<name>.batch`."""
    files = {f"{name}.batch": other for name, other in others.items()}
    return Malformed(
        {"x.experiment": json.dumps(PATHS), "m.batch": content, **files},
        f"cannot read the batch: {{here}}/m.batch{why}",
    )


def option(content: File, why: str, **others: File) -> Malformed:
    """What is said of `x.batch` where `--batch` names it, by the path that was typed."""
    files = {f"{name}.batch": other for name, other in others.items()}
    return Malformed({"x.batch": content, **files}, f"cannot read the batch: {why}", ("m.py", "--batch", "x.batch"))


def include(*names: str) -> str:
    return json.dumps({"include": names})


def nested(levels: int) -> str:
    return '{"batches": [' * (levels - 1) + '{"instances": ["a.cnf"]}' + "]}" * (levels - 1)


def nothing(path: Path) -> None:
    """Make no file."""


def unreadable(path: Path) -> None:
    path.write_text("{}")
    path.chmod(0)


CHAIN = {f"b{level:02d}": include(f"b{level + 1:02d}.batch") for level in range(2, 17)}
CHAINED = " → ".join(["x.batch", *[f"b{level:02d}.batch" for level in range(2, 18)]])

EXPERIMENTS = {
    "experiment-missing": experiment_file(nothing, ": there is no such file in {here}. Check the path"),
    "experiment-directory": experiment_file(Path.mkdir, ": it is a directory, not a regular file. Check the path"),
    "experiment-pipe": experiment_file(os.mkfifo, ": it is a named pipe, not a regular file. Check the path"),
    "experiment-dangling-link": experiment_file(
        lambda path: path.symlink_to("nowhere"), ": there is no such file in {here}. Check the path"
    ),
    "experiment-unreadable": experiment_file(unreadable, ": permission denied. Check the path"),
    "experiment-empty": experiment_file("", ": the file is empty. Fill it or name another one"),
    "experiment-cut": experiment_file(
        '{"load": "./m.py",\n', ":1:19: the file ends before its JSON does. Close its brackets"
    ),
    "experiment-trailing-comma": experiment_file(
        '{\n  "load": "./m.py",\n  "batch": "./m.batch",\n}',
        ':3:23: a comma stands before the closing "}". Take it out',
    ),
    "experiment-comment": experiment_file("// mine\n{}", ":1:1: JSON has no comments. Take it out"),
    "experiment-python": experiment_file("{'load': 'm.py'}", ":1:2: JSON knows no single quotes. Use double quotes"),
    "experiment-latin-1": experiment_file(
        b'{"load":\n "caf\xe9.py"}', ":2:6: not UTF-8: byte 0xE9 at offset 14. Save the file as UTF-8"
    ),
    "experiment-utf-16": experiment_file(
        "{}".encode("utf-16"),
        ":1:1: not UTF-8: byte 0xFF at offset 0, which looks like UTF-16. Save the file as UTF-8",
    ),
    "experiment-list": experiment_file(
        "[]", ': $: an object was expected, found a list. Write {"load": "./module.py", "batch": "./module.batch"}'
    ),
    "load-absent": experiment_file(
        '{"batch": "./m.batch"}', ': $.load: this key is missing. Add "load": "./module.py"'
    ),
    "load-number": experiment_key("load: a path was expected, found the number 3. Write it in double quotes", load=3),
    "load-empty": experiment_key("load: a path was expected, found an empty text. Name a file", load=""),
    "load-missing": experiment_key('load: there is no file "./n.py" in {here}. Correct the path', load="./n.py"),
    "load-missing-elsewhere": experiment_key(
        'load: there is no file "/nowhere/m.py". Correct the path', load="/nowhere/m.py"
    ),
    "load-nul": experiment_key('load: there is no file "m\\u0000.py" in {here}. Correct the path', load="m\0.py"),
    "load-directory": experiment_key(
        'load: "folder" is a directory, not a regular file. Correct the path', load="folder"
    ),
    "load-device": experiment_key(
        'load: "/dev/zero" is a device, not a regular file. Correct the path', load="/dev/zero"
    ),
    "load-pipe": Malformed(
        {"x.experiment": json.dumps(PATHS | {"load": "p.py"}), "p.py": os.mkfifo},
        'cannot read the experiment: x.experiment: $.load: "p.py" is a named pipe, not a regular file. '
        "Correct the path",
    ),
    "load-unreadable": Malformed(
        {"x.experiment": json.dumps(PATHS | {"load": "u.py"}), "u.py": unreadable},
        'cannot read the experiment: x.experiment: $.load: "u.py" may not be read. Change its permissions',
    ),
    "load-no-module": experiment_key('load: "m.batch" is not a .py file. Name the run module', load="m.batch"),
    "batch-absent": experiment_file(
        '{"load": "./m.py"}', ': $.batch: this key is missing. Add "batch": "./module.batch"'
    ),
    "batch-list": experiment_key(
        "batch: a path was expected, found a list. Write it in double quotes", batch=["./m.batch"]
    ),
    "batch-missing": experiment_key('batch: there is no file "n.batch" in {here}. Correct the path', batch="n.batch"),
    "batch-directory": experiment_key(
        'batch: "./folder" is a directory, not a regular file. Correct the path', batch="./folder"
    ),
    "workers-none": experiment_key("workers: " + WORKERS % "the number 0", workers=0),
    "workers-word": experiment_key("workers: " + WORKERS % 'the text "many"', workers="many"),
    "workers-huge": experiment_key("workers: " + WORKERS % f"the number {10**30}", workers=10**30),
    "iterations-none": experiment_key("iterations: " + ITERATIONS % "the number 0", iterations=0),
    "iterations-text": experiment_key("iterations: " + ITERATIONS % 'the text "500"', iterations="500"),
    "iterations-true": experiment_key("iterations: " + ITERATIONS % "true", iterations=True),
    "iterations-huge": experiment_key("iterations: " + ITERATIONS % f"the number {10**12}", iterations=10**12),
    "iterations-of-many-instances": Malformed(
        {
            "x.experiment": json.dumps(PATHS | {"iterations": 5_000_001}),
            "m.batch": '{"instances": ["a.cnf", "a.cnf"]}',
        },
        "cannot plan the runs: {here}/x.experiment: 2 instances, 5,000,001 times each: these are more than "
        "10,000,000 runs. Take fewer iterations or fewer instances",
        imported=True,
    ),
    "seed-fraction": experiment_key("seed: " + SEED % "the number 0.5", seed=0.5),
    "seed-null": experiment_key("seed: " + SEED % "null", seed=None),
    "seed-nan": experiment_file(
        '{"load": "./m.py", "batch": "./m.batch", "seed": NaN}', f":1:50: JSON knows no NaN. {NUMBER}"
    ),
    "seed-of-5000-digits": experiment_file(
        '{"load": "./m.py", "batch": "./m.batch",\n "seed": %s}' % ("7" * 5000),
        f":2:10: {'7' * 39}…{'7' * 20} is out of range. {NUMBER}",
    ),
}

BATCHES = {
    "batch-empty": batch_file("", ": the file is empty. Fill it or name another one"),
    "batch-blank": batch_file(" \r\n\t", ": the file is empty. Fill it or name another one"),
    "batch-no-json": batch_file(
        '{"instances": [a.cnf]}',
        ":1:16: no JSON value begins here. Write text in double quotes, a number, true, false or null",
    ),
    "batch-two-values": batch_file(
        '{"instances": ["a.cnf"]}\n{}', ":2:1: the JSON ends before this place. Take out what follows"
    ),
    "batch-comma-missing": batch_file(
        '{"instances": ["a.cnf"\n  "b.cnf"]}', ":2:3: a comma or a closing bracket is missing. Add it"
    ),
    "batch-open-text": batch_file(
        '{"instances": ["a.cnf]\n}', ":1:23: the line ends inside a text. Add its closing quote"
    ),
    "batch-latin-1": batch_file(
        b'{"instances": [\n"caf\xe9"]}', ":2:5: not UTF-8: byte 0xE9 at offset 20. Save the file as UTF-8"
    ),
    "batch-deep-json": batch_file("[" * 100_000, ": it is nested too deeply to be read. Make it flatter"),
    "batch-text": batch_file('"a.cnf"', f': $: an object was expected, found the text "a.cnf". {OBJECT}'),
    "no-keys": batch_file("{}", ': it lists no instances. Add some, as in {"instances": ["data/*.cnf"]}'),
    "no-instances-anywhere": batch_file(
        '{"instances": [], "batches": [{}], "include": ["e.batch"]}',
        ': it lists no instances. Add some, as in {"instances": ["data/*.cnf"]}',
        e='{"instances": []}',
    ),
    "instances-text": batch_file(
        '{"instances": "a.cnf"}', ': $.instances: a list was expected, found the text "a.cnf". Write ["a.cnf"]'
    ),
    "instance-number": batch_file(
        '{"instances": ["a.cnf", {"data": 1}, 2.5]}', ": $.instances[2]: " + ENTRY % "the number 2.5"
    ),
    "instance-empty": batch_file('{"instances": [""]}', ": $.instances[0]: " + ENTRY % "an empty text"),
    "instance-deep-in-batches": batch_file(
        '{"batches": [{}, {"batches": [{"instances": [null]}]}]}',
        ": $.batches[1].batches[0].instances[0]: " + ENTRY % "null",
    ),
    "pattern-without-match": batch_file(
        '{"instances": ["a.cnf", "*.txt"]}',
        ': $.instances[1]: no file matches "*.txt" in {here}. Correct the pattern or the folder',
    ),
    "pattern-of-folders": batch_file(
        '{"instances": ["f*"]}',
        ': $.instances[0]: only folders match "f*" in {here}. '
        'Write "f*/*" for the files in them, "f*/" for the folders',
    ),
    "object-file-number": batch_file(
        '{"instances": [{"data": {}, "file": 3}]}',
        ': $.instances[0].file: a path was expected, found the number 3. Write it in double quotes or leave "file" out',
    ),
    "object-file-list": batch_file(
        '{"batches": [{"instances": ["a.cnf", {"file": ["a.cnf"]}]}]}',
        ": $.batches[0].instances[1].file: a path was expected, found a list. "
        'Write it in double quotes or leave "file" out',
    ),
    "object-data-nan": batch_file('{"instances": [{"data": {"n": NaN}}]}', f":1:31: JSON knows no NaN. {NUMBER}"),
    "object-data-infinite": batch_file(
        '{"instances": [\n  {"data": [1e400]}]}', f":2:13: 1e400 is out of range. {NUMBER}"
    ),
    "dir-list": batch_file(
        '{"dir": ["."], "instances": ["a.cnf"]}',
        ': $.dir: a folder was expected, found a list. Write it in double quotes or leave "dir" out',
    ),
    "nested-dir-number": batch_file(
        '{"batches": [{"dir": 1, "instances": ["a.cnf"]}]}',
        ': $.batches[0].dir: a folder was expected, found the number 1. Write it in double quotes or leave "dir" out',
    ),
    "batches-object": batch_file(
        '{"batches": {"instances": []}}',
        ": $.batches: a list was expected, found an object. Put square brackets around its entries",
    ),
    "batches-of-texts": batch_file(
        '{"batches": ["b.batch"]}', f': $.batches[0]: an object was expected, found the text "b.batch". {OBJECT}'
    ),
    "17-levels": batch_file(
        nested(17),
        ": $" + ".batches[0]" * 16 + ": batches and includes are more than 16 levels deep. Nest them less",
    ),
}

INCLUDES = {
    "batch-option-missing": option(nothing, "x.batch: there is no such file in {here}. Check the path"),
    "batch-option-pipe": option(os.mkfifo, "x.batch: it is a named pipe, not a regular file. Check the path"),
    "batch-option-no-json": option("{", "x.batch:1:2: the file ends before its JSON does. Close its brackets"),
    "include-text": option(
        '{"include": "b.batch"}',
        'x.batch: $.include: a list was expected, found the text "b.batch". Write ["b.batch"]',
    ),
    "include-null": option(
        '{"include": ["b.batch", null]}',
        "x.batch: $.include[1]: a path was expected, found null. Write it in double quotes",
        b='{"instances": ["a.cnf"]}',
    ),
    "include-missing": option(
        include("b.batch"),
        "c.batch: there is no such file in {here} (included: x.batch → b.batch → c.batch). "
        'Correct "include" in b.batch',
        b=include("c.batch"),
    ),
    "include-directory": option(
        include("folder"),
        'folder: it is a directory, not a regular file (included: x.batch → folder). Correct "include" in x.batch',
    ),
    "include-pipe": option(
        include("b.batch"),
        'b.batch: it is a named pipe, not a regular file (included: x.batch → b.batch). Correct "include" in x.batch',
        b=os.mkfifo,
    ),
    "include-no-json": option(
        include("b.batch"),
        "b.batch:2:1: no JSON value begins here (included: x.batch → b.batch). "
        "Write text in double quotes, a number, true, false or null",
        b='{"instances": [\n}',
    ),
    "include-wrong-type": option(
        include("b.batch"),
        "b.batch: $.batches[0].instances[0]: " + (ENTRY % "true").replace(". ", " (included: x.batch → b.batch). ", 1),
        b='{"batches": [{"instances": [true]}]}',
    ),
    "include-itself": option(
        include("x.batch"), "x.batch: the includes form a cycle (included: x.batch → x.batch). Take one of them out"
    ),
    "include-cycle": option(
        include("b.batch"),
        "b.batch: the includes form a cycle (included: x.batch → b.batch → c.batch → b.batch). Take one of them out",
        b='{"batches": [{"include": ["c.batch"]}]}',
        c=include("b.batch"),
    ),
    "include-17-files": option(
        include("b02.batch"),
        f"b17.batch: $: batches and includes are more than 16 levels deep (included: {CHAINED}). Nest them less",
        **CHAIN,
        b17='{"instances": ["a.cnf"]}',
    ),
}

BESIDE = {
    "beside-the-module-bad-json": Malformed(
        {"m.batch": "{]}"},
        "cannot read the batch: {here}/m.batch:1:2: a key in double quotes was expected. "
        'Write it as in {"file": "a.cnf"}',
        ("m.py",),
        imported=True,
    ),
    "beside-the-module-directory": Malformed(
        {"m.batch": Path.mkdir},
        "cannot read the batch: {here}/m.batch: it is a directory, not a regular file. Check the path",
        ("m.py",),
        imported=True,
    ),
    "beside-the-module-bad-experiment": Malformed(
        {"m.experiment": '{"load": "./m.py", "batch": "./m.batch", "workers": null}'},
        "cannot read the experiment: m.experiment: $.workers: " + WORKERS % "null",
        ("m.py",),
    ),
}


def write(folder: Path, files: Files) -> None:
    """Write these files, and a module with its batch where they are not among them."""
    (folder / "folder").mkdir()
    usual: Files = {"m.py": MODULE, "a.cnf": "", "m.batch": '{"instances": ["a.cnf"]}'}
    for name, content in (usual | files).items():
        if callable(content):
            content(folder / name)
        else:
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def everything(folder: Path) -> dict[str, tuple[int, bytes]]:
    """The mode of whatever is there, and what regular files hold."""
    found = {}
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        found[str(path.relative_to(folder))] = mode, path.read_bytes() if stat.S_ISREG(mode) else b""
    return found


MALFORMED = EXPERIMENTS | BATCHES | INCLUDES | BESIDE


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_malformed_is_told_in_one_line_and_nothing_happens(experiment: Experiment, name: str) -> None:
    case = MALFORMED[name]
    folder = experiment.folder
    write(folder, case.files)
    before = everything(folder)

    if unreadable in case.files.values():
        result = experiment.start(*case.command, "--plain", before=as_anybody).end()
    elif case.imported:
        result = experiment.start(*case.command, "--plain").end()
    else:
        result = experiment.says(*case.command, "--plain")
    line = result.refusal()

    assert line == case.line.replace("{here}", str(folder))
    after = everything(folder)
    ours = {"out-0", "err-0"}  # where the test lets the program print to
    assert set(after) - set(before) - ours == ({"imported"} if case.imported else set())
    assert {name: after[name] for name in before} == before


def test_more_runs_than_can_be_planned_are_refused_where_a_state_is_and_leave_it_as_it_was(
    experiment: Experiment,
) -> None:
    experiment.write(MODULE)
    experiment.run()
    before = experiment.table("runs"), experiment.status()

    line = experiment.run("--iterations", "1000000000000").refusal()

    assert line == (
        f"cannot plan the runs: {experiment.module}: 1 instances, 1,000,000,000,000 times each: these are more than "
        "10,000,000 runs. Take fewer iterations or fewer instances"
    )
    assert (experiment.table("runs"), experiment.status()) == before


def unknown(place: str, key: str, advice: str, file: str = "{here}/m.batch") -> str:
    return f'pyalma-tui: warning: {file}: {place}: unknown key "{key}" is ignored{advice}'


UNKNOWN: dict[str, tuple[Files, tuple[str, ...], list[str]]] = {
    "experiment": (
        {"x.experiment": json.dumps(PATHS | {"wrokers": 4, "colour": 1})},
        ("x.experiment",),
        [
            unknown("$", "wrokers", '. Did you mean "workers"?', "x.experiment"),
            unknown(
                "$",
                "colour",
                ". Known keys are load, batch, workers, iterations, seed, seed_globals, on",
                "x.experiment",
            ),
        ],
    ),
    "experiment-beside-the-module": (
        {"m.experiment": json.dumps(PATHS | {"Iteration": 4})},
        ("m.py",),
        [unknown("$", "Iteration", '. Did you mean "iterations"?', "m.experiment")],
    ),
    "batch-of-an-experiment": (
        {"x.experiment": json.dumps(PATHS), "m.batch": '{"instances": ["a.cnf"], "instance": []}'},
        ("x.experiment",),
        [unknown("$", "instance", '. Did you mean "instances"?')],
    ),
    "batch-beside-the-module": (
        {"m.batch": '{"instances": ["a.cnf"], "includes": []}'},
        ("m.py",),
        [unknown("$", "includes", '. Did you mean "include"?')],
    ),
    "nested-batch-and-include": (
        {
            "m.batch": '{"batches": [{"batch": [], "instances": ["a.cnf"]}], "include": ["b.batch"]}',
            "b.batch": '{"dri": "."}',
        },
        ("m.py",),
        [
            unknown("$.batches[0]", "batch", '. Did you mean "batches"?'),
            unknown("$", "dri", '. Did you mean "dir"?', "{here}/b.batch"),
        ],
    ),
    "object-instances": (
        {"m.batch": '{"instances": ["a.cnf", {"fiel": "a.cnf"}, {"fiel": 2, "date": {}, "data": {"fiel": 1}}]}'},
        ("m.py",),
        [
            unknown("$.instances[1]", "fiel", ' (2 times). Did you mean "file"?'),
            unknown("$.instances[2]", "date", '. Did you mean "data"?'),
        ],
    ),
    "batch-option": (
        {"b.batch": '{"instances": ["a.cnf"], "bathces": []}'},
        ("m.py", "--batch", "b.batch"),
        [unknown("$", "bathces", '. Did you mean "batches"?', "b.batch")],
    ),
    "key-that-stands-twice": (
        {"m.batch": '{"instances": ["no.cnf"], "instances": ["a.cnf"]}'},
        ("m.py",),
        [
            'pyalma-tui: warning: {here}/m.batch: "instances" stands more than once in one object, '
            "only the last one counts. Join them"
        ],
    ),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_unknown_is_warned_of_once_with_the_nearest_known_key_and_the_runs_go_on(
    experiment: Experiment, name: str
) -> None:
    files, command, expected = UNKNOWN[name]
    write(experiment.folder, files)

    result = experiment.start(*command, "--plain").end()

    assert result.code == 0, result
    assert "done in" in result.out
    assert result.said == [line.replace("{here}", str(experiment.folder)) for line in expected]

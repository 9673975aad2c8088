"""`.experiment` files and numbers of workers: what is read, and the exact line that a user reads for what is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyalma_tui.errors import UsageError
from pyalma_tui.loading.experiment_file import ExperimentFile, parse_workers, read_experiment_file
from tests.loading.saying import message_for, no_warning

MINIMAL = '{"load": "m.py", "batch": "m.batch"}'


def read(content: str, folder: Path) -> ExperimentFile:
    file = folder / "sat.experiment"
    file.write_bytes(content.encode())
    return read_experiment_file(file, folder, no_warning)


def test_without_numbers_one_worker_runs_one_iteration_and_no_seed_is_chosen(folder: Path) -> None:
    assert read(MINIMAL, folder) == ExperimentFile(
        module=folder / "m.py", batch=folder / "m.batch", workers=1, iterations=1, seed=None
    )


def test_every_key_is_read(folder: Path) -> None:
    content = '{"load": "./m.py", "batch": "./m.batch", "workers": 14, "iterations": 500, "seed": 916539032}'

    assert read(content, folder) == ExperimentFile(folder / "m.py", folder / "m.batch", 14, 500, 916539032)


def test_a_byte_order_mark_and_crlf_are_accepted(folder: Path) -> None:
    assert read("\ufeff" + MINIMAL.replace(" ", "\r\n") + "\r\n", folder) == read(MINIMAL, folder)


@pytest.mark.parametrize(("text", "expected"), [("3", 3), ('"3"', 3), ('"all"', "all"), ("1", 1), ("1000", 1000)])
def test_workers_are_a_number_its_digits_or_all(folder: Path, text: str, expected: int | str) -> None:
    assert read(MINIMAL[:-1] + f', "workers": {text}}}', folder).workers == expected


@pytest.mark.parametrize("seed", [0, -5, 2**63 - 1, 2**63, 10**30, -(10**30)])
def test_any_whole_number_is_a_seed(folder: Path, seed: int) -> None:
    assert read(MINIMAL[:-1] + f', "seed": {seed}}}', folder).seed == seed


def test_iterations_count_without_a_seed(folder: Path) -> None:
    experiment = read(MINIMAL[:-1] + ', "iterations": 7}', folder)

    assert (experiment.iterations, experiment.seed) == (7, None)


def test_paths_are_tried_beside_the_experiment_before_the_working_directory(folder: Path) -> None:
    (folder / "folder" / "m.py").touch()
    (folder / "folder" / "sat.experiment").write_text(MINIMAL)

    experiment = read_experiment_file(Path("folder/sat.experiment"), folder, no_warning)

    assert experiment.module == folder / "folder" / "m.py"
    assert experiment.batch == folder / "m.batch"


def test_paths_may_be_absolute_or_lead_upwards(folder: Path) -> None:
    (folder / "folder" / "sat.experiment").write_text(f'{{"load": "{folder}/m.py", "batch": "../m.batch"}}')

    experiment = read_experiment_file(Path("folder/sat.experiment"), Path("/"), no_warning)

    assert (experiment.module, experiment.batch) == (folder / "m.py", folder / "m.batch")


def test_a_hostile_path_is_passed_exactly(folder: Path) -> None:
    name = "\x1b[31m[/]\n\u202e😀.py"
    (folder / "\x1b[31m[").mkdir()
    (folder / name).touch()

    content = '{"load": "\\u001b[31m[/]\\n\\u202e😀.py", "batch": "m.batch"}'
    assert os.fspath(read(content, folder).module) == f"{folder}/{name}"


def test_reading_an_experiment_does_not_read_its_batch(folder: Path) -> None:
    (folder / "m.batch").write_text("{")

    assert read(MINIMAL, folder).batch == folder / "m.batch"


@pytest.mark.parametrize(("text", "expected"), [(1, 1), (14, 14), ("1", 1), ("3", 3), ("03", 3)])
def test_a_number_of_workers_is_taken_as_it_is(text: str | int, expected: int) -> None:
    assert parse_workers(text) == expected


def test_all_workers_are_the_cpus_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    this_process = 0
    monkeypatch.setattr(os, "sched_getaffinity", {this_process: {2, 3, 5}}.__getitem__, raising=False)

    assert parse_workers("all") == 3


@pytest.mark.parametrize(("cpus", "expected"), [(6, 6), (None, 1)])
def test_all_workers_are_all_cpus_where_affinity_is_unknown(
    monkeypatch: pytest.MonkeyPatch, cpus: int | None, expected: int
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: cpus)

    assert parse_workers("all") == expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (0, "0"),
        (-1, "-1"),
        (True, "True"),
        ("0", '"0"'),
        ("-2", '"-2"'),
        ("+2", '"+2"'),
        ("1.5", '"1.5"'),
        ("1e3", '"1e3"'),
        ("1_000", '"1_000"'),
        (" 3", '" 3"'),
        ("３", '"３"'),
        ("", '""'),
        ("All", '"All"'),
        ("many", '"many"'),
        (1001, "1001"),
        ("4\n5", '"4\\n5"'),
        ("9" * 5000, f'"{"9" * 39}…{"9" * 20}"'),
    ],
    ids=lambda value: repr(value)[:12],
)
def test_a_number_of_workers_that_is_none_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, text: str | int, shown: str
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)

    assert message_for(lambda: parse_workers(text), UsageError) == (
        f"cannot start workers: --workers {shown}: a whole number from 1 to 1,000 was expected. "
        'Give one, or "all" for 2 here'
    )


ITERATIONS = "a whole number from 1 to 10,000,000 was expected"
WORKERS = 'a whole number from 1 to 1,000 or "all" was expected'
EXPERIMENTS = {
    "a list": (
        "[]",
        '$: an object was expected, found a list. Write {"load": "./module.py", "batch": "./module.batch"}',
    ),
    "no load": ('{"batch": "m.batch"}', '$.load: this key is missing. Add "load": "./module.py"'),
    "no batch": ('{"load": "m.py"}', '$.batch: this key is missing. Add "batch": "./module.batch"'),
    "load is a number": ('{"load": 3}', "$.load: a path was expected, found the number 3. Write it in double quotes"),
    "load is empty": ('{"load": ""}', "$.load: a path was expected, found an empty text. Name a file"),
    "load does not exist": (
        '{"load": "n.py"}',
        '$.load: there is no file "n.py" in {here}/folder or {here}. Correct the path',
    ),
    "load is a directory": (
        '{"load": "folder"}',
        '$.load: "folder" is a directory, not a regular file. Correct the path',
    ),
    "load is no .py": ('{"load": "a.cnf"}', '$.load: "a.cnf" is not a .py file. Name the run module'),
    "load is absolute and does not exist": (
        '{"load": "/nowhere/n.py"}',
        '$.load: there is no file "/nowhere/n.py". Correct the path',
    ),
    "batch does not exist": (
        '{"load": "m.py", "batch": "n.batch"}',
        '$.batch: there is no file "n.batch" in {here}/folder or {here}. Correct the path',
    ),
    "batch is a list": (
        '{"load": "m.py", "batch": ["m.batch"]}',
        "$.batch: a path was expected, found a list. Write it in double quotes",
    ),
    "batch is a directory": (
        '{"load": "m.py", "batch": "./folder"}',
        '$.batch: "./folder" is a directory, not a regular file. Correct the path',
    ),
    "too many workers": ('"workers": 1001', f'$.workers: {WORKERS}, found the number 1001. Write "workers": 4'),
    "no workers": ('"workers": 0', f'$.workers: {WORKERS}, found the number 0. Write "workers": 4'),
    "a negative number of workers": ('"workers": -3', f'$.workers: {WORKERS}, found the number -3. Write "workers": 4'),
    "a fraction of workers": ('"workers": 2.0', f'$.workers: {WORKERS}, found the number 2.0. Write "workers": 4'),
    "true workers": ('"workers": true', f'$.workers: {WORKERS}, found true. Write "workers": 4'),
    "null workers": ('"workers": null', f'$.workers: {WORKERS}, found null. Write "workers": 4'),
    "workers as a word": ('"workers": "ALL"', f'$.workers: {WORKERS}, found the text "ALL". Write "workers": 4'),
    "workers as the text of a zero": (
        '"workers": "0"',
        f'$.workers: {WORKERS}, found the text "0". Write "workers": 4',
    ),
    "workers as the text of a fraction": (
        '"workers": "1.5"',
        f'$.workers: {WORKERS}, found the text "1.5". Write "workers": 4',
    ),
    "no iterations": (
        '"iterations": 0',
        f'$.iterations: {ITERATIONS}, found the number 0. Write "iterations": 1',
    ),
    "too many iterations": (
        '"iterations": 10000001',
        f'$.iterations: {ITERATIONS}, found the number 10000001. Write "iterations": 1',
    ),
    "iterations as text": (
        '"iterations": "500"',
        f'$.iterations: {ITERATIONS}, found the text "500". Write "iterations": 1',
    ),
    "false iterations": (
        '"iterations": false',
        f'$.iterations: {ITERATIONS}, found false. Write "iterations": 1',
    ),
    "a seed with a fraction": (
        '"seed": 1.0',
        '$.seed: a whole number was expected, found the number 1.0. Leave "seed" out to have one drawn and recorded',
    ),
    "a seed as text": (
        '"seed": "7"',
        '$.seed: a whole number was expected, found the text "7". Leave "seed" out to have one drawn and recorded',
    ),
    "a seed of null": (
        '"seed": null',
        '$.seed: a whole number was expected, found null. Leave "seed" out to have one drawn and recorded',
    ),
    "a seed of true": (
        '"seed": true',
        '$.seed: a whole number was expected, found true. Leave "seed" out to have one drawn and recorded',
    ),
}


@pytest.mark.parametrize(("content", "expected"), EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_what_is_no_experiment_is_named_with_its_path_in_the_file(folder: Path, content: str, expected: str) -> None:
    if content.startswith('"'):
        content = f"{MINIMAL[:-1]}, {content}}}"
    Path("folder/sat.experiment").write_text(content)

    message = message_for(lambda: read_experiment_file(Path("folder/sat.experiment"), folder, no_warning))

    assert message == f"cannot read the experiment: folder/sat.experiment: {expected.replace('{here}', str(folder))}"


def test_a_folder_is_named_once_when_the_experiment_stands_where_it_was_started(folder: Path) -> None:
    Path("sat.experiment").write_text('{"load": "n.py"}')

    message = message_for(lambda: read_experiment_file(Path("sat.experiment"), folder, no_warning))

    assert (
        message
        == f'cannot read the experiment: sat.experiment: $.load: there is no file "n.py" in {folder}. Correct the path'
    )

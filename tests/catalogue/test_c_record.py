"""Catalogue C: record(), whose rows are in the results exactly once."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

from tests.catalogue.case import case, cases
from tests.catalogue.disks import disk
from tests.catalogue.experiment import Experiment, until
from tests.catalogue.test_c_save import limit_files

COUNTS = """
def run(instance, save, state, record):
    number = int(state or "0")
    while number < 6:
        number += 1
        record(number=number)
        record({"number": number, "again": True})
        trouble(number)
        save(str(number))
    record(last=True)
    trouble("end")
"""
ALL = [row for n in range(1, 7) for row in ({"number": n}, {"number": n, "again": True})] + [{"last": True}]

FIRST = """
def first(number):
    if number == %s and not os.path.exists("troubled"):
        open("troubled", "w").close()
        return True
"""


def rows(experiment: Experiment, *options: str) -> list[dict[str, Any]]:
    """What `results` prints, without the columns of the run."""
    found = experiment.says("results", experiment.name, "--format", "json", *options)
    assert (found.code, found.err) == (0, ""), found
    return [
        {k: v for k, v in row.items() if k not in ("instance", "iteration", "seed")} for row in json.loads(found.out)
    ]


@cases(
    "C162",
    killed="os.kill(os.getpid(), signal.SIGKILL)",
    raises="raise ValueError",
    exits="os._exit(0)",
    times_out="time.sleep(1000)",
    crashes="os.kill(os.getpid(), signal.SIGSEGV)",
)
def test_an_attempt_that_does_not_return_leaves_the_rows_up_to_its_last_save(
    experiment: Experiment, trouble: str
) -> None:
    for moment in ("3", '"end"') if "KILL" in trouble else ("3",):
        (experiment.folder / "troubled").unlink(missing_ok=True)
        experiment.write(FIRST % moment + f"def trouble(number):\n    if first(number):\n        {trouble}\n" + COUNTS)
        result = experiment.run("--timeout", "1", "--retries", "1")
        assert result.code == 0, result
        assert rows(experiment) == ALL
        assert experiment.one()["attempts"] == 2
        experiment.call("rm", "-r", str(experiment.state_dir))


@case("C162-program-killed")
def test_what_no_save_has_followed_when_all_is_killed_is_made_again(experiment: Experiment) -> None:
    experiment.write(
        FIRST % 4
        + "def trouble(number):\n    if first(number):\n        tell('here')\n        wait_for('never')\n"
        + COUNTS
    )
    running = experiment.go()
    experiment.hears("here")
    assert rows(experiment) == ALL[:6]
    experiment.kill(running)
    assert rows(experiment) == ALL[:6]
    assert experiment.run().code == 0
    assert rows(experiment) == ALL


@case("C162-interrupted")
def test_an_interrupted_run_has_the_rows_of_its_last_save(experiment: Experiment) -> None:
    experiment.write(
        FIRST % 4
        + "def trouble(number):\n    if first(number):\n        tell('here')\n        time.sleep(1)\n"
        + COUNTS
    )
    running = experiment.go("--grace", "30")
    experiment.hears("here")
    running.signal(signal.SIGINT)
    assert running.end().code == 130
    assert rows(experiment) == ALL[:8]
    assert experiment.run().code == 0
    assert rows(experiment) == ALL


@case("C161-refused")
def test_what_is_no_row_is_refused_in_the_users_frame(experiment: Experiment) -> None:
    experiment.write(
        """
        def run(instance, save, state, *, record):
            for row in ({"gap": float("nan")}, [1], {}, {"seed": 1}):
                try:
                    record(row)
                except (TypeError, ValueError) as error:
                    tell(type(error).__name__, error.__traceback__.tb_frame.f_code.co_name)
            record(gap=0.5)
        """
    )
    assert experiment.run().code == 0
    assert experiment.told() == ["ValueError run", "TypeError run", "ValueError run", "ValueError run"]
    assert rows(experiment) == [{"gap": 0.5}]


@case("C166-elsewhere")
def test_only_the_running_attempt_in_its_own_process_records(experiment: Experiment) -> None:
    experiment.write(
        """
        kept = []
        def run(instance, save, state, record):
            for earlier in kept:
                try:
                    earlier(late=1)
                except RuntimeError as error:
                    tell(error)
            kept.append(record)
            child = os.fork()
            if child == 0:
                try:
                    record(child=1)
                except RuntimeError as error:
                    tell(error)
                os._exit(0)
            os.waitpid(child, 0)
            record(own=1)
        """,
        ("a", "b"),
    )
    assert experiment.run().code == 0
    assert "record() was called after run() had returned: this was not stored" in experiment.told()
    forked = "record() was called in a forked child: only the process that run() was called in may record"
    assert experiment.told().count(forked) == 2
    assert rows(experiment) == [{"own": 1}, {"own": 1}]


FILLING = """
from pyalma_tui import SaveFailed
def run(instance, save, state, record):
    number = int(state or "0")
    while number < 100:
        number += 1
        try:
            record(number=number, text="x" * 5000)
            if number % 10 == 0:
                save(str(number))
        except SaveFailed:
            tell("refused")
            raise
"""


@case("C163-disk-full")
def test_a_full_disk_refuses_rows_as_it_refuses_states(experiment: Experiment) -> None:
    experiment.write(FILLING, ("a", "b"))
    place = experiment.folder / "disk"
    state = ("--state", str(place / "m.alma"))
    with disk(place, "500k") as remount:
        running = experiment.go(*state)
        until(lambda: "goes on by itself when there is room" in running.printed(), experiment.outputs)
        assert "refused" in experiment.told()
        remount("size=16m")
        result = running.end()
        found = [row["number"] for row in rows(experiment, *state)]
    assert result.code == 0, result
    assert "interrupted (the disk was full: " in result.out
    assert "failed" not in result.out
    assert found == [*range(1, 101), *range(1, 101)]


@case("C163-limit-of-file-sizes")
def test_a_limit_of_file_sizes_refuses_rows_and_without_it_they_are_made_again(experiment: Experiment) -> None:
    experiment.write(FILLING)
    assert experiment.run(before=limit_files).code == 3
    assert [row["number"] for row in rows(experiment)] == list(range(1, len(rows(experiment)) + 1))
    assert len(rows(experiment)) < 100
    assert experiment.run().code == 0
    assert [row["number"] for row in rows(experiment)] == list(range(1, 101))


@case("C164-removed-meanwhile")
def test_rows_that_somebody_removes_meanwhile_are_written_anew_by_their_worker(experiment: Experiment) -> None:
    experiment.write(
        "def trouble(number):\n    if number == 4:\n        tell('here')\n        wait_for('go')\n" + COUNTS
    )
    running = experiment.go()
    experiment.hears("here")
    until(lambda: list((experiment.state_dir / "rows").iterdir()), lambda: "a file of rows")
    until(lambda: rows(experiment) == ALL[:6], lambda: f"rows, not {rows(experiment)}")
    experiment.module.write_text(experiment.module.read_text() + "# edited\n")
    until(lambda: "has changed on disk" in running.printed(), experiment.outputs)  # it has looked: it knows the file
    experiment.call("rm", "-r", str(experiment.state_dir / "rows"))
    until((experiment.state_dir / "rows").exists, experiment.outputs)
    experiment.allow("go")
    result = running.end()
    assert result.code == 0
    assert "was removed while it was in use; its worker writes it anew" in experiment.session_log()
    assert rows(experiment) == ALL


@cases("C164", damaged=b"\0\0\0\0", cut=None)
def test_rows_that_are_damaged_are_told_and_all_others_are_there(experiment: Experiment, content: bytes | None) -> None:
    experiment.write("def trouble(number):\n    pass\n" + COUNTS, ("a", "b"))
    assert experiment.run().code == 0
    (file,) = (experiment.state_dir / "rows").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-20] if content is None else whole.replace(whole[20:24], content, 1))
    found = experiment.says("results", "m.py", "--format", "json")
    assert found.code == 3
    assert "1 row could not be read: " in found.err
    assert file.name in found.err
    assert len(json.loads(found.out)) == 2 * len(ALL) - 1
    if content is None:
        experiment.run("--paused")
        assert "of results cannot be read" in experiment.session_log()


@case("C165-reset")
def test_a_reset_forgets_the_rows_of_its_runs_and_what_left_the_batch_is_left_out(experiment: Experiment) -> None:
    experiment.write("def trouble(number):\n    pass\n" + COUNTS, ("a", "b"))
    assert experiment.run().code == 0
    assert experiment.says("reset", "m.py", "a", "--yes").code == 0
    assert rows(experiment) == ALL
    assert experiment.run().code == 0
    assert rows(experiment) == ALL * 2
    experiment.batch(["b", "c"])
    assert experiment.run().code == 0
    found = experiment.says("results", "m.py", "--format", "jsonl")
    assert [json.loads(line)["instance"] for line in found.out.splitlines()] == ["b"] * len(ALL) + ["c"] * len(ALL)
    assert "left out: 13 rows of runs that are not in the batch any more" in found.err


@case("C165-files")
def test_files_of_rows_in_which_little_counts_are_given_up(experiment: Experiment) -> None:
    experiment.write("def trouble(number):\n    pass\n" + COUNTS, ("a", "b", "c"))
    assert experiment.run().code == 0
    folder = experiment.state_dir / "rows"
    before = sum(path.stat().st_size for path in folder.iterdir())
    assert experiment.says("reset", "m.py", "a", "b", "--yes").code == 0
    assert sum(path.stat().st_size for path in folder.iterdir()) < before / 2
    assert rows(experiment) == ALL
    assert experiment.says("reset", "m.py", "--yes").code == 0
    assert os.listdir(folder) == []

"""Standard streams that whoever started the program has closed."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.catalogue.experiment import Experiment


def closing(*fds: int) -> Callable[[], None]:
    """What to do in the new process before the program begins."""

    def close() -> None:
        for fd in fds:
            os.close(fd)

    return close


@pytest.mark.parametrize("fds", [(1,), (2,), (0, 1, 2)], ids=str)
def test_a_closed_stream_leads_nowhere_and_no_file_takes_its_place(
    experiment: Experiment, fds: tuple[int, ...]
) -> None:
    experiment.write("def run(instance, save, state):\n    print('printed')\n    save('1')\n", ("a", "b"))
    result = experiment.run(before=closing(*fds))
    assert (result.code, result.err) == (0, "")
    assert experiment.statuses() == {"a": "done", "b": "done"}
    assert experiment.log(1) == "printed\n"
    for verb in ("status", "logs", "export", "doctor"):
        ended = experiment.start(verb, experiment.name, before=closing(*fds)).end()
        assert (ended.code, ended.err) == (0, "")


FULL = "/dev/full"
PRINTING = (["--help"], ["status", "--help"], ["--version"])
TELLING = tuple([verb, "m.py"] for verb in ("status", "export", "doctor", "logs"))


def to(descriptor: int) -> Callable[[], None]:
    """What to do in the new process before the program begins: let it print there."""

    def lead() -> None:
        os.dup2(descriptor, 1)

    return lead


@pytest.mark.parametrize("words", [*PRINTING, *TELLING], ids=" ".join)
def test_a_reader_that_goes_away_is_no_failure_and_a_full_disk_is_told(
    experiment: Experiment, words: list[str]
) -> None:
    experiment.write("def run(instance, save, state):\n    print('printed')\n", ("a",)).run()
    read, write = os.pipe()
    os.close(read)
    gone = experiment.start(*words, before=to(write)).end()
    os.close(write)
    assert (gone.code, gone.err) == (0, "")
    full = os.open(FULL, os.O_WRONLY)
    told = experiment.start(*words, before=to(full)).end()
    os.close(full)
    assert told.code == 2
    assert told.err == "pyalma-tui: stdout: No space left on device. Nothing was changed; print to another place\n"


def test_an_experiment_outlives_what_it_prints_to(experiment: Experiment) -> None:
    experiment.write("def run(instance, save, state):\n    save('1')\n", ("a", "b"))
    full = os.open(FULL, os.O_WRONLY)
    result = experiment.run(before=to(full))
    os.close(full)
    assert result.code == 0
    assert result.last_line().startswith("warning: stdout: No space left on device: not all lines were printed. ")
    assert experiment.statuses() == {"a": "done", "b": "done"}
    read, write = os.pipe()
    os.close(read)
    again = experiment.run(before=to(write))
    os.close(write)
    assert (again.code, again.said) == (0, ["pyalma-tui: everything is done already: nothing to run"])

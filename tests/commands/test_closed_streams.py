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

"""What became of an attempt whose worker is gone without a word: one table."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from pyalma_tui.model.messages import CUT_OFF
from pyalma_tui.model.records import Lost, Stopped
from pyalma_tui.runner.verdict import Death, verdict

TABLE: dict[str, tuple[dict[str, Any], tuple[type, str]]] = {
    "exited": ({"code": 0}, (Lost, "the process exited with code 0 instead of returning from run()")),
    "cut off": (
        {"code": CUT_OFF},
        (Lost, "run() closed descriptors that its worker needs: how it ended could not be recorded"),
    ),
    "killed by the kernel": (
        {"code": -signal.SIGKILL},
        (Lost, "killed by SIGKILL, not by pyalma-tui: usually out of memory"),
    ),
    "crashed": ({"code": -signal.SIGSEGV}, (Lost, "killed by SIGSEGV")),
    "by a signal without a name": ({"code": -99}, (Lost, "killed by signal 99")),
    "ended with its machine": ({"code": -signal.SIGTERM}, (Stopped, "its worker was ended by SIGTERM")),
    "ended with its login": ({"code": -signal.SIGHUP}, (Stopped, "its worker was ended by SIGHUP")),
    "crashed while it was asked": ({"code": -signal.SIGSEGV, "step": "asked"}, (Stopped, "interrupted")),
    "by our SIGINT": ({"code": -signal.SIGINT, "step": "SIGINT"}, (Stopped, "interrupted by SIGINT")),
    "by our SIGTERM": (
        {"code": -signal.SIGTERM, "step": "SIGTERM"},
        (Stopped, "ended by SIGTERM: no save() came within the grace"),
    ),
    "by our SIGKILL": (
        {"code": -signal.SIGKILL, "step": "SIGKILL"},
        (Stopped, "killed: no save() came within the grace"),
    ),
    "by our SIGKILL, at once": (
        {"code": -signal.SIGKILL, "step": "SIGKILL", "hurried": True},
        (Stopped, "killed at once: it was asked for again"),
    ),
    "with a session that failed": (
        {"code": -signal.SIGKILL, "step": "SIGKILL", "failed": True},
        (Stopped, "its session ended"),
    ),
    "with a session that failed before anybody asked it": (
        {"code": -signal.SIGKILL, "failed": True},
        (Stopped, "its session ended"),
    ),
    "killed for its timeout": (
        {"code": -signal.SIGKILL, "step": "SIGKILL", "timeout": 3.0, "timed_out": True},
        (Lost, "timed out after 3 s (ran 2 s)"),
    ),
    "interrupted after its timeout had passed": (
        {"code": -signal.SIGKILL, "step": "SIGKILL", "timeout": 1.0},
        (Lost, "timed out after 1 s (ran 2 s)"),
    ),
    "crashed within its time": ({"code": -signal.SIGSEGV, "timeout": 2.0}, (Lost, "killed by SIGSEGV")),
}


@pytest.mark.parametrize(("known", "end"), TABLE.values(), ids=TABLE)
def test_what_became_of_an_attempt_whose_worker_is_gone(known: dict[str, Any], end: tuple[type, str]) -> None:
    record = verdict(7, 2, Death(**({"seconds": 2.0} | known)), at=9.0)
    assert (record.run, record.attempt, record.seconds, record.at) == (7, 2, 2.0, 9.0)
    assert (type(record), record.error.message if isinstance(record, Lost) else record.why) == end

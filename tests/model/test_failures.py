"""Failures of one kind are one group, whatever numbers they tell, and groups follow what changes."""

from __future__ import annotations

import random
import textwrap
import traceback
from collections import defaultdict
from pathlib import Path

import pytest

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.failures import Failures, Kind, Location, kind_of, place_of
from pyalma_tui.model.vector import Vector


def raised_by(folder: Path, body: str) -> s.Error:
    """The error of a module in this folder, as the interpreter tells it."""
    path = folder / "lab.py"
    path.write_text("import json, subprocess\n" + textwrap.dedent(body))
    try:
        exec(compile(path.read_text(), str(path), "exec"), {"__name__": "lab"})
    except Exception as error:  # noqa: BLE001 (that is what it is for)
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        message = traceback.format_exception_only(error)[0].strip().split("\n")[0]
        return s.Error(message, "".join(traceback.format_exception(error)))
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    ("body", "raised", "text", "line"),
    [
        ("\nraise ValueError('negative weight -3 on edge 17')\n", "ValueError", "negative weight # on edge #", 3),
        ("def f():\n    {}['objective']\nf()\n", "KeyError", "'objective'", 3),
        ("assert 1 > 2\n", "AssertionError", "", 2),
        (
            "json.loads('[1, 2')\n",
            "json.decoder.JSONDecodeError",
            "Expecting ',' delimiter: line # column # (char #)",
            2,
        ),
        ("try:\n    1 / 0\nexcept Exception as e:\n    raise OSError('x') from e\n", "OSError", "x", 5),
        ("def f(n):\n    f(n + 1)\nf(0)\n", "RecursionError", "maximum recursion depth exceeded", 3),
        (
            "raise ExceptionGroup('two', [ValueError(1), KeyError(2)])\n",
            "ExceptionGroup",
            "two (# sub-exceptions)",
            2,
        ),
    ],
)
def test_the_kind_of_what_was_raised(tmp_path: Path, body: str, raised: str, text: str, line: int) -> None:
    error = raised_by(tmp_path, body)
    kind = kind_of(error, f"{tmp_path}/")
    assert (kind.raised, kind.text) == (raised, text)
    assert (kind.location.file, kind.location.line) == (str(tmp_path / "lab.py"), line)
    assert str(kind.location) == f"lab.py:{line}"


def test_the_place_is_in_the_user_s_folder_before_any_other_and_in_no_library_before_one(tmp_path: Path) -> None:
    frames = [("/work/lab.py", 3), ("/home/me/own/tools.py", 8), ("/v/lib/python3.12/site-packages/numpy/x.py", 5)]
    text = "Traceback (most recent call last):\n"
    text += "".join(f'  File "{file}", line {line}, in f\n    code\n' for file, line in frames) + "E: x\n"
    assert place_of(text, "/work/") == Location("/work/lab.py", 3, "f")
    assert place_of(text, "/elsewhere/") == Location("/home/me/own/tools.py", 8, "f")
    only = 'Traceback (most recent call last):\n  File "<string>", line 1, in f\nE: x\n'
    assert place_of(only, "/work/") == Location("<string>", 1, "f")
    inside = (
        'Traceback (most recent call last):\n  File "/work/.venv/lib/python3.11/site-packages/a.py", line 1, in f\n'
    )
    assert place_of(inside + '  File "/b.py", line 2, in g\nE: x\n', "/work/") == Location("/b.py", 2, "g")


@pytest.mark.parametrize("text", ["", "x", "\n", '\n  File "', '\n  File "a", line 99999999999999999999', "Traceback"])
def test_no_traceback_is_too_strange(text: str) -> None:
    assert place_of(text, "/work/") == Location()


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("ValueError: at 0x7f3a12 of 1,000.5 or -2e-7", "ValueError: at # of # or #"),
        ("ValueError: 2024-01-02", "ValueError: #-#-#"),
        ("FileNotFoundError: 'graphs/g003.json'", "FileNotFoundError: 'graphs/g#.json'"),
        ("called sys.exit(3) instead of returning", "called sys.exit(3) instead of returning"),
        ("killed by SIGKILL, not by pyalma-tui", "killed by SIGKILL, not by pyalma-tui"),
        ("KeyboardInterrupt", "KeyboardInterrupt"),
        ("mod.MyError: x", "mod.MyError: x"),
        ("", ""),
    ],
)
def test_numbers_are_blanked_in_what_exceptions_say(message: str, kind: str) -> None:
    assert str(kind_of(s.Error(message))) == kind


def failed(message: str, at: float) -> s.Failed:
    return s.Failed(s.Error(message), at)


def test_groups_tell_how_many_when_and_of_how_many_instances() -> None:
    runs = Vector(Run(i + 1, i % 4, i // 4, 0) for i in range(1000))
    for run, status in {
        1: failed("ValueError: 3", 50.0),
        5: failed("ValueError: 4", 70.0),  # of the same instance as 1
        2: failed("ValueError: 5", 60.0),
        900: failed("KeyError: 'a'", 10.0),
    }.items():
        runs[run - 1] = Run(run, (run - 1) % 4, (run - 1) // 4, 0, status)
    failures = Failures()
    groups = failures.update(runs.freeze())
    assert [(str(g.kind), g.runs, g.instances, g.first, g.last) for g in groups] == [
        ("ValueError: #", (5, 2, 1), 2, 50.0, 70.0),
        ("KeyError: 'a'", (900,), 1, 10.0, 10.0),
    ]
    assert failures.update(runs.freeze()) is groups
    runs[899] = Run(900, 3, 224, 0)
    assert [g.number for g in failures.update(runs.freeze())] == [groups[0].number]
    assert failures.group(groups[1].number) is None


@pytest.mark.parametrize("seed", range(5))
def test_what_is_kept_up_to_date_is_what_is_found_from_scratch(seed: int) -> None:
    draw = random.Random(seed)
    runs = Vector(Run(i + 1, i, 0, 0) for i in range(900))
    failures = Failures()
    for step in range(60):
        for _ in range(draw.randrange(12)):
            at = draw.randrange(900)
            one = failed(f"E{draw.randrange(3)}: {step}", float(step))
            statuses: list[s.Status] = [s.PENDING, s.Done(1.0, 1.0), one]
            status = draw.choice(statuses)
            runs[at] = Run(at + 1, at, 0, 0, status)
        looks = draw.randrange(4)  # it may be told to stop early
        left = iter([False] * looks)
        failures.update(runs.freeze(), lambda left=left: next(left, True))  # type: ignore[misc]
        if draw.random() < 0.5:
            continue
        groups = failures.update(runs.freeze())
        assert not failures.behind
        expected = defaultdict(set)
        for run in runs:
            if isinstance(run.status, s.Failed):
                expected[kind_of(run.status.error)].add(run.id)
        assert {group.kind: set(group.runs) for group in groups} == expected
        fresh = {group.kind: group for group in Failures().update(runs.freeze())}
        assert all(
            (g.runs, g.first, g.last) == (fresh[g.kind].runs, fresh[g.kind].first, fresh[g.kind].last) for g in groups
        )


def test_looking_stops_when_it_is_enough_and_goes_on_later() -> None:
    runs = Vector(Run(i + 1, i, 0, 0, failed("E: 1", 1.0)) for i in range(1000)).freeze()
    failures = Failures()
    answers = iter([False, True])
    assert [len(group.runs) for group in failures.update(runs, lambda: next(answers))] == [256]
    assert failures.behind
    assert [len(group.runs) for group in failures.update(runs)] == [1000]


def test_kinds_that_differ_in_the_place_alone_are_two() -> None:
    tracebacks = [f'Traceback (most recent call last):\n  File "/w/a.py", line {n}, in f\nE: x\n' for n in (1, 2)]
    runs = Vector(Run(i + 1, i, 0, 0, s.Failed(s.Error("E: x", text), 1.0)) for i, text in enumerate(tracebacks))
    kinds = [group.kind for group in Failures("/w").update(runs.freeze())]
    assert kinds == [Kind("E", "x", Location("/w/a.py", 1, "f")), Kind("E", "x", Location("/w/a.py", 2, "f"))]

"""`pyalma-tui import`: an unfinished pyalma experiment goes on where it stopped."""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import cast

import pexpect
import pytest

from tests.catalogue.experiment import PATIENCE, Experiment
from tests.prepared import PROGRAM

SEED = 5
SCREEN_BEGINS = "\x1b[?1049h"
TELLING = """
def run(instance, save, state, seed, iteration):
    tell(os.path.basename(instance), iteration, repr(state), seed)
    save("new")

def done():
    tell("done()")
"""


def stopped(experiment: Experiment) -> dict[str, object]:
    """An experiment of two iterations over four files, stopped in the first: d is done, c was running, a and b wait."""
    experiment.write(TELLING, ("a", "b", "c", "d"))
    experiment.name = "m.experiment"
    file = {"load": "./m.py", "batch": "./m.batch", "workers": 1, "iterations": 2, "seed": SEED}
    experiment.module.write_text(json.dumps(file))
    rng = random.Random(SEED)
    seeds = [rng.randint(0, sys.maxsize) for _ in range(2)]
    plan: dict[str, object] = {
        "iterations_left": 1,
        "pending": [str(experiment.folder / "a"), str(experiment.folder / "b")],
        "assigned": [{"file": str(experiment.folder / "c"), "data": {}, "id": 1, "seed": seeds[1]}],
        "instance_states": {"1": "half"},
        "rand_state": rng.getstate(),
    }
    (experiment.folder / "m.plan").write_text(json.dumps(plan))
    return plan


def at_terminal(experiment: Experiment, *options: str) -> pexpect.spawn[str]:
    """Start it at a terminal that can show a screen; wide, so that no line is broken."""
    return pexpect.spawn(
        PROGRAM,
        [experiment.name, *options],
        cwd=str(experiment.folder),
        env=cast(os._Environ[str], experiment.environment(TERM="xterm-256color")),
        timeout=PATIENCE,
        dimensions=(40, 240),
        encoding="utf-8",
        use_poll=True,
    )


def expected() -> list[str]:
    """What the runs that are left tell: the interrupted one with its state, all with pyalma's seeds."""
    rng = random.Random(SEED)
    seeds = [rng.randint(0, sys.maxsize) for _ in range(8)]
    first = [f"c 0 'half' {seeds[1]}", f"b 0 '' {seeds[2]}", f"a 0 '' {seeds[3]}"]
    return [*first, *[f"{name} 1 '' {seed}" for name, seed in zip("dcba", seeds[4:], strict=True)], "done()"]


def test_it_goes_on_with_the_recorded_state_and_seeds(experiment: Experiment) -> None:
    stopped(experiment)
    before = (experiment.folder / "m.plan").read_bytes()
    result = experiment.start("import", experiment.name).end()
    assert (result.code, result.out) == (0, "")
    assert result.said[0] == (
        "pyalma-tui: imported m.plan, which stays as it is: at iteration #0 of #0 to #1; "
        "1 run done, 1 interrupted (1 with a state), 6 pending"
    )
    assert len(result.said) == 2
    facts = experiment.status()
    assert facts["counts"] == {"pending": 6, "running": 0, "interrupted": 1, "failed": 0, "done": 1}
    assert experiment.told() == []
    assert experiment.run().code == 0
    assert experiment.told() == expected()
    assert (experiment.folder / "m.plan").read_bytes() == before


BATCH = ["a", {"file": "b", "data": {"n": 8}}, "c", {"data": {"n": 9, "phi": 1.2}}, "a"]
SPEAKING = """
def run(instance, save, state, seed, iteration):
    if type(instance) is dict:
        assert instance["seed"] == seed
        instance = f"{os.path.basename(instance['file'])}{instance['data']['n']}"
    tell(os.path.basename(instance), iteration, repr(state), seed)
    save(f"{state} and new")

def done():
    tell("done()")
"""


def test_a_plan_of_many_iterations_is_finished_and_nothing_of_it_is_lost(experiment: Experiment) -> None:
    """Stopped in the second of five iterations: the last instance is done, two workers had the two before it."""
    experiment.write(SPEAKING)
    for name in "abc":
        (experiment.folder / name).touch()
    (experiment.folder / "m.batch").write_text(json.dumps({"instances": BATCH}))
    experiment.name = "m.experiment"
    keys = {"load": "./m.py", "batch": "./m.batch", "workers": 2, "iterations": 5, "seed": SEED}
    experiment.module.write_text(json.dumps(keys))
    rng = random.Random(SEED)
    table = {(k, i): rng.randint(0, sys.maxsize) for k in range(5) for i in reversed(range(5))}
    rng = random.Random(SEED)
    for _ in range(5 + 3):
        rng.randint(0, sys.maxsize)
    a, b, c = (str(experiment.folder / name) for name in "abc")
    plan = {
        "iterations_left": 3,
        "pending": [a, {"file": b, "data": {"n": 8}}],
        "assigned": [
            {"file": "", "data": {"n": 9, "phi": 1.2}, "id": 3, "seed": table[1, 3]},
            {"file": c, "data": {}, "id": 2, "seed": table[1, 2]},
        ],
        "instance_states": {"0": "", "1": "", "2": "half of c", "3": "half of 9", "4": ""},
        "rand_state": rng.getstate(),
    }
    (experiment.folder / "m.plan").write_text(json.dumps(plan))

    assert experiment.start("import", experiment.name).end().said[0] == (
        "pyalma-tui: imported m.plan, which stays as it is: at iteration #1 of #0 to #4; "
        "6 runs done, 2 interrupted (2 with a state), 17 pending"
    )
    assert experiment.run("--workers", "1").code == 0

    names = ["a", "b8", "c", "9", "a"]
    states = {(1, 3): "half of 9", (1, 2): "half of c"}
    left = [(1, i) for i in (3, 2, 1, 0)] + [(k, i) for k in (2, 3, 4) for i in (4, 3, 2, 1, 0)]
    told = [f"{names[i]} {k} {states.get((k, i), '')!r} {table[k, i]}" for k, i in left]
    assert experiment.told() == [*told, "done()"]
    labels = ["a", 'b {"n":8}', "c", '{"n":9,"phi":1.2}', "a #2"]
    found = {(run["iteration"], run["instance"]): run for run in experiment.status()["runs"]}
    assert {key: run["seed"] for key, run in found.items()} == {(k, labels[i]): seed for (k, i), seed in table.items()}
    assert {run["status"] for run in found.values()} == {"done"}
    assert {key: run["state"] for key, run in found.items()} == {
        (k, labels[i]): f"{states.get((k, i), '')} and new" if (k, i) in left else None for k, i in table
    }


def test_where_a_state_is_it_is_refused(experiment: Experiment) -> None:
    stopped(experiment)
    experiment.run("--paused")
    before = (experiment.state_dir / "db.json").read_bytes()
    line = experiment.start("import", experiment.name).end().refusal()
    assert line.startswith(f"import: {experiment.state_dir}: a state is there already. Nothing was changed")
    assert (experiment.state_dir / "db.json").read_bytes() == before


def test_a_first_start_without_a_terminal_says_that_there_is_a_plan(experiment: Experiment) -> None:
    stopped(experiment)
    hint = "m.plan is an unfinished experiment of pyalma; `pyalma-tui import m.experiment` continues it"
    result = experiment.run("--paused")
    assert next(line for line in result.said if "m.plan" in line).startswith(f"pyalma-tui: {hint}")
    assert "m.plan" not in experiment.run().err


def test_what_is_unknown_in_the_batch_is_warned_of_once_at_an_import_and_the_start_that_asks(
    experiment: Experiment,
) -> None:
    stopped(experiment)
    batch = experiment.folder / "m.batch"
    batch.write_text(json.dumps(json.loads(batch.read_text()) | {"instance": []}))
    warning = f'warning: {batch}: $: unknown key "instance" is ignored. Did you mean "instances"?'
    assert experiment.start("import", experiment.name, "--state", "s").end().err.count(warning) == 1
    child = at_terminal(experiment, "--paused")
    child.expect_exact("Continue where it stopped? [y/N] ")
    child.sendline("y")
    child.expect_exact(SCREEN_BEGINS)
    assert str(child.before).count(warning) == 1
    child.send("q")
    child.expect(pexpect.EOF)
    child.close()


@pytest.mark.parametrize(("answer", "begins"), [("y", "c 0 'half'"), ("n", "d 0 ''")])
def test_a_first_start_at_a_terminal_asks(experiment: Experiment, answer: str, begins: str) -> None:
    stopped(experiment)
    child = at_terminal(experiment)
    child.expect_exact("Continue where it stopped? [y/N] ")
    child.sendline(answer)
    experiment.hears("done()")
    child.send("q")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert experiment.told()[0].startswith(begins)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("m.py", None, "import: m.py: this is no .experiment. Give the one that the .plan stands beside"),
        ("m.experiment", None, "import: m.plan: there is no such file."),
        ("m.experiment", "{", "cannot read the plan: m.plan:1:2: the file ends before its JSON does."),
        (
            "m.experiment",
            '{"iterations_left": 2, "pending": [], "assigned": []}',
            "cannot import the plan: m.plan: $",
        ),
    ],
)
def test_what_cannot_be_taken_over_is_told_in_a_line_and_makes_nothing(
    experiment: Experiment, name: str, content: str | None, why: str
) -> None:
    stopped(experiment)
    plan = Path(experiment.folder / "m.plan")
    plan.unlink() if content is None else plan.write_text(content)
    assert experiment.start("import", name).end().refusal().startswith(why)
    assert not experiment.state_dir.exists()

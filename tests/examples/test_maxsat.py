"""The MAX-SAT example: an interrupted search is the uninterrupted one, and its counts are true."""

from __future__ import annotations

import importlib.util
import itertools
import json
import random
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

import pyalma_tui.examples

FOLDER = Path(pyalma_tui.examples.__file__).parent / "maxsat"
FILES = sorted(FOLDER.glob("*.cnf"))
EASY, HARD = FOLDER / "uf100-01.cnf", FOLDER / "uf100-02.cnf"


class Stop(BaseException):
    """What an interrupted save raises, after it stored."""


def load(name: str) -> Any:
    """A module of the example, loaded afresh as a new worker would."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def maxsat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The run module, with an empty working directory."""
    monkeypatch.chdir(tmp_path)
    return short()


def short() -> Any:
    """The run module with runs of a few thousand steps."""
    module = load("maxsat")
    module.STEPS_PER_VARIABLE, module.SAVE_EVERY, module.RESTART_EVERY = 33, 50, 200
    return module


class Experiment:
    """Runs one instance as often as it is interrupted, each time in a new module and with the stored state."""

    def __init__(self, file: Path, seed: int, stops: Collection[int] = ()) -> None:
        self.states: list[Any] = []
        self.progress: list[tuple[int, int]] = []
        self.stops = stops
        self.sessions = 0
        self.recorded: list[Any] = []
        finished = False
        while not finished:
            self.sessions += 1
            state = json.loads(self.states[-1]) if self.states else ""
            try:
                short().run(str(file), self.save, state, seed, lambda *pair: self.progress.append(pair), self.record)
                finished = True
            except Stop:
                pass
        (self.result,) = self.recorded

    def save(self, data: Any) -> None:
        self.states.append(json.dumps(data))
        assert json.loads(self.states[-1]) == data
        if len(self.states) in self.stops:
            raise Stop

    def record(self, **row: Any) -> None:
        self.recorded.append(row)


def result_of(module: Any, file: Path, seed: int) -> Any:
    """What an uninterrupted run records."""
    recorded: list[Any] = []
    module.run(str(file), lambda state: None, "", seed, lambda done, total: None, lambda **row: recorded.append(row))
    (result,) = recorded
    return result


def naive(clauses: list[list[int]], assignment: str) -> list[int]:
    """The numbers of the clauses that a hexadecimal assignment leaves unsatisfied."""
    bits = int(assignment, 16)
    return [
        number
        for number, clause in enumerate(clauses)
        if not any((bits >> (abs(literal) - 1) & 1) == (literal > 0) for literal in clause)
    ]


def write_cnf(path: Path, variables: int, clauses: list[list[int]]) -> Path:
    """A DIMACS file of these clauses."""
    body = "".join(" ".join(map(str, [*clause, 0])) + "\n" for clause in clauses)
    path.write_text(f"p cnf {variables} {len(clauses)}\n{body}", encoding="utf-8")
    return path


@pytest.mark.parametrize("seed", [1, 2**63 - 1, 2**80 + 5])
@pytest.mark.parametrize("file", [HARD, FOLDER / "uf150-01.cnf"], ids=lambda file: str(file.stem))
def test_interrupted_at_random_saves_a_run_continues_identically(maxsat: Any, file: Path, seed: int) -> None:
    whole = Experiment(file, seed)
    assert len(whole.states) > 20
    draw = random.Random(seed)
    for share in (0.1, 0.5):
        stops = {number for number in range(1, len(whole.states) + 1) if draw.random() < share}
        parts = Experiment(file, seed, stops)
        assert parts.sessions == len(stops) + 1
        assert parts.states == whole.states
        assert parts.progress[-1] == whole.progress[-1]
        assert parts.result == whole.result


def test_interrupted_at_every_save_a_run_continues_identically(maxsat: Any, capsys: pytest.CaptureFixture[str]) -> None:
    whole = Experiment(HARD, 7)
    told = capsys.readouterr().out.splitlines()
    parts = Experiment(HARD, 7, range(1, len(whole.states) + 1))
    retold = capsys.readouterr().out.splitlines()
    assert (parts.states, parts.progress, parts.result) == (whole.states, whole.progress, whole.result)
    assert parts.sessions == len(whole.states) + 1
    assert [line for line in retold if line != told[0]] == told[1:]


def test_the_costs_in_every_state_are_those_of_a_naive_count(maxsat: Any) -> None:
    _, clauses = maxsat.read_cnf(HARD)
    best = len(clauses)
    for text in Experiment(HARD, 3).states:
        state = json.loads(text)
        assert sorted(state["unsatisfied"]) == naive(clauses, state["assignment"])
        assert state["best"] == len(naive(clauses, state["best_assignment"]))
        assert state["best"] <= min(best, len(state["unsatisfied"]))
        best = state["best"]


def test_the_best_is_the_first_of_the_lowest_costs_on_the_way(maxsat: Any) -> None:
    variables, clauses = maxsat.read_cnf(HARD)
    search = maxsat.Search(variables, clauses, 2)  # meets its lowest cost four times
    search.scatter()
    way = [search.assignment()]
    assert search.best_assignment == way[0]
    for step in range(1, 501):
        search.walk(1)
        way.append(search.assignment())
        assert search.step == step
        assert (int(way[-2], 16) ^ int(way[-1], 16)).bit_count() == 1
    costs = [len(naive(clauses, assignment)) for assignment in way]
    assert search.best == min(costs)
    assert search.best_assignment == way[costs.index(min(costs))]


@pytest.mark.parametrize("seed", range(20))
def test_counts_kept_step_by_step_equal_counts_made_anew(maxsat: Any, seed: int) -> None:
    """Also for clauses that repeat a literal or hold one and its opposite."""
    draw = random.Random(seed)
    clauses = [[draw.choice([-1, 1]) * draw.randint(1, 9) for _ in range(draw.randint(1, 4))] for _ in range(60)]
    kept = maxsat.Search(9, clauses, seed)
    kept.scatter()
    for _ in range(10):
        kept.walk(7)
        anew = maxsat.Search.resumed(9, clauses, kept.state())
        only = [total for total, count in zip(kept.true_sum, kept.true_count, strict=True) if count == 1]
        assert only == [total for total, count in zip(anew.true_sum, anew.true_count, strict=True) if count == 1]
        for name in ("true", "true_count", "breaks", "unsatisfied", "place"):
            assert getattr(kept, name) == getattr(anew, name), name


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_satisfiable_formula_gets_solved(maxsat: Any, seed: int) -> None:
    variables, clauses = maxsat.read_cnf(EASY)
    maxsat.STEPS_PER_VARIABLE, maxsat.RESTART_EVERY = 500, 50_000
    result = result_of(maxsat, EASY, seed)
    assert result["best"] == 0
    assert result["steps"] < 500 * variables
    assert naive(clauses, result["assignment"]) == []


def test_an_unsatisfiable_formula_runs_to_the_step_limit(maxsat: Any, tmp_path: Path) -> None:
    signs = [[1, 2, 3], [-1, -2, -3], [1, 2, -3], [1, -2, 3], [-1, 2, 3], [1, -2, -3], [-1, 2, -3], [-1, -2, 3]]
    experiment = Experiment(write_cnf(tmp_path / "eight.cnf", 3, signs), 5)
    result = experiment.result
    assert (result["best"], result["steps"]) == (1, 3 * maxsat.STEPS_PER_VARIABLE)
    assert experiment.progress == [(50, 99), (99, 99)]


def test_a_formula_without_clauses_is_satisfied_at_once(maxsat: Any, tmp_path: Path) -> None:
    experiment = Experiment(write_cnf(tmp_path / "none.cnf", 0, []), 5)
    assert experiment.states == []
    assert experiment.result["best"] == 0


def test_the_seed_decides_the_run_and_nothing_else_does(maxsat: Any) -> None:
    random.seed(1)
    first = Experiment(HARD, 1).states
    random.seed(2)
    assert Experiment(HARD, 1).states == first
    assert Experiment(HARD, 2).states[0] != first[0]


def test_the_generator_is_splitmix64(maxsat: Any) -> None:
    generator = maxsat.SplitMix64(1234567)
    assert [generator.next() for _ in range(3)] == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_the_state_stays_small(maxsat: Any) -> None:
    assert max(len(state) for state in Experiment(FOLDER / "uf250-03.cnf", 1).states) < 1500


def test_restarts_begin_at_other_assignments(maxsat: Any, capsys: pytest.CaptureFixture[str]) -> None:
    Experiment(HARD, 4)
    told = capsys.readouterr().out
    assert "\nstart\n" in told
    assert "\nrestart 3, best " in told
    assert "restart 0" not in told
    variables, clauses = maxsat.read_cnf(HARD)
    search = maxsat.Search(variables, clauses, 4)
    starts = set()
    for _ in range(10):
        search.scatter()
        starts.add(search.assignment())
        assert search.true[65:101].count(True) not in (0, 36)
    assert len(starts) == 10


def test_done_makes_a_table_of_all_results(
    maxsat: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(maxsat, "__file__", str(tmp_path / "maxsat.py"))
    found: list[Any] = []
    for file in (EASY, HARD):
        maxsat.STEPS_PER_VARIABLE = 500 if file == EASY else 20
        found.append({"instance": file.name, "iteration": 0, "seed": 1, **result_of(maxsat, file, 1)})
    monkeypatch.setattr(maxsat, "results", lambda: iter(found))
    easy, hard = found
    capsys.readouterr()
    for _ in range(2):
        maxsat.done()
        assert (tmp_path / "maxsat-results.md").read_text(encoding="utf-8").splitlines()[2:] == [
            f"| uf100-01.cnf | 0 | 100 | 420 | 0 | {easy['steps']} |",
            f"| uf100-02.cnf | 0 | 100 | 500 | {hard['best']} | 2000 |",
        ]
        assert capsys.readouterr().out == "1 of 2 runs satisfied all clauses: see maxsat-results.md\n"


def test_a_state_of_another_formula_is_refused(maxsat: Any) -> None:
    state = json.loads(Experiment(HARD, 1).states[-1])
    with pytest.raises(ValueError, match="does not fit"):
        maxsat.run(str(EASY), lambda state: None, state, 1, lambda done, total: None, lambda **row: None)


def test_satlib_files_are_read(maxsat: Any, tmp_path: Path) -> None:
    path = tmp_path / "satlib.cnf"
    path.write_text("c a comment\np cnf  4  3 \n 4 -1\n 3 0\n-2 0 1\n2 -3 0\n%\n0\n\n", encoding="utf-8")
    assert maxsat.read_cnf(path) == (4, [[4, -1, 3], [-2], [1, 2, -3]])
    path.write_text("p cnf 2 2\n1 0\n-1 2", encoding="utf-8")
    assert maxsat.read_cnf(path) == (2, [[1], [-1, 2]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p cnf 2 1\n1 -3 0\n", "literal -3"),
        ("1 2 0\n", "0 variables"),
        ("p cnf 2 2\n1 0\n0\n", "clause 2 is empty"),
        ("p cnf\n", "unpack"),
        ("p cnf 2 1\none 0\n", "'one'"),
    ],
)
def test_what_is_no_formula_is_refused(maxsat: Any, tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "wrong.cnf"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        maxsat.read_cnf(path)


def test_the_shipped_instances_are_made_by_the_generator_byte_for_byte(tmp_path: Path) -> None:
    load("generate").generate(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in FILES
    }


def test_the_shipped_instances_are_uniform_random_3sat(maxsat: Any) -> None:
    assert len(FILES) == 12
    for file in FILES:
        variables, clauses = maxsat.read_cnf(file)
        assert 100 <= variables <= 250
        assert f"p cnf {variables} {len(clauses)}" in file.read_text(encoding="utf-8").splitlines()
        assert {len({abs(literal) for literal in clause}) for clause in clauses} == {3}
        assert len({frozenset(clause) for clause in clauses}) == len(clauses)
        literals = list(itertools.chain.from_iterable(clauses))
        assert {abs(literal) for literal in literals} == set(range(1, variables + 1))
        assert 0.45 < sum(literal > 0 for literal in literals) / len(literals) < 0.55


def test_the_batch_matches_the_shipped_instances() -> None:
    (pattern,) = json.loads((FOLDER / "maxsat.batch").read_text(encoding="utf-8"))["instances"]
    assert sorted(FOLDER.glob(pattern)) == FILES


def test_saves_and_restarts_fall_together(maxsat: Any) -> None:
    shipped = load("maxsat")
    assert shipped.RESTART_EVERY % shipped.SAVE_EVERY == 0


def test_weights_fall_with_the_clauses_broken(maxsat: Any) -> None:
    weights: list[int] = maxsat.Search(*maxsat.read_cnf(HARD), 1).weights
    assert weights == sorted(set(weights), reverse=True)
    assert weights[1] / weights[0] == pytest.approx((1.9 / 0.9) ** -2.06, rel=1e-4)

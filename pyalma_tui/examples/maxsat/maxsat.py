"""Search for assignments that leave as few clauses as possible unsatisfied: MAX-SAT on DIMACS `.cnf` files.

    pyalma-tui maxsat.py

A template for a long computation that may be interrupted at every save and goes on as if nothing had happened: the
result and every step on the way are those of an uninterrupted run. It takes three habits:

- randomness comes from a generator of our own, whose whole state is one integer and is saved with the rest;
- whatever a later choice depends on is saved, the order of a list included; the rest is rebuilt from it;
- saves and restarts happen at step numbers, not at times, so that no clock has a say in the result.

The search is probSAT: take a random unsatisfied clause and flip one of its variables, the likelier the fewer clauses
that would break (A. Balint, U. Schöning: Choosing Probability Distributions for Stochastic Local Search and the Role
of Make versus Break, SAT 2012).
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyalma_tui import results

STEPS_PER_VARIABLE = 15_000  # the step limit of a run
SAVE_EVERY = 25_000  # steps; one or two tenths of a second
RESTART_EVERY = 250_000  # steps; a multiple of SAVE_EVERY

Clauses = list[list[int]]
MASK = 2**64 - 1


def run(
    instance: str,
    save: Callable[[dict[str, Any]], None],
    state: Any,
    seed: int,
    progress: Callable[[int, int], None],
    record: Callable[..., None],
) -> None:
    """Search one file until all clauses are satisfied or the step limit is reached, and record the result.

    `seed`, `progress` and `record` are handed in because they are named here; a module that needs none of them
    declares `run(instance, save, state)`. `state` is the last saved value, or `""` at the very beginning.
    """
    path = Path(instance)
    variables, clauses = read_cnf(path)
    search = Search(variables, clauses, seed) if state == "" else Search.resumed(variables, clauses, state)
    limit = STEPS_PER_VARIABLE * variables
    print(f"{path.name}: {variables} variables, {len(clauses)} clauses")

    while search.best > 0 and search.step < limit:
        if search.step % RESTART_EVERY == 0:
            restart = search.step // RESTART_EVERY
            print(f"restart {restart}, best {search.best} unsatisfied" if restart else "start")
            search.scatter()
        best_before = search.best
        search.walk(min(SAVE_EVERY, limit - search.step))
        if search.best < best_before:
            print(f"step {search.step}: best {search.best} unsatisfied")
        progress(search.step, limit)
        save(search.state())

    print("satisfied" if search.best == 0 else f"step limit, best {search.best} unsatisfied")
    record(
        variables=variables,
        clauses=len(clauses),
        best=search.best,
        steps=search.step,
        assignment=search.best_assignment,
    )


def done() -> None:
    """Make one table of the results of all runs, `maxsat-results.md` beside this file."""
    columns = ("instance", "iteration", "variables", "clauses", "best", "steps")
    rows = [
        "| instance | iteration | variables | clauses | best unsatisfied | steps |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    satisfied = 0
    for result in results():  # what the runs have recorded, each row once
        rows.append("| " + " | ".join(str(result[column]) for column in columns) + " |")
        satisfied += result["best"] == 0
    table = Path(__file__).with_name("maxsat-results.md")
    write_whole(table, "\n".join(rows) + "\n")
    print(f"{satisfied} of {len(rows) - 2} runs satisfied all clauses: see {table.name}")


class Search:
    """One assignment and what probSAT has to know about it.

    A literal is a variable's number, negated for "not", and indexes lists directly: in a list of 2n+1 entries the
    literals 1…n count from the front and -1…-n from the back.
    """

    def __init__(self, variables: int, clauses: Clauses, seed: int) -> None:
        self.variables = variables
        self.clauses = clauses
        self.step = 0
        self.random = SplitMix64(seed)
        self.best = len(clauses)
        self.best_assignment = "0"
        self.clauses_with: list[list[int]] = [[] for _ in range(2 * variables + 1)]
        for number, clause in enumerate(clauses):
            for literal in clause:
                self.clauses_with[literal].append(number)
        most = max(map(len, self.clauses_with))
        # Weights of a flip by the number of clauses it breaks: the paper's polynomial for 3-SAT, in whole numbers.
        self.weights = [max(1, round(1_000_000 * (0.9 + breaks) ** -2.06)) for breaks in range(most + 1)]
        self.assign("0")

    @classmethod
    def resumed(cls, variables: int, clauses: Clauses, state: dict[str, Any]) -> "Search":
        """The search that saved this state; raises ValueError if it was another formula's."""
        search = cls(variables, clauses, state["random"])
        search.step = state["step"]
        search.best = state["best"]
        search.best_assignment = state["best_assignment"]
        search.assign(state["assignment"])
        if sorted(state["unsatisfied"]) != search.unsatisfied:
            raise ValueError("the saved state does not fit the file: was it changed since?")
        search.arrange(state["unsatisfied"])
        return search

    def state(self) -> dict[str, Any]:
        """All that the future depends on, as JSON values."""
        return {
            "best": self.best,
            "unsatisfied": list(self.unsatisfied),  # the order counts: a random one of them is picked
            "step": self.step,
            "random": self.random.state,
            "assignment": self.assignment(),
            "best_assignment": self.best_assignment,
        }

    def assignment(self) -> str:
        """The current assignment in hexadecimal; bit v-1 is variable v."""
        return f"{sum(self.true[v] << (v - 1) for v in range(1, self.variables + 1)):x}"

    def assign(self, assignment: str) -> None:
        """Begin with an assignment and count everything anew."""
        bits = int(assignment, 16)
        self.true = [False] * (2 * self.variables + 1)
        for variable in range(1, self.variables + 1):
            self.true[variable] = bool(bits >> (variable - 1) & 1)
            self.true[-variable] = not self.true[variable]
        true_literals = [[literal for literal in clause if self.true[literal]] for clause in self.clauses]
        self.true_count = [len(literals) for literals in true_literals]
        # The sum of a clause's true literals: where there is only one, the sum names it.
        self.true_sum = [sum(literals) for literals in true_literals]
        # For every true literal: the clauses that would lose their only true literal with it.
        self.breaks = [0] * (2 * self.variables + 1)
        for literals in true_literals:
            if len(literals) == 1:
                self.breaks[literals[0]] += 1
        self.arrange([number for number, count in enumerate(self.true_count) if count == 0])

    def arrange(self, unsatisfied: list[int]) -> None:
        """Hold the unsatisfied clauses in this order."""
        self.unsatisfied = list(unsatisfied)
        self.place = {number: place for place, number in enumerate(self.unsatisfied)}

    def scatter(self) -> None:
        """Begin again at a random assignment."""
        bits = 0
        for _ in range(0, self.variables, 64):
            bits = bits << 64 | self.random.next()
        self.assign(f"{bits & (1 << self.variables) - 1:x}")
        self.keep_best()

    def walk(self, steps: int) -> None:
        """Flip `steps` variables, fewer if nothing is left to satisfy."""
        clauses, unsatisfied, weights = self.clauses, self.unsatisfied, self.weights
        for _ in range(steps):
            if not unsatisfied:
                break
            # The upper half of the bits picks a clause, the lower half one of its literals.
            bits = self.random.next()
            clause = clauses[unsatisfied[(bits >> 32) * len(unsatisfied) >> 32]]
            chances = [weights[self.breaks[-literal]] for literal in clause]
            pointer = (bits & 0xFFFFFFFF) * sum(chances) >> 32
            for literal, chance in zip(clause, chances, strict=True):
                pointer -= chance
                if pointer < 0:
                    self.satisfy(literal)
                    break
            self.step += 1
            self.keep_best()

    def satisfy(self, literal: int) -> None:
        """Make a false literal true, and keep the counts of the clauses that contain its variable."""
        true_count, true_sum, breaks = self.true_count, self.true_sum, self.breaks
        self.true[literal], self.true[-literal] = True, False
        for number in self.clauses_with[literal]:
            count = true_count[number]
            if count == 0:
                self.remove(number)
                breaks[literal] += 1
            elif count == 1:
                breaks[true_sum[number]] -= 1
            true_count[number] = count + 1
            true_sum[number] += literal
        for number in self.clauses_with[-literal]:
            count = true_count[number] = true_count[number] - 1
            true_sum[number] += literal
            if count == 0:
                self.place[number] = len(self.unsatisfied)
                self.unsatisfied.append(number)
                breaks[-literal] -= 1
            elif count == 1:
                breaks[true_sum[number]] += 1

    def remove(self, number: int) -> None:
        """Take a clause off the unsatisfied ones; the last of the list moves into the gap."""
        last = self.unsatisfied.pop()
        place = self.place.pop(number)
        if last != number:
            self.unsatisfied[place] = last
            self.place[last] = place

    def keep_best(self) -> None:
        """Remember the current assignment if it is better than all before."""
        if len(self.unsatisfied) < self.best:
            self.best = len(self.unsatisfied)
            self.best_assignment = self.assignment()


class SplitMix64:
    """Random 64-bit integers from a 64-bit state (G. Steele, D. Lea, C. Flood: Fast Splittable PRNGs, 2014).

    Python's own `random.Random` would do as well, but its state is 625 integers.
    """

    def __init__(self, state: int) -> None:
        self.state = state & MASK

    def next(self) -> int:
        """The next number, uniform in 0 … 2**64-1."""
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        mixed = self.state
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & MASK
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & MASK
        return mixed ^ mixed >> 31


def read_cnf(path: Path) -> tuple[int, Clauses]:
    """The number of variables and the clauses of a DIMACS file; raises ValueError where it is none."""
    variables = 0
    numbers: list[int] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("%"):  # the end of SATLIB's files, which put a stray "0" after it
            break
        if line.startswith("p"):
            _, _, count, _ = line.split()
            variables = int(count)
        elif not line.startswith("c"):
            numbers += map(int, line.split())
    clauses: Clauses = [[]]
    for number in numbers:
        if abs(number) > variables:
            raise ValueError(f"{path}: literal {number}, but the header says {variables} variables")
        if number != 0:
            clauses[-1].append(number)
        elif clauses[-1]:
            clauses.append([])
        else:
            raise ValueError(f"{path}: clause {len(clauses)} is empty and can never be satisfied")
    return variables, clauses if clauses[-1] else clauses[:-1]


def write_whole(path: Path, text: str) -> None:
    """Replace a file at once: whoever looks, and after whatever crash, finds the old text or the new."""
    part = path.with_name(path.name + ".part")
    with open(part, "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    os.replace(part, path)

"""Make the instances of this folder: uniform random 3-SAT, the same bytes every time.

    python generate.py [folder]

Around 4.26 clauses per variable random 3-SAT is hardest; below, most formulas are satisfiable, above, most are not
(D. Mitchell, B. Selman, H. Levesque: Hard and Easy Distributions of SAT Problems, AAAI 1992). The dozen covers both
sides, so some runs end early and others go to the step limit.
"""

import random
import sys
from pathlib import Path

# name: variables, clauses per variable, seed
INSTANCES = {
    "uf100-01": (100, 4.20, 10001),
    "uf100-02": (100, 5.00, 10002),
    "uf100-03": (100, 6.00, 10003),
    "uf150-01": (150, 4.26, 15005),
    "uf150-02": (150, 4.60, 15002),
    "uf150-03": (150, 5.50, 15003),
    "uf200-01": (200, 4.26, 20005),
    "uf200-02": (200, 4.26, 20004),
    "uf200-03": (200, 5.00, 20003),
    "uf250-01": (250, 4.26, 25002),
    "uf250-02": (250, 4.26, 25013),
    "uf250-03": (250, 6.00, 25003),
}


def dimacs(variables: int, ratio: float, seed: int) -> str:
    """A random formula as DIMACS text: three distinct variables in every clause, no clause twice."""
    draw = random.Random(seed).random  # of the generator's methods the one whose numbers Python promises to keep
    clauses: dict[frozenset[int], str] = {}
    while len(clauses) < round(ratio * variables):
        literals: dict[int, int] = {}
        while len(literals) < 3:
            variable = 1 + int(draw() * variables)
            literals.setdefault(variable, variable if draw() < 0.5 else -variable)
        clause = list(literals.values())
        clauses.setdefault(frozenset(clause), " ".join(map(str, [*clause, 0])))
    header = [
        f"c uniform random 3-SAT: {variables} variables, {ratio:.2f} clauses per variable",
        f"c made by generate.py with seed {seed}",
        f"p cnf {variables} {len(clauses)}",
    ]
    return "\n".join([*header, *clauses.values()]) + "\n"


def generate(folder: Path) -> None:
    """Write all instances into a folder."""
    for name, (variables, ratio, seed) in INSTANCES.items():
        (folder / f"{name}.cnf").write_text(dimacs(variables, ratio, seed), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)

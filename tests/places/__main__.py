"""`python -m tests.places [--seconds N] [--seed N] [--kinds a,b]`: the long game."""

from __future__ import annotations

import argparse
import shlex
import tempfile
import time
from pathlib import Path

from tests.places.nemesis import KINDS, play

parser = argparse.ArgumentParser()
parser.add_argument("--seconds", type=float, default=60)
parser.add_argument("--seed", type=int, default=int(time.time()))
parser.add_argument("--kinds", default=",".join(KINDS))
parser.add_argument("--on", default="", help="real places instead of ours behind cables")
parser.add_argument("--prefix", default="", help="the command behind which the program runs, as in a namespace")
parser.add_argument("--place", default="", help="a mutant of places")
parser.add_argument("--runner", default="", help="a mutant of the runner")
asked = parser.parse_args()
print(f"seed {asked.seed}", flush=True)
folder = Path(tempfile.mkdtemp(prefix="places-"))
score = play(
    folder,
    asked.seconds,
    asked.seed,
    kinds=asked.kinds.split(","),
    mutant_place=asked.place,
    mutant_runner=asked.runner,
    on=asked.on,
    prefix=shlex.split(asked.prefix),
)
print(
    f"{score.acknowledged:,} saves acknowledged, {score.completions} experiments done in {score.lives} lives, "
    f"{score.handed_on} handed on (smallest gap {score.smallest_gap:.2f} s), kills {dict(score.kills)}"
)
print("\n".join([f"{folder}: BROKEN", *score.broken]) if score.broken else "nothing broken")

"""The long game: `python -m tests.places [--seconds N] [--seed N] [--engine ssh|slurm|dask] [--mounts]` and more."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.places.nemesis import KINDS, play

parser = argparse.ArgumentParser()
parser.add_argument("--seconds", type=float, default=60)
parser.add_argument("--seed", type=int, default=int(time.time()))
parser.add_argument("--kinds", default=",".join(KINDS))
parser.add_argument("--engine", default="", help="real places, ssh, slurm or dask, instead of ours behind cables")
parser.add_argument("--mounts", action="store_true", help="mounts of each host's own, which come late, hang and go")
parser.add_argument("--place", default="", help="a mutant of places, behind cables or on dask")
parser.add_argument("--runner", default="", help="a mutant of the runner")
asked = parser.parse_args()
print(f"seed {asked.seed}", flush=True)
folder = Path(tempfile.mkdtemp(prefix="places-"))
kinds = asked.kinds.split(",")
wrong = {"mutant_place": asked.place, "mutant_runner": asked.runner}
if asked.engine:
    from tests.engines.lab import lacks_mounts
    from tests.engines.world import play_on

    if asked.mounts and (why := lacks_mounts()):
        sys.exit(f"--mounts: {why}")
    score = play_on(asked.engine, folder, asked.seed, kinds=kinds, seconds=asked.seconds, mounts=asked.mounts, **wrong)
else:
    score = play(folder, asked.seed, kinds=kinds, seconds=asked.seconds, patience=asked.seconds + 240, **wrong)
print(score.told())
if score.broken:
    sys.exit(f"{folder}: broken")

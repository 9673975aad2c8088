"""`python -m tests.kill_loop --seconds N`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.kill_loop.nemesis import play


def main() -> int:
    """Kill, print what was seen; 1 if a promise broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.kill_loop", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kill-loop-")) / "experiment"
    score = play(folder, options.seconds, options.seed)
    verdict, kills = score.verdict, score.kills
    print(f"seed {options.seed}, {score.completions} experiments finished in {folder}")
    print("acknowledged saves / rows / lines in buffers / kills / lost / overlaps / done() calls")
    counts = f"{kills.total():,} ({', '.join(f'{n} {kind}' for kind, n in sorted(kills.items()))})"
    seen = f"{verdict.acknowledged:,} / {verdict.rows:,} / {verdict.written:,} / {counts}"
    print(f"{seen} / {verdict.lost} / {verdict.overlaps} / {verdict.done_calls}")
    for sentence in verdict.broken:
        print(f"BROKEN: {sentence}")
    return 1 if verdict.broken else 0


if __name__ == "__main__":
    sys.exit(main())

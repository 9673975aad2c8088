"""Draw ten random lines of every text file into `lines.txt`: the smallest run module that can be interrupted.

    pyalma-tui lines.py

A run module defines `run(instance, save, state)`. It is called once for every instance of the batch; here that is
`lines.batch`, the file beside this one with the same stem. The texts are by Lewis Carroll (1871), Herman Melville
(1851) and John Keats (1820).
"""

import random
from collections.abc import Callable

from pyalma_tui import results

LINES_PER_FILE = 10


def run(instance: str, save: Callable[[str], None], state: str, record: Callable[..., None]) -> None:
    """Draw the lines that are still to be drawn from one file, saving after each.

    `instance` is the absolute path of a text file. `state` is the last value given to `save` for this very instance
    (here: how many lines are left), or `""` when the run has not saved yet. `record` is handed in because it is named.
    """
    with open(instance, encoding="utf-8") as text:
        lines = [line.strip() for line in text if line.strip()]
    left = int(state) if state != "" else LINES_PER_FILE

    while left > 0:
        line = random.choice(lines)
        print(line)
        left -= 1
        # Result first, state second: the line counts from save() on, together with the state, or not at all.
        record(line=line)
        # An interrupted run ends here: save() stores the state and raises.
        save(str(left))


def done() -> None:
    """Called once, when every run has returned; leave it out if there is nothing to do then."""
    with open("lines.txt", "w", encoding="utf-8") as out:
        for row in results():
            out.write(row["line"] + "\n")
    print("all lines extracted")

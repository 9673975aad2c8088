"""How far a run is: what it says, else an honest guess from its states, else nothing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import msgspec

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.view import Tally

LONGEST_NUMBER = 32


@dataclass(frozen=True, slots=True)
class Progress:
    """A share from 0 to 1, and whether it is only estimated."""

    fraction: float
    estimated: bool = False


def run_progress(run: Run) -> Progress | None:
    """How far one run is, None if nothing tells."""
    if isinstance(run.status, s.Done):
        return Progress(1.0)
    if run.progress is not None and run.progress[1] > 0:
        done, total = run.progress
        return Progress(min(max(done / total, 0.0), 1.0))
    return countdown(run)


def instance_progress(tally: Tally, latest: Run) -> Progress | None:
    """How far an instance is: its run if it has one, else its iterations and the share of the one that is running."""
    if tally.total <= 1:
        return run_progress(latest)
    inside = run_progress(latest) if isinstance(latest.status, s.Running) else None
    done = tally.done + (inside.fraction if inside else 0.0)
    return Progress(min(done / tally.total, 1.0))


def countdown(run: Run) -> Progress | None:
    """The share of a run whose states are numbers that fall to zero.

    The last states give the step between two saves, the number of saves gives where it began. Steps that grow or
    shrink make it wrong, hence `estimated`.
    """
    if run.state is None or not run.earlier:
        return None
    numbers = [number(text) for text in (run.state, *run.earlier)]
    known = [n for n in numbers if n is not None]
    if len(known) < len(numbers) or known[0] < 0 or any(a >= b for a, b in pairwise(known)):
        return None
    step = (known[-1] - known[0]) / (len(known) - 1)
    return Progress(1 - known[0] / (known[0] + step * max(run.saves, len(known) - 1)), estimated=True)


def number(state: bytes) -> float | None:
    """The number that a state is, also if it was saved as a string, which is the contract of save()."""
    if len(state) > LONGEST_NUMBER:
        return None
    try:
        value = msgspec.json.decode(state, type=float | str)
        return finite(float(value))
    except (msgspec.DecodeError, ValueError):
        return None


def finite(value: float) -> float | None:
    """The value if it can be counted with."""
    return value if abs(value) < 1e300 else None

"""Which runs an action is about, worked out from one snapshot: pure functions, no widget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pyalma_tui.model import status as s
from pyalma_tui.model.view import telling
from pyalma_tui.model.words import numbered, plural, run_name
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.tui.keys import key_to
from pyalma_tui.tui.literal import shortened

LONGEST_NAME, NARROW_NAME = 40, 24  # cells of one of several names, so that all else that is told keeps its place


@dataclass(frozen=True, slots=True)
class Targets:
    """The runs an action is about, and whether the user marked them."""

    runs: tuple[int, ...]
    marked: bool = False


def targets(snapshot: Snapshot, marks: Iterable[int], selected: int | None, iteration: int | None) -> Targets:
    """The runs of the marked instances, else the one iteration that was stepped to, else all of the selected one."""
    marked = sorted(i for i in marks if i < len(snapshot.runs_of))
    if marked:
        return Targets(tuple(run for i in marked for run in snapshot.runs_of[i]), marked=True)
    if selected is None or selected >= len(snapshot.runs_of):
        return Targets(())
    runs = snapshot.runs_of[selected]
    if iteration is not None and iteration < len(runs):
        return Targets((runs[iteration],))
    return Targets(tuple(runs))


def told_meant(marked: int, iterations: int, iteration: int | None) -> str:
    """Which runs the keys are about, where one would have to guess."""
    if not marked and iterations == 1:
        return ""
    keys = " ".join(map(key_to, ("retry", "interrupt_selected", "run_next", "forget")))
    if marked:
        return f"{keys}: {plural(marked, 'marked instance')}"
    if iteration is not None:
        return f"{keys}: {numbered(iteration)} alone"
    return f"{keys}: all {iterations:,} runs · {key_to('earlier_iteration')} {key_to('later_iteration')} one of them"


def named(snapshot: Snapshot, runs: Sequence[int], room: int) -> str:
    """What these runs are called, as somebody's text: as many as fit into so many characters, and how many more."""
    told, most = "", min(LONGEST_NAME, max(NARROW_NAME, room))
    for left, run_id in zip(range(len(runs) - 1, -1, -1), runs, strict=True):
        name = shortened(name_of(snapshot, run_id), most)
        if told and len(told) + len(name) + 2 + (len(f" and {left:,} more") if left else 0) > room:
            return f"{told} and {left + 1:,} more"
        told += f", {name}" if told else name
    return told


def name_of(snapshot: Snapshot, run_id: int) -> str:
    """What a run is called, as somebody's text."""
    run = snapshot.runs[run_id - 1]
    return run_name(snapshot.instances[run.instance].label, run.iteration, len(snapshot.runs_of[run.instance]))


def pair_of(snapshot: Snapshot, runs: Sequence[int]) -> tuple[int, int] | None:
    """The two runs that these are, or those that the rows of their two instances tell of; None if there are not two."""
    if len(runs) == 2:
        return runs[0], runs[1]
    instances = list(dict.fromkeys(snapshot.runs[run - 1].instance for run in runs))
    if len(instances) != 2:
        return None
    one, other = (telling(snapshot.rows[i], snapshot.runs_of[i], snapshot.runs).id for i in instances)
    return one, other


def standing(snapshot: Snapshot, runs: Iterable[int], *kinds: type[s.Status]) -> tuple[int, ...]:
    """Those of the runs that have one of these statuses."""
    return tuple(run for run in runs if isinstance(snapshot.runs[run - 1].status, kinds))


def forgettable(snapshot: Snapshot, runs: Iterable[int]) -> tuple[int, ...]:
    """Those of the runs that have something to forget and are not running."""
    chosen = (snapshot.runs[run - 1] for run in runs)
    return tuple(run.id for run in chosen if run.attempt and not isinstance(run.status, s.Running))

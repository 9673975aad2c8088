"""What the actions on runs ask of the runner, worked out from one snapshot: pure functions, no widget."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.content import Content

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.runner.snapshot import Elsewhere, Snapshot
from pyalma_tui.tui import cells
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.view_moment import seconds_of
from pyalma_tui.tui.widgets.rows import plain

NAMES = 3


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


def standing(snapshot: Snapshot, runs: Iterable[int], *kinds: type[s.Status]) -> tuple[int, ...]:
    """Those of the runs that have one of these statuses."""
    return tuple(run for run in runs if isinstance(snapshot.runs[run - 1].status, kinds))


def forgettable(snapshot: Snapshot, runs: Iterable[int]) -> tuple[int, ...]:
    """Those of the runs that have something to forget and are not running."""
    chosen = (snapshot.runs[run - 1] for run in runs)
    return tuple(run.id for run in chosen if run.attempt and not isinstance(run.status, s.Running))


def forget_question(snapshot: Snapshot, runs: tuple[int, ...]) -> Content:
    """How many runs begin anew, and what is lost."""
    chosen = [snapshot.runs[run - 1] for run in runs]
    states = sum(run.state is not None for run in chosen)
    done = sum(isinstance(run.status, s.Done) for run in chosen)
    lost = [cells.plural(states, "saved state"), f"{cells.duration(sum(map(_worked, chosen)))} of work"]
    lines = [
        Content.assemble((cells.plural(len(runs), "run"), "bold"), f" of {names(snapshot, chosen)} will begin anew."),
        Content.assemble("Lost for good: ", (" and ".join(lost), COLOURS["failed"])),
    ]
    if done:
        lines.append(Content(f"{cells.plural(done, 'run')} among them {'is' if done == 1 else 'are'} done already."))
    lines.append(Content.styled("Output files and logs are left as they are.", MUTED))
    return Content("\n").join(lines)


def names(snapshot: Snapshot, runs: Iterable[Run]) -> str:
    """The names of the instances of these runs, a few of them."""
    instances = list(dict.fromkeys(run.instance for run in runs))
    told = [cells.fit_middle(plain(snapshot.instances[i].label, 28), 28).rstrip() for i in instances[:NAMES]]
    more = len(instances) - NAMES
    return ", ".join(told) + (f" and {cells.plural(more, 'instance')} more" if more > 0 else "")


def done_question(snapshot: Snapshot) -> Content:
    """What calling done() again may mean."""
    hook = snapshot.done_hook
    lines = [Content(f"done() was called {cells.plural(hook.calls, 'time')} so far.")]
    match hook.status:
        case s.HookCutOff(since=since):
            at = cells.moment(since, snapshot.at)
            lines.append(Content(f"The call of {at} was cut off; it may or may not have taken effect."))
        case s.HookDone(at=at):
            lines.append(Content(f"It returned at {cells.moment(at, snapshot.at)}; what it does would happen twice."))
        case s.HookFailed(at=at):
            lines.append(Content(f"It failed at {cells.moment(at, snapshot.at)}; part of it may have taken effect."))
        case _:
            pass
    return Content("\n").join(lines)


def take_over_question(snapshot: Snapshot, elsewhere: Elsewhere) -> Content:
    """How many runs are interrupted in the process that runs them now, and what becomes of them."""
    who = f"process {elsewhere.pid}"
    lines = [Content(f"Nothing runs in {who} at the moment. It ends, and the experiment goes on here.")]
    if running := snapshot.counts.running:
        count = Content.styled(cells.plural(running, "run"), "bold")
        lines = [
            Content.assemble(count, f" will be interrupted in {who}."),
            Content("The states are kept: each continues here from its last save."),
            Content.styled("One that does not save gets the --grace of that process first.", MUTED),
        ]
    if isinstance(snapshot.done_hook.status, s.HookRunning):
        cut = "done() is running there. If it is cut off, nobody knows whether it took effect."
        lines.append(Content.styled(cut, COLOURS["failed"]))
    return Content("\n").join(lines)


def _worked(run: Run) -> float:
    return seconds_of(run, 0.0)

"""How each question before something is lost is worded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content

from pyalma_tui.model import status as s
from pyalma_tui.model import words
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import rows_in
from pyalma_tui.model.hook_text import IF_CUT_OFF, UNSURE
from pyalma_tui.runner.snapshot import Elsewhere, Snapshot
from pyalma_tui.tui import cells
from pyalma_tui.tui.keys import key_to
from pyalma_tui.tui.literal import literal, shortened
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.targets import named

NAMES = 3


def forget_question(snapshot: Snapshot, runs: tuple[int, ...]) -> Content:
    """How many runs begin anew, and what is lost."""
    chosen = [snapshot.runs[run - 1] for run in runs]
    states = sum(run.state is not None for run in chosen)
    done = sum(isinstance(run.status, s.Done) for run in chosen)
    several = any(len(snapshot.runs_of[run.instance]) > 1 for run in chosen)  # then an instance does not say which
    lost = [words.plural(states, "saved state"), f"{words.duration(sum(run.seconds for run in chosen))} of work"]
    lines = [
        Content.assemble((words.plural(len(runs), "run"), "bold"), f" of {names(snapshot, chosen)} will begin anew."),
        *([literal(named(snapshot, runs, NAMES * 24), MUTED)] if several else []),
        Content.assemble("Lost as soon as they begin: ", (" and ".join(lost), COLOURS["failed"])),
        Content.styled(f"Until then {key_to('undo')} takes it back.", MUTED),
    ]
    if done:
        lines.append(Content(f"{words.plural(done, 'run')} among them {'is' if done == 1 else 'are'} done already."))
    lines.append(Content.styled("Output files and logs are left as they are.", MUTED))
    return Content("\n").join(lines)


def remove_question(snapshot: Snapshot, instances: Sequence[int], runs: Sequence[int]) -> Content:
    """How many instances are taken out, and what their runs have."""
    chosen = [snapshot.runs[run - 1] for run in runs]
    have = [
        f"{sum(isinstance(run.status, s.Done) for run in chosen):,} done",
        words.plural(sum(run.state is not None for run in chosen), "saved state"),
        words.plural(sum(rows_in(run.extents) for run in chosen), "row"),
        f"{words.duration(sum(run.seconds for run in chosen))} of work",
    ]
    number = words.plural(len(instances), "instance")
    leaving = [run for run in chosen if snapshot.instances[run.instance].in_batch]
    left = snapshot.counts.total - len(leaving)
    complete = snapshot.counts.done - sum(isinstance(run.status, s.Done) for run in leaving) == left
    calls = leaving and left and complete and not isinstance(snapshot.done_hook.status, s.HookAbsent)
    return Content("\n").join(
        [
            Content.assemble((number, "bold"), f" with {words.plural(len(runs), 'run')}: {names(snapshot, chosen)}"),
            Content.assemble("Lost at the end of this session: ", (", ".join(have), COLOURS["failed"])),
            Content.styled(
                f"Until then {key_to('undo')} takes it back. What the next start finds in the batch is new.", MUTED
            ),
            *([Content("All that is left is done: done() is called for it at once.")] if calls else []),
            Content.styled("Output files and logs are left as they are.", MUTED),
        ]
    )


def names(snapshot: Snapshot, runs: Iterable[Run]) -> str:
    """The names of the instances of these runs, a few of them."""
    instances = list(dict.fromkeys(run.instance for run in runs))
    told = [shortened(snapshot.instances[i].label, 28) for i in instances[:NAMES]]
    more = len(instances) - NAMES
    return ", ".join(told) + (f" and {words.plural(more, 'instance')} more" if more > 0 else "")


def retry_question(snapshot: Snapshot) -> Content:
    """How many failed runs would be called again."""
    number = snapshot.counts.failed
    they = "it" if number == 1 else "them"
    return Content("\n").join(
        [
            Content.assemble((words.plural(number, "run"), "bold"), f" failed: call {they} again?"),
            Content.styled(
                f"Each goes on from its last saved state. {key_to('retry')} does that for the selected or marked only.",
                MUTED,
            ),
        ]
    )


def done_question(snapshot: Snapshot) -> Content:
    """What calling done() again may mean."""
    hook = snapshot.done_hook
    lines = [Content(f"done() was called {words.plural(hook.calls, 'time')} so far.")]
    match hook.status:
        case s.HookCutOff(since=since):
            at = cells.moment(since, snapshot.at)
            lines.append(Content(f"The call of {at} was cut off; {UNSURE}."))
        case s.HookDone(at=at):
            lines.append(Content(f"It returned at {cells.moment(at, snapshot.at)}; what it does would happen twice."))
        case s.HookFailed(at=at):
            lines.append(Content(f"It failed at {cells.moment(at, snapshot.at)}; part of it may have taken effect."))
        case _:
            pass
    return Content("\n").join(lines)


def take_over_question(snapshot: Snapshot, elsewhere: Elsewhere) -> Content:
    """How many runs are interrupted in the process that runs them now, and what becomes of them."""
    who = elsewhere.name
    lines = [Content(f"Nothing runs in {who} at the moment. It ends, and the experiment goes on here.")]
    if running := snapshot.counts.running:
        count = Content.styled(words.plural(running, "run"), "bold")
        lines = [
            Content.assemble(count, f" will be interrupted in {who}."),
            Content("The states are kept: each continues here from its last save."),
            Content.styled("One that does not save gets the --grace of that process first.", MUTED),
        ]
    if isinstance(snapshot.done_hook.status, s.HookRunning):
        lines.append(Content.styled(f"done() is running there. {IF_CUT_OFF}", COLOURS["failed"]))
    return Content("\n").join(lines)

"""All that is known of one run, as lines `label  value`, for the detail beside the list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from textual.content import Content

from pyalma_tui.model import status as s
from pyalma_tui.model import words
from pyalma_tui.model.ending import HOST_LOST, INTERRUPTED
from pyalma_tui.model.experiment import Run, worked
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.states import in_full, one_line
from pyalma_tui.runner.snapshot import Load, Slot
from pyalma_tui.tui import cells
from pyalma_tui.tui.keys import key_to
from pyalma_tui.tui.literal import literal, literal_lines, shortened
from pyalma_tui.tui.look import COLOURS, ESTIMATE, GLYPHS, MUTED
from pyalma_tui.tui.progress import run_progress
from pyalma_tui.tui.view_moment import Moment, at_risk
from pyalma_tui.tui.widgets.notices import step_text

NOTHING: Final = Content("")
LABEL: Final = 10  # cells for the label and the air after it
LONGEST: Final = 200  # lines of a value
PROGRESS: Final = 35  # cells of a bar and its numbers, of which those have what they need …
BAR: Final = (8, 24)  # … and the bar the rest, within these
LARGE: Final = 120  # characters of a state that come after the other facts


@dataclass(frozen=True, slots=True)
class Fact:
    """A label, and a value of any number of lines."""

    label: str
    value: Content


def facts(moment: Moment, instance: Instance, run: Run, rows: Content = NOTHING) -> Iterator[Fact]:
    """What to tell about a run, the most urgent first; `rows` are those that it has recorded."""
    word = s.word(run.status)
    slot = moment.slot_of(run.id)
    lost = f" ({HOST_LOST})" if slot and slot.unheard else ""
    yield Fact("status", Content.assemble((f"{GLYPHS[word]} {word}{lost}", COLOURS[word]), status_text(moment, run)))
    if slot and slot.stopping:
        yield Fact("stopping", Content.styled(step_text(slot.stopping, moment.monotonic), COLOURS["interrupted"]))
    if slot and not slot.responding:
        told = f"does not respond: process {slot.pid} is stopped; kill -CONT {slot.pid} lets it go on"
        yield Fact("worker", Content.styled(told, COLOURS["interrupted"]))
    if slot and slot.host:
        yield Fact("host", literal(slot.host, MUTED))
    if slot and slot.unheard:
        yield Fact("", Content.styled(waits_text(slot, moment.now), COLOURS["interrupted"]))
    if isinstance(run.status, s.Failed):
        yield Fact("error", literal(run.status.error.message, "$text-error"))
    state = list(_state_facts(run))
    large = "\n" in state[0].value.plain or len(state[0].value) > LARGE
    yield from [] if large else state
    if rows:
        yield Fact("rows", rows)
    if run.saves or run.attempt:
        yield Fact("saved", saved_text(moment, run))
    risk = at_risk(run, moment.now)
    if risk is not None:
        yield Fact("at risk", risk_text(run, risk, stopping=bool(slot and slot.stopping)))
    if progress := progress_text(run):
        yield Fact("progress", progress)
    if slot and slot.load is not None:
        yield Fact("takes", Content.styled(load_text(slot.load), MUTED))
    yield from state if large else []  # below what one wants to see of it without scrolling
    if instance.title:
        yield Fact("instance", literal(instance.name, MUTED))
    if not instance.in_batch:
        yield Fact("batch", Content.styled("not in the batch any more; what it has is kept", COLOURS["interrupted"]))
    if isinstance(run.status, s.Failed) and run.status.error.traceback.strip():
        yield Fact("", literal_lines(run.status.error.traceback.rstrip(), MUTED))
    if ran := ran_text(moment, run):
        yield Fact("ran", Content.styled(ran, MUTED))
    yield Fact("seed", Content.styled(str(run.seed), MUTED))
    if run.module:
        yield Fact("code", code_text(run.module, moment.snapshot.code, moment.snapshot.codes))


def waits_text(slot: Slot, now: float) -> str:
    """What becomes of a run whose host is not heard of."""
    return f"not heard of; it goes on elsewhere at {cells.exact(slot.unheard, now)}, when nothing there can live"


def _state_facts(run: Run) -> Iterator[Fact]:
    yield Fact("state", state_text(run))
    if run.earlier:
        yield Fact("before it", literal(" ← ".join(one_line(state) for state in run.earlier), MUTED))


def status_text(moment: Moment, run: Run) -> str:
    """The facts that the status carries."""
    took = words.duration(run.seconds)
    match run.status:
        case s.Running(slot=slot, since=since):
            so_far = words.clock(worked(run, moment.now))
            return f" on worker {slot} since {cells.moment(since, moment.now)}, {so_far}"
        case s.Done(at=at):
            return f" at {cells.moment(at, moment.now)} after {took}"
        case s.Failed(at=at):
            return f" at {cells.moment(at, moment.now)} after {took} · {key_to('retry')} tries again"
        case s.Interrupted(why=why, at=at):
            reason = f": {literal(why).plain}" if why not in ("", INTERRUPTED) else ""
            return f" at {cells.moment(at, moment.now)} after {took}{reason}"
        case _:
            return ""


def state_text(run: Run) -> Content:
    """The last saved state in full."""
    if run.state is None:
        return Content.styled("none saved", MUTED)
    text = in_full(run.state)
    return literal_lines(text, "bold") if text else Content.styled('""', MUTED)


def saved_text(moment: Moment, run: Run) -> Content:
    """When the last save was, how many there were, in how many attempts."""
    parts = []
    if run.saved_at is not None:
        running = isinstance(run.status, s.Running)
        age = f"{words.span(moment.now - run.saved_at)} ago" if running else cells.moment(run.saved_at, moment.now)
        parts.append(age)
    parts.append(words.plural(run.saves, "save"))
    parts.append(words.plural(run.called, "attempt"))
    return Content(" · ".join(parts))


def risk_text(run: Run, risk: float, stopping: bool) -> Content:
    """What killing the run would lose: the work since its last save."""
    when = "if it is killed" if stopping else "now"
    since = "" if run.last_save else " (no save in this attempt)"
    style = COLOURS["interrupted"] if stopping or risk >= words.MINUTE else ""
    return Content.styled(f"{words.span(risk)} of work would be lost {when}{since}", style)


def load_texts(load: Load) -> tuple[str, str]:
    """Memory and processor time as `132 MB` and `98 %`; of several processors more than 100 %."""
    return words.size(load.rss), f"{load.cpu * 100:.0f} %"


def load_text(load: Load) -> str:
    """Memory and processors of the worker and of all that it started."""
    memory, share = load_texts(load)
    return f"{memory} of memory · {share} of a processor"


def ran_text(moment: Moment, run: Run) -> str:
    """When and where the last attempt ran, "" as long as it does or where nobody knows."""
    match run.status:
        case s.Done(at=at) | s.Failed(at=at) | s.Interrupted(at=at) if run.began is not None:
            where = f" on worker {run.slot}" if run.slot is not None else ""
            where += f" of {literal(run.host).plain}" if run.host else ""
            return f"{cells.exact(run.began, moment.now)} to {cells.exact(at, moment.now)}{where}"
    return ""


def progress_text(run: Run) -> Content | None:
    """A bar with its numbers while the run is under way."""
    progress = run_progress(run)
    if progress is None or isinstance(run.status, s.Done):
        return None
    text = f" {ESTIMATE if progress.estimated else ''}{cells.percent(progress.fraction)}"
    if run.progress is not None:
        done, total = run.progress
        text += f"  {done:,.10g} of {total:,.10g}"
    filled, rest = cells.bar(progress.fraction, min(max(PROGRESS - len(text), BAR[0]), BAR[1]))
    return Content.assemble((filled, COLOURS["running"]), (rest, MUTED), text)


def code_text(ran: str, ours: str, grown: frozenset[str] = frozenset()) -> Content:
    """The identity of the code that a run was called with, and that of this session if it is not what has `grown`."""
    is_ours = not ours or ran == ours or ran in grown
    other = "" if is_ours else literal(f" · not this session's, {ours}", COLOURS["interrupted"])
    return Content.assemble(literal(ran, MUTED), other)


def laid_out(told: Sequence[Fact], width: int, indented: int = LABEL, style: str = MUTED) -> list[Content]:
    """The facts as lines of `width` cells: labels in one column, values wrapped beside them."""
    lines: list[Content] = []
    for fact in told:
        indent = indented if fact.label and width >= 3 * indented else 0
        label = Content.styled(cells.fit(fact.label, indent), style) if indent else Content("")
        wrapped = fact.value.wrap(max(8, width - indent))
        if len(wrapped) > LONGEST:
            wrapped = [*wrapped[:LONGEST], Content.styled(f"… {len(wrapped) - LONGEST} more lines", MUTED)]
        for number, line in enumerate(wrapped):
            lines.append((label if number == 0 else Content(" " * indent)) + line)
    return lines


def subject(moment: Moment, instance: Instance, run: Run, width: int) -> Content:
    """The title: which instance, iteration and attempt."""
    iterations = len(moment.snapshot.runs_of[instance.id]) if moment.snapshot.runs_of else 1
    told = ""
    if iterations > 1:
        told += f" · {words.numbered(run.iteration)}"
    if run.called > 1:
        told += f" · attempt {run.called}"
    room = max(8, width - len(told))
    return Content.assemble((shortened(instance.label, room), "bold"), told)

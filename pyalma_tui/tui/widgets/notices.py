"""What must be said in words above the list, the gravest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pyalma_tui.model import status as s
from pyalma_tui.model import words
from pyalma_tui.model.hook_text import hook_text
from pyalma_tui.runner.snapshot import Slot, Snapshot, StopProgress
from pyalma_tui.tui import cells
from pyalma_tui.tui.keys import key_to, shown
from pyalma_tui.tui.literal import plain
from pyalma_tui.tui.strokes import PALETTE
from pyalma_tui.tui.view_moment import Moment, is_complete

LONGEST_WHY: Final = 90  # cells: the keys after it stay in sight on two lines of 80

Level: TypeAlias = Literal["alarm", "warning", "plain"]


@dataclass(frozen=True, slots=True)
class Notice:
    """One line. `text` may hold anybody's data; it is made literal where it is shown."""

    level: Level
    text: str


SLOW = 1.0  # seconds that a process takes to be started only where something is waited for
GLYPH: dict[Level, str] = {"alarm": "✗", "warning": "!", "plain": "·"}


def notices(moment: Moment) -> list[Notice]:
    """All that is to be said at this moment."""
    snapshot = moment.snapshot
    said: list[Notice] = []
    if snapshot.failure:
        said.append(Notice("alarm", f"{snapshot.failure.message} · {key_to('quit', 'app')} leaves"))
    if snapshot.not_saved:
        said.append(Notice("alarm", f"NOT SAVED: {snapshot.not_saved.message}"))
    if text := stopping_text(moment):
        said.append(Notice("warning", text))
    said += hook_notices(moment)
    if snapshot.paused and snapshot.phase != "closed":
        goes_on = f"running ones go on · {key_to('pause')} continues"
        said.append(Notice("warning", f"paused: no new runs are started, {goes_on}"))
    if moment.read_only:
        said += elsewhere_notices(moment)
    if moment.mistake:  # all that is changed until it is mended is lost: who has mended it begins anew
        said.append(Notice("warning", moment.mistake))
    if loading := [slot for slot in snapshot.slots if slot.phase == "loading"]:
        said.append(Notice("plain", loading_text(snapshot, loading, moment.now)))
    if text := coming_text(snapshot, moment.now):
        said.append(Notice("plain", text))
    if snapshot.blocked is not None:
        said.append(Notice("alarm", f"{snapshot.blocked.message} · {key_to('resume')} tries again"))
    elif snapshot.phase == "idle" and snapshot.idle_reason and not is_complete(snapshot) and not moment.read_only:
        said.append(Notice("plain", f"idle: {snapshot.idle_reason}{idle_hint(snapshot)}"))
    return said


def elsewhere_notices(moment: Moment) -> list[Notice]:
    """Which other process runs what is viewed, and the key that lets it go on here."""
    snapshot = moment.snapshot
    who = snapshot.elsewhere
    if who is None:
        ended = f"{snapshot.idle_reason} · read only" + f" · {key_to('take_over')} goes on here" * (not moment.page)
        return [Notice("plain", ended)] if snapshot.idle_reason else []
    by = f"{who.name} since {cells.stamp(who.since)}" if who.pid else "another process"
    rests = f" · {snapshot.idle_reason}" if snapshot.idle_reason and not is_complete(snapshot) else ""
    leads_on = "" if moment.page else f" · {who.obstacle or key_to('take_over') + ' takes over'}"
    return [Notice("plain", f"in use by {by}{rests} · read only{leads_on}")]


def idle_hint(snapshot: Snapshot) -> str:
    """The keys that get it going again."""
    counts = snapshot.counts
    hints = (
        f" · {key_to('resume')} resumes" if counts.interrupted else "",
        f" · {key_to('retry')} retries the selected, {shown(PALETTE)} all failed" if counts.failed else "",
    )
    return "".join(hints)


def stopping_text(moment: Moment) -> str:
    """How far a stop has come, and what pressing again does."""
    stopping = sum(slot.stopping is not None for slot in moment.snapshot.slots)
    if not stopping:
        return "stopping…" if moment.snapshot.phase == "stopping" else ""
    again = f"{key_to('interrupt_all', 'app')} again kills now"
    return f"stopping {words.plural(stopping, 'run')}: {stop_text(moment)} · {again}"


def stop_text(moment: Moment) -> str:
    """The step whose deadline comes first, "" if nothing is being stopped."""
    stops = [slot.stopping for slot in moment.snapshot.slots if slot.stopping]
    return step_text(min(stops, key=lambda stop: stop.deadline), moment.monotonic) if stops else ""


def step_text(stop: StopProgress, monotonic: float) -> str:
    """`asked to stop at its next save(), SIGINT in 7 s`."""
    done = "asked to stop at the next save()" if stop.step == "asked" else f"{stop.step} sent"
    if not stop.next_step:
        return done
    return f"{done}, {stop.next_step} in {max(0, round(stop.deadline - monotonic))} s"


def hook_notices(moment: Moment) -> list[Notice]:
    """Where done() stands, if that is worth a line."""
    hook = moment.snapshot.done_hook.status
    told = hook_text(hook, lambda at: cells.moment(at, moment.now), words.duration, _shortened)
    its_log = f" · {key_to('done_log')} shows its log"
    match hook:
        case s.HookCutOff():
            return [Notice("alarm", f"{told} — press {key_to('rerun_done')} to run it again{its_log}")]
        case s.HookFailed():
            return [Notice("alarm", f"{told} · {key_to('rerun_done')} runs it again{its_log}")]
        case s.HookRunning(since=since):
            return [Notice("plain", f"{told}, {words.clock(moment.now - since)}{its_log}")]
        case s.HookDone():
            return [Notice("plain", f"{told}{its_log}")]
        case _:
            return []


def _shortened(message: str) -> str:
    return cells.fit(plain(message, LONGEST_WHY), LONGEST_WHY).rstrip()


def coming_text(snapshot: Snapshot, now: float) -> str:
    """Of how many workers there is no process yet, as no host has come that has room for them."""
    since = [slot.since for slot in snapshot.slots if slot.phase == "coming" and now - slot.since >= SLOW]
    if not since:
        return ""
    have = "has" if len(since) == 1 else "have"
    return f"{words.plural(len(since), 'worker')} {have} not come yet ({words.span(now - min(since))})"


def loading_text(snapshot: Snapshot, slots: list[Slot], now: float) -> str:
    """`loading sat.py (12 s)…`, which a module that hangs while it is imported shows for ever."""
    since = min(slot.since for slot in slots)
    return f"loading {snapshot.target.name or 'the module'} ({words.span(now - since)})…"

"""What has numbered logs: a run its attempts, done() its calls, the run module its imports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from textual.content import Content

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.status_style import HOOK_LOOKS
from pyalma_tui.model.words import numbered
from pyalma_tui.store.layout import done_log_path, load_log_dir, log_path
from pyalma_tui.tui import cells
from pyalma_tui.tui.look import COLOURS, GLYPHS
from pyalma_tui.tui.view_moment import Moment


@dataclass(frozen=True, slots=True)
class NumberedLog:
    """One log of a subject, and what its title says. `number` is 0, and `file` None, as long as there is none.

    `name` may be anybody's text; `each` is what there is one log of; `error` is how it failed; `end` is when it ended
    if that was at once.
    """

    file: Path | None
    number: int
    last: int
    each: str
    name: str
    more: str = ""
    error: s.Error | None = None
    end: float | None = None
    standing: Content = Content()  # noqa: RUF009 (it never changes)


AT_ONCE: Final = 1.0  # seconds: the times of what lasts longer are noted

Subject: TypeAlias = Callable[[Moment, int | None], NumberedLog]
"""Gives the log with a number, the newest without one."""


def of_run(run_id: int) -> Subject:
    """A run, one log for each attempt."""

    def log(moment: Moment, number: int | None) -> NumberedLog:
        run = moment.run(run_id)
        number = number or run.called
        return NumberedLog(
            file=log_path(moment.snapshot.state_dir, run.id, number) if number else None,
            number=number,
            last=run.called,
            each="attempt",
            name=moment.snapshot.instances[run.instance].label,
            more=f" · {numbered(run.iteration)}" if len(moment.snapshot.runs_of[run.instance]) > 1 else "",
            error=run.status.error if isinstance(run.status, s.Failed) and number == run.called else None,
            end=_end(run) if number == run.called else None,
            standing=_standing(s.word(run.status), s.word(run.status)),
        )

    return log


def of_done(moment: Moment, number: int | None) -> NumberedLog:
    """done(), one log for each call."""
    hook = moment.snapshot.done_hook
    number = number or hook.calls
    return NumberedLog(
        file=done_log_path(moment.snapshot.state_dir, number) if number else None,
        number=number,
        last=hook.calls,
        each="call",
        name="done()",
        error=hook.status.error if isinstance(hook.status, s.HookFailed) and number == hook.calls else None,
        end=hook.status.at if isinstance(hook.status, s.HookDone) and hook.status.duration < AT_ONCE else None,
        standing=_standing(HOOK_LOOKS[type(hook.status)], s.hook_word(hook.status)),
    )


def of_loading(files: Sequence[tuple[Path, float]]) -> Subject:
    """The run module, one log for each import that printed something: these files, with the times of their ends."""

    def log(moment: Moment, number: int | None) -> NumberedLog:
        number = number or len(files)
        file, at = files[number - 1]
        name = f"loading {moment.snapshot.target.name or 'the module'}"
        return NumberedLog(file, number, len(files), "load", name, f" · {cells.moment(at, moment.now)}")

    return log


def load_logs(state_dir: Path) -> list[tuple[Path, float]]:
    """What imports of the module have printed: each file that is not empty, with its time, oldest first."""
    try:
        found = [(path, path.lstat()) for path in load_log_dir(state_dir).iterdir()]
    except OSError:  # nothing was ever printed, or it was removed meanwhile
        return []
    return sorted(((path, stat.st_mtime) for path, stat in found if stat.st_size), key=lambda log: (log[1], log[0]))


def _end(run: Run) -> float | None:
    """When its last attempt ended, None if that went on for longer."""
    match run.status:
        case s.Done(at=at) | s.Failed(at=at) | s.Interrupted(at=at):
            return at if run.began is not None and at - run.began < AT_ONCE else None
        case _:
            return None


def _standing(look: s.Word, word: str) -> Content:
    return Content.styled(f"{GLYPHS[look]} {word}", COLOURS[look])

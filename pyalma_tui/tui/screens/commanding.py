"""The actions that ask the runner for something: each a few lines between a key and a command."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content

from pyalma_tui.model import status as s
from pyalma_tui.runner.commands import (
    Command,
    Forget,
    Interrupt,
    Limits,
    Next,
    Pause,
    RerunDone,
    Resume,
    Retry,
    SetLimits,
    SetWorkers,
)
from pyalma_tui.tui.questions import done_question, forget_question, retry_question, take_over_question
from pyalma_tui.tui.requests import Edit, Say, Send, TakeOver
from pyalma_tui.tui.screens import later
from pyalma_tui.tui.screens.opening import Opening
from pyalma_tui.tui.stakes import retry_many_question
from pyalma_tui.tui.targets import forgettable, standing


class Commanding(Opening):
    """A screen on which runs are chosen and something is done with them."""

    _workers_wanted: tuple[int, int] | None = None

    def send(self, command: Command) -> None:
        """Ask the runner, which says in a note what it does."""
        self.post_message(Send(command))

    def ask(self, title: str, text: Content, yes: str, then: Callable[[], None]) -> None:
        """Ask first; do it only after a yes."""

        def answered(answer: bool | None) -> None:
            if answer:
                then()

        self.app.push_screen(later.question(self.moment, title, text, yes), answered)

    def do_resume(self) -> None:
        """Interrupted and pending runs, or those of the marked instances."""
        chosen = self.chosen()
        if not chosen.marked:
            self.send(Resume())
            return
        runs = standing(self.snapshot, chosen.runs, s.Interrupted, s.Pending)
        self._for_these(runs, Resume(runs), "is interrupted")

    def do_retry(self) -> None:
        """The failed runs of the chosen instances."""
        runs = standing(self.snapshot, self.chosen().runs, s.Failed)
        if (question := retry_many_question(self.snapshot, runs)) is not None:
            self.ask("retry?", question, "Call them", lambda: self.send(Retry(runs)))
        else:
            self._for_these(runs, Retry(runs), "has failed")

    def do_retry_all(self) -> None:
        """Ask, then every failed run."""
        question = retry_question(self.snapshot)
        self.ask("retry all failed?", question, "Call them", lambda: self.send(Retry()))

    def do_interrupt_selected(self) -> None:
        """The running runs of the chosen instances."""
        runs = standing(self.snapshot, self.chosen().runs, s.Running)
        self._for_these(runs, Interrupt(runs), "is running")

    def _for_these(self, runs: tuple[int, ...], command: Command, condition: str) -> None:
        if runs:
            self.send(command)
        else:
            self.post_message(Say(f"none of the chosen runs {condition}"))

    def do_run_next(self) -> None:
        """Put the chosen runs before all others that wait."""
        runs = standing(self.snapshot, self.chosen().runs, s.Pending, s.Interrupted, s.Failed)
        self._for_these(runs, Next(runs), "waits to be run")

    def do_limits(self) -> None:
        """Ask for a timeout and retries."""

        def answered(limits: Limits | None) -> None:
            if limits is not None and limits != self.snapshot.limits:
                self.send(SetLimits(limits))

        self.app.push_screen(later.limits(self.moment), answered)

    def do_forget(self) -> None:
        """Ask, then reset what has something to forget."""
        chosen = self.chosen()
        runs = forgettable(self.snapshot, chosen.runs)
        if not runs:
            running = standing(self.snapshot, chosen.runs, s.Running)
            why = "it is running: interrupt it first (i)" if running else "there is nothing to forget"
            self.post_message(Say(why))
            return
        question = forget_question(self.snapshot, runs)
        self.ask("forget and run anew?", question, "Forget", lambda: self.send(Forget(runs)))

    def do_rerun_done(self) -> None:
        """Ask, then call done() again."""
        question = done_question(self.snapshot)
        self.ask("call done() again?", question, "Call it", lambda: self.send(RerunDone()))

    def do_take_over(self) -> None:
        """Ask, if another process still runs it; then go on here."""
        if self.snapshot.elsewhere is None:
            self._take_over()
            return
        question = take_over_question(self.snapshot, self.snapshot.elsewhere)
        self.ask("take over?", question, "Take over", self._take_over)

    def _take_over(self) -> None:
        self.post_message(TakeOver())

    def do_pause(self) -> None:
        """Pause, or go on."""
        self.send(Pause(not self.snapshot.paused))

    def do_more_workers(self) -> None:
        """One more."""
        self._set_workers(1)

    def do_fewer_workers(self) -> None:
        """One less, but one stays."""
        self._set_workers(-1)

    def _set_workers(self, by: int) -> None:
        """Count from what was asked for last: a held key is faster than the snapshots."""
        now = self.snapshot.workers
        wanted = now
        if self._workers_wanted and self._workers_wanted[0] == now:
            wanted = self._workers_wanted[1]
        wanted = max(1, wanted + by)
        self._workers_wanted = (now, wanted)
        self.send(SetWorkers(wanted))

    def do_edit_module(self) -> None:
        """The module in the user's editor."""
        self.post_message(Edit(self.snapshot.target))

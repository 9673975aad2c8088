"""The actions that ask the runner for something: each a few lines between a key and a command."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content

from pyalma_tui.model import status as s
from pyalma_tui.model import words
from pyalma_tui.runner.commands import (
    Calls,
    Command,
    Forget,
    Interrupt,
    Limits,
    Next,
    Pause,
    Remove,
    Renew,
    RerunDone,
    Resume,
    Retry,
    SetLimits,
    SetWorkers,
)
from pyalma_tui.tui.keys import key_to
from pyalma_tui.tui.questions import done_question, forget_question, remove_question, retry_question, take_over_question
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

    def call(self, command: Calls, title: str, question: Content | None = None, yes: str = "") -> None:
        """Ask the runner for what calls runs: first what is to be asked, and with which code if that was edited."""
        if edits := later.edits(self.snapshot):

            def chosen(now: bool | None) -> None:
                if now is not None:
                    self.send(Renew(command) if now else command)

            self.app.push_screen(later.which_code(self.moment, title, question, edits), chosen)
        elif question is not None:
            self.ask(title, question, yes, lambda: self.send(command))
        else:
            self.send(command)

    def do_resume(self) -> None:
        """Interrupted and pending runs, or those of the marked instances."""
        chosen = self.chosen()
        if not chosen.marked:
            self.call(Resume(), "resume?")
            return
        runs = standing(self.snapshot, chosen.runs, s.Interrupted, s.Pending)
        self._call_these(runs, Resume(runs), "is interrupted", "resume {}?")

    def do_retry(self) -> None:
        """The failed runs of the chosen instances."""
        runs = standing(self.snapshot, self.chosen().runs, s.Failed)
        if (question := retry_many_question(self.snapshot, runs)) is not None:
            self.call(Retry(runs), "retry?", question, "Call them")
        else:
            self._call_these(runs, Retry(runs), "has failed", "retry {}?")

    def do_retry_all(self) -> None:
        """Ask, then every failed run."""
        question = retry_question(self.snapshot)
        self.call(Retry(), "retry all failed?", question, "Call them")

    def do_interrupt_selected(self) -> None:
        """The running runs of the chosen instances."""
        runs = standing(self.snapshot, self.chosen().runs, s.Running)
        self._for_these(runs, Interrupt(runs), "is running")

    def _for_these(self, runs: tuple[int, ...], command: Command, condition: str) -> None:
        if runs:
            self.send(command)
        else:
            self.post_message(Say(f"none of the chosen runs {condition}"))

    def _call_these(self, runs: tuple[int, ...], command: Calls, condition: str, title: str) -> None:
        if runs:
            self.call(command, title.format(words.plural(len(runs), "run")))
        else:
            self.post_message(Say(f"none of the chosen runs {condition}"))

    def do_run_next(self) -> None:
        """Put the chosen runs before all others that wait."""
        runs = standing(self.snapshot, self.chosen().runs, s.Pending, s.Interrupted, s.Failed)
        self._call_these(runs, Next(runs), "waits to be run", "run {} next?")

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
            why = (
                f"it is running: interrupt it first ({key_to('interrupt_selected')})"
                if running
                else "there is nothing to forget"
            )
            self.post_message(Say(why))
            return
        question = forget_question(self.snapshot, runs)
        self.call(Forget(runs), "forget and run anew?", question, "Forget")

    def do_remove(self) -> None:
        """Ask, then take the chosen instances out, unless one of them runs."""
        runs = self.chosen().runs
        instances = tuple(dict.fromkeys(self.snapshot.runs[run - 1].instance for run in runs))
        every = tuple(run for instance in instances for run in self.snapshot.runs_of[instance])
        if standing(self.snapshot, every, s.Running):
            self.post_message(Say(f"one of them is running: interrupt it first ({key_to('interrupt_selected')})"))
        elif instances:
            question = remove_question(self.snapshot, instances, every)
            self.ask("remove?", question, "Remove", lambda: self.send(Remove(instances)))

    def do_rerun_done(self) -> None:
        """Ask, then call done() again."""
        question = done_question(self.snapshot)
        self.call(RerunDone(), "call done() again?", question, "Call it")

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

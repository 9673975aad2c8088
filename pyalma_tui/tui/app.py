"""The app: looks at the conductor's snapshot a few times a second, shows it, and sends what the user asks for."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on, work
from textual.app import SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from pyalma_tui import collecting
from pyalma_tui.model.printable import printable
from pyalma_tui.runner.commands import Command, Interrupt, Quit
from pyalma_tui.runner.snapshot import Conductor, Snapshot
from pyalma_tui.tui.attention import Attention
from pyalma_tui.tui.keys import bindings, key_to
from pyalma_tui.tui.literal import as_markup
from pyalma_tui.tui.preferences import Preferences
from pyalma_tui.tui.registry import deed, named, of
from pyalma_tui.tui.requests import FilterChanged, Perform, Prefer, Send, TakeOver
from pyalma_tui.tui.screens import later, rooms
from pyalma_tui.tui.screens.base import BaseScreen
from pyalma_tui.tui.screens.main import MainScreen
from pyalma_tui.tui.stakes import interrupt_question
from pyalma_tui.tui.terminal import is_job
from pyalma_tui.tui.undoing import Steps, UndoingApp
from pyalma_tui.tui.view_moment import Moment, is_another, is_busy, is_ending, is_live, is_stopping

if TYPE_CHECKING:
    from pyalma_tui.tui.screens.quitting import Way

BETWEEN: Final = 0.05  # seconds for keys
POLLS: Final = 8  # a second
BUSY_PHASES: Final = ("busy", "stopping")


class ExperimentApp(UndoingApp):
    """The screen of one experiment. It only reads `conductor.snapshot()` and only sends commands.

    `clock` gives seconds of the epoch, `monotonic` the time of the deadlines of a stop; tests freeze both. With
    `read_only` nothing is ever sent; `takes_over` tells that it was left to go on here. What is changed of the
    `preferences` goes into the file that they are `kept_in`, None for nowhere; a `mistake` in it stands above the
    list. `filtered` is the text by which that is filtered, from the start to the end. `shown` is called once, when the
    first list stands on the screen. What `detaches` can go on without this terminal; `detached` tells that it was left
    to. A `page` is in somebody's browser: leaving it ends nothing else.
    """

    TITLE = "pyalma-tui"
    CSS_PATH = "styles/app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide"), (180, "-broad")]  # noqa: RUF012 (as Textual declares it)
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (13, "-low"), (28, "-tall")]  # noqa: RUF012

    def __init__(
        self,
        conductor: Conductor,
        *,
        mouse: bool = True,
        theme: str | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        read_only: bool = False,
        preferences: Preferences | None = None,
        kept_in: Path | None = None,
        mistake: str = "",
        filtered: str = "",
        shown: Callable[[], None] = lambda: None,
        detaches: bool = False,
        page: bool = False,
    ) -> None:
        super().__init__(theme, preferences or Preferences(), kept_in, mistake)
        self.conductor = conductor
        self.mouse = mouse
        self.takes_over = False
        self.detaches = detaches
        self.detached = False
        self.filtered = filtered
        self.moment = Moment(read_only=read_only, page=page, mistake=mistake)
        self.quitting = False
        self._asking: BaseScreen[bool] | None = None
        self._leaving = False
        self._attention = Attention()
        self._clock, self._monotonic = clock, monotonic
        self._since = clock() if read_only or page else 0.0  # what a viewer did not miss is no news to it
        self._shown = shown

    def show(self) -> None:
        """Run it in this terminal until it is left."""
        self.run(mouse=self.mouse)

    def leave(self) -> None:
        """End at the next look; a signal's handler may ask for it at any time, also before the screen is made."""
        self._leaving = True

    @property
    def crash(self) -> Exception | None:
        """What ended the screen, if it was a defect of ours."""
        return self._exception

    def _fatal_error(self) -> None:
        """Close after a defect of ours: whoever shows us tells of `crash`, Textual would print the values of names."""
        self.bell()
        self._close_messages_no_wait()

    def get_default_screen(self) -> Screen[Any]:
        """The main screen is the bottom of the stack; it begins with what is known and with the room that there is."""
        self.moment = self._moment_of(self.conductor.snapshot())
        screen = MainScreen(self.moment, self.preferred, self.filtered)
        for extent, points in zip(self.size, (self.HORIZONTAL_BREAKPOINTS, self.VERTICAL_BREAKPOINTS), strict=True):
            screen.set_class(True, max(point for point in points if point[0] <= extent)[1], update=False)
        return screen

    def on_mount(self) -> None:
        """Begin to look."""
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))  # the shell has painted over it
        self.follow_terminal()
        self.set_interval(1 / POLLS, self.look)
        self.set_interval(1, self._entitle)

    def on_ready(self) -> None:
        """After the first painting."""
        self._notice(Snapshot(), self.moment.snapshot)
        self.look()
        self._shown()
        self._load_the_rest()

    @work
    async def _load_the_rest(self) -> None:
        """Import what nobody has seen yet, with time for a key in between; nothing that is there then is garbage."""
        for _ in chain(later.load(), rooms.load()):
            await asyncio.sleep(BETWEEN)
        collecting.resume()

    # Looking

    def look(self) -> None:
        """Show what changed since the last look; do next to nothing if nothing did."""
        if not self.is_running:  # it is closing, and its screens with it
            return
        if self._leaving:
            self.exit()
            return
        seen = self.moment
        moment = self._moment_of(snapshot := self.conductor.snapshot())
        if is_another(seen.snapshot, snapshot):
            self._leave_rooms()
        screens = self._screens
        same = snapshot is seen.snapshot and moment.now == seen.now and moment.monotonic == seen.monotonic
        if not same or any(screen.pending for screen in screens):
            self.moment = moment
            self._notice(seen.snapshot, snapshot)
            for screen in screens:
                screen.show(self.moment)
        screens[-1].poll()
        if snapshot.phase == "closed" and (self.quitting or not snapshot.failure):
            self.exit()

    def _leave_rooms(self) -> None:
        """Back to the list: what each room and box is about is not there any more."""
        self._asking = None
        self.steps = Steps()
        self.say("the experiment was begun anew: back to the list", timeout=10)
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if isinstance(self.screen, MainScreen):
            self.screen.begin_anew()

    def _moment_of(self, snapshot: Snapshot) -> Moment:
        live = is_live(snapshot)
        now = float(math.floor(self._clock())) if live else snapshot.at
        stopping = any(slot.stopping for slot in snapshot.slots)
        monotonic = float(math.floor(self._monotonic())) if stopping else 0.0
        return replace(self.moment, snapshot=snapshot, now=now, monotonic=monotonic)

    @property
    def _screens(self) -> list[BaseScreen[Any]]:
        """Our screens, the one on top last.

        Textual has others on the same stack, such as its palette: they know no moment, and their class tells that.
        """
        return [screen for screen in self.screen_stack if isinstance(screen, BaseScreen)]

    @property
    def page(self) -> BaseScreen[Any]:
        """The screen that actions are about: the one on top, below all boxes."""
        return next(screen for screen in reversed(self._screens) if not screen.is_modal)

    def _entitle(self) -> None:
        """Tell the terminal how far it is."""
        self._attention.entitle(self._driver, self.moment.snapshot)

    def _notice(self, before: Snapshot, after: Snapshot) -> None:
        """Say what has just become known, and ring if the end came while nobody looked."""
        if before.serial == 0 and not before.title:
            self.title = printable(after.title)
        last = before.notes[-1] if before.notes else None
        news = [note for note in takewhile(lambda note: note != last, reversed(after.notes)) if note.at >= self._since]
        if news:
            several = f"{len(news)} notes, {key_to('notes')} shows all · " if len(news) > 1 else ""
            self.say(several + news[0].text, timeout=5 if before.title else 10)
        ended = before.phase in BUSY_PHASES and after.phase == "idle"
        if ended and not self.app_focus:
            self.bell()
            self._attention.call(self._driver, self.moment.snapshot)

    def on_app_focus(self) -> None:
        """Somebody looks."""
        self._attention.paid()

    # Doing

    def action_perform(self, action_id: str) -> None:
        """What every binding leads to."""
        self.perform(action_id)

    def perform(self, action_id: str) -> None:
        """Do an action of the screen or of the app, or say why it is not possible now."""
        page = self.page
        refused = named(action_id, page.scope).refused(page.situation())
        if refused and not self.quitting:
            self.say(refused, timeout=3)
            return
        for host in (*reversed(self._screens), self):  # a box over the list leaves to it what it does not do
            if do := deed(host, action_id):
                do()
                return

    @on(Perform)
    def _perform(self, asked: Perform) -> None:
        self.perform(asked.action)

    @on(Send)
    def _send(self, asked: Send) -> None:
        self.send(asked.command)

    def send(self, command: Command) -> None:
        """Ask the runner for something."""
        if not self.moment.read_only:
            self.steps.sent(command)
            self.conductor.send(command)

    def do_interrupt_all(self) -> None:
        """Stop what runs; again: now. The notice board tells how far that is. With much at stake it is asked first."""
        if self._asking is not None:
            self._asking.dismiss(True)
        elif self.quitting or is_stopping(self.moment.snapshot):
            self.send(Quit() if self.quitting else Interrupt())
        else:
            self._ask_where_much_is_at_stake("interrupt?", lambda: self.send(Interrupt()))

    def _ask_where_much_is_at_stake(self, title: str, then: Callable[[], None]) -> None:
        question = interrupt_question(self.moment, self._clock())
        if question is None:
            then()
        if question is None or self._asking is not None:
            return

        def answered(answer: bool | None) -> None:
            self._asking = None
            if answer:
                then()

        self._asking = later.question(self.moment, title, question, "Interrupt")
        self.push_screen(self._asking, answered)

    async def action_quit(self) -> None:
        """Textual's own way to quit, from its palette."""
        self.perform("quit")

    def do_quit(self) -> None:
        """Leave: at once if nothing is busy, else ask how; while that is waited for, the hard way."""
        snapshot = self.moment.snapshot
        if self.moment.read_only or self.moment.page or snapshot.failure or snapshot.phase == "closed":
            self.exit()
            return
        if self.quitting or not is_busy(snapshot) or is_ending(snapshot):
            self._quit("interrupt")
        elif self._screens[-1].scope != "quitting":  # ctrl+q reaches us from every box
            self.push_screen(later.quitting(self.moment, detaches=self.detaches), self._quit)

    def _quit(self, way: Way | None) -> None:
        """Leave in the way that was chosen."""
        if way == "detach":
            self.detached = True
            self.exit()
        elif way == "interrupt":
            first, self.quitting = not self.quitting, True
            self.send(Quit())
            if first and is_busy(self.moment.snapshot):
                self.push_screen(later.leaving(self.moment))

    @on(Prefer)
    def _prefer(self, asked: Prefer) -> None:
        self.keep(**asked.changes)

    @on(FilterChanged)
    def _keep_filter(self, told: FilterChanged) -> None:
        self.filtered = told.text

    @on(TakeOver)
    def _take_over(self) -> None:
        self.takes_over = True
        self.exit()

    def do_help(self) -> None:
        """All keys, first those of where one is."""
        self.push_screen(later.help_box(self.moment, self.page.scope))

    def do_jump(self) -> None:
        """A letter on each pane, which leads to it."""
        panes = self.page.focus_chain
        if len(panes) < 2:
            self.say("there is one pane here")
        elif self.screen is self.page:
            self.push_screen(rooms.jumping(self.moment, panes), lambda pane: pane and pane.focus())

    def do_theme(self) -> None:
        """Textual's picker, which previews them; what is picked is kept."""
        self.keep_theme()
        self.action_change_theme()

    def do_search_logs(self) -> None:
        """What stands where in all logs."""
        self.push_screen(rooms.search_logs(self.moment))

    def do_suspend(self) -> None:
        """To the shell, as other programs do."""
        if is_job():
            self.action_suspend_process()
        else:
            self.say(f"there is no shell to go to: it was started without one · {key_to('quit')} leaves")

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette: what is possible now, from the registry."""
        page = self.page
        situation = page.situation()
        for action in (*of("app"), *of(page.scope)):
            if not action.refused(situation):
                yield SystemCommand(action.label, as_markup(action.help), lambda done=action.id: self.perform(done))
        for title, told, callback, *_ in page.offers():
            yield SystemCommand(as_markup(title), as_markup(told), callback)

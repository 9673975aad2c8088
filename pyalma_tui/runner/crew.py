"""The agent that this session has, the code that it has loaded, and what each of its workers writes: segment, logs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from msgspec.structs import replace

from pyalma_tui.errors import PyalmaError
from pyalma_tui.loading.local_code import code_root
from pyalma_tui.model import messages as m
from pyalma_tui.model.afar import Told
from pyalma_tui.model.experiment import has_ended
from pyalma_tui.model.records import Record
from pyalma_tui.model.shortage import is_shortage
from pyalma_tui.model.status import Error
from pyalma_tui.model.taking import job_signals
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.bounds import Bound
from pyalma_tui.runner.elsewhere import elsewhere
from pyalma_tui.runner.instructions import Instruction
from pyalma_tui.runner.module_watch import ModuleWatch
from pyalma_tui.runner.printed import said_in
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.runner.stamping import Stamps
from pyalma_tui.runner.workers.generations import Generations
from pyalma_tui.runner.workers.local import LocalAgent
from pyalma_tui.runner.workers.protocol import Agent, AgentEvent, Assignment, NotRenewed, Said, Service, Taken
from pyalma_tui.store.disk import make_folder, open_regular
from pyalma_tui.store.kept_code import KeptCode
from pyalma_tui.store.layout import agent_log_name, done_log_path, load_log_dir, load_log_name, log_of


class Crew:
    """Owned by the runner thread: carries out what is to be done with the agent and its workers."""

    def __init__(self, settings: Settings, session: Session, first: Agent) -> None:
        self._settings = settings
        self._session = session
        self.agent = elsewhere(settings, session, first) if settings.on else first
        self._followed: set[int] = set()  # workers whose segments are there to be read
        self._logs: dict[int, Bound] = {}  # by worker: what its run or done() prints now
        self._ahead: dict[int, m.RunOrder] = {}  # by worker: what lies ready for it
        self._load_logs: dict[int, Path] = {}
        self._agent_log: Path | None = None  # None for that of the first agent, which has loaded the module
        self._edited = ModuleWatch(code_root(settings.module), session.loaded)
        self._agents = 1
        self._next_log: Path | None = None  # of the one that imports the module as it is now
        self._ended = False  # whether the agent has
        self._serve()

    def _serve(self) -> None:
        session = self._session
        synced = self._settings.sync == "fsync"
        nice, seeds = self._settings.nice, self._settings.seed_globals
        self.agent.serve(Service(str(session.state_dir), session.lock_fd, synced, session.umask, nice, seeds))

    def start_agent(self) -> i.NoAgent | None:
        """Start another agent, with the code of the session; why none can be."""
        if self._settings.on:
            return self._start_places()
        try:
            self.agent, self._agent_log = self._agent(self._session.code)
        except OSError as error:
            return i.NoAgent(error.strerror or str(error), is_shortage(error))
        self._ended = False
        self._serve()
        return None

    def _agent(self, kept: KeptCode | None) -> tuple[LocalAgent, Path]:
        """Another agent, which imports this code, None for what is on the disk; and its log. Raises OSError."""
        settings = self._settings
        self._agents += 1
        mark = f"{self._session.meta.session}-{self._agents}-{os.getpid()}-{time.monotonic_ns()}"
        path, log = self._load_log()
        with log:
            agent = LocalAgent(
                settings.module,
                log,
                mark,
                settings.chosen,
                kept.path if kept is not None else None,
                kept.manifest if kept is not None else "",
                each=settings.each,
                foreground=settings.foreground,
                folder=settings.folder,
                heeds=() if settings.foreground else job_signals(os.environ),
            )
        return agent, path

    # --- another code ------------------------------------------------------------------------------------------------

    def renew(self) -> NotRenewed | None:
        """Let another agent import the module as it is now, beside the one there is; why none can."""
        self._edited.take_as_told()
        try:
            agent, self._next_log = self._agent(None)
        except OSError as error:
            return NotRenewed(Error(f"no process can be started for it: {error.strerror or error}"))
        if not isinstance(self.agent, Generations):
            self.agent = Generations(None if self._ended else self.agent, self._load_logs)
        self.agent.bring_up(agent)
        return None

    def give_up(self) -> None:
        """Nobody wants the code as it is now any more."""
        if isinstance(self.agent, Generations):
            self.agent.give_up()

    def adopt(self, loaded: m.Loaded) -> bool:
        """Let it serve from now on, with its code as that of the session; False if it is not wanted any more."""
        if not isinstance(self.agent, Generations) or not self.agent.adopt():
            return False
        self._ended = False
        self._agent_log = self._next_log
        self._session.renew(loaded)
        self._edited = ModuleWatch(code_root(self._settings.module), self._session.loaded)
        self._serve()
        return True

    @property
    def brings_up(self) -> bool:
        """Whether another agent is importing the module as it is now."""
        return isinstance(self.agent, Generations) and self.agent.has_next

    @property
    def is_heard(self) -> bool:
        """Whether anything may come of the agent, or of the next one."""
        return not self._ended or self.brings_up

    def _start_places(self) -> i.NoAgent | None:
        try:
            self.agent = elsewhere(self._settings, self._session, self.agent)
        except PyalmaError as error:
            return i.NoAgent(str(error), later=False)
        self._serve()
        return None

    def receive(self) -> Iterator[AgentEvent]:
        """What has happened to the agent and its workers, with what was printed by an import that has failed."""
        for event in self.agent.receive():
            match event:
                case m.LoadFailed():
                    yield _with_last_line(event, self._agent_log)
                case NotRenewed(error):
                    yield NotRenewed(_told_with(error, self._next_log))
                case Said(worker, m.LoadFailed() as failed):
                    yield Said(worker, _with_last_line(failed, self._load_logs.get(worker)))
                case _:
                    yield event

    def carry_out(self, instruction: Instruction) -> None:
        """Do what else concerns the agent."""
        match instruction:
            case i.Give(worker, order):
                self._follow_log(worker, order)
                self.agent.order(worker, order)
            case i.Ask(worker, request):
                self.agent.ask(worker, request)
            case i.SendSignal(worker, signal, group):
                self.agent.signal(worker, signal, group=group)
            case i.EndAgent(kill):
                if kill:
                    self.agent.kill()
                else:
                    self.agent.end()

    def give_ahead(self, worker: int, order: m.RunOrder) -> bool:
        """Lay an order ready; whether it could be."""
        if not self.agent.order_ahead(worker, order):
            return False
        self._ahead[worker] = order
        return True

    def recall(self, worker: int, run: int) -> bool:
        """Take back the order that lies ready; whether it has come back, so that the worker never has it."""
        order = self._ahead.get(worker)
        if order is None or order.run != run or not self.agent.recall(worker):
            return False
        del self._ahead[worker]
        return True

    def start_worker(self, worker: int, slot: int, workers: int) -> m.NotBorn | None:
        """Start a worker, one of so many that there are to be; why none can be."""
        session = self._session
        folder = load_log_dir(session.state_dir)
        log = self._load_logs[worker] = folder / load_log_name(session.meta.session, worker)
        journal = session.journal
        if self.agent.tells:
            journal.listen(_writer(worker))
        assignment = Assignment(
            slot=slot,
            segment=journal.name_for(_writer(worker)),
            segment_limit=journal.segment_limit(_writer(worker), workers),
            log=str(log),
        )
        try:
            self.agent.start(worker, assignment)
        except OSError as error:
            return m.NotBorn(worker, error.strerror or str(error), is_shortage(error))
        return None

    def _follow_log(self, worker: int, order: m.Order) -> None:
        """Keep the log bounded that a worker writes from this order on."""
        self._settle(worker)
        match order:
            case m.RunOrder(run=run, attempt=attempt):
                self._logs[worker] = self._bound(f"{self._session.state_dir}/{log_of(run, attempt)}")
            case m.DoneOrder(call):
                self._logs[worker] = self._bound(done_log_path(self._session.state_dir, call))
            case m.Exit():
                self._logs[worker] = Bound(self._load_logs[worker], new=False)

    def _bound(self, log: Path | str) -> Bound:
        return Bound(log, Stamps(log, self._session.umask))

    def _settle(self, worker: int) -> None:
        if (log := self._logs.pop(worker, None)) is not None:
            log.settle()

    def look_at_logs(self) -> None:
        """Keep logs bounded that are being written."""
        for log in self._logs.values():
            log.look()

    def look_at_files(self) -> list[str]:
        """What there is to tell of edits of the module and of files of ours that others have removed or damaged.

        Workers whose segments these are go on in new ones. Raises InUseError if another process has taken our place.
        """
        mended = self._session.mend()
        for worker in self._load_logs:  # all that there are
            if _writer(worker) in mended.writers:
                self.agent.ask(worker, m.NewSegment())
        edits = [] if self.brings_up else self._edited.news()  # else: they are being taken up
        return [*edits, *mended.notes]

    # --- what workers have written -----------------------------------------------------------------------------------

    def told(self, told: Told) -> Iterator[Record]:
        """What a worker on another host has written."""
        yield from self._session.journal.take(_writer(told.worker), told.segment, told.position, told.lines)

    def last_words(self, event: Said | m.Gone | Taken) -> Iterator[Record]:
        """What a worker has written before this happened."""
        worker, journal = event.worker, self._session.journal
        if not isinstance(event, Said):
            yield from self._part_from(worker)
            return
        match event.reply:
            case m.Ended(run, attempt) if worker in self._followed:
                self._settle(worker)
                if (order := self._ahead.pop(worker, None)) is not None:
                    self._follow_log(worker, order)
                yield from journal.read(_writer(worker), rotated=False)
                if has_ended(self._session.ledger.run(run), attempt):  # so nothing of it is in the next segment
                    return
            case m.Serving() if not self.agent.tells:
                journal.follow(_writer(worker))
                self._followed.add(worker)
            case m.DoneEnded():
                self._settle(worker)
        if worker in self._followed:
            yield from journal.read(_writer(worker))

    def _part_from(self, worker: int) -> Iterator[Record]:
        self._settle(worker)
        self._ahead.pop(worker, None)
        _remove_empty(self._load_logs.pop(worker, None))
        self._followed.discard(worker)
        yield from self._session.journal.end(_writer(worker))

    def close(self) -> Iterator[Record]:
        """The agent has ended, and with it all workers: their last words."""
        for worker in list(self._load_logs):
            yield from self._part_from(worker)
        with suppress(OSError):  # it has logs, or is not there
            load_log_dir(self._session.state_dir).rmdir()
        self._ended = True
        self.agent.close()

    def _load_log(self) -> tuple[Path, IO[bytes]]:
        session = self._session
        folder = load_log_dir(session.state_dir)
        path = folder / agent_log_name(session.meta.session, self._agents)
        try:
            make_folder(folder, session.umask)
            return path, os.fdopen(open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, session.umask), "ab")
        except OSError:  # a log is no reason to stop
            return path, open(os.devnull, "ab")


def _writer(worker: int) -> str:
    """What the segments of a worker are called by."""
    return f"w{worker:04d}"


def _with_last_line(failed: m.LoadFailed, log: Path | None) -> m.LoadFailed:
    return m.LoadFailed(_told_with(failed.error, log))


def _told_with(error: Error, log: Path | None) -> Error:
    return error if log is None else replace(error, message=said_in(error.message, log))


def _remove_empty(log: Path | None) -> None:
    with suppress(OSError):  # it was never there, or was removed
        if log is not None and log.stat().st_size == 0:
            log.unlink()

"""What a place does: carries orders to the agent beside it and back what comes of them, and ends when it must."""

from __future__ import annotations

import os
import selectors
import signal
import socket
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

from pyalma_tui.model import afar, taking
from pyalma_tui.model import messages as m
from pyalma_tui.place.following import Following
from pyalma_tui.place.here import here
from pyalma_tui.place.lease import Lease
from pyalma_tui.place.printing import Printing
from pyalma_tui.place.stdio import StdioChannel
from pyalma_tui.place.trying import tried
from pyalma_tui.runner.workers.local import LocalAgent
from pyalma_tui.runner.workers.protocol import (
    AgentEvent,
    AgentGone,
    Assignment,
    NotRenewed,
    Remarked,
    Renewed,
    Said,
    Service,
    Taken,
    Unheard,
)
from pyalma_tui.store.disk import open_regular
from pyalma_tui.store.leases import now, read_lease

LOOK = 0.05  # seconds between two looks at what workers append
BELIEVES = 5  # part of a lease for which a place waits until it sees what the runner has written
ASKS = 6  # times in a lease that its renewal is asked for
TAKEN = (*taking.SIGNALS, signal.SIGXCPU)  # by which engines take a place away
UNHEARD = "the runner was not heard of in time"
CUT = "the line to the runner was cut"
UNWRITABLE = "the state directory cannot be written there"


class Hired:
    """A worker of ours: its first segment, and the attempt that it calls."""

    def __init__(self, segment: str) -> None:
        self.segment = segment
        self.active: tuple[int, int] | None = None
        self.serves = False


class Relay:
    """Owned by the main thread, with which the kernel ends the agent."""

    def __init__(self, line: StdioChannel, hello: afar.Hello) -> None:
        self._line = line
        self._state_dir = Path(hello.state_dir)
        self._lacks = ""
        self._patience = hello.lease / BELIEVES
        self._lease: Lease | None = None
        try:
            self._lease = Lease(hello.lease)
        except OSError as error:
            self._lacks = error.strerror or str(error)
        self._asked = float("-inf")
        self._agent: LocalAgent | None = None
        self._following: Following | None = None
        self._printing: Printing | None = None
        self._hired: dict[int, Hired] = {}
        self._taken = ""  # the signal that has come
        self._going = ""  # why we are to go
        self._over = False
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()

    def main(self) -> None:
        """Do what the runner says until there is no more to do, or somebody takes the place away."""
        for sock in (self._wake, self._woken):
            sock.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        for number in TAKEN:
            signal.signal(number, self._on_taken)
        for number in (signal.SIGINT, signal.SIGHUP):  # a terminal's are the runner's to handle
            signal.signal(number, signal.SIG_IGN)
        self._selector.register(self._line, selectors.EVENT_READ, self._take)
        self._selector.register(self._woken, selectors.EVENT_READ, lambda: self._woken.recv(4096))
        self._line.put(here(self._state_dir, self._lacks, self._patience))
        while self._goes_on():
            for key, _ in self._selector.select(self._pause()):
                key.data()

    def _goes_on(self) -> bool:
        """Look at what there is to say, and say it; whether there is more to do, or to say."""
        self._look()
        self._line.flush()
        self._line.watch(self._selector)
        return self._line.waits or not self._over

    def _on_taken(self, number: int, frame: FrameType | None) -> None:
        self._taken = signal.Signals(number).name

    def _pause(self) -> float:
        renewal = self._asked + self._interval - now()
        return max(0.0, min(renewal, LOOK if self._hired else renewal))

    @property
    def _interval(self) -> float:
        return self._lease.seconds / ASKS if self._lease is not None else 60.0

    # --- the runner --------------------------------------------------------------------------------------------------

    def _take(self) -> None:
        for message in self._line.receive():
            self._carry_out(message)
        if self._line.closed:
            self._selector.unregister(self._line)

    def _carry_out(self, message: afar.ToPlace) -> None:
        agent = self._agent
        match message:
            case afar.Granted(stamp):
                if self._lease is not None:
                    self._lease.renew(stamp)
            case afar.LoadModule():
                self._load(message)
            case m.End():
                self._end()
            case afar.Kill():
                if agent is None:
                    self._bye("")
                else:
                    agent.kill()
            case afar.Hire(worker):
                self._hire(worker, message)
            case afar.Try(seconds):
                self._line.put(tried(self._state_dir, seconds))
            case _ if agent is None:
                return
            case afar.Give(worker, order):
                self._give(agent, worker, order)
            case m.Ask(worker, request):
                agent.ask(worker, request)
            case m.Signal(worker, number, group):
                agent.signal(worker, signal.Signals(number), group=group)
            case m.Measure():
                agent.measure()

    def _load(self, load: afar.LoadModule) -> None:
        if self._going or self._agent is not None:
            return
        self._following = Following(Path(load.state_dir), grouped=load.grouped)
        self._printing = Printing(Path(load.state_dir))
        folder = Path(load.folder)
        try:
            with os.fdopen(open_regular(load.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, load.umask), "ab") as log:
                agent = self._agent = LocalAgent(
                    Path(load.module),
                    log,
                    load.mark,
                    load.chosen,
                    Path(load.code),
                    load.manifest,
                    each=load.each,
                    folder=folder if folder.is_dir() else None,
                    heeds=taking.SIGNALS,
                    lease=self._lease.over if self._lease is not None else None,
                )
        except OSError as error:
            self._bye(f"its agent could not be started: {error.filename or ''} {error.strerror}")
            return
        nobody = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)  # the lock itself is the runner's host's
        agent.serve(Service(load.state_dir, nobody, load.synced, load.umask, load.nice, load.seed_globals))
        self._selector.register(agent, selectors.EVENT_READ, self._hear)

    def _hire(self, worker: int, order: afar.Hire) -> None:
        if self._agent is None or self._going:
            self._line.put(m.Gone(worker, 0))
            return
        self._hired[worker] = Hired(order.segment)
        try:
            self._agent.start(worker, Assignment(order.slot, order.segment, order.segment_limit, order.log))
        except OSError as error:
            del self._hired[worker]
            self._line.put(m.NotBorn(worker, error.strerror or str(error), later=True))

    def _give(self, agent: LocalAgent, worker: int, order: m.Order) -> None:
        if (hired := self._hired.get(worker)) is None:
            return
        if not isinstance(order, m.Exit):
            if self._going:  # it was told to end, and never begins this
                return
            hired.active = (order.run, order.attempt) if isinstance(order, m.RunOrder) else (0, order.call)
            if isinstance(order, m.RunOrder) and self._printing is not None:
                self._printing.begin(worker, order.run, order.attempt)
        agent.order(worker, order)

    def _end(self) -> None:
        if self._agent is None:
            self._bye("")
        elif self._agent.loaded is None:  # it imports, which may take long, and nothing is lost with it
            self._agent.kill()
        else:
            self._agent.end()

    # --- the agent ---------------------------------------------------------------------------------------------------

    def _hear(self) -> None:
        assert self._agent is not None, "it is listened to"
        for event in self._agent.receive():
            self._pass_on(event)

    def _pass_on(self, event: AgentEvent) -> None:
        """What workers have appended is told before what they say of it."""
        match event:
            case Said(worker, reply):
                self._take_reply(worker, reply)
                self._line.put(afar.Answered(worker, reply))
            case m.Gone(worker) | m.NotBorn(worker):
                self._part_from(worker)
                if worker not in self._untold:
                    self._line.put(event)
                if self._going and not self._hired:
                    self._end()
            case AgentGone(why):
                assert self._agent is not None, "it was there"
                self._selector.unregister(self._agent)
                for worker in list(self._hired):
                    self._part_from(worker)
                self._agent.close()
                self._bye(why)
            case Taken() | Unheard() | afar.Told() | afar.NotSynced() | Remarked() | Renewed() | NotRenewed():
                raise AssertionError("an agent of this host says no such thing")
            case _:
                self._line.put(event)

    def _take_reply(self, worker: int, reply: m.Reply) -> None:
        hired, following = self._hired.get(worker), self._following
        if hired is None or following is None:
            return
        if _is_refused_here(reply):
            self._go(UNWRITABLE)
        if isinstance(reply, m.LoadFailed):
            self._look_for_folder()
        match reply:
            case m.Serving():
                hired.serves = True
                self._begin(following, worker, hired)
            case m.Ended() | m.DoneEnded():
                hired.active = None
                if self._printing is not None:
                    self._printing.end(worker)
                if self._going:
                    self._dismiss(worker, hired)
        self._tell(following.tell(worker))

    def _begin(self, following: Following, worker: int, hired: Hired) -> None:
        try:
            following.begin(worker, hired.segment)
        except OSError as error:
            self._go(_unreadable(error))

    def _part_from(self, worker: int) -> None:
        if self._printing is not None:
            self._printing.end(worker)
        if self._hired.pop(worker, None) is not None and self._following is not None:
            self._tell(self._following.end(worker))
            self._look_for_folder()

    def _look_for_folder(self) -> None:
        """Where the shared directory is gone, nobody but this host is to blame for how a worker ends."""
        try:
            read_lease(self._state_dir)
        except OSError as error:
            self._go(_unreadable(error))
        except ValueError:  # it is being written
            return

    def _tell(self, told: Iterable[afar.Told | afar.NotSynced]) -> None:
        """What cannot be read here the runner reads on its own host, once that knows of it for sure: see `_bye`."""
        try:
            for each in told:
                self._line.put(each)
        except OSError as error:
            self._go(_unreadable(error))

    @property
    def _untold(self) -> set[int]:
        return self._following.untold if self._following is not None else set()

    def _bye(self, why: str) -> None:
        """Take leave; where not all was told, without a word, as a place that is lost.

        The runner's host may know of what was written here only when it has asked its file system again. Until the
        lease is over it has.
        """
        self._over = True
        if not self._untold:
            self._line.put(afar.Bye(why))

    # --- time, and those who take the place away ---------------------------------------------------------------------

    def _look(self) -> None:
        if (moment := now()) - self._asked >= self._interval:
            self._asked = moment
            self._line.put(afar.RenewLease(moment))
        if self._over:
            return
        if self._following is not None and not self._line.waits:  # later, as what is newest then counts
            self._tell(self._following.tell_all())
        late = self._lease is not None and self._lease.left < self._lease.seconds / 3
        why = self._taken or CUT * self._line.closed or UNHEARD * late
        if why:
            self._go(why)

    def _go(self, why: str) -> None:
        """Let what runs stop at its next save, and everybody else end; that is said once."""
        if self._going:
            return
        self._going = why
        self._line.put(afar.Going(why))
        for worker, hired in self._hired.items():
            if hired.active is None:
                self._dismiss(worker, hired)
            elif self._agent is not None:
                self._agent.ask(worker, m.InterruptAttempt(*hired.active))
        if not self._hired:
            self._end()

    def _dismiss(self, worker: int, hired: Hired) -> None:
        assert self._agent is not None, "it has workers"
        self._agent.order(worker, m.Exit())
        if not hired.serves:  # it may be importing, which may take long, and nothing is lost with it
            self._agent.signal(worker, signal.SIGINT)


def _is_refused_here(reply: m.Reply) -> bool:
    """Whether the files of this host did not take something; where they are full they are so for all hosts."""
    match reply:
        case m.Ended(refused=m.Refused(room=False, own=False)) | m.ServeFailed(room=False):
            return True
        case _:
            return False


def _unreadable(error: OSError) -> str:
    return f"the state directory cannot be read there: {error.strerror}"

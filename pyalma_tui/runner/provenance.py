"""What a start records of itself, and what has changed since earlier ones: in a thread, so that nobody waits for it.

The first painting and the first run come before it; what there is to tell is told when it is known.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from shlex import quote

from msgspec.structs import replace

from pyalma_tui import __version__
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.vector import Frozen
from pyalma_tui.runner import circumstances
from pyalma_tui.runner.inspecting import Inspecting
from pyalma_tui.runner.outdated import look_at_inputs, told_of_code, told_of_inputs, with_older_code
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.store.background import begun
from pyalma_tui.store.inputs import read_inputs, write_inputs
from pyalma_tui.store.session_records import Renewal, SessionRecord, read_record, write_record

SHARE = 20  # files are looked at a twentieth of the time: runs and the screen have the rest
MANY = 2_000  # runs or instances from which on what is recorded takes its time, and so does the first painting
PAUSE, LONG_PAUSE = 0.2, 1.0  # seconds that the screen gets to be painted first
TOGETHER = 500  # files looked at without a pause
LOOK = 2.0  # seconds between two looks at what has begun: who edits a file in that time does it unseen
PATIENCE = 1.5  # seconds that the end of a session waits for what is not recorded yet


class Provenance:
    """Begun and ended by the runner's thread; what it finds is told through `tell`, from a thread of its own.

    Of the experiment it sees what was frozen when it began.
    """

    def __init__(
        self,
        settings: Settings,
        session: Session,
        installed: Sequence[str],
        now: Callable[[], Frozen[Run]],
        tell: Callable[[str], None],
    ):
        """`installed` are the packages that the import has imported from where they are installed.

        `now` are the runs as they are, for any thread.
        """
        self._settings = settings
        self._state_dir = session.state_dir
        self._umask = session.umask
        self._loaded = session.loaded
        self._place = session.place
        self._meta = session.meta
        self._ledger = session.ledger.instances, session.ledger.runs.freeze(), session.ledger.runs_of
        self._installed = frozenset(installed)
        self._record: SessionRecord | None = None  # as it was written
        self._writing = threading.Lock()  # of that
        self._git: circumstances.Asked | None = None
        self._now = now
        self._tell = tell
        self._began = time.time()
        self._ending = threading.Event()
        self._deadline = float("inf")  # time.monotonic
        self._threads: list[threading.Thread] = []
        self._renewals: tuple[Renewal, ...] = ()

    def begin(self) -> None:
        """Begin; where no thread can be started nothing is recorded, which is no reason not to run."""
        self._begin(self._main)

    def imported(self, installed: Iterable[str]) -> None:
        """Hear what runs have imported from where packages are installed: it is recorded unless it was before."""
        if not self._installed.issuperset(installed):
            self._installed |= frozenset(installed)
            self._begin(self._record_anew)

    def renewed(self, session: Session) -> None:
        """Workers have another code from now on: record that, and tell which runs used older code."""
        self._renewals = (*self._renewals, Renewal(time.time(), session.loaded.identity, session.loaded.files))
        runs = session.ledger.runs.freeze()
        self._begin(lambda: self._main_again(runs))

    def end(self, runs: Frozen[Run]) -> None:
        """Wait for what is not recorded yet, under a deadline, and leave out what only saves time later.

        `runs` are as the session leaves them.
        """
        self._now = lambda: runs
        self._deadline = time.monotonic() + PATIENCE * 0.8
        self._ending.set()
        for thread in self._threads:
            thread.join(max(0.0, self._deadline + PATIENCE * 0.2 - time.monotonic()))
        if self._git is not None:  # of a large repository, say
            self._git.kill()

    def _begin(self, main: Callable[[], None]) -> None:
        if (thread := begun("pyalma-tui-provenance", main)) is not None:
            self._threads.append(thread)

    def _hold(self, git: circumstances.Asked) -> None:
        self._git = git

    def _main(self) -> None:
        instances, runs, runs_of = self._ledger
        self._ending.wait(LONG_PAUSE if max(len(runs), len(instances)) > MANY else PAUSE)
        try:
            self._look_at_code(runs)
            self._look_at_place()
            record = self._recorded()
            with self._writing:
                self._write(self._with_versions(record))
            for git in circumstances.repository(self._settings.module.parent, self._hold):
                if time.monotonic() < self._deadline:
                    with self._writing:
                        self._write(replace(self._record or record, git=git))
            inspecting = Inspecting(self._state_dir, self._umask, instances, runs, runs_of)
            self._look_at_inputs(inspecting)
            self._inspect(inspecting)
        except OSError as error:  # as on a full disk: the experiment is none the worse
            self._tell_of(error)

    def _main_again(self, runs: Frozen[Run]) -> None:
        try:
            self._look_at_code(runs)
        except OSError as error:
            self._tell_of(error)
        self._record_anew()

    def _tell_of(self, error: OSError) -> None:
        where = error.filename or self._state_dir
        self._tell(f"where this session's results come from could not be recorded: {where}: {error.strerror}")

    @property
    def _forgets(self) -> str:
        return f"pyalma-tui reset {quote(os.path.relpath(self._settings.target))} --changed"

    # --- code --------------------------------------------------------------------------------------------------------

    def _look_at_code(self, runs: Frozen[Run]) -> None:
        for text in told_of_code(with_older_code(self._place, runs), runs, self._forgets):
            self._tell(text)

    # --- the hosts ---------------------------------------------------------------------------------------------------

    def _look_at_place(self) -> None:
        """Tell if all is called here and was not last time: so many workers may be too many for this machine."""
        if self._settings.on or self._settings.foreground:
            return
        before = read_record(self._state_dir, self._meta.session - 1)
        if before is not None and before.on:
            self._tell(f"workers run on this machine, last time with --on {quote(before.on)}")

    # --- the session -------------------------------------------------------------------------------------------------

    def _record_anew(self) -> None:
        with self._writing:
            if self._record is None:  # it is still ahead, and will have all of it
                return
            try:
                self._write(self._with_versions(self._record))
            except OSError as error:
                self._tell_of(error)

    def _with_versions(self, record: SessionRecord) -> SessionRecord:
        return replace(record, distributions=circumstances.distributions(self._installed))

    def _write(self, record: SessionRecord) -> None:
        self._record = record = replace(record, renewals=self._renewals)
        write_record(self._state_dir, record, self._umask)

    def _recorded(self) -> SessionRecord:
        settings, meta, code = self._settings, self._meta, self._loaded
        chosen = meta.chosen
        hash_seed = {} if chosen.hash_seed is None else {"PYTHONHASHSEED": str(chosen.hash_seed)}
        return SessionRecord(
            session=meta.session,
            began=self._began,
            pyalma_tui=__version__,
            python=platform.python_version(),
            implementation=circumstances.python_version(),
            platform=platform.platform(),
            machine=platform.machine(),
            host=socket.gethostname(),
            processors=os.cpu_count() or 1,
            processor=circumstances.processor(),
            user=circumstances.user(),
            command=tuple(sys.argv),
            directory=circumstances.directory(),
            target=str(settings.target),
            module=str(settings.module),
            arguments=chosen.args or (),
            code=code.identity,
            files=code.files,
            seed=meta.seed,
            seed_globals=settings.seed_globals,
            workers=settings.workers,
            on=settings.on,
            environment=circumstances.environment(hash_seed),
        )

    # --- instance files ----------------------------------------------------------------------------------------------

    def _look_at_inputs(self, inspecting: Inspecting) -> None:
        """Tell of files that are not what done runs have read."""
        instances, runs, runs_of = self._ledger
        del self._ledger
        known = read_inputs(self._state_dir)
        looked = look_at_inputs(known, instances, runs, runs_of, self._paced())
        for text in told_of_inputs(looked, instances, runs):
            self._tell(f"{text}; `{self._forgets}` forgets them")
        if looked.inputs != known:
            write_inputs(self._state_dir, looked.inputs, self._umask)
        inspecting.want(looked.inputs)

    def _inspect(self, inspecting: Inspecting) -> None:
        """Look at what begins, to the end of the session."""
        pause = 0.0
        while not self._ending.wait(pause):
            inspecting.look(self._now(), self._paced())
            began = time.monotonic()
            inspecting.read()
            pause = max(LOOK, (SHARE - 1) * (time.monotonic() - began))
            inspecting.keep(self._now())
        inspecting.look(self._now(), self._paced())
        inspecting.read()
        inspecting.keep(self._now(), at_once=True)

    def _paced(self) -> Callable[[], bool]:
        """What is asked before each file: whether to go on, after a pause now and then."""
        count, began = 0, time.monotonic()

        def goes_on() -> bool:
            nonlocal count, began
            count += 1
            if count % TOGETHER == 0 and not self._ending.is_set():
                self._ending.wait((SHARE - 1) * (time.monotonic() - began))
                began = time.monotonic()
            return time.monotonic() < self._deadline

        return goes_on

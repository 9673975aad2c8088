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
from collections.abc import Callable, Sequence

from pyalma_tui import __version__
from pyalma_tui.loading.local_code import code_root
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.vector import Frozen
from pyalma_tui.runner import circumstances
from pyalma_tui.runner.inspecting import Inspecting
from pyalma_tui.runner.outdated import CodeNow, look_at_inputs, told_of_code, told_of_inputs, with_older_code
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.store.background import begun
from pyalma_tui.store.inputs import read_inputs, write_inputs
from pyalma_tui.store.session_records import SessionRecord, write_record

SHARE = 20  # files are looked at a twentieth of the time: runs and the screen have the rest
MANY = 2_000  # runs or instances from which on the screen is painted first
PAUSE = 1.0  # seconds that it gets for that
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
        self._meta = session.meta
        self._ledger = session.ledger.instances, session.ledger.runs.freeze(), session.ledger.runs_of
        self._installed = installed
        self._now = now
        self._tell = tell
        self._began = time.time()
        self._ending = threading.Event()
        self._deadline = float("inf")  # time.monotonic
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Begin; where no thread can be started nothing is recorded, which is no reason not to run."""
        self._thread = begun("pyalma-tui-provenance", self._main)

    def end(self, runs: Frozen[Run]) -> None:
        """Wait for what is not recorded yet, under a deadline, and leave out what only saves time later.

        `runs` are as the session leaves them.
        """
        self._now = lambda: runs
        self._deadline = time.monotonic() + PATIENCE * 0.8
        self._ending.set()
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def _main(self) -> None:
        instances, runs, runs_of = self._ledger
        if max(len(runs), len(instances)) > MANY:
            self._ending.wait(PAUSE)
        try:
            self._look_at_code(runs)
            write_record(self._state_dir, self._record(), self._umask)
            inspecting = Inspecting(self._state_dir, self._umask, instances, runs, runs_of)
            self._look_at_inputs(inspecting)
            self._inspect(inspecting)
        except OSError as error:  # as on a full disk: the experiment is none the worse
            where = error.filename or self._state_dir
            self._tell(f"where this session's results come from could not be recorded: {where}: {error.strerror}")

    @property
    def _forgets(self) -> str:
        return f"pyalma-tui reset {self._settings.target.name} --changed"

    # --- code --------------------------------------------------------------------------------------------------------

    def _look_at_code(self, runs: Frozen[Run]) -> None:
        place = CodeNow(self._state_dir, code_root(self._settings.module), self._loaded.module)
        for text in told_of_code(with_older_code(place, runs), runs, self._forgets):
            self._tell(text)

    # --- the session -------------------------------------------------------------------------------------------------

    def _record(self) -> SessionRecord:
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
            environment=circumstances.environment(hash_seed),
            distributions=circumstances.distributions(self._installed),
            git=circumstances.repository(settings.module.parent),
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

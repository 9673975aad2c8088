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

import msgspec

from pyalma_tui import __version__
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.runner import circumstances
from pyalma_tui.runner.outdated import look_at_inputs, told_of_code, told_of_inputs, with_older_code
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.store.background import begun
from pyalma_tui.store.inputs import Input, digest_of, look_at, read_inputs, write_inputs
from pyalma_tui.store.session_records import Renewal, SessionRecord, write_record

SHARE = 20  # files are looked at a twentieth of the time: runs and the screen have the rest
MANY = 2_000  # runs or instances from which on the screen is painted first
PAUSE = 1.0  # seconds that it gets for that
TOGETHER = 500  # files looked at without a pause
PATIENCE = 1.5  # seconds that the end of a session waits for what is not recorded yet


class Provenance:
    """Begun and ended by the runner's thread; what it finds is told through `tell`, from a thread of its own.

    Of the experiment it sees what was frozen when it began.
    """

    def __init__(self, settings: Settings, session: Session, installed: Sequence[str], tell: Callable[[str], None]):
        """`installed` are the packages that the import has imported from where they are installed."""
        self._settings = settings
        self._state_dir = session.state_dir
        self._umask = session.umask
        self._loaded = session.loaded
        self._place = session.place
        self._meta = session.meta
        self._instances: Sequence[Instance] = session.ledger.instances
        self._runs: Sequence[Run] = session.ledger.runs.freeze()
        self._installed = installed
        self._tell = tell
        self._began = time.time()
        self._ending = threading.Event()
        self._deadline = float("inf")  # time.monotonic
        self._threads: list[threading.Thread] = []
        self._made: SessionRecord | None = None
        self._renewals: tuple[Renewal, ...] = ()

    def begin(self) -> None:
        """Begin; where no thread can be started nothing is recorded, which is no reason not to run."""
        self._begin(self._main)

    def end(self) -> None:
        """Wait for what is not recorded yet, under a deadline, and leave out what only saves time later."""
        began = time.monotonic()
        self._deadline = began + PATIENCE * 0.8
        self._ending.set()
        for thread in self._threads:
            thread.join(max(0.0, began + PATIENCE - time.monotonic()))

    def renewed(self, session: Session) -> None:
        """Workers have another code from now on: record that, and tell which runs used older code."""
        self._renewals = (*self._renewals, Renewal(time.time(), session.loaded.identity, session.loaded.files))
        self._runs = session.ledger.runs.freeze()
        self._begin(self._main_again)

    def _begin(self, main: Callable[[], None]) -> None:
        if (thread := begun("pyalma-tui-provenance", main)) is not None:
            self._threads.append(thread)

    def _main(self) -> None:
        if max(len(self._runs), len(self._instances)) > MANY:
            self._ending.wait(PAUSE)
        try:
            self._look_at_code()
            self._write_record()
            self._look_at_inputs()
        except OSError as error:  # as on a full disk: the experiment is none the worse
            self._tell_of(error)

    def _main_again(self) -> None:
        try:
            self._look_at_code()
            self._write_record()
        except OSError as error:
            self._tell_of(error)

    def _tell_of(self, error: OSError) -> None:
        where = error.filename or self._state_dir
        self._tell(f"where this session's results come from could not be recorded: {where}: {error.strerror}")

    @property
    def _forgets(self) -> str:
        return f"pyalma-tui reset {self._settings.target.name} --changed"

    # --- code --------------------------------------------------------------------------------------------------------

    def _look_at_code(self) -> None:
        for text in told_of_code(with_older_code(self._place, self._runs), self._runs, self._forgets):
            self._tell(text)

    # --- the session -------------------------------------------------------------------------------------------------

    def _write_record(self) -> None:
        """What was so at the start, made once, with the renewals since."""
        self._made = self._made or self._record()
        record = msgspec.structs.replace(self._made, renewals=self._renewals)
        write_record(self._state_dir, record, self._umask)

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

    def _look_at_inputs(self) -> None:
        known = read_inputs(self._state_dir)
        looked = look_at_inputs(known, self._instances, self._runs, self._paced())
        for text in told_of_inputs(looked, self._instances, self._runs):
            self._tell(f"{text}; `{self._forgets}` forgets them")
        if looked.inputs != known:
            write_inputs(self._state_dir, looked.inputs, self._umask)
        self._read(looked.inputs)

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

    def _read(self, inputs: dict[str, Input]) -> None:
        """Note what files hold, as far as nobody has yet: so that a copy or a checkout is known from an edit."""
        read = dict(inputs)
        for path, known in inputs.items():
            if known.digest:
                continue
            began = time.monotonic()
            digest = digest_of(path, known.size)
            found = look_at(path)
            if found is not None and (found.size, found.changed) == (known.size, known.changed):
                read[path] = Input(known.size, known.changed, digest)
            if self._ending.wait((SHARE - 1) * (time.monotonic() - began)):
                break
        if read != inputs:
            write_inputs(self._state_dir, read, self._umask)

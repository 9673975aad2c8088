"""Files of a large batch that do not exist: looked for while the runs go on, so that nobody waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from pyalma_tui.loading.target import warning_of_absent
from pyalma_tui.model.instance import Files, Instance
from pyalma_tui.runner.commands import Remark
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.runner.snapshot import Conductor
from pyalma_tui.store.background import begun

PATIENCE = 5.0  # seconds that the end waits for a disk which does not answer


class AbsentFiles:
    """One look, in a thread of its own. What it finds is a note of the session, and `tell` hears it too."""

    def __init__(self, settings: Settings, session: Session, runner: Conductor, tell: Callable[[str], None]) -> None:
        """Nothing is looked for if that was done before the session was opened."""
        self._instances = _today(session) if settings.unseen else ()
        self._runner = runner
        self._tell = tell
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Look now, if nobody has begun to."""
        instances, self._instances = self._instances, ()
        if instances:
            self._thread = begun("pyalma-tui-absent", lambda: self._look(instances))
            if self._thread is None:
                self._look(instances)

    def finish(self) -> None:
        """Wait until it is told, at most for a while."""
        self.begin()
        if self._thread is not None:
            self._thread.join(PATIENCE)

    def _look(self, instances: Sequence[Instance]) -> None:
        if text := warning_of_absent(instances):
            self._runner.send(Remark(text, heard=True))
            self._tell(text)


def _today(session: Session) -> Sequence[Instance]:
    """Today's batch, in its order."""
    instances, batch = session.ledger.instances, session.batch
    if isinstance(instances, Files) and batch == range(len(instances)):
        return instances
    return [instances[number] for number in batch]

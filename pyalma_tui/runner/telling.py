"""What is told of what happens, and to whom: a listener at once, everybody else by the next snapshot."""

from __future__ import annotations

from collections.abc import Iterable

from pyalma_tui.errors import Failure, StoreError
from pyalma_tui.model import status as s
from pyalma_tui.model.messages import Measured
from pyalma_tui.model.records import Record
from pyalma_tui.runner import instructions as i
from pyalma_tui.runner.publishing import Publisher
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.runner.snapshot import Change, Listener, Snapshot
from pyalma_tui.runner.state import State


class Telling:
    """Owned by the runner thread, but for `snapshot`. `changed` tells whether anything has, since the last snapshot."""

    def __init__(self, settings: Settings, session: Session, listener: Listener | None) -> None:
        self.changed = True
        self._session = session
        self._publisher = Publisher(settings, session)
        self._listener = listener
        found = [note for note in session.ledger.notes if note.text not in settings.warnings]
        if listener is not None and found:  # while it was opened; a listener's user has read the warnings on stderr
            listener([(note, None) for note in found])

    @property
    def snapshot(self) -> Snapshot:
        """The latest moment; for any thread."""
        return self._publisher.snapshot

    def absorb(self, records: Iterable[Record]) -> list[int]:
        """Take in what workers wrote, and tell it; the runs that have failed by it."""
        changes = self._session.absorb(records)
        if changes:
            self.changed = True
            self.tell(changes)
        return [run.id for _, run in changes if run is not None and isinstance(run.status, s.Failed)]

    def carry_out(self, instruction: i.Write | i.WriteDurably | i.Say | i.NotSaved | i.Remember) -> None:
        """Record something, or tell it."""
        match instruction:
            case i.Write(record, run):
                self._session.write(record)
                self.tell([(record, run)])
            case i.WriteDurably(record):
                self._session.write_durably(record)
                self.tell([(record, None)])
            case i.Say(text, heard):
                self.note(text, heard=heard)
            case i.NotSaved(why):
                self._session.not_saved = StoreError(why).failure
            case i.Remember(changes):
                self._session.choose(**changes)

    def tell(self, changes: list[Change]) -> None:
        """Tell of records that are in the ledger."""
        self._publisher.learn(changes)
        if self._listener is not None:
            self._listener(changes)

    def note(self, text: str, *, heard: bool = False) -> None:
        """Tell the user something, unless he has heard it already, and keep it."""
        self._session.note(text)
        self.changed = True
        if self._listener is not None and not heard:
            self._listener([(self._session.ledger.notes[-1], None)])

    def measured(self, event: Measured) -> None:
        """What workers take, for the next snapshot."""
        self._publisher.loads = event.loads

    def pace(self, state: State) -> float:
        """The seconds that a run takes to its first save, as far as that is known."""
        return self._publisher.pace(state)

    @property
    def is_due(self) -> bool:
        """Whether another snapshot is to be made, because anything has changed or as time has passed."""
        return self.changed or self._publisher.is_due

    def publish(self, state: State, failure: Failure | None) -> None:
        """Make the next snapshot."""
        self.changed = False
        turned = self._publisher.publish(state, failure)
        rests = turned and self._publisher.snapshot.phase == "idle"  # nothing more is published then, and others look
        self._publisher.keep(at_once=rests)
        if turned and self._listener is not None:
            self._listener([])  # no record tells that the phase has turned

    def keep(self) -> None:
        """Keep what plots need, while the lock is ours."""
        self._publisher.keep(at_once=True)

    def close(self, state: State, failure: Failure | None) -> None:
        """Make the last snapshot."""
        self._publisher.publish(state, failure, closed=True)
        if self._listener is not None:
            self._listener([])

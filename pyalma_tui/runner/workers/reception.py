"""How a place comes to be one: it is greeted, gets a lease, says what is there, imports the module, or is refused."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from pyalma_tui.model import afar
from pyalma_tui.model import messages as m
from pyalma_tui.runner.workers.notes import Notes, has_come
from pyalma_tui.runner.workers.place import Place, refusal
from pyalma_tui.runner.workers.protocol import Service
from pyalma_tui.store.leases import Leases


class Reception:
    """Owned by the runner thread."""

    def __init__(
        self, load: afar.LoadModule, loaded: m.Loaded, leases: Leases, log_of: Callable[[int], Path], notes: Notes
    ) -> None:
        """`load` is what each place is to do, `loaded` what came of it here; `log_of` is the log of the n-th import."""
        self._load = load
        self._loaded = loaded
        self._leases = leases
        self._log_of = log_of
        self._notes = notes
        self._opened = 0

    def serve(self, service: Service) -> None:
        """Each place is told so when it loads the module."""
        self._load = replace(
            self._load,
            synced=service.synced,
            umask=service.umask,
            nice=service.nice,
            seed_globals=service.seed_globals,
        )

    def greet(self, place: Place) -> None:
        """Say where the experiment is, and for how long a place may go on unheard."""
        place.send(afar.Hello(self._load.state_dir, self._leases.seconds))

    def grant(self, place: Place) -> bool:
        """Let it go on for another lease; whether that could be written down before, where others look for it."""
        if not self._leases.in_place:  # it is written anew before long, or somebody else has our place
            return False
        try:
            self._leases.grant()
        except OSError as error:
            self._notes.once(f"leases cannot be written down, so other hosts get none: {error.strerror}")
            return False
        place.grant()
        return True

    def take_in(self, place: Place, here: afar.Here, *, ending: bool) -> None:
        """It has said what is there: let it import the module, unless there is no more to do."""
        place.here = here
        if here.left:
            place.ends_at = time.monotonic() + here.left
        if not self.grant(place) or ending:  # its first lease began before it said so
            place.send(m.End())
        elif why := refusal(here, self._leases.token):
            self.refuse(place, why)
        else:
            self._opened += 1
            place.send(
                replace(self._load, mark=f"{self._load.mark}-{self._opened}", log=str(self._log_of(self._opened)))
            )

    def join(self, place: Place, loaded: m.Loaded) -> None:
        """It has imported the module, which is to be ours."""
        assert place.here is not None, "it has said so"
        if loaded.hash != self._loaded.hash:
            self.refuse(place, "the module is another one there; its file has to be the same on all hosts")
            return
        place.ready = True
        self._notes.tell(has_come(place))

    def refuse(self, place: Place, why: str) -> None:
        """It cannot be one."""
        place.refused = True
        self._notes.once(f"{place.name} is not used: {why}")
        place.dismiss(why)

"""One forecast while it is made: in a thread of its own, so that who decides what runs next does not wait for it."""

from __future__ import annotations

import time

from pyalma_tui.model.forecast import Forecast
from pyalma_tui.model.foretelling import Known, forecast
from pyalma_tui.store.background import begun


class Foretold:
    """Made from what was known; `cost` are the seconds of a processor that it took."""

    def __init__(self, known: Known, *, aside: bool) -> None:
        """`aside` lets another thread make it, if one can be started now."""
        self.cost = 0.0
        self._known = known
        self._forecast: Forecast | None = None
        self._error: Exception | None = None
        self._thread = begun("pyalma-tui-forecast", self._make) if aside else None
        if self._thread is None:
            self._make()

    @property
    def is_made(self) -> bool:
        """Whether it can be taken."""
        return self._thread is None or not self._thread.is_alive()

    def take(self) -> Forecast | None:
        """The forecast, None if nothing is known; raises what went wrong while it was made."""
        if self._error is not None:
            raise self._error
        return self._forecast

    def _make(self) -> None:
        began = time.thread_time()
        try:
            self._forecast = forecast(self._known)
        except Exception as error:  # noqa: BLE001 - who takes it raises it
            self._error = error
        self.cost = time.thread_time() - began

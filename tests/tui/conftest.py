"""For the tests of the screen: a key is done when the app has nothing to do any more."""

from __future__ import annotations

import pytest
import textual.app
import textual.pilot

from tests.tui.idling import idle


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textual.app, "wait_for_idle", idle)
    monkeypatch.setattr(textual.pilot, "wait_for_idle", idle)

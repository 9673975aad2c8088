"""For the tests of the screen: a key is done when the app has nothing to do any more; a style sheet is parsed once."""

from __future__ import annotations

from typing import Any

import pytest
import textual.app
import textual.pilot
from textual.css.stylesheet import Stylesheet

from tests.tui.idling import idle

_parsed: dict[tuple[Any, ...], Any] = {}
_parse_rules = Stylesheet._parse_rules


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textual.app, "wait_for_idle", idle)
    monkeypatch.setattr(textual.pilot, "wait_for_idle", idle)


@pytest.fixture(autouse=True)
def _parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same text with the same variables gives the same rules to every app, as it does to all widgets of one."""

    def parsed(sheet: Stylesheet, css: str, *where: Any, **more: Any) -> Any:
        key = (css, *where, *more.items(), *sheet._variables.items())
        if key not in _parsed:
            _parsed[key] = _parse_rules(sheet, css, *where, **more)
        return _parsed[key]

    monkeypatch.setattr(Stylesheet, "_parse_rules", parsed)

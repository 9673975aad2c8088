"""An app as its user prefers it: theme and keys, and what of that is changed on the screen and kept."""

from __future__ import annotations

import os
from pathlib import Path

from textual.app import App
from textual.driver import Driver

from pyalma_tui.tui.background import dark_by_environment
from pyalma_tui.tui.keys import choose_keys
from pyalma_tui.tui.log_options import LogOptions, choose_log_options
from pyalma_tui.tui.preferences import Preferences, change_preferences, keymap
from pyalma_tui.tui.saying import SayingApp
from pyalma_tui.tui.terminal import Terminal
from pyalma_tui.tui.themes import DARK, LIGHT, THEMES, own_themes

MISTAKE = 15.0  # seconds that a mistake is shown
WEB = "textual.drivers.web_driver:WebDriver"


class PreferredApp(SayingApp):
    """`theme` comes before the preferred one; without either it follows the terminal, which is dark or light.

    What is changed goes into the file that the preferences are `kept_in`, None for nowhere. A `mistake` in that file is
    told on the screen.
    """

    def __init__(self, theme: str | None, preferences: Preferences, kept_in: Path | None, mistake: str = "") -> None:
        # without colour means none at all: Textual would turn those of a theme into shades of grey
        super().__init__(_driver(), ansi_color=True if "NO_COLOR" in os.environ else None)
        self.preferred = preferences
        self._kept_in = kept_in
        self._mistake = mistake
        self._keeps_theme = False
        self._unkept = ""  # why what was changed last could not be kept
        for own in (*THEMES, *own_themes(preferences.themes)):
            self.register_theme(own)
        self._follows = not (theme or preferences.theme)
        usual = self._usual_theme(dark=dark_by_environment(os.environ) is not False)
        self._begin_with(theme or preferences.theme or usual)
        choose_log_options(LogOptions(preferences.log_wrap, preferences.log_numbers, preferences.log_times))
        keys = keymap(preferences.keys)
        choose_keys(keys)
        self.set_keymap(keys)

    def _begin_with(self, theme: str) -> None:
        """Take a theme before anything is styled: a theme that is set has all styles parsed and applied once more.

        Only variables tell apart themes of the kind that Textual begins with; others need more, and are set.
        """
        was = self.current_theme
        wanted = self.available_themes[theme]
        if (was.dark, was.ansi) != (wanted.dark, wanted.ansi):
            self.theme = theme
            return
        self.set_reactive(App.theme, theme)
        self.stylesheet.set_variables(self.get_css_variables())

    def _usual_theme(self, *, dark: bool) -> str:
        """That of the house; of its colours hardly one would be left to see in a terminal that has few."""
        if self.no_color or self.console.color_system == "standard":
            return "ansi-dark" if dark else "ansi-light"
        return (DARK if dark else LIGHT).name

    def follow_terminal(self) -> None:
        """Ask the terminal whether it is dark, unless somebody has chosen a theme."""
        if self._follows and isinstance(self._driver, Terminal):
            self._driver.ask_background(self.follow)

    def follow(self, dark: bool) -> None:
        """The terminal has said whether it is dark."""
        wanted = self._usual_theme(dark=dark)
        if self._follows and wanted != self.theme:
            self.theme = wanted

    def tell_mistake(self) -> None:
        """Say what is wrong with the preferences: who has changed them waits for what does not come."""
        if self._mistake:
            self.say(self._mistake, severity="warning", timeout=MISTAKE)

    def keep_theme(self) -> None:
        """From now on whoever sets a theme is the user."""
        if not self._keeps_theme:
            self._follows, self._keeps_theme = False, True
            self.theme_changed_signal.subscribe(self, lambda theme: self.keep(theme=theme.name))

    def keep(self, **changes: str | bool | list[str] | None) -> None:
        """Keep what was changed for the next time, where that can be."""
        if self._kept_in is None:
            return
        try:
            change_preferences(self._kept_in, **changes)
        except (OSError, ValueError) as error:
            why = error.strerror or str(error) if isinstance(error, OSError) else f"no TOML: {error}"
            if why != self._unkept:  # once, not with every key
                self.say(f"this is not kept for the next time: {why}: {self._kept_in}", severity="warning")
            self._unkept = why
        else:
            self._unkept = ""


def _driver() -> type[Driver]:
    """What it is shown by: a browser as textual-serve asks for it, else the terminal."""
    if os.environ.get("TEXTUAL_DRIVER") != WEB:
        return Terminal
    from pyalma_tui.tui.browser import Browser

    return Browser

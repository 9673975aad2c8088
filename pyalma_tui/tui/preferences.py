"""What a user prefers of the screen, on this machine: a TOML file under the user's configuration directory.

What is changed on the screen is written back; comments, and what else is in the file, stay. A file with a mistake in it
is told and left as it is.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from platformdirs import user_config_path
from textual._color_constants import COLOR_NAME_TO_RGB
from textual.color import Color, ColorParseError

from pyalma_tui.errors import UsageError
from pyalma_tui.model.listing import SORT_KEYS, SortKey
from pyalma_tui.model.printable import printable
from pyalma_tui.tui.action import Action
from pyalma_tui.tui.keys import is_key, key_of, shown
from pyalma_tui.tui.obstacles import KeyScope
from pyalma_tui.tui.registry import ACTIONS
from pyalma_tui.tui.strokes import OF_TEXTUAL_LABELS, STROKES
from pyalma_tui.tui.widgets.columns import DATA, NAMES

NAME: Final = "preferences.toml"
TOGETHER: Final[tuple[tuple[KeyScope, ...], ...]] = (
    ("app", "main", "list"),
    ("app", "runs", "list"),
    ("app", "failures", "list"),
    ("app", "results", "list", "table"),
    ("app", "plots"),
    ("app", "found", "list"),
    ("app", "compare"),
    ("app", "history"),
    ("app", "log", "log text"),
)
"""Places whose keys are there at the same time: of each screen with the app and what it shows."""

NAMED: Final = re.compile(r"[\w-]+")
Colour = Annotated[str, msgspec.Meta(pattern=r"^(#[0-9a-fA-F]{6}|[a-z_]+)$")]


class Colours(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A theme of the user's: `#rrggbb` or the name of a colour; what is not given follows from `primary`."""

    primary: Colour
    dark: bool = True
    secondary: Colour | None = None
    accent: Colour | None = None
    warning: Colour | None = None
    error: Colour | None = None
    success: Colour | None = None
    foreground: Colour | None = None
    background: Colour | None = None
    surface: Colour | None = None
    panel: Colour | None = None


class Preferences(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that can be preferred. `theme` is None where it follows the terminal, `columns` where those are
    shown that fit best; `keys` are by the ids of actions."""

    theme: str | None = None
    sort: SortKey = "activity"
    descending: bool = False
    log_wrap: bool = False
    log_numbers: bool = False
    log_times: bool = False
    columns: tuple[str, ...] | None = None
    keys: dict[str, str | list[str]] = {}
    themes: dict[str, Colours] = {}


FIELDS: Final = tuple(Preferences.__struct_fields__)
COLOURS: Final = tuple(Colours.__struct_fields__)
EXPECTED: Final = {
    "theme": 'the name of a theme, as "alma-dark",',
    "sort": 'the name of an order, as "activity",',
    "columns": 'a list of columns, as ["name", "status"],',
    "keys": 'for each action a key or a list of keys, as resume = "ctrl+r",',
    "themes": 'for each theme its colours, primary = "#4080c0" at least,',
}
TRUTH: Final = "true or false"
"""What a value has to be of which `EXPECTED` says nothing."""


def preferences_path() -> Path:
    """Where they are kept, on Linux ~/.config/pyalma-tui/preferences.toml."""
    return user_config_path("pyalma-tui", appauthor=False) / NAME


def read_preferences(path: Path) -> Preferences:
    """What is in the file, the usual if there is none. Raises UsageError that names the mistake."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Preferences()
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(path, f"it cannot be read: {getattr(error, 'strerror', None) or error}") from error
    import tomllib  # who has none does not wait for it

    try:
        found = tomllib.loads(text)
        if (unknown := next(_wrong_names(found), None)) is not None:
            raise _wrong(path, unknown)
        preferences = msgspec.convert(found, Preferences)
    except tomllib.TOMLDecodeError as error:
        raise _wrong(path, f"no TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise _wrong(path, _expected(error, found)) from error
    wrong = chain(
        _wrong_columns(preferences.columns), _wrong_keys(preferences.keys), _wrong_colours(preferences.themes)
    )
    if (first := next(wrong, None)) is not None:
        raise _wrong(path, first)
    return preferences


def change_preferences(path: Path, **changes: Any) -> None:
    """Write these into the file, which is made if there is none; all else in it stays. None takes one out of it.

    Raises OSError, and ValueError if what is in the file is no TOML.
    """
    import tomlkit  # 30 ms, which a start has not to spare

    path = Path(os.path.realpath(path))  # a link, as of a folder of dotfiles, stays one
    try:
        document = tomlkit.parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        document = tomlkit.document()
        path.parent.mkdir(parents=True, exist_ok=True)
    for name, value in changes.items():
        if value is not None:
            document[name] = value
        elif name in document:
            del document[name]
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_text(tomlkit.dumps(document), encoding="utf-8")
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def keymap(keys: Mapping[str, str | list[str]]) -> dict[str, str]:
    """What Textual is told: the ids of bindings, and the keys that each has instead of its own."""
    return {action.binding: ",".join(_list(keys[action.id])) for action in ACTIONS if action.id in keys}


def _list(keys: str | list[str]) -> list[str]:
    return [key_of(key) for key in ([keys] if isinstance(keys, str) else keys)]


def _wrong_names(found: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the names: a preference that there is not, or a colour of a theme."""
    for name in found:
        if name not in FIELDS:
            yield f"there is no {printable(name)}. {_near(name, FIELDS)}"
    themes = found.get("themes")
    for theme, colours in themes.items() if isinstance(themes, dict) else ():
        for name in colours if isinstance(colours, dict) else ():
            if name not in COLOURS:
                yield f"themes.{printable(theme)}: there is no {printable(name)}. {_near(name, COLOURS)}"


def _near(name: str, names: Sequence[str], more: str = "") -> str:
    near = difflib.get_close_matches(name, names, 1)
    return f"Did you mean {near[0]}?" if near else f"There are {', '.join(names)}{more}"


def _expected(error: msgspec.ValidationError, found: Mapping[str, Any]) -> str:
    """What should stand where something else does."""
    place = re.search(r"`\$\.(\w+)(?:\[\.\.\.\]\.(\w+))?", str(error))
    if place is None:
        return str(error)
    if place[2]:
        colour = 'a colour, as "#4080c0" or "seagreen",' if place[2] != "dark" else TRUTH
        return f"themes: {place[2]}: {colour} is expected"
    if place[1] == "sort" and isinstance(found["sort"], str):
        return f"sort: there is no order {printable(found['sort'])}. {_near(found['sort'], SORT_KEYS)}"
    return f"{place[1]}: {EXPECTED.get(place[1], TRUTH)} is expected"


def _wrong_columns(columns: tuple[str, ...] | None) -> Iterator[str]:
    """What is wrong with the columns: one that there is not, the same one twice, or none at all."""
    if columns is not None and not columns:
        yield f"columns: name at least one, such as {NAMES[0]}"
    for position, name in enumerate(columns or ()):
        if name not in NAMES and not (name.startswith(DATA) and name != DATA):
            yield f"columns: there is no column {name}. {_near(name, NAMES, ', and data. with a key')}"
        elif name in (columns or ())[:position]:
            yield f"columns: {name} is there twice"


def _wrong_keys(keys: Mapping[str, str | list[str]]) -> Iterator[str]:
    """What is wrong with the keys: an action that there is not, none at all, or one that means two things."""
    ids = {action.id for action in ACTIONS}
    for name, chosen in keys.items():
        if name not in ids:
            near = difflib.get_close_matches(name, ids, 1)
            yield f"keys.{name}: there is no such action{f'. Did you mean {near[0]}?' if near else ''}"
        elif not chosen or not all(_list(chosen)):
            yield f"keys.{name}: name a key, such as ctrl+r"
        else:
            for key in _list(chosen):
                if not is_key(key):
                    yield f'keys.{name}: there is no key "{shown(key)}". Write it as r, R, ctrl+r, f5 or pageup'
    usual = {shared for scopes in TOGETHER for shared in _shared(scopes, {})}  # a screen's `q` comes before the app's
    for scopes in TOGETHER:
        for key, *names in _shared(scopes, keys):
            if (key, *names) not in usual and not keys.keys().isdisjoint(names):
                one, other = sorted(names, key=lambda each: each not in keys)
                yield f'keys.{one}: "{shown(key)}" is the key of {other}. Give one of them another key'


def _wrong_colours(themes: Mapping[str, Colours]) -> Iterator[str]:
    """What is wrong with the colours of themes: a name that is none, which would end whoever takes the theme."""
    for theme, colours in themes.items():
        if not NAMED.fullmatch(theme):
            yield f"themes: {printable(theme)!r} is no name of a theme: write it with letters, digits, - and _"
        for name, value in msgspec.structs.asdict(colours).items():
            if not isinstance(value, str):
                continue
            try:
                known = not Color.parse(value).auto
            except ColorParseError:
                known = False
            if not known:
                near = difflib.get_close_matches(value, COLOR_NAME_TO_RGB, 1)
                yield f"themes.{theme}.{name}: there is no colour {value}{f'. Did you mean {near[0]}?' if near else ''}"


def _shared(scopes: tuple[KeyScope, ...], keys: Mapping[str, str | list[str]]) -> Iterator[tuple[str, str, str]]:
    """Each key that means two things there, with their names, in the order of the registry."""
    meant: dict[str, list[str]] = {}
    for name, its_keys in _there(scopes, keys):
        for key in its_keys:
            meanings = meant.setdefault(key, [])
            yield from ((key, other, name) for other in meanings if other != name)
            meanings.append(name)


def _there(scopes: tuple[KeyScope, ...], keys: Mapping[str, str | list[str]]) -> Iterator[tuple[str, list[str]]]:
    def own(action: Action) -> list[str]:
        return action.keys.split(",") if action.keys else []

    for action in ACTIONS:
        if any(action.is_of(scope) for scope in scopes):
            yield action.id, _list(keys[action.id]) if action.id in keys else own(action)
    for stroke in STROKES:
        if stroke.scope in scopes:
            yield stroke.label.lower(), stroke.keys.split(",")
    for key, label in OF_TEXTUAL_LABELS:
        yield label, [key]


def _wrong(path: Path, why: str) -> UsageError:
    end = "" if why.endswith("?") else "."
    return UsageError(
        f"preferences: {path}: {why}{end} Until that is mended the usual ones hold, and no change is kept"
    )

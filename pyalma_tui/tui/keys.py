"""The keys of the registry: as Textual is told of them, and as people read them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import zip_longest
from typing import Final

from textual.binding import Binding, BindingType
from textual.keys import KEY_NAME_REPLACEMENTS, Keys, _character_to_key

from pyalma_tui.tui.action import Action
from pyalma_tui.tui.obstacles import KeyScope
from pyalma_tui.tui.registry import named, of
from pyalma_tui.tui.strokes import OF_TEXTUAL, PALETTE, PARTS, STROKES

SHOWN_KEYS: Final[dict[str, str]] = {
    "ctrl+c": "^c",
    "ctrl+q": "^q",
    "ctrl+o": "^o",
    "ctrl+p": "^p",
    "ctrl+z": "^z",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "slash": "/",
    "ampersand": "&",
    "number_sign": "#",
    "at": "@",
    "apostrophe": "'",
    "colon": ":",
    "asterisk": "*",
    "question_mark": "?",
    "percent_sign": "%",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "left_parenthesis": "(",
    "right_parenthesis": ")",
    "escape": "esc",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "shift+up": "shift+↑",
    "shift+down": "shift+↓",
    "pageup": "pgup",
    "pagedown": "pgdn",
}


EVERY_DAY: Final[tuple[tuple[KeyScope, str], ...]] = (
    ("app", "interrupt_all"),
    ("main", "resume"),
    ("main", "log"),
    ("main", "failures"),
    ("main", "runs"),
    ("main", "retry"),
    ("main", "undo"),
    ("main", "filter"),
    ("main", "results"),
    ("main", "plots"),
    ("app", "help"),
    ("app", "quit"),
)
"""The twelve that most need, in the order in which one comes to need them."""

MODIFIERS: Final = ("ctrl", "shift", "alt", "super", "hyper", "meta")
KNOWN_KEYS: Final = frozenset(key.value for key in Keys) | {"space"}
KEY_NAMES: Final = {short: long for long, short in KEY_NAME_REPLACEMENTS.items()}
TYPED_KEYS: Final = {shown: key for key, shown in SHOWN_KEYS.items()}
_chosen: dict[str, str] = {}  # by the id of a binding, what the user has instead of the registry's


def choose_keys(keymap: Mapping[str, str]) -> None:
    """From now on people read these keys for these bindings; Textual is told by its own keymap."""
    _chosen.clear()
    _chosen.update(keymap)


def key_of(typed: str) -> str:
    """Textual's name of a key as people write it: `?`, `^c`, `ctrl+c`, `esc`."""
    typed = typed.strip()
    if len(typed) == 1 and typed not in TYPED_KEYS:
        return _character_to_key(typed)
    return TYPED_KEYS.get(typed, f"ctrl+{typed[1:]}" if typed.startswith("^") and len(typed) > 1 else typed)


def is_key(name: str) -> bool:
    """Whether a terminal can send a key of this name of Textual's."""
    key, modifiers = name, set()
    while (modified := key.partition("+"))[0] in MODIFIERS and modified[2]:
        modifiers.add(modified[0])
        key = modified[2]
    if key in KNOWN_KEYS:
        return True
    character = key if len(key) == 1 else _character_of(key)
    if "shift" in modifiers or ("ctrl" in modifiers and character.isupper()):
        return False  # it comes as the character that shift makes of it; with ctrl as if it were small
    return len(character) == 1 and character.isprintable()


@lru_cache
def _character_of(key: str) -> str:
    """The character of a name such as `section_sign`, "" if it is none."""
    try:
        return unicodedata.lookup(KEY_NAMES.get(key, key).replace("_", " "))
    except KeyError:  # an underscore may stand for a hyphen: `hyphen_minus`, `less_than_sign`
        return next((each for each in map(chr, range(ord(" "), 0x10000)) if _character_to_key(each) == key), "")


def shown(key: str) -> str:
    """A key as people read it: by its character if it has one."""
    return SHOWN_KEYS.get(key) or (_character_of(key) if key not in KNOWN_KEYS and "+" not in key else "") or key


def shown_keys(action: Action) -> str:
    """Its keys as people read them; that of the palette if it has none."""
    return _shown((_chosen.get(action.binding) or action.keys or PALETTE).split(","))


def key_to(action_id: str, scope: KeyScope = "main") -> str:
    """The key of an action for a sentence: the first that it has."""
    return shown_keys(named(action_id, scope)).partition(" ")[0]


def answered(*scopes: KeyScope) -> dict[str, str]:
    """The keys of the actions of these scopes as people read them, by the ids of their bindings.

    A key means what comes first: a screen's come before the app's. An action of which no key is left is not there.
    """
    taken: set[str] = set()
    found: dict[str, str] = {}
    for action in (each for scope in scopes for each in of(scope)):
        if keys := [key for key in shown_keys(action).split() if key not in taken]:
            found.setdefault(action.binding, " ".join(keys))
        taken.update(keys if action.keys else ())
    return found


def _shown(keys: Iterable[str]) -> str:
    return " ".join(map(shown, keys))


def bindings(scope: KeyScope) -> list[BindingType]:
    """What Textual is told of the actions of a scope."""
    return [_bound(action, key) for action in of(scope) if action.keys for key in action.keys.split(",")]


def borrowed(*action_ids: str) -> list[BindingType]:
    """The keys of actions of the screen below that a box lets through."""
    actions = [named(action_id, "main") for action_id in action_ids]
    return [_bound(action, key) for action in actions for key in action.keys.split(",")]


def _bound(action: Action, key: str) -> Binding:
    """A key; one with ctrl comes before every widget's, for Textual copies on ctrl+c and quits on ctrl+q."""
    return Binding(
        key, f"app.perform('{action.id}')", action.label, tooltip=action.help,
        id=action.binding, show=False, priority=key.startswith("ctrl+"),
    )  # fmt: skip


def strokes(scope: KeyScope) -> list[BindingType]:
    """What Textual is told of the keys that a widget or a box answers by itself."""
    return [Binding(each.keys, each.action, each.label, show=False) for each in STROKES if each.scope == scope]


def closing(action_id: str) -> list[BindingType]:
    """The keys of a box that only shows something: those of the action that opens it close it as well."""
    action = named(action_id, "main")
    return [*strokes("box"), Binding(action.keys, "dismiss", "Close", id=action.binding, show=False)]


def moving(scope: KeyScope) -> Iterator[tuple[str, str]]:
    """The keys that move in what is there, as people read them, with what they do."""
    told: dict[str, list[list[str]]] = {}
    for each in (stroke for part in PARTS[scope] for stroke in STROKES if stroke.scope == part and stroke.help):
        keys = told.setdefault(each.help, [])
        if each.keys.split(",") not in keys:
            keys.append(each.keys.split(","))
    for text, columns in told.items():
        yield _shown(key for column in zip_longest(*columns) for key in column if key), text
    for key, text in OF_TEXTUAL:
        yield _shown([key]), text


def key_table() -> str:
    """The keys of every day as a Markdown table, for the README; the others are told by the help of their place."""
    rows = ["| key | what it does |", "|---|---|"]
    for scope, name in EVERY_DAY:
        action = named(name, scope)
        keys = " ".join(f"`{key}`" for key in shown_keys(action).split())
        rows.append(f"| {keys} | {action.help} |")
    return "\n".join(rows) + "\n"

"""`.plan` files: where a pyalma experiment stood when it was stopped.

Their keys are in pyalma_tui/README.md, "File formats". Read leniently where pyalma's versions may differ (an instance
as text or object, an id as number or text) and strictly where a guess could hand a state to the wrong run.
"""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from pyalma_tui.loading.entries import Entry, entries_at
from pyalma_tui.loading.json_file import Origin, Warn, described, expect_list, expect_object, read_json, unknown_key
from pyalma_tui.model import jsontext

KEYS = ("iterations_left", "pending", "assigned", "instance_states", "rand_state")
OWN_KEYS = ("id", "seed")  # what pyalma adds to an instance when it hands it to a worker
WORDS = 625  # of the state of a Mersenne twister: 624 and the place in them
EXAMPLE = 'Write {"iterations_left": 0, "pending": [], "assigned": []}'

RandomState: TypeAlias = tuple[int, tuple[int, ...], float | None]


class Assigned(msgspec.Struct, frozen=True):
    """An instance that a worker had: `seed` None if none was recorded, `state` as JSON text, None if none was saved."""

    entry: Entry
    seed: int | None
    state: bytes | None


class PlanFile(msgspec.Struct, frozen=True):
    """What a plan says. `random_state` fits `random.Random.setstate`; `strays` counts states of nobody who is left."""

    iterations_left: int
    pending: list[Entry]
    assigned: list[Assigned]
    random_state: RandomState | None
    strays: int = 0


def plan_beside(experiment: Path) -> Path:
    """Where pyalma keeps the plan of an experiment file."""
    return experiment.with_suffix(".plan")


def untaken_plan(experiment: Path, state_dir: Path) -> str:
    """What to say of a plan beside an experiment that we have no state of yet, "" if there is none."""
    path = plan_beside(experiment)
    if experiment.suffix != ".experiment" or not path.is_file() or os.path.exists(state_dir):
        return ""
    return f"{path.name} is an unfinished experiment of pyalma"


def read_plan_file(path: Path, warn: Warn) -> PlanFile:
    """The content of a plan; relative paths are seen from its folder. Raises InputError."""
    origin = Origin("cannot read the plan", os.fspath(path))
    absolute = os.path.abspath(path)
    folder = os.path.dirname(absolute)
    values = expect_object(read_json(absolute, origin, KEYS, warn), origin, "$", EXAMPLE)
    for key in values:
        if key not in KEYS:
            warn(unknown_key(origin, "$", key, KEYS))
    for key in ("iterations_left", "pending", "assigned"):
        if key not in values:
            raise origin.error("this key is missing", "Is it a plan that pyalma wrote?", f"$.{key}")
    states = expect_object(values.get("instance_states") or {}, origin, "$.instance_states", 'Write {"3": "state"}')
    pending = [
        _entry(_without_own(value), folder, f"$.pending[{i}]", origin)
        for i, value in enumerate(expect_list(values["pending"], origin, "$.pending"))
    ]
    assigned: list[Assigned] = []
    ids: dict[str, int] = {}
    for i, value in enumerate(expect_list(values["assigned"], origin, "$.assigned")):
        place = f"$.assigned[{i}]"
        known = expect_object(value, origin, place, 'Write {"file": "a.cnf", "data": {}, "id": 0, "seed": 1}')
        number = _id(known, place, origin)
        if ids.setdefault(number, i) != i:
            why = f"the id {number} is that of $.assigned[{ids[number]}] too"
            raise origin.error(why, "Whose state is whose cannot be told", f"{place}.id")
        entry = _entry(_without_own(known), folder, place, origin)
        assigned.append(Assigned(entry, _seed(known, place, origin), _state(states.get(number), number, origin)))
    return PlanFile(
        iterations_left=_whole(values["iterations_left"], "$.iterations_left", origin),
        pending=pending,
        assigned=assigned,
        random_state=_random_state(values.get("rand_state"), origin),
        strays=sum(key not in ids and state not in ("", None) for key, state in states.items()),
    )


def _without_own(value: object) -> object:
    """The instance without what pyalma adds to it: `{"instance": …}` is one wrapped up, other objects hold the keys."""
    if not isinstance(value, dict):
        return value
    if "instance" in value:
        return value["instance"]
    return {key: item for key, item in value.items() if key not in OWN_KEYS}


def _entry(value: object, folder: str, place: str, origin: Origin) -> Entry:
    """One instance; a pattern is a name here, since pyalma knows no patterns."""
    if isinstance(value, str) and value:
        return Entry(os.path.normpath(os.path.join(folder, value)))
    if not isinstance(value, dict):
        why = f"an instance was expected, found {described(value)}"
        raise origin.error(why, 'It is a path or {"file": "a.cnf", "data": {}}', place)
    file = value.get("file", "")
    if file is None:
        value = {key: item for key, item in value.items() if key != "file"}
    (entry,) = entries_at(lambda _, key: f"{place}{'.' * bool(key)}{key}", [value], folder, origin, lambda text: None)
    return entry


def _id(value: dict[str, Any], place: str, origin: Origin) -> str:
    number = value.get("id")
    if isinstance(number, str) and number:
        return number
    if isinstance(number, int) and not isinstance(number, bool):
        return str(number)
    raise origin.error(
        f"an id was expected, found {described(number)}", "Whose state is whose tells the id", f"{place}.id"
    )


def _seed(value: dict[str, Any], place: str, origin: Origin) -> int | None:
    seed = value.get("seed")
    if seed is None:
        return None
    if isinstance(seed, int) and not isinstance(seed, bool):
        return seed
    raise origin.error(f"a whole number was expected, found {described(seed)}", "Write null for none", f"{place}.seed")


def _whole(value: object, place: str, origin: Origin) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    why = f"a whole number from 0 on was expected, found {described(value)}"
    raise origin.error(why, "It counts the iterations after the current one", place)


def _state(value: object, number: str, origin: Origin) -> bytes | None:
    if value is None or value == "":
        return None
    try:
        return jsontext.encode(value)
    except (TypeError, ValueError, RecursionError):
        place = f"$.instance_states.{number}"
        raise origin.error("this cannot be kept as a state", "Write it as a text", place) from None


def _random_state(value: object, origin: Origin) -> RandomState | None:
    """What `random.Random.getstate()` gave, as JSON has it; None for null, which is an experiment without a seed."""
    if value is None:
        return None
    place = "$.rand_state"
    advice = "It is [3, [625 numbers], null]; null has new seeds drawn"
    parts = expect_list(value, origin, place)
    if len(parts) != 3 or parts[0] != 3:
        raise origin.error("this is no state of Python's random numbers", advice, place)
    words = expect_list(parts[1], origin, f"{place}[1]")
    gauss = parts[2]
    whole = all(isinstance(word, int) and not isinstance(word, bool) and 0 <= word < 1 << 32 for word in words)
    if len(words) != WORDS or not whole or not (gauss is None or isinstance(gauss, int | float)):
        raise origin.error("this is no state of Python's random numbers", advice, f"{place}[1]")
    state = (3, tuple(words), gauss)
    try:
        random.Random().setstate(state)
    except (TypeError, ValueError, OverflowError) as error:
        raise origin.error(f"Python refuses this state ({error})", advice, place) from None
    return state

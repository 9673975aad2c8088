"""How a query reads runs: which words stand in one, and what its fields are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeAlias

import msgspec

from pyalma_tui.model import jsontext
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run, worked
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.query import FIELDS, Vocabulary, spelled, within

SAMPLE = 50  # runs whose states and data are looked into for names of fields
LONGEST_FIELD = 40
LOOKED_INTO = 16_000  # bytes

Recorded: TypeAlias = Callable[[Run, str], Any]
"""What the last row of a run that has this field holds there, None if none has. Only runs with rows are asked for."""


def nothing_recorded(run: Run, name: str) -> None:
    """Where rows are not at hand."""


def kind_of_runs(
    instances: Sequence[Instance], now: float | None = None, recorded: Recorded = nothing_recorded
) -> Vocabulary[Run]:
    """Runs of these instances; a running one has taken what it has until `now`, None where nobody runs it.

    Rows are asked for where neither the state nor the data have a field.
    """

    def text(run: Run) -> str:
        """What the instance is called, and why the run failed or was interrupted."""
        instance, status = instances[run.instance], run.status
        name = instance.name if not instance.title else f"{instance.title}\n{instance.name}"
        if type(status) is s.Failed:
            return f"{name}\n{status.error.message}"
        return f"{name}\n{status.why}" if type(status) is s.Interrupted else name

    return Vocabulary(text, lambda name: _field(name, instances, now, recorded), frozenset(FIELDS))


def _field(name: str, instances: Sequence[Instance], now: float | None, recorded: Recorded) -> Callable[[Run], Any]:
    match name:
        case "name":
            return lambda run: _names(instances[run.instance])
        case "status":
            return lambda run: s.word(run.status)
        case "error":
            return lambda run: run.status.error.message if type(run.status) is s.Failed else None
        case "iteration":
            return lambda run: run.iteration
        case "state":
            return lambda run: None if run.state is None else _value(run.state)
        case "data":
            return lambda run: _data(instances[run.instance])
        case "time":
            return lambda run: worked(run, now) if run.attempt else None
        case "attempts":
            return lambda run: run.called
        case "saves":
            return lambda run: run.saves
        case "seed":
            return lambda run: run.seed
        case "worker":
            return lambda run: run.slot
        case "host":
            return lambda run: run.host or None
    read = _inside(name, instances, recorded)
    if name != "instance":
        return read

    def instance(run: Run) -> Any:
        """A key as any other; where there is none, what results call so."""
        value = read(run)
        return _names(instances[run.instance]) if value is None else value

    return instance


def _inside(name: str, instances: Sequence[Instance], recorded: Recorded) -> Callable[[Run], Any]:
    """A key of what was saved, else of the instance's data, else of a row; `state.` or `data.` in front says which."""
    root, _, rest = name.partition(".")
    if root == "state" and rest:
        return _key_of_state(rest)
    of_data = _key(rest if root == "data" and rest else name)

    def data(run: Run) -> Any:
        text = instances[run.instance].data
        return None if text is None else of_data(text)

    if root == "data" and rest:
        return data
    state = _key_of_state(name)

    def first(run: Run) -> Any:
        value = state(run)
        if value is None:
            value = data(run)
        return recorded(run, name) if value is None and run.extents else value

    return first


def _key_of_state(path: str) -> Callable[[Run], Any]:
    read = _key(path)
    return lambda run: None if run.state is None else read(run.state)


def _key(path: str) -> Callable[[bytes], Any]:
    """What a JSON object holds under a path. Only that is decoded: a state may be large, and there are many."""
    if any(sign in path for sign in '."\\') or not path.isprintable():  # the decoder takes no such names
        return lambda text: within(_value(text), path) if text[:1] == b"{" else None
    shape = msgspec.defstruct("Key", [("value", Any, None)], rename={"value": path})
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(shape).decode
    mark = msgspec.json.encode(path)

    def read(text: bytes) -> Any:
        if text[:1] != b"{" or (mark not in text and b"\\u" not in text):
            return None
        try:
            return decode(text).value
        except msgspec.DecodeError:
            return within(_value(text), path)

    return read


def _value(text: bytes) -> Any:
    try:
        return jsontext.decode(text)
    except msgspec.DecodeError:
        return text.decode("utf-8", "replace")


def _data(instance: Instance) -> Any:
    return None if instance.data is None else _value(instance.data)


def _names(instance: Instance) -> str | list[str]:
    return instance.name if instance.label == instance.name else [instance.label, instance.name]


# What a person may be typing


def known_fields(instances: Sequence[Instance], runs: Iterable[Run], columns: Iterable[str] = ()) -> list[str]:
    """The names of the fields of these runs: those that all have, then those of some of their states and data.

    `columns` are the names in some of their rows, which follow.
    """
    found = dict.fromkeys(FIELDS)
    for run in islice(runs, SAMPLE):
        for text in (run.state, instances[run.instance].data):
            value = _value(text) if text is not None and text[:1] == b"{" and len(text) <= LOOKED_INTO else None
            if isinstance(value, dict):
                found |= dict.fromkeys(key for key in value if _is_typed(key))
    return list(found | dict.fromkeys(filter(_is_typed, columns)))


def _is_typed(key: str) -> bool:
    return bool(key) and key.isprintable() and len(key) <= LONGEST_FIELD


def completed(text: str, names: Iterable[str]) -> str | None:
    """The text with its last word made whole: the name of a field with `:`, or of a status; None if nothing fits."""
    return next(_endings(text, names), None)


def _endings(text: str, names: Iterable[str]) -> Iterator[str]:
    begun = text.rfind('"') if text.count('"') % 2 else -1
    last = text[begun:] if begun >= 0 else text.split(" ")[-1].removeprefix("!")
    before = text[: len(text) - len(last)]
    if not last or (begun >= 0 and before[-1:] not in ("", " ", "!")):
        return
    field, colon, value = last.partition(":")
    if colon and field == "status" and value:
        yield from (f"{before}status:{word}" for word in s.WORDS if word.startswith(value) and word != value)
    elif not colon:
        yield from (f"{before}{name}:" for name in map(spelled, names) if name.startswith(last))

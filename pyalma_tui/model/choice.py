"""Which instances somebody means who types a name."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from pyalma_tui.errors import UsageError
from pyalma_tui.model.checks import composed
from pyalma_tui.model.instance import Instance

NEAR = 3  # names that a message suggests
NAMED = 3  # of several that are meant


def choose(instances: Sequence[Instance], word: str) -> list[Instance]:
    """The instances that a word means: by its label or name, else its path, else its file's name, else as a pattern,
    else by what looks alike: é is one character on a keyboard, and two where macOS has named a file.

    What means one of these is not looked for among the next; removed ones are never meant. Raises UsageError if nothing
    is meant.
    """
    path = os.path.abspath(word) if word else ""
    instances = [instance for instance in instances if not instance.removed]
    meanings: tuple[Callable[[Instance], bool], ...] = (
        lambda instance: instance.label == word,
        lambda instance: word in _names(instance),
        lambda instance: bool(instance.file) and instance.file == path,
        lambda instance: bool(instance.file) and os.path.basename(instance.file) == word,
        lambda instance: any(fnmatchcase(name, word) for name in _names(instance)),
        lambda instance: composed(word) in map(composed, _alike(instance)),
        lambda instance: any(fnmatchcase(composed(name), composed(word)) for name in _alike(instance)),
    )
    for means in meanings:
        if meant := [instance for instance in instances if means(instance)]:
            return meant
    near = difflib.get_close_matches(word, {instance.label: None for instance in instances}, NEAR)
    hint = f"Did you mean {' or '.join(near)}?" if near else "`pyalma-tui status TARGET` lists them"
    raise UsageError(f'instance: "{word}": the experiment has none of this name. {hint}')


def choose_one(instances: Sequence[Instance], word: str, where: str) -> Instance:
    """The only instance that a word means; `where` it was typed begins the UsageError that is raised for several."""
    meant = choose(instances, word)
    if len(meant) > 1:
        names = ", ".join(each.label for each in meant[:NAMED]) + (", …" if len(meant) > NAMED else "")
        raise UsageError(f"{where} {word}: {len(meant):,} instances are meant: {names}. Name one of them")
    return meant[0]


def _alike(instance: Instance) -> tuple[str, ...]:
    return (instance.label, *_names(instance), *([os.path.basename(instance.file)] if instance.file else []))


def _names(instance: Instance) -> tuple[str, ...]:
    return (instance.name, instance.title) if instance.title else (instance.name,)

"""Regular expressions that people type: which take for ever, and how far into a text each may look.

`re` tries all ways to match before it gives up, and nothing can stop it meanwhile, not even ctrl+c.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from math import factorial, prod
from typing import Final

FAR: Final = 8192  # characters of a text in which a pattern is looked for, at most: `.*x` takes half their square
EXPLODES: Final = "it repeats a group in which something is repeated, or chosen of what may begin alike"
STEPS: Final = 4e7  # of `re`, at most, in one text: a fifth of a second

_TOKEN = re.compile(
    r"""(?P<nothing> \(\?\#[^)]*\) | \(\?[a-zA-Z]+\) )
    | (?P<backreference> \(\?P=\w+\) | \\[1-9] )
    | (?P<open> \( (?: \? (?: P<\w+> | <?[=!] | [>:] | [a-zA-Z-]+: | \(\w+\) ) )? )
    | (?P<close> \) )
    | (?P<choice> \| )
    | (?P<times> (?: [*+?] | \{ (?=[0-9,]) [0-9]* (?:,[0-9]*)? \} ) ) [?+]?
    | (?P<atom> \\. | \[ \^? \]? (?: \\. | [^\]\\] )* \] | . )""",
    re.VERBOSE | re.DOTALL,
)
_VERBOSE = re.compile(r"\(\?[a-zA-Z]*x")
_SPACE = re.compile(r"(?<!\\)\s+")
_FIXED = re.compile(r"\{[0-9]+\}")
_LITERAL = re.compile(r"[^.^$\[\\]|\\[^0-9a-zA-Z]", re.ASCII | re.DOTALL)
_SAMPLE: Final = frozenset(map(chr, range(128))) | {"é", "中"}  # of all characters; those of a pattern are more


@dataclass(slots=True)
class _Item:
    """What matches one of these characters: `needed` at least once, `endless` any number of times.

    A way to it takes so many times as long as to one character: it is `dearer`.
    """

    characters: frozenset[str]
    needed: bool = True
    endless: bool = False
    literal: str = ""
    dearer: int = 1


@dataclass(slots=True)
class _Group:
    """What is between two parentheses: `first` are the characters that its choices begin with, "" where it is open."""

    begin: int = 0  # of its items
    first: list[str] = field(default_factory=lambda: [""])
    empty: bool = True  # whether nothing has come of the last choice
    varies: bool = False  # whether it can match the same text in several ways, or texts of several lengths

    def take(self, literal: str) -> None:
        """What comes next in it."""
        if self.empty:
            self.first[-1], self.empty = literal, False

    def choose(self) -> None:
        """Another choice comes."""
        self.first.append("")
        self.empty = True

    @property
    def is_choice(self) -> bool:
        """Whether there is more than one."""
        return len(self.first) > 1

    @property
    def is_open(self) -> bool:
        """Whether one character does not tell which choice it is."""
        return self.is_choice and ("" in self.first or len(set(self.first)) < len(self.first))


@dataclass(slots=True)
class _Read:
    """A pattern as it was read: the items of each choice at its top, one after another whatever groups they are in."""

    explodes: bool
    rows: list[list[_Item]]


def may_explode(pattern: str) -> bool:
    """Whether a group that is repeated has a repetition in it, or choices that may begin alike: it may try 2 to the
    length of a text.
    """
    return _read(pattern).explodes


@lru_cache(maxsize=64)
def reach(pattern: str) -> int:
    """The characters of a text in which it is looked for, so that a text takes no longer than a moment."""
    return min(map(_reach, _read(pattern).rows))


def _reach(row: list[_Item]) -> int:
    """How far it gets with so many steps: for each repetition that may end anywhere in what others take as well, and
    for where it begins, it tries every character; with different ones between two repetitions not more than one of
    these.
    """
    chains: dict[int, tuple[int, float]] = {}  # of repetitions, by the last: how many, and how seldom they may end
    for at in (at for at, item in enumerate(row) if item.endless):
        found = [(1, _apart(row[:at]))]
        for before, (length, apart) in chains.items():
            between = row[before + 1 : at]
            taken = row[before].characters
            if taken & row[at].characters and all(taken & item.characters for item in between if item.needed):
                found.append((length + 1, apart * _apart(row[before:at])))
        chains[at] = min(found, key=lambda chain: _far(*chain))
    return min((_far(*chain) for chain in chains.values()), default=FAR)


def _far(length: int, apart: float) -> int:
    ways = STEPS / length * apart  # the longer a chain, the longer takes a step
    return min(FAR, int((ways * factorial(length + 1)) ** (1 / (length + 1))))


def _apart(items: list[_Item]) -> float:
    different = {item.literal for item in items if item.needed and item.literal and not item.endless}
    return max(1, len(different)) / prod(item.dearer for item in items)


@lru_cache(maxsize=64)
def _read(pattern: str) -> _Read:
    if _VERBOSE.search(pattern):
        pattern = _SPACE.sub("", pattern)
    groups, rows, explodes = [_Group()], [list[_Item]()], False
    closed: _Group | None = None  # the group that has just been closed
    for token in _TOKEN.finditer(pattern):
        group, row, what, text = groups[-1], rows[-1], token.lastgroup, token[0]
        if what == "nothing":
            continue
        if what == "times":
            times = token["times"]
            explodes |= closed is not None and times != "?" and (closed.varies or closed.is_open)
            group.varies |= not _FIXED.fullmatch(times)
            _repeat(row, closed.begin if closed is not None else len(row) - 1, times, group=closed is not None)
        elif what == "open":
            group.take("")
            groups.append(_Group(len(row)))
        elif what == "close" and len(groups) > 1:
            closed = groups.pop()
            groups[-1].varies |= closed.varies or closed.is_open
            for item in row[closed.begin :] if closed.is_choice else ():
                item.needed = False
            continue
        elif what == "choice":
            group.choose()
            if len(groups) == 1:
                rows.append([])
        else:
            literal = text[-1].lower() if _LITERAL.fullmatch(text) and text.isascii() else ""
            group.take(literal)
            characters = frozenset[str]() if what == "backreference" else _characters(text, frozenset(pattern))
            row.append(_Item(characters or _SAMPLE, needed=bool(characters), literal=literal))
        closed = None
    return _Read(explodes, rows)


def _repeat(row: list[_Item], begin: int, times: str, *, group: bool) -> None:
    """The items from there come so many times."""
    items = row[max(0, begin) :]
    if not items or _FIXED.fullmatch(times):
        return
    if times[0] in "*?" or times.startswith(("{0,", "{,")):
        for item in items:
            item.needed = False
    if times == "?":
        items[-1].dearer = 2
        return
    if group:
        everything = frozenset[str]().union(*(item.characters for item in items))
        row[begin:] = [_Item(everything, any(item.needed for item in items), endless=True, dearer=4)]
    else:
        items[-1].endless = True


@lru_cache(maxsize=256)
def _characters(atom: str, more: frozenset[str]) -> frozenset[str]:
    """Those that it matches; none if it matches only a place, or cannot be told."""
    try:
        matches = re.compile(atom, re.IGNORECASE).fullmatch
    except re.error:
        return frozenset()
    return frozenset(each for each in _SAMPLE | more if matches(each))

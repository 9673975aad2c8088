"""Runs as they stand in `db.json`: JSON text, of which a run is made when somebody asks for it.

A block is bytes that nobody changes and keeps nothing that it has made, so it is for any thread: see the room's rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from re import compile as pattern
from typing import Final, overload

import msgspec

from pyalma_tui.model import jsontext
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Files, Instance
from pyalma_tui.model.plan import Plan
from pyalma_tui.model.vector import MASK, Frozen, Slice, Vector
from pyalma_tui.store.schema import RunDocument, run_document, run_of

_STRETCH = pattern("([0-9]{1,9})([prifd])")  # see LETTER
BEGAN: Final[tuple[s.Word, ...]] = ("running", "interrupted", "failed", "done")  # no longer as they were planned


class Called(msgspec.Struct, frozen=True, gc=False):
    """Of a run that has begun, its status and the code that it was called with; "" if nobody knows that."""

    status: str
    module: str = ""
    saves: int = 0

    @property
    def has_result(self) -> bool:
        """Whether there is anything of it to keep: it is done, or it has saved."""
        return self.saves > 0 or self.status == "done"


_document = jsontext.decoder(RunDocument)
_documents = jsontext.decoder(dict[int, RunDocument])
_called = jsontext.decoder(dict[int, Called])


class Cold(Sequence[Run]):
    """Consecutive runs, a line each: `"7":{…}`, with a comma before each newline.

    `words` has the first letter of each run's status, `saved_at` is when the last of their saves was.
    """

    __slots__ = ("_first", "saved_at", "text", "words")

    def __init__(self, text: bytes, first: int, words: bytes, saved_at: float | None) -> None:
        """`first` is the id of the first run."""
        self.text = text
        self.words = words
        self.saved_at = saved_at
        self._first = first

    def __len__(self) -> int:
        return len(self.words)

    @overload
    def __getitem__(self, index: int) -> Run: ...
    @overload
    def __getitem__(self, index: slice) -> list[Run]: ...
    def __getitem__(self, index: int | slice) -> Run | list[Run]:
        if isinstance(index, slice):
            return list(self)[index]
        number = self._first + range(len(self.words))[index]
        key = b'"%d":' % number
        begin = 0 if number == self._first else self.text.index(b"\n" + key) + 1
        end = self.text.find(b",\n", begin)
        return run_of(number, _document(self.text[begin + len(key) : end if end >= 0 else None]))

    def __iter__(self) -> Iterator[Run]:
        for number, document in _documents(b"{%b}" % self.text).items():
            yield run_of(number, document)


def cold(block: Sequence[Run], instances: Sequence[Instance]) -> Cold:
    """A block of runs as it stands in `db.json`; one that stands there already is given back as it is."""
    if isinstance(block, Cold):
        return block
    if isinstance(block, Slice) and isinstance(block.of, Plan):
        words = bytes([s.LETTER["pending"]]) * len(block)
        return Cold(b",\n".join(_planned(block.of, block.places, instances)), block.places.start + 1, words, None)
    lines = [b'"%d":%b' % (run.id, jsontext.encode(run_document(run, instances[run.instance]))) for run in block]
    text = b",\n".join(lines)
    if text.count(b"\n") >= len(lines):  # somebody has laid a state out over many lines
        text = b",\n".join([line.replace(b"\n", b" ") for line in lines])
    saved_at = max((run.saved_at for run in block if run.saved_at is not None), default=None)
    return Cold(text, block[0].id, words_of(block), saved_at)


def _planned(plan: Plan, places: range, instances: Sequence[Instance]) -> Iterator[bytes]:
    """The lines of runs that nothing has happened to, of which there are a million in a large new experiment."""
    names = instances.names if isinstance(instances, Files) else None
    encode = jsontext.encode
    for run, instance, iteration, seed in plan.columns(places.start, places.stop):
        name = encode(names[instance] if names is not None else instances[instance].label)
        yield b'"%d":{"instance":%b,"instance_id":%d,"iteration":%d,"status":"pending","state":null,"seed":%d}' % (
            run,
            name,
            instance,
            iteration,
            seed,
        )


def is_untouched(block: Sequence[Run]) -> bool:
    """Whether a block is as the plan or `db.json` has it: so its runs are where `Plan` has them."""
    return isinstance(block, Cold) or (isinstance(block, Slice) and isinstance(block.of, Plan))


# --- how runs stand ----------------------------------------------------------------------------------------------


def words_of(block: Sequence[Run]) -> bytes:
    """The first letter of the status of each run of a block; nothing is decoded for it."""
    if isinstance(block, Cold):
        return block.words
    if is_untouched(block):
        return bytes([s.LETTER["pending"]]) * len(block)
    return bytes([s.LETTER[s.word(run.status)] for run in block])


def having(runs: Vector[Run] | Frozen[Run], *words: s.Word, last_first: bool = False) -> Iterator[Run]:
    """The runs with one of these statuses, by id; blocks that have none are not looked into."""
    letters = {s.LETTER[word] for word in words}
    blocks = (runs.freeze() if isinstance(runs, Vector) else runs).blocks
    for block in reversed(blocks) if last_first else blocks:
        if letters.isdisjoint(words_of(block)):
            continue
        found = [run for run in block if s.LETTER[s.word(run.status)] in letters]
        yield from reversed(found) if last_first else found


def called(runs: Frozen[Run]) -> Iterator[Called]:
    """Of each run that has begun what it was called with: of one that stands in `db.json` nothing else is read."""
    for block in runs.blocks:
        if isinstance(block, Cold):
            every: Iterable[Called] = _called(b"{%b}" % block.text).values()
        elif is_untouched(block):
            continue
        else:
            every = (Called(s.word(run.status), run.module, run.saves) for run in block)
        yield from (each for each in every if each.status in BEGAN)


def packed(words: bytes) -> str:
    """`200d56p` for 200 that are done and 56 that are pending after them."""
    return "".join([f"{sum(1 for _ in same)}{chr(letter)}" for letter, same in groupby(words)])


def unpacked(text: str) -> bytes:
    """The letters again, of one block; raises ValueError for what says something else."""
    parts = [(min(int(count), MASK + 2), letter) for count, letter in _STRETCH.findall(text)]
    if _STRETCH.sub("", text):
        raise ValueError(text)
    return b"".join([letter.encode() * count for count, letter in parts])

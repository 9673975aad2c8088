"""Done runs whose code or instance file is not what it was: told, and forgotten if the user says so, never rerun."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from pyalma_tui.model import status as s
from pyalma_tui.model.code import Code, code_hash
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Files, Instance
from pyalma_tui.model.vector import Frozen
from pyalma_tui.model.words import plural
from pyalma_tui.store.cold import called, having, words_of
from pyalma_tui.store.inputs import Input, judge, look_at
from pyalma_tui.store.kept_code import read_code, text_of, texts_now

COMPARED = 20_000  # lines of a file that are compared one by one: more take seconds
NAMED = 4  # files that a message names


class EditedFile(msgspec.Struct, frozen=True):
    """A file that is other code than a run had: how many lines have come and gone, None where nobody knows."""

    name: str
    added: int | None = None
    removed: int | None = None
    gone: bool = False

    @property
    def text(self) -> str:
        """`helpers.py +3 −1`."""
        if self.gone:
            return f"{self.name} is gone"
        return self.name if self.added is None else f"{self.name} +{self.added} −{self.removed}"


class CodeNow(msgspec.Struct, frozen=True):
    """Where the code is: what its files are seen from, and the name of the module among them."""

    state_dir: Path
    root: Path
    module: str


def code_of(place: CodeNow, identity: str) -> Code | None:
    """The code of this identity, None if what was kept of it is gone, so that nobody knows what it was."""
    with suppress(OSError):  # something else has its name
        code = read_code(place.state_dir, identity, place.module)
        if len(code.files) > 1 or text_of(place.state_dir, identity) is not None:
            return code
        if code_hash(texts_now(place.root, [place.module]).get(place.module, b"")) == identity:
            return code
    return None


def edits_since(place: CodeNow, identity: str, known: dict[str, bytes] | None = None) -> tuple[EditedFile, ...]:
    """What was edited since the code of this identity was run, none if it is what is there now or nobody knows it.

    `known` are texts of files as they are now; those that are looked at are added.
    """
    code = code_of(place, identity)
    if code is None:
        return ()
    now = {} if known is None else known
    now |= texts_now(place.root, [name for name in code.files if name not in now])
    return tuple(
        _edit(place.state_dir, name, digest, now.get(name))
        for name, digest in code.files.items()
        if name not in now or code_hash(now[name]) != digest
    )


def _edit(state_dir: Path, name: str, digest: str, now: bytes | None) -> EditedFile:
    if now is None:
        return EditedFile(name, gone=True)
    import difflib  # for those who have edits to tell

    then = None
    with suppress(OSError):
        then = text_of(state_dir, digest)
    if then is None:
        return EditedFile(name)
    before, after = then.splitlines(), now.splitlines()
    if max(len(before), len(after)) > COMPARED:
        return EditedFile(name)
    marks = Counter(line[:1] for line in difflib.diff_bytes(difflib.unified_diff, before, after, n=0, lineterm=b""))
    if not marks:  # only the ends of lines
        return EditedFile(name)
    return EditedFile(name, marks[b"+"] - 1, marks[b"-"] - 1)  # but for the two lines that name the files


def with_older_code(place: CodeNow, runs: Frozen[Run]) -> dict[str, tuple[EditedFile, ...]]:
    """The identities of code of runs with a result that is not what is there now, each with what was edited since."""
    ran = {each.module for each in called(runs) if each.module and each.has_result}
    known: dict[str, bytes] = {}
    found = {identity: edits_since(place, identity, known) for identity in sorted(ran)}
    return {identity: edits for identity, edits in found.items() if edits}


def of_older_code(older: Mapping[str, object], runs: Frozen[Run]) -> list[int]:
    """The ids of the done runs that were called with such code."""
    return [run.id for run in having(runs, "done") if run.module in older] if older else []


def told_of_code(older: Mapping[str, Sequence[EditedFile]], runs: Frozen[Run], forgets: str) -> Iterator[str]:
    """What there is to tell of older code, in one text: `2 of 14 done runs used older code: helpers.py +3 −1; …`.

    `forgets` is the command that forgets done ones.
    """
    if not older:
        return
    done, saved = Counter[str](), Counter[str]()
    for each in called(runs):
        if each.status == "done":
            done[each.module] += 1
        elif each.status != "running" and each.saves and each.module in older:
            saved[each.module] += 1
    used = Counter({code: number for code, number in done.items() if code in older})
    told = []
    if used:
        share = f"{used.total():,} of {plural(done.total(), 'done run')}"
        told.append(f"{share} used older code: {_edits(older, used)}; they are kept, `{forgets}` forgets them")
    if saved:
        what = f"{plural(saved.total(), 'run has', 'runs have')} a state saved by {'it' if used else 'older code'}"
        edits = "" if used and _edits(older, saved) == _edits(older, used) else f": {_edits(older, saved)}"
        they_go = "it goes" if saved.total() == 1 else "they go"
        told.append(f"{what}{edits}; newer code gets that when {they_go} on")
    if told:
        yield "; ".join(told)


def _edits(older: Mapping[str, Sequence[EditedFile]], used: Counter[str]) -> str:
    texts = list(dict.fromkeys(edit.text for identity, _ in used.most_common() for edit in older[identity]))
    return ", ".join(texts[:NAMED]) + ", …" * (len(texts) > NAMED)


class Looked(msgspec.Struct, frozen=True):
    """Which done runs have read another file than there is now, which may have, and what is known of all files now.

    `left` are so many files that were not looked at.
    """

    another: tuple[int, ...]
    unknown: tuple[int, ...]
    inputs: dict[str, Input]
    left: int = 0


def look_at_inputs(
    known: Mapping[str, Input],
    instances: Sequence[Instance],
    runs: Frozen[Run],
    runs_of: Sequence[Sequence[int]],
    goes_on: Callable[[], bool] = lambda: True,
) -> Looked:
    """Look at the files that done runs have read, each once; at the rest not where it does not go on."""
    share = sharing(instances)
    standing, letter = b"".join(map(words_of, runs.blocks)), s.LETTER["done"]
    seen = set[int]()
    inputs = dict(known)
    another, unknown = list[int](), list[int]()
    left = 0
    for number, own in enumerate(runs_of if letter in standing else ()):
        if number in seen or all(standing[run - 1] != letter for run in own):
            continue
        file = instances[number].file
        ids = share.get(file, (number,))
        if len(ids) > 1:
            seen.update(ids)
        if not file or instances[number].removed:
            continue
        if file not in known and not any(True for _ in done_of(ids, runs, runs_of)):
            continue
        if left or not goes_on():
            left += 1
            continue
        there = look_at(file)
        verdict, now = judge(file, there, known.get(file), (began for _, began in done_of(ids, runs, runs_of)))
        if verdict != "same" and there is not None:
            found = another if verdict == "another" else unknown
            found += [run for run, began in done_of(ids, runs, runs_of) if began < there.touched]
        if now is not None:
            inputs[file] = now
    return Looked(tuple(sorted(another)), tuple(sorted(unknown)), inputs, left)


def sharing(instances: Sequence[Instance]) -> dict[str, list[int]]:
    """The files that several instances have, with the ids of these."""
    if isinstance(instances, Files):
        return {}
    times = Counter(instance.file for instance in instances if not instance.removed)
    several = {file: list[int]() for file, number in times.items() if number > 1}
    for instance in instances if several else ():
        if instance.file in several and not instance.removed:
            several[instance.file].append(instance.id)
    return several


def done_of(ids: Iterable[int], runs: Sequence[Run], runs_of: Sequence[Sequence[int]]) -> Iterator[tuple[int, float]]:
    """The ids of the done runs of these instances and when they began, as far as that is known; few are asked for."""
    for each in ids:
        for run in (runs[number - 1] for number in runs_of[each]):
            if run.began is not None and isinstance(run.status, s.Done):
                yield run.id, run.began


def told_of_inputs(looked: Looked, instances: Sequence[Instance], runs: Frozen[Run]) -> Iterator[str]:
    """What there is to tell of instance files: `1 of 14 done runs read an instance file that has changed since: a`."""
    for ids, what in ((looked.another, "has changed since"), (looked.unknown, "may have changed since: its time has")):
        if not ids:
            continue
        labels = dict.fromkeys(instances[runs[number - 1].instance].label for number in ids)
        names = ", ".join(list(labels)[:NAMED]) + ", …" * (len(labels) > NAMED)
        done = sum(1 for _ in having(runs, "done"))
        yield f"{len(ids):,} of {plural(done, 'done run')} read an instance file that {what}: {names}"

"""Done runs whose code or instance file is not what it was: told, and forgotten if the user says so, never rerun."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from pyalma_tui.model import status as s
from pyalma_tui.model.code import code_hash
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.words import plural
from pyalma_tui.store.inputs import Input, judge
from pyalma_tui.store.kept_code import read_code, text_of, texts_now

COMPARED = 20_000  # lines of a file that are compared one by one: more take seconds
NAMED = 4  # files that a message names


class Edit(msgspec.Struct, frozen=True):
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


def edits_since(place: CodeNow, identity: str) -> tuple[Edit, ...]:
    """What was edited since the code of this identity was run, none if it is what is there now."""
    try:
        code = read_code(place.state_dir, identity, place.module)
    except OSError:  # something else has its name: nobody knows what it was
        return (Edit(place.module),)
    now = texts_now(place.root, code.files)
    return tuple(
        _edit(place.state_dir, name, digest, now.get(name))
        for name, digest in code.files.items()
        if name not in now or code_hash(now[name]) != digest
    )


def _edit(state_dir: Path, name: str, digest: str, now: bytes | None) -> Edit:
    if now is None:
        return Edit(name, gone=True)
    then = None
    with suppress(OSError):
        then = text_of(state_dir, digest)
    if then is None:
        return Edit(name)
    before, after = then.splitlines(), now.splitlines()
    if max(len(before), len(after)) > COMPARED:
        return Edit(name)
    marks = Counter(line[:1] for line in difflib.diff_bytes(difflib.unified_diff, before, after, n=0, lineterm=b""))
    if not marks:  # only the ends of lines
        return Edit(name)
    return Edit(name, marks[b"+"] - 1, marks[b"-"] - 1)  # but for the two lines that name the files


def with_older_code(place: CodeNow, runs: Iterable[Run]) -> dict[str, tuple[Edit, ...]]:
    """The identities of code of done runs that is not what is there now, each with what was edited since."""
    ran = {run.module for run in runs if run.module and isinstance(run.status, s.Done)}
    found = {identity: edits_since(place, identity) for identity in sorted(ran)}
    return {identity: edits for identity, edits in found.items() if edits}


def of_older_code(older: Mapping[str, object], runs: Iterable[Run]) -> list[int]:
    """The ids of the done runs that were called with such code."""
    return [run.id for run in runs if run.module in older and isinstance(run.status, s.Done)]


def told_of_code(older: Mapping[str, Sequence[Edit]], runs: Sequence[Run]) -> Iterator[str]:
    """What there is to tell of older code: `2 of 14 done runs used older code: helpers.py +3 −1`."""
    if not older:
        return
    done = [run for run in runs if isinstance(run.status, s.Done)]
    used = Counter(run.module for run in done if run.module in older)
    common = [identity for identity, _ in used.most_common()]
    texts = list(dict.fromkeys(edit.text for identity in common for edit in older[identity]))
    edits = ", ".join(texts[:NAMED]) + ", …" * (len(texts) > NAMED)
    yield f"{sum(used.values()):,} of {plural(len(done), 'done run')} used older code: {edits}"


class Looked(msgspec.Struct, frozen=True):
    """Which instances' files are not what their done runs have read, which may be so, and what is known of all now."""

    another: tuple[int, ...]
    unknown: tuple[int, ...]
    inputs: dict[str, Input]


def look_at_inputs(
    known: Mapping[str, Input],
    instances: Sequence[Instance],
    runs: Iterable[Run],
    goes_on: Callable[[], bool] = lambda: True,
) -> Looked:
    """Look at the file of each instance; at the rest not where it does not go on."""
    began: defaultdict[int, list[float]] = defaultdict(list)
    for run in runs:
        if run.began is not None and isinstance(run.status, s.Done):
            began[run.instance].append(run.began)
    inputs = dict(known)
    found: dict[str, list[int]] = {"same": [], "another": [], "unknown": []}
    for instance in instances:
        if not instance.file or instance.removed or not (instance.in_batch or instance.id in began):
            continue
        if not goes_on():
            break
        verdict, now = judge(instance.file, known.get(instance.file), began.get(instance.id, ()))
        found[verdict].append(instance.id)
        if now is not None:
            inputs[instance.file] = now
    return Looked(tuple(found["another"]), tuple(found["unknown"]), inputs)


def told_of_inputs(looked: Looked, instances: Sequence[Instance], runs: Sequence[Run]) -> Iterator[str]:
    """What there is to tell of instance files: `1 of 14 done runs has read another a.cnf than there is now`."""
    done = [run for run in runs if isinstance(run.status, s.Done)]
    for ids, what in ((looked.another, "has changed since"), (looked.unknown, "may have changed since: its time has")):
        if not ids:
            continue
        those = set(ids)
        number = sum(run.instance in those for run in done)
        names = ", ".join(instances[each].label for each in ids[:NAMED]) + ", …" * (len(ids) > NAMED)
        yield f"{number:,} of {plural(len(done), 'done run')} read an instance file that {what}: {names}"


def runs_of_inputs(looked: Looked, runs: Iterable[Run]) -> list[int]:
    """The ids of the done runs whose instance file has changed since."""
    those = set(looked.another)
    return [run.id for run in runs if run.instance in those and isinstance(run.status, s.Done)]

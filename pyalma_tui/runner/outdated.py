"""Done runs whose code or instance file is not what it was: told, and forgotten if the user says so, never rerun."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from pyalma_tui.model import status as s
from pyalma_tui.model.code import Code, code_hash
from pyalma_tui.model.experiment import Run, has_result
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.words import plural
from pyalma_tui.store.inputs import Input, judge
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


def with_older_code(place: CodeNow, runs: Iterable[Run]) -> dict[str, tuple[EditedFile, ...]]:
    """The identities of code of runs with a result that is not what is there now, each with what was edited since."""
    ran = {run.module for run in runs if run.module and has_result(run)}
    known: dict[str, bytes] = {}
    found = {identity: edits_since(place, identity, known) for identity in sorted(ran)}
    return {identity: edits for identity, edits in found.items() if edits}


def of_older_code(older: Mapping[str, object], runs: Iterable[Run]) -> list[int]:
    """The ids of the done runs that were called with such code."""
    return [run.id for run in runs if run.module in older and isinstance(run.status, s.Done)]


def told_of_code(older: Mapping[str, Sequence[EditedFile]], runs: Sequence[Run], forgets: str) -> Iterator[str]:
    """What there is to tell of older code: `2 of 14 done runs used older code: helpers.py +3 −1; …`.

    `forgets` is the command that forgets done ones.
    """
    if not older:
        return
    done = [run.module for run in runs if isinstance(run.status, s.Done)]
    if used := Counter(code for code in done if code in older):
        kept = f"they are kept, `{forgets}` forgets them"
        share = f"{sum(used.values()):,} of {plural(len(done), 'done run')}"
        yield f"{share} used older code: {_edits(older, used)}; {kept}"
    others = (run for run in runs if run.saves and isinstance(run.status, s.Interrupted | s.Failed))
    if used := Counter(run.module for run in others if run.module in older):
        all_of_them = sum(used.values())
        what = f"{plural(all_of_them, 'run has', 'runs have')} a state that older code has saved"
        they_go = "it goes" if all_of_them == 1 else "they go"
        yield f"{what}: {_edits(older, used)}; newer code gets it when {they_go} on"


def _edits(older: Mapping[str, Sequence[EditedFile]], used: Counter[str]) -> str:
    texts = list(dict.fromkeys(edit.text for identity, _ in used.most_common() for edit in older[identity]))
    return ", ".join(texts[:NAMED]) + ", …" * (len(texts) > NAMED)


class Looked(msgspec.Struct, frozen=True):
    """Which instances' files are not what their done runs have read, which may not be, and what is known of all now."""

    another: tuple[int, ...]
    unknown: tuple[int, ...]
    inputs: dict[str, Input]


def look_at_inputs(
    known: Mapping[str, Input],
    instances: Sequence[Instance],
    runs: Iterable[Run],
    goes_on: Callable[[], bool] = lambda: True,
) -> Looked:
    """Look at the files of instances, each once; at the rest not where it does not go on."""
    began: defaultdict[str, list[float]] = defaultdict(list)
    of_file: defaultdict[str, list[int]] = defaultdict(list)
    for run in runs:
        if run.began is not None and isinstance(run.status, s.Done):
            began[instances[run.instance].file].append(run.began)
    for instance in instances:
        if instance.file and not instance.removed and (instance.in_batch or instance.file in began):
            of_file[instance.file].append(instance.id)
    inputs = dict(known)
    found: dict[str, list[int]] = {"same": [], "another": [], "unknown": []}
    for file, ids in of_file.items():
        if not goes_on():
            break
        verdict, now = judge(file, known.get(file), began.get(file, ()))
        found[verdict] += ids
        if now is not None:
            inputs[file] = now
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

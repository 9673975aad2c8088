"""What was done to each run and when it was promised, and whether a reopened store keeps the promise.

A dict and a list, so that it shares no thought with the program: after its first p acts a run has one status word, one
state and one count of saves. A crash may leave the run after any p between the acts acknowledged and those begun.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from tinydb import TinyDB

from pyalma_tui.errors import PyalmaError
from pyalma_tui.model import jsontext
from pyalma_tui.model import status as s
from pyalma_tui.store import layout, opening
from pyalma_tui.store.rows import RowReader, missing

Word: TypeAlias = str
Rows: TypeAlias = tuple[object, ...]
Facts: TypeAlias = tuple[Word, object, int, Rows]  # status word, state, saves, rows that count
Survives: TypeAlias = Literal["kill", "power cut"]
HOOK = 0  # the acts of done() are kept under this number
BLANK: Facts = ("pending", None, 0, ())

AFTER = {
    "start": "running",
    "return": "done",
    "raise": "failed",
    "lose": "failed",
    "stop": "interrupted",
    "done() start": "done() running",
    "done() return": "done() done",
    "edit": "pending",
}


@dataclass
class Act:
    """`begun` and `acknowledged` count the events before: a crash after more of them has this act, or must.

    `rows` are those that count with it.
    """

    kind: str
    value: object
    begun: int
    rows: Rows = ()
    acknowledged: dict[Survives, int] = field(default_factory=dict)
    failed: bool = False  # it was said that it failed: it may have happened or not


class History:
    """The acts of every run, in the order in which they were begun."""

    def __init__(self, seeds: list[int]) -> None:
        self.seeds = seeds
        self.acts: dict[int, list[Act]] = {run: [] for run in range(len(seeds) + 1)}

    def begin(self, run: int, kind: str, moment: int, value: object = None, rows: Rows = ()) -> Act:
        """Something is about to be done."""
        act = Act(kind, value, moment, rows)
        self.acts[run].append(act)
        return act

    def before_reset(self, run: int) -> Facts:
        """What a run was before its last reset."""
        acts = self.acts[run]
        last = max(i for i, act in enumerate(acts) if act.kind == "reset")
        facts = BLANK
        for act in acts[:last]:
            facts = _after(facts, act)
        return facts

    def settle(self, before: int, moment: int) -> None:
        """What was acknowledged for a kill before a checkpoint began is in it, and the checkpoint is durable now."""
        for acts in self.acts.values():
            for act in acts:
                if act.acknowledged.get("kill", before) < before:
                    act.acknowledged.setdefault("power cut", moment)

    def possible(self, run: int, moment: int, survives: Survives) -> list[Facts]:
        """What a crash after so many events may leave of a run."""
        now: list[Facts] = [BLANK if run != HOOK else ("done() not yet", None, 0, ())]
        after = list(now)
        for act in self.acts[run]:
            if act.begun >= moment:
                break
            now = [_after(facts, act) for facts in now] + (now if act.failed else [])
            if act.acknowledged.get(survives, moment) < moment:
                after = []
            after += now
        return after

    def begun(self, moment: int) -> bool:
        """Whether anything was done to a run by then."""
        return any(act.begun < moment for acts in self.acts.values() for act in acts)


def _after(facts: Facts, act: Act) -> Facts:
    word, state, saves, rows = facts
    if act.kind == "save":
        return (word, act.value, saves + 1, rows + act.rows)
    if act.kind == "reset":
        return BLANK
    if act.kind == "restore":
        assert isinstance(act.value, tuple), "what it was"
        return act.value
    return (AFTER[act.kind], state, saves, rows + act.rows)


@dataclass(frozen=True)
class Reopened:
    """What a state directory gives: "" or why it does not open, and by run id the facts and the seed."""

    refused: str = ""
    empty: bool = False
    facts: tuple[Facts, ...] = ()
    seeds: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    hook: str = ""
    plain: str = ""  # what is wrong with it for plain TinyDB
    uncounted: str = ""  # how what is counted differs from the runs
    damaged: frozenset[str] = frozenset()  # the segments in which lines were skipped
    missing: str = ""  # what is said of rows that count and cannot be read


def reopen(state_dir: Path) -> Reopened:
    """Open a state directory as the next start would, and its `db.json` as plain TinyDB does."""
    try:
        store = opening.read_store(state_dir, alone=True)
    except PyalmaError as error:
        return Reopened(refused=error.message)
    plain = plain_tinydb(state_dir / "db.json")
    if store is None:
        return Reopened(empty=True, plain=plain)
    runs = list(store.ledger.runs)
    with RowReader(layout.rows(state_dir)) as reader:
        rows = {run.id: tuple(row["row"] for row in reader.rows(run)) for run in runs}
    states = {run.id: None if run.state is None else jsontext.decode(run.state) for run in runs}
    return Reopened(
        facts=tuple((s.word(run.status), states[run.id], run.saves, rows[run.id]) for run in runs),
        seeds=tuple(run.seed for run in runs),
        names=tuple(instance.name for instance in store.ledger.instances),
        hook=f"done() {s.hook_word(store.ledger.hook.status)}",
        plain=plain,
        uncounted=_uncounted(store),
        damaged=frozenset(store.damaged),
        missing=missing(layout.rows(state_dir), runs, store.recorded) or reader.why,
    )


def _uncounted(store: opening.Store) -> str:
    """How the counts, which are not made from the runs if those were not looked at, differ from them; "" if not."""
    counts = {word: store.ledger.counts.of(word) for word in s.WORDS}
    true = Counter(s.word(run.status) for run in store.ledger.runs)
    return "" if counts == {word: true[word] for word in s.WORDS} else f"counted are {counts}, there are {dict(true)}"


_plain_known: dict[bytes, str] = {}


def plain_tinydb(path: Path) -> str:
    """What plain TinyDB finds wrong with a file, "" if nothing, or if there is no file."""
    content = path.read_bytes() if path.exists() else b""
    if content not in _plain_known:
        _plain_known[content] = _plain(path)
    return _plain_known[content]


def _plain(path: Path) -> str:
    if not path.exists():
        return ""
    try:
        with TinyDB(path) as db:
            meta, runs = db.table("meta").all(), db.table("runs").all()
    except (ValueError, OSError) as error:
        return f"plain TinyDB does not open it: {error}"
    if len(meta) != 1 or any("status" not in run for run in runs):
        return f"plain TinyDB finds {meta} and {runs}"
    return ""


def broken(history: History, found: Reopened, moment: int, survives: Survives) -> list[str]:
    """The promises that a reopened store breaks, after so many events."""
    if found.refused:
        return [f"refused to open: {found.refused}"]
    problems = [problem for problem in (found.plain, found.uncounted) if problem]
    if found.missing:
        problems.append(f"rows that count are missing: {found.missing}")
    if found.empty:
        return [*problems, *(["the experiment is gone"] if history.begun(moment) else [])]
    if list(found.seeds) not in (history.seeds, []):
        problems.append(f"seeds are {found.seeds}")
    for run, facts in enumerate(found.facts, start=1):
        possible = history.possible(run, moment, survives)
        if facts not in possible:
            problems.append(f"run {run} is {facts}, expected one of {possible}")
    if found.hook not in [facts[0] for facts in history.possible(HOOK, moment, survives)]:
        problems.append(f"{found.hook} after {[a.kind for a in history.acts[HOOK] if a.begun < moment]}")
    return problems


def undamaged(found: Reopened, files: Iterable[tuple[str, bytes | None]]) -> list[str]:
    """Damage that is told of segments which end with a whole line, or with zeros behind one; none is torn then."""
    whole = {
        path.rpartition("/")[2]
        for path, content in files
        if "/journal/" in path  # a file of rows has the same name
        and content is not None
        and content.rstrip(b"\0")[-1:] in (b"", b"\n")
    }
    return [f"{name} counts as damaged and is not" for name in sorted(found.damaged & whole)]


def _is_part_of(rows: Rows, all_rows: list[object]) -> bool:
    """Whether these rows follow each other without a gap somewhere in all of them, none twice."""
    return any(tuple(all_rows[i : i + len(rows)]) == rows for i in range(len(all_rows) - len(rows) + 1))


def unlikely(history: History, found: Reopened, moment: int) -> list[str]:
    """What must not happen even where nothing was promised: a store that refuses, or a fact that never was."""
    if found.refused:
        return [f"refused to open: {found.refused}"]
    problems = [found.plain] if found.plain else []
    for run, (word, state, _, rows) in enumerate(found.facts, start=1):
        acts = [act for act in history.acts[run] if act.begun < moment]
        if state is not None and state not in [act.value for act in acts if act.kind == "save"]:
            problems.append(f"run {run} has state {state!r}, which was never saved")
        if any(row not in [row for act in acts for row in act.rows] for row in rows):
            problems.append(f"run {run} has rows {rows!r}, of which some never counted")
        if not found.missing and not _is_part_of(rows, [row for act in acts for row in act.rows]):
            problems.append(f"run {run} has rows {rows!r}, which are no part of what it recorded, in that order")
        if word == "done" and "return" not in [act.kind for act in acts]:
            problems.append(f"run {run} is done and never returned")
    return problems

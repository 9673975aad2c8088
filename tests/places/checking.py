"""What the history of an experiment with places says of the promise, compared with what is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.store.opening import read_store

AT_ONCE = "at two places at once"


@dataclass
class Score:
    """What was seen; `broken` are sentences, one for each broken promise."""

    acknowledged: int = 0
    handed_on: int = 0
    repeated: int = 0  # returns of runs that were called again because nobody had recorded an earlier one
    smallest_gap: float = float("inf")
    completions: int = 0
    lives: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    def told(self) -> str:
        """All of it for people."""
        said = (
            f"{self.acknowledged:,} saves acknowledged, {self.completions} experiments done in {self.lives} lives, "
            f"{self.handed_on} handed on (smallest gap {self.smallest_gap:.2f} s), {self.repeated} returns repeated, "
            f"{self.kills.total()} kills {dict(self.kills)}"
        )
        return "\n".join([said, *self.broken] if self.broken else [said, "nothing broken"])


def lines_of(folder: Path, name: str) -> list[list[str]]:
    """What the runs of an instance have told: when, where, process, word and number."""
    path = folder / "history" / name
    return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


def overlaps(folder: Path) -> bool:
    """Whether a run has met another one of the same instance."""
    return any("overlap" in path.read_text() for path in (folder / "history").glob("*.txt"))


def stored_in(folder: Path, state_dir: Path) -> dict[str, Run]:
    """By the name of an instance, what is stored of its run."""
    store = read_store(state_dir)
    if store is None:
        return {}
    return {store.ledger.instances[run.instance].name: run for run in store.ledger.runs}


def done_in(folder: Path, state_dir: Path) -> dict[str, int]:
    """By the name of each instance whose run is stored as done, how often it has been called."""
    stored = stored_in(folder, state_dir)
    done = [name for name, run in stored.items() if isinstance(run.status, s.Done)]
    return {name: _calls(folder, name) for name in done}


def _calls(folder: Path, name: str) -> int:
    return _words(lines_of(folder, name))["start"]


def _words(lines: Sequence[Sequence[str]]) -> Counter[str]:
    return Counter(line[3] for line in lines)


def check_done(folder: Path, done: dict[str, int], score: Score) -> None:
    """That nothing was called again that was stored as done."""
    again = [name for name, calls in done.items() if _calls(folder, name) > calls]
    score.broken += [f"{name}: called again after it was stored as done" for name in again]


def check(
    folder: Path,
    state_dir: Path,
    names: Sequence[str],
    score: Score,
    *,
    finished: bool,
    struck: Container[int] = (),
) -> None:
    """Compare; `struck` are processes that were killed, whose runs may have failed with them."""
    stored = stored_in(folder, state_dir)
    for name in names:
        lines = lines_of(folder, name)
        acknowledged = _check_history(name, lines, score)
        if name in stored and int((stored[name].state or b'"0"').strip(b'"')) < acknowledged:
            score.broken.append(f"{name}: {stored[name].state!r} is stored after {acknowledged} was acknowledged")
        if name in stored and not (words := _words(lines))["saved"] <= stored[name].saves <= words["call"]:
            score.broken.append(f"{name}: {stored[name].saves} saves are counted of {words['call']}")
        if finished and not (name in stored and isinstance(stored[name].status, s.Done)):
            score.broken.append(f"{name}: not done at the end")
        if name in stored and isinstance(stored[name].status, s.Failed) and int(lines[-1][2]) not in struck:
            score.broken.append(f"{name}: failed, and nobody was to blame")
    if len(lines_of(folder, "done")) > 1:
        score.broken.append("done() was called twice")
    log = state_dir / "session.log"
    if log.exists() and "does not fit what is known" in (text := log.read_text()):
        score.broken.append("a record was folded twice: " + next(x for x in text.splitlines() if "not fit" in x))


def _check_history(name: str, lines: Sequence[Sequence[str]], score: Score) -> int:
    """What was acknowledged last."""
    acknowledged, called, last, returns = 0, 0, (0.0, "", ""), 0
    for at, where, pid, word, *rest in lines:
        number = int(rest[0]) if rest else 0
        if word == "start":
            if not acknowledged <= number <= called:
                score.broken.append(f"{name}: started with {number} after {acknowledged} was acknowledged")
            acknowledged = called = number
            if last[1:] != (where, pid) and last[0]:
                score.handed_on += 1
                score.smallest_gap = min(score.smallest_gap, float(at) - last[0])
        elif word == "call":
            called = number
        elif word == "saved":
            acknowledged = number
            score.acknowledged += 1
        elif word == "overlap":
            score.broken.append(f"{name}: {AT_ONCE}")
        elif word == "return":
            score.repeated += returns > 0
            returns += 1
        last = float(at), where, pid
    return acknowledged

"""`pyalma-tui verify`: is it true that an interruption changes nothing?"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from pyalma_tui.cli.printing import Out
from pyalma_tui.cli.remembered import remembered
from pyalma_tui.cli.speak import say, warn
from pyalma_tui.errors import UsageError
from pyalma_tui.loading.local_code import code_root
from pyalma_tui.loading.target import find_target
from pyalma_tui.model import status as s
from pyalma_tui.model.choice import choose
from pyalma_tui.model.chosen import Chosen
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import rows_in
from pyalma_tui.model.messages import Cut, How
from pyalma_tui.model.words import duration, plural, run_name
from pyalma_tui.report.difference import first_difference, told_of_outside
from pyalma_tui.runner.mirror import mirror_of, told_of_left_out, with_instance
from pyalma_tui.runner.start import Asked, begun
from pyalma_tui.runner.trial import Outcome, Subject, tried
from pyalma_tui.store.ledger import Ledger
from pyalma_tui.store.ours import is_begun
from pyalma_tui.store.planning import plan_start
from pyalma_tui.store.schema import Meta
from pyalma_tui.store.session_records import last_record

TIMES = 5  # that a run is stopped where nobody says
RUNS = 3  # that are tried where nobody names an instance
START = 0.4  # seconds of a trial beside the run: a copy, a process, an import
AGAIN = 0.1  # seconds that a cut costs at least
REASONS = (
    "Usual reasons: random numbers whose state is not part of what is saved, the order of a set, a file that is "
    "appended to, the time in what is written, a row recorded after its save"
)
MORE = (
    "verify: interrupted at saves only; what a run writes between two of them, as a file that is appended to, may make "
    "a difference after a kill -9: see --kill"
)


class VerifyOptions(msgspec.Struct, frozen=True):
    """How often each run is cut, and how; each is None where nobody says."""

    times: int | None
    kill: bool
    iteration: int | None
    at_a_time: int | None

    @property
    def interruptions(self) -> int:
        """How often a run is stopped."""
        return TIMES if self.times is None else self.times

    @property
    def workers(self) -> int:
        """How many runs are tried at a time."""
        return 1 if self.at_a_time is None else self.at_a_time


class AbandonedError(Exception):
    """Somebody wants no more trials."""


class Verdict(msgspec.Struct, frozen=True):
    """What became of one run: `text` is a line for the user, `kept` where both working directories are."""

    word: Literal["identical", "differs", "not tested"]
    text: str
    kept: Path | None = None


def verify(name: str, words: Sequence[str], state: Path | None, options: VerifyOptions) -> int:
    """Call runs undisturbed and cut, and compare what is left; 0 if all is identical, 1 if not, 130 after Ctrl+C.

    Raises UsageError for numbers that mean nothing, InputError, StoreError, LoadError; nothing of the experiment is
    touched.
    """
    for what, value in (("--interruptions", options.interruptions), ("--workers", options.workers)):
        if value < 1:
            raise UsageError(f"{what}: {value}: it must be at least 1. Nothing was started")
    module, ledger, meta, here = _known(name, state)
    runs = _chosen(ledger, words, options)
    root = code_root(module)
    mirror = mirror_of(root, here)
    whole = Subject(module=module, root=root, mirror=mirror, ledger=ledger, meta=meta, run=0)
    subjects = [_subject(whole, run) for run in runs]
    say(_announced(subjects, options))
    for text in told_of_left_out(subject.mirror for subject in subjects):
        say(f"verify: {text}")
    return _tried(subjects, options)


def _subject(whole: Subject, run: Run) -> Subject:
    subject = replace(whole, run=run.id)
    return replace(subject, mirror=with_instance(whole.mirror, subject.instance.file))


def _known(name: str, state: Path | None) -> tuple[Path, Ledger, Meta, Path]:
    """The module, the runs, and where they are called: what is remembered, else what a start would come to."""
    target = find_target(name, warn)
    state_dir = target.state_dir(state)
    if is_begun(state_dir):
        known = remembered("verify", name, state)
        record = last_record(state_dir)
        here = Path.cwd() if record is None or not os.path.isdir(record.directory) else Path(record.directory)
        return Path(os.path.realpath(target.module)), known.store.ledger, known.store.meta, Path(os.path.realpath(here))
    with begun(target, Asked(state_dir=state_dir, chosen=Chosen()), warn) as start:
        start.load(lambda seconds: None)
        start.agent.part()
        given = start.settings
    planned = plan_start(None, given.batch or (), given.iterations, given.seed, target.path, has_done=False)
    if not planned.batch:
        raise UsageError(f"verify: {name}: there is no instance to try. Start the experiment first")
    chosen = replace(given.chosen or Chosen(), seed_globals=given.seed_globals)
    meta = Meta(iterations=planned.iterations, seed=planned.seed, chosen=chosen)
    return Path(os.path.realpath(target.module)), planned.ledger, meta, Path.cwd()


def _chosen(ledger: Ledger, words: Sequence[str], options: VerifyOptions) -> list[Run]:
    """Which runs to try: of the named instances one each, else the shortest that are done, else the first.

    One that saves less often than it is to be stopped shows less, so others come before it.
    """
    iteration = options.iteration
    instances = [each for each in ledger.instances if each.in_batch]
    meant = [instance for word in words for instance in choose(instances, word)] if words else instances
    found = [run for instance in meant for run in _of(ledger, instance.id, iteration)]
    if not found:
        raise UsageError(f"--iteration {iteration}: there is no such iteration. Nothing was started")
    if not words:
        done = [run for run in found if isinstance(run.status, s.Done)]
        return sorted(done, key=lambda run: (run.saves < options.interruptions, run.seconds))[:RUNS] or found[:1]
    best: dict[int, Run] = {}
    for run in found:
        best.setdefault(run.instance, run)
        if isinstance(run.status, s.Done) and not isinstance(best[run.instance].status, s.Done):
            best[run.instance] = run
    return list(best.values())


def _of(ledger: Ledger, instance: int, iteration: int | None) -> list[Run]:
    runs = [ledger.run(number) for number in ledger.runs_of[instance]]
    return [run for run in runs if iteration in (None, run.iteration)]


def _announced(subjects: Sequence[Subject], options: VerifyOptions) -> str:
    runs = [subject.ledger.run(subject.run) for subject in subjects]
    how = "killed (kill -9)" if options.kill else "interrupted"
    text = f"verify: {plural(len(runs), 'run')}, each once undisturbed and once {how} {options.interruptions} times"
    if not all(isinstance(run.status, s.Done) for run in runs):
        return f"{text}; nobody knows how long that takes: not all of them have been done before"
    beside = [2 * START + 3 * subject.mirror.seconds + options.interruptions * AGAIN for subject in subjects]
    each = [2 * run.seconds + more for run, more in zip(runs, beside, strict=True)]
    return f"{text}; about {duration(max(sum(each) / options.workers, *each))}"


def _tried(subjects: Sequence[Subject], options: VerifyOptions) -> int:
    stop = threading.Event()
    place = Path(os.path.realpath(tempfile.mkdtemp(prefix="pyalma-tui-verify-")))
    kept = False
    code, words = 0, set[str]()
    printing = Out()
    pool = ThreadPoolExecutor(options.workers)
    try:
        futures = [
            pool.submit(_judged, subject, place / str(number), options, stop)
            for number, subject in enumerate(subjects, 1)
        ]
        for future in as_completed(futures):
            verdict = future.result()
            printing.text(verdict.text + "\n")
            words.add(verdict.word)
            if verdict.word == "differs":
                code, kept = 1, True
    except KeyboardInterrupt:
        say("verify: stopped by Ctrl+C; nothing is known of the other runs")
        code = 130
    finally:
        stop.set()
        pool.shutdown(cancel_futures=True)
        if not kept:
            _remove(place)
    if "identical" in words and not options.kill:
        say(MORE)
    if kept:
        say(f"{REASONS}. What was written is kept in {place}")
    return code


def _judged(subject: Subject, place: Path, options: VerifyOptions, stop: threading.Event) -> Verdict:
    ledger, run = subject.ledger, subject.ledger.run(subject.run)
    name = run_name(subject.instance.label, run.iteration, len(ledger.runs_of[run.instance]))
    place.mkdir()

    def called(where: str, *cuts: Cut) -> Outcome:
        return tried(subject, place, where, cuts, lambda waited: _give_up(stop))

    undisturbed = called("undisturbed")
    if isinstance(run.status, s.Done) and not isinstance(undisturbed.run.status, s.Done):
        why = f"called undisturbed in a copy of {subject.mirror.here} it ended otherwise than it had"
        return Verdict("differs", f"differs    {name}: {why}: done ≠ {undisturbed.left.ended}", place)
    saves = undisturbed.run.saves
    cuts = tuple(_cuts(saves, options, random.Random(run.seed)))
    if not cuts:
        why = "it never saves, so that nothing could be interrupted; --kill ends it on its way out"
        return Verdict("not tested", f"not tested {name}: {why}{told_of_outside(undisturbed.left)}")
    disturbed = called("cut", *cuts)
    told = _told(cuts, saves, kill=options.kill)
    difference = first_difference(undisturbed.left, disturbed.left)
    if difference is None:
        _remove(place)
        same = f"{undisturbed.left.ended}, {_same(undisturbed)}{told_of_outside(undisturbed.left, disturbed.left)}"
        return Verdict("identical", f"identical  {name}: {told}: {same}")
    again = called("undisturbed again")
    if by_itself := first_difference(undisturbed.left, again.left):
        why = f"two undisturbed calls differ as well, so it is no interruption that does: {by_itself}"
        return Verdict("differs", f"differs    {name}: {why}", place)
    for cut in _single(cuts):
        where = f"cut at save {cut.at} {cut.how}"
        alone = called(where, cut)
        if found := first_difference(undisturbed.left, alone.left):
            return Verdict("differs", f"differs    {name}: {_resumed(cut, saves)}: {found}", place)
        _remove(place / where)  # a copy of all, and nobody asks for it
    return Verdict("differs", f"differs    {name}: {told}, only by all of them together: {difference}", place)


def _remove(place: Path) -> None:
    """Remove copies, also folders that a run lets nobody write to."""
    for folder, names, _ in os.walk(place):
        for path in (Path(folder, name) for name in names):
            if not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(place, ignore_errors=True)


def _give_up(stop: threading.Event) -> None:
    if stop.is_set():
        raise AbandonedError


def _same(outcome: Outcome) -> str:
    """What is the same of two calls."""
    rows, files = rows_in(outcome.run.extents), len(outcome.left.touched)
    told = ["same state", f"same {plural(rows, 'row')}" * bool(rows), f"same {plural(files, 'file')}" * bool(files)]
    return ", ".join(filter(None, told))


def _cuts(saves: int, options: VerifyOptions, draw: random.Random) -> Iterator[Cut]:
    """Where the attempts end, drawn among the saves of an undisturbed call; each counts from where it was resumed."""
    last = saves + 1 if options.kill else saves  # a kill may also hit a run on its way out
    chosen = sorted(draw.sample(range(1, last + 1), min(options.interruptions, last)))
    stored = 0  # saves that the attempts so far have stored
    for number in chosen:
        how: How = "asked"
        if options.kill:
            how = "before" if number > saves or draw.random() < 0.5 else "after"
        if number > stored:
            yield Cut(number - stored, how)
            stored = number - 1 if how == "before" else number


def _single(cuts: Sequence[Cut]) -> Iterator[Cut]:
    """The same cuts, each for a run that is cut nowhere else."""
    stored = 0
    for cut in cuts:
        yield Cut(stored + cut.at, cut.how)
        stored += cut.at - 1 if cut.how == "before" else cut.at


def _resumed(cut: Cut, saves: int) -> str:
    stored = cut.at - 1 if cut.how == "before" else cut.at
    how = {"asked": "interrupted at", "before": "killed on its way into", "after": "killed after"}[cut.how]
    where = f"{how} save {cut.at}" if cut.at <= saves else "killed on its way out"
    return f"{where}, {f'resumed from save {stored}' if stored else 'begun anew'}"


def _told(cuts: Sequence[Cut], saves: int, *, kill: bool) -> str:
    inside = [str(cut.at) for cut in _single(cuts) if cut.at <= saves]
    at = f"at {'saves' if len(inside) > 1 else 'save'} {', '.join(inside)} of {saves}" if inside else ""
    out = "on its way out" if len(inside) < len(cuts) else ""
    return f"{'killed' if kill else 'interrupted'} {' and '.join(filter(None, (at, out)))}"

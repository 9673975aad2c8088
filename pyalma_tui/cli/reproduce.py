"""`pyalma-tui reproduce`: one run anew, with its seed and its code, compared with what is stored of it."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from pyalma_tui import __version__
from pyalma_tui.cli.printing import Out
from pyalma_tui.cli.remembered import Remembered, remembered
from pyalma_tui.cli.speak import complain, say, tick, untick
from pyalma_tui.errors import LoadError, UsageError
from pyalma_tui.loading.local_code import code_root, module_name
from pyalma_tui.model import status as s
from pyalma_tui.model.choice import choose_one
from pyalma_tui.model.chosen import HashSeed
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import rows_in
from pyalma_tui.model.words import duration, named, plural, run_name
from pyalma_tui.report.difference import first_difference, told_of_outside
from pyalma_tui.runner.circumstances import environment, version_of
from pyalma_tui.runner.mirror import mirror_of, told_of_left_out, with_instance
from pyalma_tui.runner.outdated import CodeNow, EditedFile, code_of, edits_since
from pyalma_tui.runner.trial import CalledRows, Outcome, Subject, left_by, tried
from pyalma_tui.store import layout
from pyalma_tui.store.abandoned import look
from pyalma_tui.store.inputs import judge, look_at, read_inputs
from pyalma_tui.store.kept_code import read_code, texts_of
from pyalma_tui.store.session_records import SessionRecord, read_records, session_of

REASONS = (
    "Usual reasons: random numbers that are not drawn from the run's seed (`--seed-globals`), what other runs have "
    "left, the time, another machine or version"
)


def reproduce(name: str, word: str, state: Path | None, iteration: int | None) -> int:
    """Call the run once more, apart from its experiment; 0 if its state is what is stored, 1 if not, 130 after Ctrl+C.

    Raises UsageError for a run that is not done or whose code was not kept, InputError, LoadError, StoreError; nothing
    of the experiment is touched.
    """
    known = remembered("reproduce", name, state)
    run, called = _meant(known, word, iteration)
    record = session_of(list(read_records(known.state_dir)), run.began or 0.0)
    code = CodeNow(known.state_dir, code_root(known.target.module), module_name(known.target.module))
    if code_of(code, run.module) is None:
        raise UsageError(f"reproduce: {called}: the code that it had is not kept any more. Nothing was started")
    edits = edits_since(code, run.module)
    texts = _texts(code, run.module, called) if edits else {}
    subject = _subject(known, run, record, code.root, texts)
    say(_announced(called, run, edits))
    since = list(_input_since(known, run))
    for text in (*since, *told_of_left_out([subject.mirror])):
        say(f"reproduce: {text}")
    try:
        with tempfile.TemporaryDirectory(prefix="pyalma-tui-reproduce-") as folder:
            place = Path(os.path.realpath(folder))
            again = tried(subject, place, "left", (), lambda seconds: _wait(called, seconds))
            untick()
            return _told(called, known, run, again, record, since, stored=bool(edits))
    except KeyboardInterrupt:
        untick()
        say("reproduce: stopped by Ctrl+C; the experiment is as it was")
        return 130


def _meant(known: Remembered, word: str, iteration: int | None) -> tuple[Run, str]:
    """The run that is meant, and its name; raises UsageError if it has no result to compare with."""
    ledger = known.store.ledger
    instance = choose_one(ledger.instances, word, "reproduce:")
    runs = [ledger.run(number) for number in ledger.runs_of[instance.id]]
    found = [run for run in runs if iteration in (None, run.iteration)]
    if not found:
        there_is = f"{instance.label} has {named(len(runs))}"
        raise UsageError(f"--iteration {iteration}: {there_is}, counted from 0 as `run` gets it")
    run = next((run for run in found if isinstance(run.status, s.Done)), found[0])
    called = run_name(instance.label, run.iteration, len(runs))
    if not isinstance(run.status, s.Done):
        raise UsageError(f"reproduce: {called}: it is {s.word(run.status)}, so there is no result to compare with")
    return run, called


def _texts(place: CodeNow, identity: str, called: str) -> dict[str, bytes]:
    """The code that the run had; raises UsageError if it was not kept whole."""
    code = read_code(place.state_dir, identity, place.module)
    texts = texts_of(place.state_dir, code)
    edited = {edit.name for edit in edits_since(place, identity)}
    if lost := sorted(edited.intersection(code.files).difference(texts)):
        raise UsageError(
            f"reproduce: {called}: {', '.join(lost)} has changed since, and what it was is not kept. "
            f"Nothing was started"
        )
    return texts


def _subject(known: Remembered, run: Run, record: SessionRecord | None, root: Path, texts: dict[str, bytes]) -> Subject:
    """The run as it was called: where, with which arguments, with which hash seed."""
    meta, here = known.store.meta, root
    if record is not None:
        here = Path(record.directory) if os.path.isdir(record.directory) else root
        hash_seed = _hash_seed(record.environment.get("PYTHONHASHSEED")) or meta.chosen.hash_seed
        then = {"args": record.arguments, "hash_seed": hash_seed, "seed_globals": record.seed_globals}
        meta = replace(meta, chosen=replace(meta.chosen, **then))
    ledger = known.store.ledger
    mirror = with_instance(mirror_of(root, Path(os.path.realpath(here))), ledger.instances[run.instance].file)
    module = Path(os.path.realpath(known.target.module))
    return Subject(module=module, root=root, mirror=mirror, ledger=ledger, meta=meta, run=run.id, texts=texts)


def _hash_seed(text: str | None) -> HashSeed | None:
    if text is None or text == "random":
        return "random" if text else None
    return int(text) if text.isdecimal() else None


def _announced(called: str, run: Run, edits: tuple[EditedFile, ...]) -> str:
    took = run.status.duration if isinstance(run.status, s.Done) else 0.0
    code = f"with the code that it had ({', '.join(edit.text for edit in edits)} since)" if edits else "with its code"
    return f"reproduce: {called}, seed {run.seed}, {code}; its last attempt took {duration(took)}"


def _input_since(known: Remembered, run: Run) -> Iterator[str]:
    """What has become of the instance's file since the run began to read it."""
    if not (file := known.store.ledger.instances[run.instance].file):
        return
    there = look_at(file)
    verdict, _ = judge(file, there, read_inputs(known.state_dir).get(file), [run.began or 0.0])
    if there is None:
        yield f"{file} is gone"
    elif verdict == "another":
        yield f"{file} has another content"
    elif verdict == "unknown":
        yield f"{file} may have another content: its time has changed"


def _wait(called: str, seconds: float) -> None:
    tick(f"{called}: {seconds:.0f} s… ctrl+c stops it")


# --- what came of it ---------------------------------------------------------------------------------------------


def _told(
    called: str,
    known: Remembered,
    run: Run,
    again: Outcome,
    record: SessionRecord | None,
    since: Sequence[str],
    *,
    stored: bool,
) -> int:
    out = Out()
    if isinstance(again.run.status, s.Failed) and again.run.status.error.traceback:
        complain(LoadError(f"{called}: {again.run.status.error.message}", again.run.status.error.traceback))
    rows = CalledRows(layout.rows(known.state_dir), run, again=lambda then: _now(known, then))
    difference = first_difference(left_by(run, rows), again.left)
    now = [*since, *_otherwise(record)]
    if difference is None:
        out.text(f"identical  {called}: {_measured(run)}{told_of_outside(again.left)}\n")
    else:
        out.text(f"differs    {called}: {difference}\n")
        say(REASONS + (f". Otherwise than then: {', '.join(now)}" if now else ""))
    out.text(_sentence(called, run, identical=difference is None, stored=stored, otherwise=now) + "\n")
    return 0 if difference is None else 1


def _now(known: Remembered, run: Run) -> Run:
    """The run as it is now: whoever runs the experiment may have moved its rows."""
    store, _ = look(known.state_dir)
    return run if store is None else store.ledger.run(run.id)


def _measured(run: Run) -> str:
    state = f"{len(run.state):,} bytes of state" if run.state is not None else "it saves nothing"
    rows = rows_in(run.extents)
    return f"{state}, {plural(rows, 'row')}" if rows else state


def _otherwise(record: SessionRecord | None) -> Iterator[str]:
    """What is not as it was in the session of the run."""
    if record is None:
        return
    for name, then, now in (
        ("Python", record.python, platform.python_version()),
        ("platform", record.platform, platform.platform()),
        ("processor", record.machine, platform.machine()),
    ):
        if then != now:
            yield f"{name} {then} → {now}"
    for name, then in record.distributions.items():
        if (now := version_of(name)) != then:
            yield f"{name} {then} → {now or 'none'}"
    today = environment({})
    for name in sorted({*record.environment, *today} - {"PYTHONHASHSEED"}):
        then, now = record.environment.get(name, "not set"), today.get(name, "not set")
        if then != now:
            yield f"{name}: {then} → {now}"


def _sentence(called: str, run: Run, *, identical: bool, stored: bool, otherwise: list[str]) -> str:
    """A sentence for a paper."""
    began = time.strftime("%Y-%m-%d", time.localtime(run.began)) if run.began is not None else "an unknown day"
    code = f"code {run.module}{', as it was kept' if stored else ''}"
    what = "final state" if not run.extents else f"final state and {plural(rows_in(run.extents), 'row')} of results"
    were = "was" if not run.extents else "were"
    seen = f"its {what} {were} the same, byte for byte" if identical else f"its {what} {were} not the same"
    changed = f" ({plural(len(otherwise), 'circumstance')} changed: {', '.join(otherwise)})" if otherwise else ""
    return (
        f"The run {called} of {began} (seed {run.seed}, {code}) was repeated alone on {time.strftime('%Y-%m-%d')} with "
        f"pyalma-tui {__version__} and Python {platform.python_version()} on {platform.system()} "
        f"{platform.machine()}{changed}: {seen}."
    )

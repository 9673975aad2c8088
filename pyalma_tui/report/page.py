"""An experiment as one page of HTML, for whoever was not there: it needs no network, no script and no other file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import nlargest
from pathlib import Path
from typing import Any

import msgspec

from pyalma_tui.model import ends
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.failures import Failures
from pyalma_tui.model.printable import clip, clip_middle
from pyalma_tui.model.scale import histogram, quantile
from pyalma_tui.model.series import Samples, Series, line_of
from pyalma_tui.model.standing import held_text, is_running
from pyalma_tui.model.status_style import STYLES
from pyalma_tui.model.words import duration, finely, plural, run_name
from pyalma_tui.report import svg
from pyalma_tui.report.columns import summaries
from pyalma_tui.report.page_style import STYLE
from pyalma_tui.report.svg import text_of
from pyalma_tui.store.ledger import Ledger
from pyalma_tui.store.session_records import SessionRecord

RUNS = 1_000  # lines of the table of runs, failed ones first
KINDS = 50
FIELDS = 4  # numbers of states that have a plot, and of rows
LONGEST = 160  # characters of anybody's text in a cell
LONGEST_KEY = 40  # … of the name of a line
SESSIONS = 100
ORDER: tuple[s.Word, ...] = ("failed", "running", "interrupted", "done", "pending")


class PageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """All that a page is made of. `rows` are gone through once; `at` is when it was looked at (seconds of the epoch).
    `sampled` gives the numbers in some rows of a run.

    `busy` is the process that has it, None if none does; `aside` says what of the results is not on the page.
    """

    title: str
    target: Path
    at: float
    version: str
    ledger: Ledger
    samples: Samples
    rows: Iterable[dict[str, Any]]
    sampled: Callable[[Run], Series]
    sessions: Sequence[SessionRecord]
    busy: str | None = None


def page(told: PageFacts) -> Iterator[str]:
    """The text of the page, piece by piece."""
    runs = told.ledger.runs.freeze()
    known = ends.Ends()
    known.update(runs)
    columns = known.all()
    line = ends.timeline(columns)
    yield f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{text_of(told.title)}</title>\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield '<meta name="color-scheme" content="dark light">\n'
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    yield f"<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
    yield from _head(told, line)
    yield from _plots(told, columns, line)
    yield from _failures(told)
    yield from _results(told)
    yield from _runs(told)
    yield from _provenance(told)
    yield f"</main>\n<footer>pyalma-tui {text_of(told.version)}, {_moment(told.at)}</footer>\n</body>\n</html>\n"


def _head(told: PageFacts, line: ends.Timeline) -> Iterator[str]:
    counts = told.ledger.counts
    yield f"<header><h1>{text_of(told.title)}</h1>"
    share = f"{int(100 * counts.done / counts.total)} %" if counts.total else "nothing planned"
    parts = [f"{counts.done:,} of {plural(counts.total, 'run')} done, {share}"]
    if line.length:
        parts.append(f"{duration(line.length)} from {_moment(line.spans[0][0])} to {_moment(line.spans[-1][1])}")
        if len(line.spans) > 1:
            parts[-1] += f", with {plural(len(line.spans) - 1, 'pause')} left out"
    if told.busy is not None:
        ledger = told.ledger
        parts.append(held_text(told.busy, runs=is_running(counts, ledger.aside, ledger.hook)))
    yield f"<p>{' · '.join(map(text_of, parts))}</p>"
    yield '<p class="bar">'
    for word in ("done", "failed", "interrupted", "running", "pending"):
        if number := counts.of(word):
            yield f'<span class="{word}" style="flex-grow:{number}" title="{number:,} {word}"></span>'
    yield "</p><p>"
    for word in s.WORDS[::-1]:
        if number := counts.of(word):
            yield f'<span class="word {word}">{STYLES[word].glyph} {number:,} {word}</span> '
    yield "</p></header>\n"


def _plots(told: PageFacts, columns: ends.EndColumns, line: ends.Timeline) -> Iterator[str]:
    wide = f"a bar is {duration(line.length / svg.BINS)}; green done, yellow interrupted, red failed, ‖ a pause"
    figures = [
        ("Runs that ended over time", svg.ended(columns, line), wide),
        ("Runs at a time", svg.load(columns, line, told.samples.taken), _load_note(told, line)),
    ]
    took = ends.durations(columns)
    if took:
        half, most = finely(quantile(took, 0.5)), finely(quantile(took, 0.95))
        note = f"half within {half}, 19 of 20 within {most}, all in {finely(took[-1])}"
        figures.insert(1, ("How long runs took", svg.lengths(histogram(took, 12)), note))
    yield '<section class="plots">\n'
    for title, drawn, note in [*figures, *_states(told)]:
        if drawn:
            yield f"<figure><figcaption><b>{text_of(title)}</b> {note}</figcaption>{drawn}</figure>\n"
    yield "</section>\n"
    if took:
        yield from _slowest(told, columns)


def _load_note(told: PageFacts, line: ends.Timeline) -> str:
    if not line.spans:
        return ""
    first, last = line.spans[0][0], line.spans[-1][1]
    shown = sum(first <= each.at <= last for each in told.samples.taken) > 1
    return "the line: processors that they took" if shown else ""


def _states(told: PageFacts) -> Iterator[tuple[str, str, str]]:
    latest = [(run, series) for run, series in reversed(told.samples.series.items()) if len(series.points) > 1]
    yield from _numbers(told, [(run, series) for run, series in latest if 0 < run <= len(told.ledger.runs)], "saves")
    recorded = (run for run in told.ledger.runs.freeze() if run.extents)
    newest = nlargest(svg.HUES, recorded, key=lambda run: run.saved_at or 0.0)
    known = [(run.id, told.sampled(run)) for run in newest]
    yield from _numbers(told, [(run, series) for run, series in known if len(series.points) > 1], "rows")


def _numbers(told: PageFacts, known: Sequence[tuple[int, Series]], over: str) -> Iterator[tuple[str, str, str]]:
    fields = list(dict.fromkeys(name for _, series in known[:50] for name in series.fields))[:FIELDS]
    for field in fields:
        lines = [(_name(told, run), line_of(series, field)) for run, series in known]
        lines = [(name, points) for name, points in lines if points][: svg.HUES]
        if lines:
            keys = enumerate(text_of(clip_middle(name, LONGEST_KEY)) for name, _ in lines)
            names = " ".join(f'<span class="key h{number}">{name}</span>' for number, name in keys)
            title = f"{field} over {over}"
            yield title, svg.curves(lines, title), names


def _name(told: PageFacts, run_id: int) -> str:
    run = told.ledger.run(run_id)
    return run_name(told.ledger.instances[run.instance].label, run.iteration, len(told.ledger.runs_of[run.instance]))


def _slowest(told: PageFacts, columns: ends.EndColumns) -> Iterator[str]:
    yield '<section><h2>Slowest</h2><div class="beside">'
    rows = [(_name(told, run), duration(seconds)) for run, seconds in ends.slowest(columns, 10)]
    yield from _table(("run", "took"), rows)
    if len(told.ledger.runs) > len(told.ledger.instances):
        means = ends.by_instance(columns, 10)
        labels = told.ledger.instances
        yield from _table(
            ("instance", "on average", "runs"),
            [(labels[instance].label, duration(mean), f"{count:,}") for instance, mean, count in means],
        )
    yield "</div></section>\n"


def _failures(told: PageFacts) -> Iterator[str]:
    groups = Failures(str(told.target.parent)).update(told.ledger.runs.freeze())
    if not groups:
        return
    failed = sum(len(group.runs) for group in groups)
    yield f"<section><h2>Failures</h2><p>{plural(failed, 'run')} of {plural(len(groups), 'kind')}</p>"
    for group in groups[:KINDS]:
        run = told.ledger.run(group.runs[0])
        yield '<details><summary><b class="failed">'
        yield f"{len(group.runs):,}</b> {text_of(str(group.kind)[: 2 * LONGEST])} "
        yield f'<span class="quiet">{text_of(str(group.kind.location))}</span></summary>'
        first = f"in {plural(group.instances, 'instance')}, from {_moment(group.first)} to {_moment(group.last)}: "
        names = ", ".join(clip_middle(_name(told, number), LONGEST) for number in group.runs[:8])
        more = f" and {len(group.runs) - 8:,} more" if len(group.runs) > 8 else ""
        yield f"<p>{text_of(first + names + more)}</p>"
        if isinstance(run.status, s.Failed):
            text = run.status.error.traceback or run.status.error.message
            lines = "\n".join(map(text_of, text[-20_000:].split("\n")))
            yield f"<pre>{lines}</pre>"
        yield "</details>\n"
    if len(groups) > KINDS:
        yield f"<p>and {plural(len(groups) - KINDS, 'kind')} more</p>"
    yield "</section>\n"


def _results(told: PageFacts) -> Iterator[str]:
    count, found = summaries(told.rows)
    if not count:
        return
    yield f"<section><h2>Results</h2><p>{plural(count, 'row')}</p>"
    heads = ("column", "n", "mean", "sd", "min", "median", "max", "no number")
    rows = []
    for each in found:
        numbers = (each.mean, each.sd, each.least, each.median, each.largest)
        told_numbers = [f"{number:.6g}" for number in numbers] if each.n else [""] * len(numbers)
        rows.append((each.name, f"{each.n:,}", *told_numbers, f"{each.others:,}" if each.others else ""))
    yield from _table(heads, rows)
    yield "</section>\n"


def _runs(told: PageFacts) -> Iterator[str]:
    shown = _some(told)
    if not shown:
        return
    total = len(told.ledger.runs)
    note = plural(total, "run")
    if total > len(shown):
        note = f"{len(shown):,} of {note}, failed ones first"
    yield f"<section><h2>Runs</h2><p>{note}</p>"
    rows = [_run_line(told, run) for run in shown]
    heads = ("run", "status", "took", "saves", "attempts", "seed", "state or error")
    yield from _table(heads, rows, wide=(6,), words=1)
    yield "</section>\n"


def _some(told: PageFacts) -> list[Run]:
    """The runs in the order of what one wants to know first, as many as the table has lines."""
    everyone, found = range(1, len(told.ledger.runs) + 1), list[int]()
    for word in ORDER:
        found += told.ledger.standing(everyone, word)[: RUNS - len(found)]
    return [told.ledger.run(run) for run in found]


def _run_line(told: PageFacts, run: Run) -> tuple[str, ...]:
    state = "" if run.state is None else run.state[: 4 * LONGEST].decode("utf-8", "replace")
    said = run.status.error.message if isinstance(run.status, s.Failed) else state
    took = duration(run.seconds) if run.attempt else ""
    saves, attempts = f"{run.saves:,}" if run.saves else "", str(run.called or "")
    return _name(told, run.id), s.word(run.status), took, saves, attempts, str(run.seed), said


def _provenance(told: PageFacts) -> Iterator[str]:
    if not told.sessions:
        return
    yield f"<section><h2>Where it comes from</h2><p>{plural(len(told.sessions), 'start')}</p>"
    for record in reversed(told.sessions[-SESSIONS:]):
        opened = " open" if record is told.sessions[-1] else ""
        yield f"<details{opened}><summary>start {record.session}, {_moment(record.began)}</summary><dl>"
        for name, value in _facts(record):
            if value:
                yield f"<dt>{name}</dt><dd>{text_of(value[: 20 * LONGEST])}</dd>"
        yield "</dl></details>\n"
    yield "</section>\n"


def _facts(record: SessionRecord) -> Iterator[tuple[str, str]]:
    yield "command", " ".join(record.command)
    yield "directory", record.directory
    yield "Python", f"{record.implementation} {record.python}"
    yield "host", f"{record.host}, {record.platform}, {record.machine}"
    yield "processors", f"{record.processors} {record.processor}".rstrip()
    yield "workers", f"{record.workers} on {record.on}" if record.on else str(record.workers)
    yield "seed", str(record.seed)
    if record.git is not None:
        changed = ", with changes that are not committed" if record.git.dirty else ""
        yield "git", f"{record.git.commit} {record.git.branch}{changed}"
    yield "code", f"{record.code}: {', '.join(record.files)}" if record.files else record.code
    yield "libraries", ", ".join(f"{name} {version}" for name, version in sorted(record.distributions.items()))
    yield "environment", ", ".join(f"{name}={value}" for name, value in sorted(record.environment.items()))
    yield "pyalma-tui", record.pyalma_tui


def _table(
    heads: Sequence[str], rows: Iterable[Sequence[str]], wide: Sequence[int] = (), words: int | None = None
) -> Iterator[str]:
    """A table of anybody's texts. All but the first column and `wide` ones are numbers; one holds words of status."""
    yield '<div class="scroll"><table><thead><tr>'
    looks = ["" if place in (0, words, *wide) else ' class="number"' for place in range(len(heads))]
    yield "".join(f"<th{look}>{text_of(head)}</th>" for head, look in zip(heads, looks, strict=True))
    yield "</tr></thead><tbody>\n"
    for row in rows:
        yield "<tr>"
        for place, cell in enumerate(row):
            text = text_of((clip_middle if place == 0 else clip)(cell, LONGEST))
            if place == words:
                text = f'<span class="word {text}">{text}</span>'
            yield f"<td{looks[place]}>{text}</td>"
        yield "</tr>\n"
    yield "</tbody></table></div>"


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(at))

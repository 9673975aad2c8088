"""Samples for plots: what the runner keeps of a run's saves, in memory and beside the experiment."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import msgspec
import pytest

from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run, fold
from pyalma_tui.model.messages import Load
from pyalma_tui.model.records import Record, Reset, Saved, Started
from pyalma_tui.runner import sampling
from pyalma_tui.runner.sampling import Sampling
from pyalma_tui.store.kept_series import kept_samples
from pyalma_tui.store.layout import series
from tests.catalogue.experiment import Experiment, until
from tests.runner.conftest import Conduct

SAVES = """
import time
instances = ["a", "b"]
def run(instance, save, state):
    for number in range(60):
        time.sleep(0.01)
        save({"gap": 1 / (number + 1), "name": instance})
"""


def told(sampler: Sampling, run: Run, records: list[Record]) -> Run:
    for record in records:
        run = fold(run, record)  # type: ignore[arg-type]
        sampler.learn(record, run)
    return run


def saved(run: int, number: int, elapsed: int = 500) -> Saved:
    return Saved(run, 1, number, elapsed * number, msgspec.Raw(b"%d" % number))


def begun(number: int) -> tuple[Run, list[Record]]:
    return Run(number, 0, 0, 5), [Started(number, 1, 0, 1000.0, "", 7)]


def test_a_run_that_saves_has_a_series_until_it_is_reset(tmp_path: Path) -> None:
    sampler = Sampling(tmp_path)
    run, start = begun(1)
    run = told(sampler, run, [*start, saved(1, 1), saved(1, 2)])
    assert [point.saves for point in sampler.samples().series[1].points] == [1, 2]
    run = msgspec.structs.replace(run, status=s.Interrupted("asked", 1001.0))
    told(sampler, run, [Reset(1, 2, 1002.0, 0)])
    assert sampler.samples().series == {}


def test_of_very_many_brief_runs_between_two_looks_some_are_sampled(tmp_path: Path) -> None:
    """One that samples each of ten thousand runs a second keeps the runner from its work."""
    sampler = Sampling(tmp_path)
    for number in range(1, 101):
        run, start = begun(number)
        told(sampler, run, [*start, saved(number, 1, elapsed=3), saved(number, 2, elapsed=3)])
    series = sampler.samples().series
    assert list(series) == list(range(1, sampling.AT_ONCE + 1))
    assert all(len(each.points) == 2 for each in series.values()), "of those that are, all that is told"
    run, start = begun(200)
    told(sampler, run, [*start, saved(200, 1, elapsed=3)])
    assert 200 in sampler.samples().series, "after a look others are"


def test_brief_runs_do_not_displace_those_that_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "POINTS", 40)
    sampler = Sampling(tmp_path)
    run, start = begun(1)
    told(sampler, run, [*start, saved(1, 1), saved(1, 2)])
    for number in range(2, 200):
        run, start = begun(number)
        told(sampler, run, [*start, saved(number, 1, elapsed=3)])
        sampler.samples()
    kept = sampler.samples().series
    assert 1 in kept
    assert 199 in kept
    assert len(kept) == 1 + 10


QUICK = """
import time
instances = ["a", "b", "c"]
def run(instance, save, state):
    for number in range(300):
        save({"gap": 300 - number})
        if number % 10 == 0:
            time.sleep(0.0015)
"""


def test_a_run_of_fifty_milliseconds_has_a_curve(experiment: Experiment) -> None:
    """One that samples what each look of the runner finds has a point or two of it."""
    experiment.write(QUICK).run("--workers", "1")
    series = kept_samples(experiment.state_dir).series
    assert set(series) == {1, 2, 3}
    for each in series.values():
        saves = [point.saves for point in each.points]
        assert len(saves) >= 12
        assert saves[0] <= 30
        assert saves[-1] == 300
        assert max(b - a for a, b in itertools.pairwise(saves)) <= 60, "spread over its life"
        assert all(point.values == (301 - point.saves,) for point in each.points)


def test_of_very_many_runs_those_that_saved_last_have_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that bounds each run alone grows with their number; one that forgets the oldest run forgets one that runs."""
    monkeypatch.setattr(sampling, "POINTS", 20)
    sampler = Sampling(tmp_path)
    first, start = begun(1)
    first = told(sampler, first, [*start, saved(1, 1)])
    for number in range(2, 100):
        run, start = begun(number)
        told(sampler, run, [*start, saved(number, 1)])
        if number % 10 == 0:
            first = told(sampler, first, [saved(1, number)])
    kept = sampler.samples().series
    assert sum(len(each.points) for each in kept.values()) <= 20
    assert 1 in kept
    assert 99 in kept
    assert 2 not in kept


def test_what_workers_take_is_kept_once_for_each_look_and_is_bounded(tmp_path: Path) -> None:
    sampler = Sampling(tmp_path)
    for look in range(2000):
        loads = {1: Load(100, 0.5), 2: Load(50, 1.0)}
        sampler.measure(1000.0 + 2 * look, loads, 2)
        sampler.measure(1000.1 + 2 * look, loads, 2)
    taken = sampler.samples().taken
    assert 200 <= len(taken) <= 401
    assert taken[0].at == 1000
    assert taken[-1].at == 1000 + 2 * 1999
    assert (taken[-1].cpu, taken[-1].rss, taken[-1].busy) == (1.5, 150, 2)


RESTS = """
def run(instance, save, state):
    for number in range(5):
        save(number)
    if instance.endswith("b"):
        raise ValueError
"""


def test_while_all_rests_others_find_what_was_sampled_to_its_end(conduct: Conduct) -> None:
    """One that writes every half minute, but only when something changes, keeps the last runs from every report."""
    conducted = conduct(RESTS, ["a", "b"], workers=1)

    def kept() -> dict[int, int]:
        return {run: each.points[-1].saves for run, each in kept_samples(conducted.now.state_dir).series.items()}

    conducted.until(lambda now: now.phase == "idle" and now.counts.failed == 1)
    until(lambda: kept() == {1: 5, 2: 5}, lambda: f"keep all saves, not {kept()}")


def test_it_is_kept_from_one_start_to_the_next(experiment: Experiment) -> None:
    experiment.write(SAVES).run("--workers", "2")
    kept = kept_samples(experiment.state_dir)
    assert set(kept.series) == {1, 2}
    for each in kept.series.values():
        assert each.fields == ("gap",)
        assert each.points[-1].saves <= 60
        assert len(each.points) >= 3
    text = series(experiment.state_dir).read_bytes()
    experiment.run()  # nothing is left to run
    assert series(experiment.state_dir).read_bytes() == text


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"series":{"x":1}}', b"\xff" * 10])
def test_a_damaged_file_only_loses_the_plots(tmp_path: Path, content: bytes) -> None:
    series(tmp_path).write_bytes(content)
    sampler = Sampling(tmp_path, 0o022)
    run, start = begun(1)
    told(sampler, run, [*start, saved(1, 1)])
    sampler.keep(0.0, at_once=True)
    assert set(kept_samples(tmp_path).series) == {1}


def test_a_file_that_cannot_be_written_ends_nothing(tmp_path: Path) -> None:
    os.symlink(tmp_path / "elsewhere", series(tmp_path).with_name("series.json.tmp"))
    sampler = Sampling(tmp_path, 0o022)
    run, start = begun(1)
    told(sampler, run, [*start, saved(1, 1)])
    sampler.keep(0.0, at_once=True)
    assert not (tmp_path / "elsewhere").exists()
    assert not series(tmp_path).exists()

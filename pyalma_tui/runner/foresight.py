"""What is known goes into the forecast: a sample of what has ended, runs, and waits, once in a while."""

from __future__ import annotations

import math
import statistics
import time
from array import array
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from heapq import nlargest

import msgspec

from pyalma_tui.loading.experiment_file import number_of_workers, read_workers
from pyalma_tui.model import status as s
from pyalma_tui.model.belief import Ahead, EndedRun, power
from pyalma_tui.model.chosen import Chosen
from pyalma_tui.model.evenly import evenly
from pyalma_tui.model.experiment import Run, worked
from pyalma_tui.model.forecast import Forecast
from pyalma_tui.model.foretelling import Known
from pyalma_tui.model.instance import all_in_batch
from pyalma_tui.model.records import Lost, Progressed, Raised, Record, Returned
from pyalma_tui.model.traits import Traits, traits_of
from pyalma_tui.runner.foretold import Foretold
from pyalma_tui.store.ledger import Ledger

REST = 1.0  # seconds between two forecasts, at least, …
SHARE = 100  # … and so many times what the one before has cost
BULK, LAST = 400, 150  # of the runs that wait: a sample, and of the last ones all
ENDED = 600  # of the runs that have ended
HISTORY = 1_500  # … and of the instances that come again
BUSY = 20  # runs that each worker must have ended between two looks, for the time between two runs to be known
SHORT = 1.0  # seconds that such runs last at most
TOLD = 200  # how often it is remembered what progress was off by
LOOKED_AT = 2_000  # runs that are done: their mean stands for all
CACHED = 4_000  # instances whose traits are kept
PACED = 200  # runs that have ended last, by which it is known how long one takes to a save
ENDS = (Returned, Raised, Lost)
TELLS = 0.2  # the share of a run from which on its progress is held to what comes


class Waiting(msgspec.Struct, frozen=True):
    """Runs that wait, in dispatch order: of the first a sample, of the last all; `count` is how many there are."""

    sample: Sequence[int]
    last: Sequence[int]
    count: int


class Paced(msgspec.Struct, frozen=True):
    """What a run has told last, and when a good part was done: seconds, and that part."""

    share: float
    whole: float
    early: tuple[float, float] | None = None


class Foresight:
    """Owned by one thread, told of all that happens; keeps the last forecast until another one is due."""

    def __init__(self, first: float = REST, gap: float = 0.0, *, aside: bool = False) -> None:
        """`first` are the seconds until the first forecast: what is known is looked through then.

        `gap` are the seconds that a worker has nothing between two runs, until that is measured. `aside` lets
        forecasts be made while its thread goes on: a later look has them.
        """
        self._aside = aside
        self._making: Foretold | None = None
        self._ended: array[int] | None = None
        self._done, self._took = 0, 0.0  # runs and their seconds
        self._paced: dict[int, Paced] = {}
        self._told: deque[float] = deque(maxlen=TOLD)
        self._traits: dict[int, Traits] = {}
        self._forecast: Forecast | None = None
        self._next = time.monotonic() + first
        self._made_for = 0  # workers
        self._since = time.monotonic()
        self._many, self._seconds = 0, 0.0  # that have ended since
        self._gap = gap

    def forget(self) -> None:
        """Look through the ledger anew at the next forecast: it is another one."""
        self._ended = None

    def learn(self, record: Record, run: Run) -> None:
        """Take in what a record has made of a run."""
        if isinstance(record, ENDS) and isinstance(run.status, (s.Done, s.Failed)):
            self._many += 1
            if self._ended is not None:
                self._ended.append(run.id)
            if isinstance(run.status, s.Done):
                self._seconds += run.status.duration
                self._done += 1
                self._took += run.seconds
            paced = self._paced.pop(run.id, None) if self._paced else None
            if paced is not None and paced.early is not None and isinstance(run.status, s.Done):
                self._told.append(power(run.seconds, *paced.early))
        elif isinstance(record, Progressed):
            self._pace(run, time.time())

    @property
    def is_due(self) -> bool:
        """Whether it is time for another one."""
        return time.monotonic() >= self._next

    def look(
        self,
        ledger: Ledger,
        running: Sequence[int],
        waiting: Callable[[], Waiting],
        workers: int,
        *,
        again: Collection[int] = (),
        longest: float | None = None,
    ) -> Forecast | None:
        """The forecast of this moment or of one before, None if nothing is known.

        `waiting` gives those that wait. `again` are failed runs that will be called once more. `longest` are the
        seconds after which a run is ended, None for never.
        """
        if self._making is None and (self.is_due or workers != (self._made_for or workers)):
            now, began, ahead = time.monotonic(), time.thread_time(), waiting()
            if self._many >= BUSY * workers and ahead.count * (now - self._since) < REST * self._many:
                return self._forecast  # all of it is over before anybody has read another one
            known = self._known(ledger, running, ahead, workers, again, longest)
            self._made_for, self._next = workers, now + max(REST, SHARE * (time.thread_time() - began))
            self._making = Foretold(known, aside=self._aside)
        if self._making is not None and self._making.is_made:
            self._forecast = self._making.take()
            self._next += SHARE * self._making.cost
            self._making = None
        return self._forecast

    def pace(self, ledger: Ledger, running: Sequence[int], now: float) -> float:
        """The seconds that a run takes to its first save or its end: the median of the last ones, 0.0 if none is known.

        As long as none has saved or ended, it is longer than the longest has been at it.
        """
        under_way = [ledger.run(number) for number in running]
        ended = [ledger.run(number) for number in (self._ended or ())[-PACED:]]
        took = [run.seconds / (run.saves + 1) for run in ended if run.seconds]
        took += [worked(run, now) / run.saves for run in under_way if run.saves]
        return statistics.median(took) if took else max((worked(run, now) for run in under_way), default=0.0)

    def _known(
        self,
        ledger: Ledger,
        running: Sequence[int],
        waiting: Waiting,
        workers: int,
        again: Collection[int],
        longest: float | None,
    ) -> Known:
        at = time.time()
        if self._ended is None:
            self._look_through(ledger)
        self._measure(workers)
        ahead = [*waiting.sample, *waiting.last]
        instances = {ledger.run(number).instance for number in (*running, *ahead)}
        some = dict.fromkeys(self._some())
        reference = [
            run
            for run in map(ledger.run, some | dict.fromkeys(self._coming_again(ledger, instances)))
            if run.seconds and isinstance(run.status, s.Done | s.Failed) and run.id not in again
        ]
        ended = [
            EndedRun(run.instance, self._position(run, ledger), run.seconds, isinstance(run.status, s.Failed))
            for run in reference
        ]
        evenly = [isinstance(run.status, s.Failed) for run in reference if run.id in some]
        self._remember_traits(ledger, instances | {each.instance for each in ended})
        first = waiting.count - len(waiting.last)
        return Known(
            now=at,
            workers=workers,
            ended=ended,
            failures=(sum(evenly), len(evenly)),
            done=(self._done, self._took) if self._done > len(ended) and self._took else None,
            running=[self._ahead(ledger.run(number), ledger, at) for number in running],
            waiting=[self._ahead(ledger.run(number), ledger, at) for number in ahead],
            each=first / len(waiting.sample) if waiting.sample else 1.0,
            last=len(waiting.last),
            times=waiting.count / len(ledger.instances),
            traits=self._traits,
            told=tuple(self._told),
            longest=longest,
            gap=self._gap,
            of=ledger.counts.done + ledger.counts.failed,
        )

    def _look_through(self, ledger: Ledger) -> None:
        everyone = range(1, len(ledger.runs) + 1)
        self._ended = array("q", ledger.standing(everyone, "done", "failed"))
        done = ledger.standing(everyone, "done")
        sample = [ledger.run(number).seconds for number in _of(done, LOOKED_AT)]
        took = [seconds for seconds in sample if seconds]  # those that pyalma ended took nobody knows how long
        known = len(took) / len(sample) if sample else 0.0
        self._done = round(len(done) * known)
        self._took = math.fsum(took) / len(took) * self._done if took else 0.0

    def _ahead(self, run: Run, ledger: Ledger, now: float) -> Ahead:
        elapsed = _kept(run, now)
        if not isinstance(run.status, s.Running) or run.progress is None:
            return Ahead(run.id, run.instance, self._position(run, ledger), elapsed)
        paced = self._paced.get(run.id) or self._pace(run, now)  # told before we were there
        return Ahead(run.id, run.instance, self._position(run, ledger), elapsed, paced.share, paced.whole)

    def _pace(self, run: Run, now: float) -> Paced:
        done, total = run.progress or (0.0, 0.0)
        share = min(max(done / total, 0.0), 1.0) if total > 0 else 0.0
        elapsed, known = _kept(run, now), self._paced.get(run.id)
        whole = elapsed / share if share else 0.0
        early = known.early if known is not None else None
        if early is None and TELLS <= share <= 1 - TELLS:
            early = (elapsed, share)
        self._paced[run.id] = paced = Paced(share, whole, early)
        return paced

    def _some(self) -> Sequence[int]:
        """Runs that have ended, evenly from all of them."""
        assert self._ended is not None, "it was looked through"
        return _of(self._ended, ENDED)

    def _coming_again(self, ledger: Ledger, instances: Iterable[int]) -> Iterator[int]:
        """Runs that are done of instances that come again."""
        several = [ids for instance in instances if len(ids := ledger.runs_of[instance]) > 1]
        few = max(2, HISTORY // max(1, len(several)))
        for ids in several:
            number = 0
            for run in ids:
                if isinstance(ledger.run(run).status, s.Done):
                    yield run
                    if (number := number + 1) == few:
                        break

    def _measure(self, workers: int) -> None:
        """How long a worker has nothing between two runs, if there were many."""
        now = time.monotonic()
        if self._many >= BUSY * workers:
            gap = max(0.0, workers * (now - self._since) - self._seconds) / self._many
            self._gap = (self._gap + gap) / 2 if self._gap else gap
        self._since, self._many, self._seconds = now, 0, 0.0

    def _position(self, run: Run, ledger: Ledger) -> float:
        return 1 - run.instance / len(ledger.instances)  # a batch is dispatched from its end

    def _remember_traits(self, ledger: Ledger, instances: Collection[int]) -> None:
        if len(self._traits) > CACHED:
            self._traits = {}
        for instance in instances:
            if instance not in self._traits:
                self._traits[instance] = traits_of(ledger.instances[instance])


def _kept(run: Run, now: float) -> float:
    """The seconds that a run has had and that count: those of earlier attempts do if it goes on from a state."""
    return worked(run, now) - (run.seconds if run.state is None else 0.0)


def waiting_of(ledger: Ledger) -> Waiting:
    """The runs that wait, where nobody has them in a queue: iteration by iteration the batch from its end."""
    waiting = ledger.standing(range(1, len(ledger.runs) + 1), "pending", "interrupted")
    ids = waiting
    if not all_in_batch(ledger.instances):
        ids = [number for number in waiting if ledger.instances[ledger.run(number).instance].in_batch]

    def when(number: int) -> tuple[int, int]:
        run = ledger.run(number)
        return run.iteration, -run.instance

    if len(ids) <= BULK + LAST:
        return Waiting((), sorted(ids, key=when), len(ids))
    last = nlargest(LAST, ids, when)[::-1]
    latest = when(last[0])
    sample = sorted(
        (number for number in [ids[at] for at in evenly(len(ids), len(ids) // BULK)] if when(number) < latest), key=when
    )
    return Waiting(sample, last, len(ids))


def _of(numbers: Sequence[int], most: int) -> list[int]:
    """At most so many of them, evenly from all."""
    return [numbers[at] for at in evenly(len(numbers), len(numbers) // most + 1)]


def foreseen(ledger: Ledger, chosen: Chosen) -> Forecast | None:
    """The forecast of an experiment that another process runs, from one look, with what was chosen for it."""
    running = ledger.standing(range(1, len(ledger.runs) + 1), "running")
    workers = max(len(running), workers_of(chosen))
    foresight = Foresight(first=0.0, gap=_gap(ledger, workers))
    longest = longest_of(chosen.timeout, chosen.retries)
    return foresight.look(ledger, running, lambda: waiting_of(ledger), workers, longest=longest)


def workers_of(chosen: Chosen) -> int:
    """How many workers are wanted."""
    return number_of_workers(read_workers(chosen.workers or chosen.file.get("workers", 1)))


def longest_of(timeout: float | None, retries: int | None) -> float | None:
    """The seconds after which a run is ended for good, None for never."""
    return timeout * (1 + (retries or 0)) if timeout else None


def _gap(ledger: Ledger, workers: int) -> float:
    """How long a worker has nothing between two runs: of short ones, by those that have ended last."""
    ends = ((run.status.at, run.status.duration) for run in ledger.runs if isinstance(run.status, s.Done))
    latest = nlargest(BUSY * workers + 1, ends)
    if len(latest) <= BUSY * workers or (lasted := latest[0][0] - latest[-1][0]) > SHORT * BUSY:
        return 0.0
    return max(0.0, workers * lasted - math.fsum(took for _, took in latest[:-1])) / (len(latest) - 1)

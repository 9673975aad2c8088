"""One start of an experiment, from the command line or a script: from what was asked to a session and its agent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from pyalma_tui.errors import InUseError
from pyalma_tui.loading.entries import Entry, expand_arguments, number
from pyalma_tui.loading.target import Target, Warn, find_instances, given_entries, heeded, warning_of_absent
from pyalma_tui.model.chosen import Chosen
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.messages import Loaded
from pyalma_tui.runner.elsewhere import where
from pyalma_tui.runner.first import first_agent
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.runner.terms import Terms, terms_of
from pyalma_tui.runner.workers.local import LocalAgent, wait_until_loaded
from pyalma_tui.store import leases
from pyalma_tui.store.belonging import refuse_another
from pyalma_tui.store.lock import in_use
from pyalma_tui.store.opening import read_meta
from pyalma_tui.store.schema import Meta

SEEN_AT_ONCE = 2_000  # files: to ask for each takes milliseconds; for more, whoever starts is not let wait


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks of a start, beside its target.

    `instances` are paths and globs, `batch` is a file that lists them; without both, the target names its own. `chosen`
    is what stays for the next start. `fresh` tells that nothing remembered shall count, `foreground` that the module
    gets the terminal. `on` is what `--on` says, None for what the .experiment does; `lease` is that of Settings.
    `warnings` are what was found wrong with the input so far, told already.
    """

    state_dir: Path
    instances: tuple[str, ...] = ()
    batch: Path | None = None
    seed: int | None = None
    chosen: Chosen = Chosen()
    paused: bool = False
    retry_failed: bool = False
    rerun_done: bool = False
    no_done: bool = False
    fresh: bool = False
    foreground: bool = False
    on: str | None = None
    lease: float = leases.USUAL
    warnings: tuple[str, ...] = ()


def meta_of(target: Target, state_dir: Path) -> Meta:
    """What is remembered of a target as a whole; raises UsageError if it is another's, StoreError."""
    meta = read_meta(state_dir) or Meta()
    refuse_another(state_dir, meta, target.path, target.module, target.digest)
    return meta


@contextmanager
def begun(target: Target, asked: Asked, warn: Warn) -> Iterator[Start]:
    """A start whose agent imports the module meanwhile; what fails inside of the `with` ends it.

    Raises InUseError, UsageError for the state of another target, InputError, StoreError, ShortageError before any
    code of the user's has run, and LoadError; then nothing was changed.
    """
    if message := in_use(asked.state_dir):
        raise InUseError(message)
    on = "" if asked.foreground else where(asked.on, target, asked.lease)
    known = Meta() if asked.fresh else meta_of(target, asked.state_dir)
    warnings = list(asked.warnings)
    heed = heeded(warn, warnings)
    given = given_entries(target, asked.instances, asked.batch, heed)
    terms = terms_of(target, known, asked.chosen, asked.seed)
    with first_agent(
        target.module, asked.state_dir, terms.chosen, each=terms.each, foreground=asked.foreground
    ) as agent:
        yield Start(target, asked, terms, on, given, agent, heed, warnings)


class Start:
    """Two steps, in this order: `load`, then `open`. Whoever starts may look at the settings in between."""

    settings: Settings
    loaded: Loaded

    def __init__(
        self,
        target: Target,
        asked: Asked,
        terms: Terms,
        on: str,
        given: Sequence[Entry] | None,
        agent: LocalAgent,
        heed: Warn,
        warnings: list[str],
    ) -> None:
        """Use `begun`."""
        self.agent = agent
        self._target = target
        self._asked = asked
        self._terms = terms
        self._on = on
        self._given = given
        self._heed = heed
        self._warnings = warnings

    def load(self, waiting: Callable[[float], None]) -> None:
        """Wait until the module is imported, and settle what to run; `waiting` hears for how many seconds.

        Raises LoadError, InputError.
        """
        self.loaded = wait_until_loaded(self.agent, self._target.module, waiting)
        batch = find_instances(self._target, self._given, self.loaded, self._heed)
        self._given = None  # the settings have it: not twice in memory
        unseen = batch is not None and len(batch) > SEEN_AT_ONCE and not self._asked.foreground
        if batch is not None and not unseen:
            self._look_at_files(batch)
        asked, terms = self._asked, self._terms
        self.settings = Settings(
            target=self._target.path,
            module=self._target.module,
            state_dir=asked.state_dir,
            batch=batch,
            iterations=terms.iterations,
            seed=terms.seed,
            workers=terms.workers,
            grace=terms.grace,
            sync=terms.sync,
            timeout=terms.timeout,
            retries=terms.retries,
            each=terms.each,
            runs_per_worker=terms.runs_per_worker,
            nice=terms.nice,
            seed_globals=terms.seed_globals,
            paused=asked.paused,
            retry_failed=asked.retry_failed,
            rerun_done=asked.rerun_done,
            no_done=asked.no_done,
            on=self._on,
            lease=asked.lease,
            chosen=terms.chosen,
            told=terms.told,
            warnings=tuple(self._warnings),
            unseen=unseen,
        )

    def give(self, words: Sequence[str]) -> None:
        """Run these, if there are any, as if they had been typed. After `load`; raises InputError."""
        if not words:
            return
        batch = number(expand_arguments(words, Path.cwd(), self._heed), self._target.folder)
        self.settings = msgspec.structs.replace(self.settings, batch=batch)

    def see_all(self) -> None:
        """Look at once whether all files exist, for who does not want to hear of it later. After `load`."""
        if self.settings.unseen:
            self._look_at_files(self.settings.batch or ())
            self.settings = msgspec.structs.replace(self.settings, warnings=tuple(self._warnings), unseen=False)

    def _look_at_files(self, batch: Sequence[Instance]) -> None:
        if text := warning_of_absent(batch):
            self._heed(text)

    def open(self) -> Session:
        """Open or make the state directory. Raises StoreError, InUseError, InputError; then nothing was changed.

        Where a session was killed that had workers on other hosts, it waits until these have ended.
        """
        if text := leases.waited_for(self._asked.state_dir):
            self._heed(text)
        session = Session(self.settings, self.loaded.hash, self.loaded.has_done, self.loaded.files)
        self.settings = msgspec.structs.replace(self.settings, batch=None)  # the session has it: not twice in memory
        return session

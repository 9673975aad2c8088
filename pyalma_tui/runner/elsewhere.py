"""From a first agent here to places on other hosts, where `--on` asks for them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pyalma_tui.errors import StoreError, UsageError
from pyalma_tui.loading.target import Target
from pyalma_tui.model import afar
from pyalma_tui.model.chosen import Chosen
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.runner.workers.engines.on import HERE, NOTHING
from pyalma_tui.runner.workers.local import LocalAgent
from pyalma_tui.runner.workers.protocol import Agent
from pyalma_tui.store.disk import make_folder
from pyalma_tui.store.layout import agent_log_name, load_log_dir
from pyalma_tui.store.leases import LONGEST, SHORTEST, Leases

if TYPE_CHECKING:
    from pyalma_tui.runner.workers.remote import Places


def where(asked: str | None, target: Target, lease: float) -> str:
    """On which hosts workers run: what was `asked` for, else what the .experiment says; "" for this machine.

    Raises UsageError if that means nothing, names a command that is not here, or a lease is none.
    """
    file = target.experiment
    on = asked if asked is not None or file is None else file.on
    on = "" if on in (None, HERE) else on or ""
    if on:
        from pyalma_tui.runner.workers.engines.choosing import engine_of

        engine_of(on, Path())  # which has opened nothing yet
    if not SHORTEST <= lease <= LONGEST:
        raise UsageError(f"--lease {lease:g}: from {SHORTEST:g} to {LONGEST:g} seconds. {NOTHING}")
    return on


def elsewhere(settings: Settings, session: Session, before: Agent) -> Places:
    """Places instead of the agent that has loaded the module here, which ends; raises StoreError, UsageError.

    What knows engines and places is imported for whoever asks for them: it would be a fiftieth of any start.
    """
    from pyalma_tui.runner.workers.engines.choosing import engine_of
    from pyalma_tui.runner.workers.remote import Places

    assert before.loaded is not None, "it has loaded the module"
    state_dir, kept = Path(os.path.abspath(session.state_dir)), session.code
    logs = load_log_dir(state_dir)
    load = afar.LoadModule(
        module=os.path.abspath(settings.module),
        code=os.path.abspath(kept.path if kept is not None else settings.module),
        manifest=os.path.abspath(kept.manifest) if kept is not None and kept.manifest else "",
        mark=f"{session.meta.session}-{os.getpid()}-{time.monotonic_ns()}",
        each=settings.each,
        chosen=settings.chosen or Chosen(),
        folder=os.path.abspath(settings.folder or os.getcwd()),
        log="",
        state_dir=str(state_dir),
        synced=settings.sync == "fsync",
        grouped=settings.sync == "group",
        umask=session.umask,
        nice=settings.nice,
        seed_globals=settings.seed_globals,
    )
    engine = engine_of(settings.on, state_dir, settings.lease)
    try:
        make_folder(logs, session.umask)
        leases = Leases(state_dir, settings.lease, session.umask)
    except OSError as error:
        where = error.filename or state_dir
        raise StoreError(f"store: {where}: {error.strerror}. Nothing was started on other hosts") from error
    session.leases = leases
    places = Places(engine, load, before.loaded, leases, lambda n: logs / agent_log_name(session.meta.session, n))
    if isinstance(before, LocalAgent):
        before.part()
    else:
        places.come()
    return places

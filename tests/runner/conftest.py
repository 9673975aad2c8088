"""A runner in this process: what a front end would send to it, and what it would see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from pyalma_tui.loading.target import Target, find_instances, find_target
from pyalma_tui.model import status as s
from pyalma_tui.runner import commands as c
from pyalma_tui.runner.first import first_agent
from pyalma_tui.runner.runner import Runner
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.runner.workers.local import wait_until_loaded
from tests.catalogue.experiment import until
from tests.experiments.folder import Folder


class Conducted:
    """A runner that has begun, and the folder of its experiment."""

    def __init__(self, runner: Runner, folder: Folder) -> None:
        self.runner = runner
        self.folder = folder

    @property
    def now(self) -> Snapshot:
        """The latest snapshot."""
        return self.runner.snapshot()

    def send(self, *commands: c.Command) -> None:
        """Send commands, in this order."""
        for command in commands:
            self.runner.send(command)

    def until(self, condition: Callable[[Snapshot], object]) -> None:
        """Wait until a snapshot fulfils this."""
        until(lambda: condition(self.now), lambda: f"fulfil it; {self.statuses()} {self.notes()} {self.folder.told()}")

    def hears(self, *lines: str) -> None:
        """Wait until user code has told these lines."""
        until(lambda: set(lines) <= set(self.folder.told()), lambda: f"tell {lines}, only {self.folder.told()}")

    def notes(self) -> list[str]:
        """What the session log says."""
        return [note.text for note in self.now.notes]

    def statuses(self) -> dict[str, str]:
        """Instance → status, of the first iteration."""
        now = self.now
        return {instance.name: s.word(now.runs[instance.id].status) for instance in now.instances}

    def ids(self, *names: str) -> tuple[int, ...]:
        """The run ids of these instances, of the first iteration."""
        numbers = {instance.name: instance.id + 1 for instance in self.now.instances}
        return tuple(numbers[name] for name in names)


Conduct = Callable[..., Conducted]


@pytest.fixture
def conduct(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Conduct]:
    """Start a runner on a module and its instances, which are dispatched from the end; it is ended after the test."""
    monkeypatch.chdir(tmp_path)
    folder = Folder(tmp_path)
    with ExitStack() as stack:

        def begin(module: str, names: Sequence[str], **settings: Any) -> Conducted:
            file = folder.module(module)
            folder.experiment(names)
            return stack.enter_context(_conducted(folder, find_target(str(file), lambda _: None), settings))

        yield begin


@contextmanager
def _conducted(folder: Folder, target: Target, settings: dict[str, Any]) -> Iterator[Conducted]:
    state_dir = target.state_dir(None)
    with first_agent(target.module, state_dir) as agent:
        loaded = wait_until_loaded(agent, target.module, lambda _: None)
        chosen = Settings(
            target=target.path,
            module=target.module,
            state_dir=state_dir,
            batch=find_instances(target, None, loaded, lambda _: None),
            **({"grace": 0.3} | settings),
        )
        session = Session(chosen, loaded.hash, loaded.has_done, loaded.files)
    runner = Runner(chosen, session, agent)
    runner.start()
    try:
        yield Conducted(runner, folder)
    finally:
        runner.send(c.Quit())
        runner.send(c.Quit())
        runner.join()

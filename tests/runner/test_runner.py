"""The runner with an agent that has no processes: what is decided is done, and what happens is decided on."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyalma_tui.model import messages as m
from pyalma_tui.model import status as s
from pyalma_tui.model.ending import SESSION_ENDED
from pyalma_tui.model.instance import Instance
from pyalma_tui.runner import commands as c
from pyalma_tui.runner import crew
from pyalma_tui.runner.runner import TICK, Runner
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.runner.snapshot import Snapshot
from pyalma_tui.runner.workers.protocol import AgentEvent, AgentGone
from tests.catalogue.experiment import until
from tests.runner.fake_agent import FakeAgent


@contextmanager
def conducted(folder: Path, agent: FakeAgent, runs: int = 2, **chosen: Any) -> Iterator[Runner]:
    """A runner that has begun with this agent; it is ended after the test."""
    _, runner = begun(folder, agent, runs, **chosen)
    try:
        yield runner
    finally:
        runner.send(c.Quit())
        runner.join(30)
    assert not runner.is_alive()
    assert runner.snapshot().failure is None
    assert not agent.workers


def begun(folder: Path, agent: FakeAgent, runs: int, **chosen: Any) -> tuple[Session, Runner]:
    """A runner that has begun with this agent, and its session."""
    module = folder / "m.py"
    module.write_text("def run(instance, save, state): ...\n")
    batch = [Instance(n, f"i{n}", f"/i{n}") for n in range(runs)]
    settings = Settings(target=module, module=module, state_dir=folder / "m.alma", batch=batch, seed=5, **chosen)
    assert agent.loaded is not None
    session = Session(settings, agent.loaded.hash, agent.loaded.has_done)
    runner = Runner(msgspec.structs.replace(settings, batch=None), session, agent)
    runner.start()
    return session, runner


def reaches(runner: Runner, condition: Callable[[Snapshot], object]) -> None:
    until(lambda: condition(runner.snapshot()), lambda: f"fulfil it: {runner.snapshot().counts}")


def calls(agent: FakeAgent) -> list[m.DoneOrder]:
    return [order for _, order in agent.orders if isinstance(order, m.DoneOrder)]


def test_all_runs_are_called_then_done_once_in_a_worker_of_its_own(tmp_path: Path) -> None:
    agent = FakeAgent()
    with conducted(tmp_path, agent, runs=5, workers=2) as runner:
        reaches(runner, lambda now: isinstance(now.done_hook.status, s.HookDone) and now.phase == "idle")
        assert runner.snapshot().counts.done == 5
    assert calls(agent) == [m.DoneOrder(1, seed=5)]
    [caller] = [worker for worker, order in agent.orders if isinstance(order, m.DoneOrder)]
    assert not [order for worker, order in agent.orders if worker == caller and isinstance(order, m.RunOrder)]
    assert agent.closed


def test_runs_begin_when_a_large_plan_is_on_the_disk_although_nothing_else_happens(tmp_path: Path) -> None:
    with conducted(tmp_path, FakeAgent(has_done=False), runs=30_000) as runner:
        reaches(runner, lambda now: now.counts.done)


def test_an_interrupted_run_goes_on_with_what_it_saved(tmp_path: Path) -> None:
    agent = FakeAgent(lambda order: "waits" if order.attempt == 1 else "returns", has_done=False)
    with conducted(tmp_path, agent, runs=1) as runner:
        reaches(runner, lambda now: now.runs[0].saves)
        runner.send(c.Interrupt())
        reaches(runner, lambda now: now.counts.interrupted == 1)
        runner.send(c.Resume())
        reaches(runner, lambda now: now.counts.done == 1)
    orders = [order for _, order in agent.orders if isinstance(order, m.RunOrder)]
    assert [bytes(order.state) for order in orders] == [b'""', b"7"]


def test_a_run_that_ends_its_worker_has_failed_and_the_others_go_on(tmp_path: Path) -> None:
    agent = FakeAgent(lambda order: "dies" if order.run == 1 else "returns")
    with conducted(tmp_path, agent, runs=3) as runner:
        reaches(runner, lambda now: now.phase == "idle" and now.counts.done == 2)
        assert s.reason(runner.snapshot().runs[0].status) == "killed by SIGSEGV"
    assert not calls(agent)


def test_runs_whose_agent_ends_go_on_in_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others: list[FakeAgent] = []

    def start(*_: object, **__: object) -> FakeAgent:
        others.append(FakeAgent.started())
        return others[-1]

    monkeypatch.setattr(crew, "LocalAgent", start)
    agent = FakeAgent(lambda _: "waits")
    with conducted(tmp_path, agent, workers=2) as runner:
        reaches(runner, lambda now: now.counts.running == 2)
        agent.die(AgentGone("is killed by SIGKILL", -9))
        reaches(runner, lambda now: isinstance(now.done_hook.status, s.HookDone))
        assert [(run.attempt, run.saves) for run in runner.snapshot().runs] == [(2, 2)] * 2
    assert agent.closed
    assert [other.closed for other in others] == [True]


def test_whoever_quits_twice_kills_what_does_not_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = FakeAgent(lambda _: "waits")
    monkeypatch.setattr(agent, "ask", lambda worker, request: None)
    with conducted(tmp_path, agent, runs=1) as runner:
        reaches(runner, lambda now: now.counts.running == 1)
        runner.send(c.Quit())
        reaches(runner, lambda now: now.phase == "stopping")
    assert s.reason(runner.snapshot().runs[0].status) == "killed at once: it was asked for again"


def test_two_hundred_workers_at_once(tmp_path: Path) -> None:
    agent = FakeAgent(lambda order: "waits" if order.attempt == 1 else "returns")
    with conducted(tmp_path, agent, runs=200, workers=200) as runner:
        reaches(runner, lambda now: now.counts.running == 200)
        assert len({run.slot for run in runner.snapshot().runs}) == 200
        runner.send(c.Interrupt())
        reaches(runner, lambda now: now.counts.interrupted == 200)
        runner.send(c.Resume())
        reaches(runner, lambda now: isinstance(now.done_hook.status, s.HookDone))
    assert agent.most == 200
    assert len(calls(agent)) == 1


def test_the_time_left_does_not_run_out_while_no_worker_comes(tmp_path: Path) -> None:
    """As those in the queue of a cluster: whoever tells the time left only when something happens is wrong."""
    agent = FakeAgent(lambda order: "dies" if order.run == 2 else "returns", seconds=10.0, most_come=1)
    with conducted(tmp_path, agent, runs=3) as runner:
        reaches(runner, lambda now: now.phase == "busy" and now.counts.done == now.counts.failed == 1)
        reaches(runner, lambda now: now.forecast is not None)
        first = runner.snapshot().forecast
        assert first is not None
        reaches(runner, lambda now: now.forecast is not None and now.forecast.middle > first.middle + 1.0)
        assert [slot.phase for slot in runner.snapshot().slots] == ["coming"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_ends_it_when_its_agent_is_gone_which_is_not_asked_again_and_again_until_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = FakeAgent(lambda _: "waits")
    killed, asked = threading.Event(), Counter[str]()
    receive = agent.receive

    def broken(*_: object) -> None:
        raise RecursionError("too deep")

    def counted() -> list[AgentEvent]:
        asked["receive"] += killed.is_set()
        return receive()

    monkeypatch.setattr(agent, "kill", killed.set)
    monkeypatch.setattr(agent, "receive", counted)
    session, runner = begun(tmp_path, agent, runs=1)
    reaches(runner, lambda now: now.counts.running == 1)
    monkeypatch.setattr(session, "tend", broken)
    assert killed.wait(30)
    since = time.monotonic()
    until(lambda: asked["receive"] >= 4, lambda: "look at each tick what has come")
    assert time.monotonic() - since > 2 * TICK
    agent.die(AgentGone("is killed by SIGKILL", -9))
    runner.join(30)
    assert s.reason(runner.snapshot().runs[0].status) == SESSION_ENDED
    assert agent.closed

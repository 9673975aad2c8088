"""All places as the runner sees them: what they say comes in its order, and before anything is decided about them."""

from __future__ import annotations

import os
import platform
import select
import signal
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import cast

import msgspec
import pytest
from msgspec.structs import replace

from pyalma_tui import __version__
from pyalma_tui.model import afar, jsontext
from pyalma_tui.model import messages as m
from pyalma_tui.model import status as s
from pyalma_tui.model.chosen import Chosen
from pyalma_tui.model.pieces import Incoming
from pyalma_tui.runner.workers.engines.engine import Engine
from pyalma_tui.runner.workers.engines.line import Line
from pyalma_tui.runner.workers.engines.on import Site
from pyalma_tui.runner.workers.place import refusal
from pyalma_tui.runner.workers.protocol import AgentGone, Assignment, Remarked, Said, Taken, Unheard
from pyalma_tui.runner.workers.remote import Places
from pyalma_tui.store.leases import Leases, safe_after

HERE = afar.Here("node1", 1, 2, platform.python_version(), __version__, "", "", locked=True)
LOADED = m.Loaded("abc", False, None)
LOAD = afar.LoadModule("m.py", "m.py", "", "t", False, Chosen(), "/", "", "/", False, True, 0o22, 0, False)
TOLD = afar.Told(1, "000001-w0001-0001.jsonl", 99, ["a line"])


class Pipe(Line):
    """A channel whose other end the test has."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._end, self.way_in = os.pipe()
        self._nowhere = os.open(os.devnull, os.O_WRONLY)
        super().__init__(self._nowhere, self._end)
        self.sent = b""
        self.is_closed = False

    def say(self, *messages: afar.FromPlace) -> None:
        os.write(self.way_in, b"".join(jsontext.encode(each) + b"\n" for each in messages))

    def hang_up(self) -> None:
        os.close(self.way_in)

    def send(self, data: bytes = b"") -> None:
        self.sent += data

    has_ended = True

    def why(self) -> str:
        return "exit code 1"

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self.let_go()
            os.close(self._end)
            os.close(self._nowhere)


class Opener:
    """An engine that opens one place a time, up to so many."""

    def __init__(self, most: int = 1, slots: int = 1) -> None:
        self.site = Site("node", ("node",), slots)
        self.most = most
        self.opened: list[Pipe] = []
        self.ends: list[bool] = []
        self.pause = 1.0

    def open(self, wanted: int, now: float) -> tuple[list[Pipe], list[str]]:
        new = [Pipe(self.site) for _ in range(self.most - len(self.opened))]
        self.opened += new
        return new, []

    def ended(self, site: Site, now: float, *, well: bool) -> float:
        self.ends.append(well)
        return self.pause

    def has_let_go(self, now: float) -> bool:
        for pipe in self.opened:
            pipe.close()
        return True


class Clock:
    """The runner's, which the test moves on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class World:
    """One place, or two, and who hires workers there."""

    def __init__(self, folder: Path, clock: Clock, most: int = 1) -> None:
        self.clock, self.engine = clock, Opener(most)
        self.leases = Leases(folder, 10.0)
        self.here = replace(HERE, token=self.leases.token)
        self.places = Places(cast(Engine, self.engine), LOAD, LOADED, self.leases, lambda n: folder / f"{n}.log")
        self.places.tend()

    def come(self, number: int = 0) -> Pipe:
        pipe = self.engine.opened[number]
        pipe.say(self.here, LOADED)
        self.places.receive()
        return pipe

    def hire(self, worker: int) -> None:
        self.places.start(worker, Assignment(0, f"000001-w{worker:04d}-0001.jsonl", 1 << 20, "/log"))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock.monotonic)
    return clock


@pytest.fixture
def world(tmp_path: Path, clock: Clock) -> Iterator[World]:
    world = World(tmp_path, clock)
    yield world
    world.places.close()


def test_a_worker_waits_until_a_place_has_room(world: World) -> None:
    world.hire(1)
    world.hire(2)
    pipe = world.come()
    assert pipe.sent.count(b'"hire"') == 1
    pipe.say(m.Gone(1, 0))
    assert m.Gone(1, 0) in world.places.receive()
    assert pipe.sent.count(b'"hire"') == 2


def test_one_that_waits_for_a_place_and_is_not_needed_is_gone(world: World) -> None:
    world.hire(1)
    world.places.order(1, m.Exit())
    assert world.places.receive() == [m.Gone(1, 0)]


def test_what_was_told_and_not_yet_read_comes_before_a_silent_place_is_given_up(world: World) -> None:
    world.hire(1)
    pipe = world.come()
    pipe.say(TOLD)
    world.clock.now += 10.1  # its lease is over, and nobody has listened
    world.places.tend()
    assert TOLD in world.places.receive()
    world.clock.now += safe_after(10.0)
    world.places.tend()
    assert [event for event in world.places.receive() if isinstance(event, Taken)] == [Taken(1, "host lost: node1")]


def test_what_was_told_comes_before_the_end_that_was_said_after_it(world: World) -> None:
    world.hire(1)
    ended = m.Ended(1, 1)
    world.come().say(TOLD, afar.Answered(1, ended), replace(TOLD, position=120), m.Gone(1, 0))
    assert world.places.receive() == [TOLD, Said(1, ended), replace(TOLD, position=120), m.Gone(1, 0)]


def test_a_run_of_a_place_that_hangs_up_is_handed_on_only_when_its_last_lease_is_over(world: World) -> None:
    world.hire(1)
    pipe = world.come()
    world.clock.now += 5
    pipe.say(afar.RenewLease(1.0))
    world.places.receive()
    assert b'{"type":"granted","stamp":1.0}' in pipe.sent
    pipe.hang_up()
    lost = world.places.receive()
    assert any(isinstance(event, Remarked) and "its runs wait until" in event.text for event in lost)
    world.clock.now += safe_after(10.0) - 0.1
    world.places.tend()
    assert not world.places.receive()
    world.clock.now += 0.2
    world.places.tend()
    assert Taken(1, "host lost: node1") in world.places.receive()


def test_a_place_is_heard_that_came_while_another_was_waited_for_whose_descriptor_its_line_has_now(
    world: World,
) -> None:
    world.hire(1)
    pipe = world.come()
    number = pipe.fileno()
    pipe.hang_up()
    world.places.receive()
    world.engine.most = 2
    world.places.tend()
    assert world.engine.opened[1].fileno() == number
    world.clock.now += safe_after(10.0)
    world.places.tend()
    assert Taken(1, "host lost: node1") in world.places.receive()
    world.engine.opened[1].say(world.here, LOADED)
    assert Remarked("node1 has come, with 2 processors") in world.places.receive()


def test_what_could_not_be_sent_goes_to_nobody_else_once_a_line_was_let_go() -> None:
    way_out, way_in = os.pipe()
    line = Line(way_in, way_out)
    line.send(bytes(1 << 20))  # more than a pipe holds
    line.let_go()
    other_out, other_in = os.pipe()
    os.dup2(other_in, way_in)
    line.send()
    os.set_blocking(other_out, False)
    with pytest.raises(BlockingIOError):
        os.read(other_out, 1)
    for fd in (way_out, way_in, other_out, other_in):
        os.close(fd)


def test_a_silent_place_is_told_before_its_lease_is_over_and_gets_nothing_until_it_is_heard_of(world: World) -> None:
    world.hire(1)
    pipe = world.come()
    world.clock.now += 6.8  # of ten
    world.places.tend()
    events = world.places.receive()
    assert any(isinstance(event, Remarked) and "node1 not heard of for" in event.text for event in events)
    assert [event.worker for event in events if isinstance(event, Unheard) and event.until] == [1]
    pipe.say(m.Gone(1, 0), afar.RenewLease(1.0))
    world.hire(2)
    assert Remarked("node1 is heard of again") in world.places.receive()
    assert pipe.sent.count(b'"hire"') == 2


def test_where_less_time_is_left_than_a_run_takes_to_its_first_save_none_is_begun(world: World) -> None:
    world.here = replace(world.here, left=100.0)
    pipe = world.come()
    world.places.expect(30.0)
    world.hire(1)
    assert b'"hire"' in pipe.sent
    world.clock.now += 71
    pipe.say(afar.RenewLease(1.0))
    world.places.receive()
    world.places.tend()
    assert any("nothing is started there any more" in str(event) for event in world.places.receive())
    world.places.order(1, m.RunOrder(1, 1, 0, "x", False, msgspec.Raw(b"null"), 0, 1, msgspec.Raw(b'""')))
    assert Taken(1, "it was not begun") in world.places.receive()
    world.hire(2)
    assert pipe.sent.count(b'"hire"') == 1


def test_a_place_that_says_goodbye_is_not_waited_for(world: World) -> None:
    world.hire(1)
    world.come().say(afar.Going("SIGTERM"), TOLD, m.Gone(1, -15), afar.Bye())
    events = world.places.receive()
    assert Taken(1, "its place on node1 was taken away (SIGTERM)") in events
    assert events.index(TOLD) < events.index(Taken(1, "its place on node1 was taken away (SIGTERM)"))


@pytest.mark.parametrize(
    "reply", [m.Ended(1, 1), m.ServeFailed(s.Error("gone"), room=False), m.LoadFailed(s.Error("cut"))]
)
def test_how_a_worker_ends_is_not_said_of_a_place_that_goes(reply: m.Reply, world: World) -> None:
    """It would get another run, or nothing more would be started anywhere."""
    world.hire(1)
    world.come().say(afar.Going("SIGTERM"), afar.Answered(1, reply), m.Gone(1, 0))
    events = world.places.receive()
    assert not any(isinstance(event, Said) for event in events)
    assert Taken(1, "its place on node1 was taken away (SIGTERM)") in events


@pytest.mark.parametrize("told", [(), (TOLD,)])
def test_a_place_whose_worker_could_write_nothing_was_of_no_use(told: tuple[afar.Told, ...], world: World) -> None:
    """Else it would come and go each second, as where its mount can be read and not be written."""
    world.hire(1)
    world.come().say(*told, afar.Going("unwritable"), m.Gone(1, 0), afar.Bye())
    world.places.receive()
    world.places.tend()
    assert world.engine.ends == [bool(told)]


def test_a_worker_that_is_killed_is_blamed_only_if_its_place_outlives_it(world: World) -> None:
    world.hire(1)
    pipe = world.come()
    pipe.say(m.Gone(1, -9))
    assert not world.places.receive()
    world.clock.now += 3
    world.places.tend()
    assert not world.places.receive()
    pipe.say(afar.RenewLease(3.0))
    world.places.receive()
    world.places.tend()
    assert world.places.receive() == [m.Gone(1, -9)]


@pytest.mark.parametrize("end", [afar.Going("SIGTERM"), afar.Bye()])
def test_a_worker_that_an_engine_kills_with_its_place_is_not_blamed(end: afar.FromPlace, world: World) -> None:
    world.hire(1)
    world.come().say(m.Gone(1, -9), end)
    assert [type(event) for event in world.places.receive() if not isinstance(event, Remarked)] == [Taken]


def test_a_worker_that_we_have_killed_is_gone_at_once(world: World) -> None:
    world.hire(1)
    pipe = world.come()
    world.places.signal(1, signal.SIGKILL, group=True)
    pipe.say(m.Gone(1, -9))
    assert m.Gone(1, -9) in world.places.receive()


def test_a_place_of_a_scheduler_that_has_long_had_no_workers_is_given_back(tmp_path: Path, clock: Clock) -> None:
    world = World(tmp_path, clock)
    world.engine.opened[0].site = replace(world.engine.site, many=True)
    pipe = world.come()
    for seconds in (0, 9, 2):
        assert b'"end"' not in pipe.sent
        world.clock.now += seconds
        pipe.say(afar.RenewLease(1.0))
        world.places.receive()
        world.places.tend()
    assert b'"end"' in pipe.sent
    world.places.close()


@pytest.mark.parametrize(("pause", "again"), [(2.0, "; it is tried again in 2 s"), (0.0, "")])
def test_a_place_that_has_not_come_is_tried_again_only_where_its_site_is_there(
    pause: float, again: str, world: World
) -> None:
    world.engine.pause = pause
    world.engine.opened[0].hang_up()
    world.places.receive()
    world.places.tend()
    assert world.places.receive() == [Remarked(f"node has not come (exit code 1){again}")]


def test_what_becomes_of_a_host_with_many_places_is_told_once(tmp_path: Path, clock: Clock) -> None:
    world = World(tmp_path, clock, most=2)
    for worker, pipe in ((1, world.come(0)), (2, world.come(1))):
        world.hire(worker)
        pipe.say(afar.Going("SIGTERM"))
    taken = Remarked("node1 is taken away (SIGTERM): what runs there goes on elsewhere")
    assert world.places.receive().count(taken) == 1
    world.places.close()


@pytest.mark.parametrize("joined", [True, False])
def test_a_host_that_was_reached_and_says_nothing_is_told_once(joined: bool, tmp_path: Path, clock: Clock) -> None:
    """What else leads somewhere may wait in a queue."""
    world = World(tmp_path, clock)
    world.engine.opened[0].site = Site("node9", ("ssh", "-T", "node9"), joined=joined)
    for _ in range(3):
        world.clock.now += 50
        world.places.tend()
    told = [Remarked("node9 has said nothing for 60 s: it may hang there; `ssh node9 true` may show more")]
    assert world.places.receive() == told * joined
    world.places.close()


def test_a_place_that_waits_in_a_queue_waits_no_more_when_it_has_long_not_been_needed(
    tmp_path: Path, clock: Clock
) -> None:
    """Else it would be given a host, perhaps in hours, for nobody."""
    world = World(tmp_path, clock)
    world.engine.opened[0].site = replace(world.engine.site, many=True)
    world.hire(1)
    for seconds in (5, 20):
        world.clock.now += seconds
        world.places.tend()
        assert not world.engine.opened[0].is_closed, "a worker waits for it"
    world.places.order(1, m.Exit())
    assert world.places.receive() == [m.Gone(1, 0)]
    for seconds in (0, 9, 2, 2):
        assert not world.engine.opened[0].is_closed
        world.clock.now += seconds
        world.places.tend()
    assert world.engine.opened[0].is_closed
    assert (world.engine.ends, world.places.receive()) == ([True], []), "nobody is to blame, and nothing is told"
    world.places.close()


def test_it_ends_when_nothing_of_any_place_can_live(tmp_path: Path, clock: Clock) -> None:
    world = World(tmp_path, clock, most=2)
    world.hire(1)
    world.hire(2)
    one, other = world.come(0), world.come(1)
    one.hang_up()
    world.places.receive()
    world.places.kill()
    assert b'"kill"' in other.sent
    other.say(afar.Bye())
    world.places.receive()
    world.places.receive()
    world.clock.now += safe_after(10.0) - 0.1
    assert not any(isinstance(event, AgentGone) for event in world.places.receive())
    world.clock.now += 0.2
    assert any(isinstance(event, AgentGone) for event in world.places.receive())
    world.places.close()
    assert not (tmp_path / "leases").exists()


@pytest.mark.parametrize(
    ("differs", "told"),
    [
        ({"version": "0.0.1"}, "install the same"),
        ({"python": "2.7.18"}, "use the same"),
        ({"token": "", "why": "cannot be read there (No such file)"}, "cannot be read there (No such file); it has"),
        ({"why": "cannot be written there (Read-only)"}, "cannot be written there (Read-only); it has to be"),
        ({"token": "other"}, "is another one there"),
        ({"locked": False}, "a file system that keeps locks"),
        ({"lacks": "timer_create"}, "timer_create"),
    ],
)
def test_a_place_that_cannot_keep_the_promise_is_refused(
    differs: dict[str, str], told: str, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    here = replace(world.here, **differs)
    assert told in refusal(here, world.leases.token)
    world.hire(1)
    pipe = world.engine.opened[0]
    pipe.say(here)
    [remark] = [event for event in world.places.receive() if isinstance(event, Remarked)]
    assert remark.text.startswith("node1 is not used: ")
    assert b'"load"' not in pipe.sent
    assert b'"hire"' not in pipe.sent


def test_a_place_with_another_module_is_refused(world: World) -> None:
    pipe = world.engine.opened[0]
    pipe.say(world.here, replace(LOADED, hash="other"))
    assert any("the module is another one there" in str(event) for event in world.places.receive())


def test_a_command_that_says_something_without_an_end_is_a_stranger_too(world: World) -> None:
    """Else all of it would be kept, and looked through again with each piece, by the thread that renews leases."""
    pipe = world.engine.opened[0]
    for _ in range(2):
        os.write(pipe.way_in, b"x" * 40_000)
        remarks = [str(event) for event in world.places.receive()]
    assert any("says 'xxxx" in remark and "none of ours" in remark for remark in remarks)
    assert pipe.is_closed


def test_a_command_that_says_what_is_none_of_ours_is_told_and_tried_again_quietly(world: World) -> None:
    os.write(world.engine.opened[0].way_in, b"Welcome to node1!\n")
    assert any("says 'Welcome to node1!', which is none of ours" in str(event) for event in world.places.receive())


def test_what_a_line_has_no_room_for_goes_as_soon_as_it_has_not_at_the_next_tick(world: World) -> None:
    world.hire(1)
    pipe = world.come()
    theirs, ours = os.pipe()
    os.set_blocking(theirs, False)
    os.dup2(ours, pipe.way_out)
    os.set_blocking(pipe.way_out, False)
    pipe.send = partial(Line.send, pipe)  # type: ignore[method-assign]
    state = msgspec.Raw(b'"' + b"a" * (1 << 20) + b'"')
    world.places.order(1, m.RunOrder(1, 1, 0, "a", False, msgspec.Raw(b"null"), 0, 1, state))
    world.places.tend()
    incoming, lines = Incoming(), list[bytes]()
    while not lines:
        lines = incoming.take(os.read(theirs, 1 << 20))
        world.places.receive()
    assert bytes(state) in lines[0]
    assert not select.select([world.places], [], [], 0)[0]  # nobody is woken for a line that nothing waits for
    for fd in (theirs, ours):
        os.close(fd)


@pytest.mark.parametrize("going", [(), (afar.Going("SIGTERM"),)])
def test_an_agent_that_ends_by_itself_is_told_from_a_place_that_is_taken_away(
    going: tuple[afar.FromPlace, ...], world: World
) -> None:
    world.hire(1)
    world.come().say(*going, afar.Bye("is killed by SIGKILL"))
    why = "its place on node1 ended: the process is killed by SIGKILL"
    assert Taken(1, why, fell=not going) in world.places.receive()

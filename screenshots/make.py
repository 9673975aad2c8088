"""Make the pictures of this folder: `python screenshots/make.py`.

The real app drives the real runner, which runs the shipped MAX-SAT example; only clocks are frozen and the searches
stop at a given save, so that the pictures are the same from run to run. The failures are real, too: instances of which
the last line is damaged; and so are the places and the loss of one, but for their names: all are on this machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import psutil

from pyalma_tui.loading.target import find_target
from pyalma_tui.model import status as s
from pyalma_tui.model.belief import Ahead, EndedRun
from pyalma_tui.model.chosen import Chosen
from pyalma_tui.model.experiment import Run, worked
from pyalma_tui.model.foretelling import Known, forecast
from pyalma_tui.runner.commands import Command, Interrupt, Quit, Resume
from pyalma_tui.runner.runner import Runner
from pyalma_tui.runner.snapshot import Load, Slot, Snapshot
from pyalma_tui.runner.start import Asked, begun
from pyalma_tui.tui.app import ExperimentApp
from pyalma_tui.tui.themes import DARK

HERE = Path(__file__).parent
EXAMPLE = HERE.parent / "pyalma_tui" / "examples" / "maxsat"
PLACE = Path("/tmp/pyalma-demo")  # fixed, for it is in the traceback
NOW = 1_773_486_127.0  # 2026-03-14 11:02:07 UTC
FRAME = 3.0  # seconds that each frame of the animated picture is shown
SAVE_SECONDS = 1.7  # what each save is shown to have taken
FINISHED = ("uf100-01", "uf150-01", "uf200-01")
DAMAGED = {"uf100-02": "-17 42 x17 0", "uf100-03": "-17 42 17 0 0"}  # the last line instead of what it was
LEASE = 6.0  # seconds: long enough to take the picture between the silence of a place and its end

HOLDING = """

from pyalma_tui.worker.calling import Attempt as _Attempt
_save, _hold = _Attempt.save, {hold!r}

def _save_and_hold(self):
    import pathlib, time
    from pyalma_tui import Interrupted
    save, saves, last = _save(self), [], _hold.get(pathlib.Path(self.order.file).stem, 1 << 60)

    def save_and_wait(data):
        save(data)
        saves.append(data)
        while len(saves) >= last:
            time.sleep(0.02)
            if self.asked:
                raise Interrupted

    return save_and_wait

_Attempt.save = _save_and_hold
"""


@dataclass(frozen=True)
class Scene:
    """What there is to see: at which save which search waits, each with a worker of its own, and what waits for one.

    `on` is what `--on` says: one place for each worker, "" for this machine.
    """

    hold: dict[str, int]
    waiting: tuple[str, ...]
    on: str = ""

    @property
    def workers(self) -> int:
        """How many there are."""
        return len(self.hold)

    def host(self, number: int) -> str:
        """What the host of a worker is called."""
        return f"node{number + 1}" if self.on else "lab"

    def held(self, snapshot: Snapshot, times: int = 1) -> bool:
        """Whether all wait that are to, for the first or the second time."""
        saves = {snapshot.instances[run.instance].name.removesuffix(".cnf"): run.saves for run in snapshot.runs}
        return snapshot.counts.running == self.workers and all(
            saves[name] == times * at for name, at in self.hold.items()
        )


HERE_ALONE = Scene({"uf250-03": 31, "uf200-02": 12}, ("uf150-02", "uf150-03", "uf200-03", "uf250-02"))
MANY_HOSTS = Scene(
    {"uf250-03": 31, "uf250-02": 15, "uf200-03": 17, "uf200-02": 12},
    ("uf150-02", "uf150-03"),
    "each:" + ";".join(f"env PLACE={number}" for number in range(4)),
)


class Frozen:
    """A conductor that shows one moment of a runner, with times that are the same in every run."""

    def __init__(self, runner: Runner, scene: Scene) -> None:
        self._runner = runner
        self._scene = scene
        self._shown = Snapshot()

    def snapshot(self) -> Snapshot:
        """The moment that was taken last."""
        return self._shown

    def send(self, command: Command) -> None:
        """Pass it on."""
        self._runner.send(command)

    async def take(self, ready: Callable[[Snapshot], bool]) -> None:
        """Show the next moment of which this is true."""
        async with asyncio.timeout(60):
            while not ready(snapshot := self._runner.snapshot()):
                await asyncio.sleep(0.05)
        self._shown = _still(snapshot, self._scene)


def _still(snapshot: Snapshot, scene: Scene) -> Snapshot:
    runs = type(snapshot.runs)((tuple(_still_run(run, scene) for run in snapshot.runs),), len(snapshot.runs))
    taken = [sum(runs[i - 1].seconds for i in ids) for ids in snapshot.runs_of]
    rows = tuple(msgspec.structs.replace(row, seconds=spent) for row, spent in zip(snapshot.rows, taken, strict=True))
    busy = snapshot.counts.running
    return msgspec.structs.replace(
        snapshot,
        at=NOW,
        runs=runs,
        rows=type(snapshot.rows)((rows,), len(rows)),
        saved_at=NOW - 1,
        forecast=forecast(_known(runs, scene.workers)) if busy else None,
        slots=tuple(
            sorted((_still_slot(slot, runs[slot.run - 1], scene) for slot in snapshot.slots if slot.run), key=_number)
        ),
        notes=tuple(msgspec.structs.replace(note, at=NOW) for note in snapshot.notes),
    )


def _known(runs: Sequence[Run], workers: int) -> Known:
    place = {run.id: 1 - run.instance / len(runs) for run in runs}
    ahead = [
        Ahead(run.id, run.instance, place[run.id], worked(run, NOW)) for run in runs[::-1] if not s.reason(run.status)
    ]
    return Known(
        now=NOW,
        workers=workers,
        ended=[EndedRun(run.instance, place[run.id], run.seconds) for run in runs if isinstance(run.status, s.Done)],
        running=[run for run in ahead if run.elapsed],
        waiting=[run for run in ahead if not run.elapsed],
    )


def _still_run(run: Run, scene: Scene) -> Run:
    number = run.id % scene.workers
    seconds = max(1, run.saves) * SAVE_SECONDS
    status = run.status
    match status:
        case s.Running():
            status = msgspec.structs.replace(status, slot=number, since=NOW - 1 - seconds)
        case s.Done():
            status = s.Done(NOW - 40, seconds)
        case s.Failed() | s.Interrupted():
            status = msgspec.structs.replace(status, at=NOW - 2)
    saved_at = NOW - 1 if run.saved_at is not None else None
    began = NOW - 2 - seconds if run.began is not None else None
    slot = number if run.slot is not None else None
    ended = 0.0 if isinstance(status, s.Running | s.Pending) else seconds
    return msgspec.structs.replace(
        run, status=status, seconds=ended, saved_at=saved_at, began=began, slot=slot, host=scene.host(number)
    )


def _still_slot(slot: Slot, run: Run, scene: Scene) -> Slot:
    number = run.id % scene.workers
    load = Load(24_400_000 + 3_600_000 * number, 0.98 + 0.01 * number)
    since = run.status.since if isinstance(run.status, s.Running) else NOW
    host, unheard = scene.host(number) * bool(slot.host), NOW + LEASE if slot.unheard else 0.0
    return msgspec.structs.replace(
        slot, number=number, pid=4200 + number, since=since, load=load, host=host, unheard=unheard
    )


def _number(slot: Slot) -> int:
    return slot.number


def _place(scene: Scene) -> Path:
    shutil.rmtree(PLACE, ignore_errors=True)
    shutil.copytree(EXAMPLE, PLACE, ignore=shutil.ignore_patterns("__pycache__"))
    module = PLACE / "maxsat.py"
    module.write_text(module.read_text() + HOLDING.format(hold=scene.hold))
    for name, line in DAMAGED.items():
        damaged = PLACE / f"{name}.cnf"
        *clauses, _ = damaged.read_text().rstrip("\n").split("\n")
        damaged.write_text("\n".join([*clauses, line]) + "\n")
    names = [*scene.waiting, *scene.hold, *FINISHED, *DAMAGED]
    (PLACE / "maxsat.batch").write_text(json.dumps({"instances": [f"{name}.cnf" for name in names]}))
    os.chdir(PLACE)
    return module


def _runner(module: Path, scene: Scene) -> Runner:
    target = find_target(str(module), print)
    chosen = Chosen(workers=scene.workers)
    asked = Asked(state_dir=target.state_dir(None), seed=7, chosen=chosen, on=scene.on, lease=LEASE)
    with begun(target, asked, print) as start:
        start.load(lambda seconds: None)
        session = start.open()
    return Runner(start.settings, session, start.agent)


async def _take(conductor: Frozen, size: tuple[int, int], *steps: tuple[str, ...] | str) -> None:
    """Press keys, and take a picture of each name among them."""
    app = ExperimentApp(conductor, theme=DARK.name, clock=lambda: NOW, monotonic=lambda: 0.0)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for step in steps:
            if isinstance(step, tuple):
                await pilot.press(*step)
                await pilot.pause()
            else:
                app.look()
                await pilot.pause()
                (HERE / f"{step}.svg").write_text(_standing_alone(app.export_screenshot()))


async def _alone(runner: Runner) -> None:
    scene = HERE_ALONE
    conductor = Frozen(runner, scene)
    await conductor.take(scene.held)
    session = partial(_take, conductor)
    row = _row_of(conductor.snapshot(), "uf250-03")
    to_busy, to_interrupted = ("home", *["down"] * row), ("home", *["down"] * (len(DAMAGED) + row))
    await session((132, 34), to_busy, "running")
    await session((132, 34), ("home", *["down"] * len(scene.hold)), "failed")
    await session((132, 34), ("F",), "failures")
    await session((132, 34), to_busy, ("enter",), "log")
    await session((132, 34), ("question_mark",), "help")
    await session((132, 34), to_busy, ("w",), "workers")
    await session((80, 24), to_busy, "narrow")
    runner.send(Interrupt())
    await conductor.take(lambda snapshot: snapshot.counts.interrupted == len(scene.hold))
    await session((132, 34), to_interrupted, "interrupted")
    runner.send(Resume())
    await conductor.take(lambda snapshot: scene.held(snapshot, 2))
    await session((132, 34), to_busy, "resumed")
    frames = [(HERE / f"{name}.svg").read_text() for name in ("running", "interrupted", "resumed")]
    (HERE / "interrupt.svg").write_text(_animated(frames))


async def _hosts(runner: Runner) -> None:
    conductor = Frozen(runner, MANY_HOSTS)
    await conductor.take(MANY_HOSTS.held)
    lost = next(run for run in runner.snapshot().runs if isinstance(run.status, s.Running))
    pid = next(slot.pid for slot in runner.snapshot().slots if slot.run == lost.id)
    place = next(each for each in psutil.Process(pid).parents() if "pyalma_tui.place" in each.cmdline())
    place.send_signal(signal.SIGSTOP)
    await conductor.take(lambda snapshot: any(slot.unheard for slot in snapshot.slots))
    row = _row_of(conductor.snapshot(), conductor.snapshot().instances[lost.instance].name.removesuffix(".cnf"))
    await _take(conductor, (132, 34), ("home", *["down"] * row), ("w",), "hosts")


def _standing_alone(svg: str) -> str:
    """The picture without fonts from the network, its leading spaces kept by every renderer."""
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return svg.replace("<svg ", '<svg xml:space="preserve" ', 1)


def _animated(frames: Sequence[str]) -> str:
    """One picture that shows the frames one after the other, again and again, by CSS alone."""
    seconds = len(frames) * FRAME
    shown = 100 / len(frames)
    style = (
        f"@keyframes turn {{ 0% {{ visibility: visible }} {shown:.2f}% {{ visibility: hidden }} }}"
        f" .frame {{ visibility: hidden; animation: turn {seconds:g}s step-end infinite }}"
    )
    turns = (
        f'<g class="frame" style="animation-delay: {FRAME * number - seconds:g}s">{frame}</g>'
        for number, frame in enumerate(frames)
    )
    opening = re.match(r"<svg [^>]*>", frames[0])
    assert opening is not None, "a picture is an SVG"
    return f"{opening[0]}<style>{style}</style>{''.join(turns)}</svg>"


def _row_of(snapshot: Snapshot, name: str) -> int:
    """How far down the list this instance is, while it runs and when it was interrupted."""
    held = [snapshot.instances[i].name for i, row in enumerate(snapshot.rows) if row.tally.running]
    return held.index(f"{name}.cnf")


def main() -> None:
    """Make all pictures."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    for scene, shoot in ((HERE_ALONE, _alone), (MANY_HOSTS, _hosts)):
        runner = _runner(_place(scene), scene)
        runner.start()
        try:
            asyncio.run(shoot(runner))
        finally:
            runner.send(Quit())
            runner.join()


if __name__ == "__main__":
    main()

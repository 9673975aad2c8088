"""Make the pictures of this folder: `python screenshots/make.py`.

The real app drives the real runner, which runs the shipped MAX-SAT example; only clocks are frozen and the searches
stop at a given save, so that the pictures are the same from run to run. The failures are real, too: instances of which
the last line is damaged.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

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
HOLD = {"uf250-03": 31, "uf200-02": 12}  # at which save a search waits
WAITING = ("uf150-02", "uf150-03", "uf200-03", "uf250-02")
FINISHED = ("uf100-01", "uf150-01", "uf200-01")
DAMAGED = {"uf100-02": "-17 42 x17 0", "uf100-03": "-17 42 17 0 0"}  # the last line instead of what it was

HOLDING = f"""

from pyalma_tui.worker.calling import Attempt as _Attempt
_begin, _hold = _Attempt.__init__, {HOLD!r}

def _begin_and_hold(self, *arguments):
    import pathlib, time
    from pyalma_tui import Interrupted
    _begin(self, *arguments)
    save, saves = self.save, []

    def save_and_wait(data):
        save(data)
        saves.append(data)
        while len(saves) >= _hold.get(pathlib.Path(self.order.file).stem, 1 << 60):
            time.sleep(0.02)
            if self.asked:
                raise Interrupted

    self.save = save_and_wait

_Attempt.__init__ = _begin_and_hold
"""


class Frozen:
    """A conductor that shows one moment of a runner, with times that are the same in every run."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
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
        self._shown = _still(snapshot)


def _still(snapshot: Snapshot) -> Snapshot:
    runs = type(snapshot.runs)((tuple(_still_run(run) for run in snapshot.runs),), len(snapshot.runs))
    taken = [sum(runs[i - 1].seconds for i in ids) for ids in snapshot.runs_of]
    rows = tuple(msgspec.structs.replace(row, seconds=spent) for row, spent in zip(snapshot.rows, taken, strict=True))
    busy = snapshot.counts.running
    return msgspec.structs.replace(
        snapshot,
        at=NOW,
        runs=runs,
        rows=type(snapshot.rows)((rows,), len(rows)),
        saved_at=NOW - 1,
        forecast=forecast(_known(runs)) if busy else None,
        slots=tuple(
            sorted((_still_slot(slot, runs[slot.run - 1]) for slot in snapshot.slots if slot.run), key=_number)
        ),
        notes=tuple(msgspec.structs.replace(note, at=NOW) for note in snapshot.notes),
    )


def _known(runs: Sequence[Run]) -> Known:
    place = {run.id: 1 - run.instance / len(runs) for run in runs}
    ahead = [
        Ahead(run.id, run.instance, place[run.id], worked(run, NOW)) for run in runs[::-1] if not s.reason(run.status)
    ]
    return Known(
        now=NOW,
        workers=2,
        ended=[EndedRun(run.instance, place[run.id], run.seconds) for run in runs if isinstance(run.status, s.Done)],
        running=[run for run in ahead if run.elapsed],
        waiting=[run for run in ahead if not run.elapsed],
    )


def _still_run(run: Run) -> Run:
    seconds = max(1, run.saves) * SAVE_SECONDS
    status = run.status
    match status:
        case s.Running():
            status = msgspec.structs.replace(status, slot=run.id % 2, since=NOW - 1 - seconds)
        case s.Done():
            status = s.Done(NOW - 40, seconds)
        case s.Failed() | s.Interrupted():
            status = msgspec.structs.replace(status, at=NOW - 2)
    saved_at = NOW - 1 if run.saved_at is not None else None
    began = NOW - 2 - seconds if run.began is not None else None
    slot = run.id % 2 if run.slot is not None else None
    ended = 0.0 if isinstance(status, s.Running | s.Pending) else seconds
    return msgspec.structs.replace(
        run, status=status, seconds=ended, saved_at=saved_at, began=began, slot=slot, host="lab"
    )


def _still_slot(slot: Slot, run: Run) -> Slot:
    number = run.id % 2
    load = Load(24_400_000 + 3_600_000 * number, 0.98 + 0.01 * number)
    since = run.status.since if isinstance(run.status, s.Running) else NOW
    return msgspec.structs.replace(slot, number=number, pid=4200 + number, since=since, load=load)


def _number(slot: Slot) -> int:
    return slot.number


def _place() -> Path:
    shutil.rmtree(PLACE, ignore_errors=True)
    shutil.copytree(EXAMPLE, PLACE, ignore=shutil.ignore_patterns("__pycache__"))
    module = PLACE / "maxsat.py"
    module.write_text(module.read_text() + HOLDING)
    for name, line in DAMAGED.items():
        damaged = PLACE / f"{name}.cnf"
        *clauses, _ = damaged.read_text().rstrip("\n").split("\n")
        damaged.write_text("\n".join([*clauses, line]) + "\n")
    names = [*WAITING, *HOLD, *FINISHED, *DAMAGED]
    (PLACE / "maxsat.batch").write_text(json.dumps({"instances": [f"{name}.cnf" for name in names]}))
    os.chdir(PLACE)
    return module


def _runner(module: Path) -> Runner:
    target = find_target(str(module), print)
    asked = Asked(state_dir=target.state_dir(None), seed=7, chosen=Chosen(workers=2))
    with begun(target, asked, print) as start:
        start.load(lambda seconds: None)
        session = start.open()
    return Runner(start.settings, session, start.agent)


def _held(snapshot: Snapshot, times: int = 1) -> bool:
    saves = {snapshot.instances[run.instance].name.removesuffix(".cnf"): run.saves for run in snapshot.runs}
    return snapshot.counts.running == len(HOLD) and all(saves[name] == times * at for name, at in HOLD.items())


def _held_again(snapshot: Snapshot) -> bool:
    return _held(snapshot, 2)


async def _shoot(runner: Runner) -> None:
    conductor = Frozen(runner)
    await conductor.take(_held)

    async def session(size: tuple[int, int], *steps: tuple[str, ...] | str) -> None:
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

    row = _row_of(conductor.snapshot(), "uf250-03")
    to_busy, to_interrupted = ("home", *["down"] * row), ("home", *["down"] * (len(DAMAGED) + row))
    await session((132, 34), to_busy, "running")
    await session((132, 34), ("home", *["down"] * len(HOLD)), "failed")
    await session((132, 34), ("F",), "failures")
    await session((132, 34), to_busy, ("enter",), "log")
    await session((132, 34), ("question_mark",), "help")
    await session((132, 34), to_busy, ("w",), "workers")
    await session((80, 24), to_busy, "narrow")
    runner.send(Interrupt())
    await conductor.take(lambda snapshot: snapshot.counts.interrupted == len(HOLD))
    await session((132, 34), to_interrupted, "interrupted")
    runner.send(Resume())
    await conductor.take(_held_again)
    await session((132, 34), to_busy, "resumed")
    frames = [(HERE / f"{name}.svg").read_text() for name in ("running", "interrupted", "resumed")]
    (HERE / "interrupt.svg").write_text(_animated(frames))


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
    runner = _runner(_place())
    runner.start()
    try:
        asyncio.run(_shoot(runner))
    finally:
        runner.send(Quit())
        runner.join()


if __name__ == "__main__":
    main()

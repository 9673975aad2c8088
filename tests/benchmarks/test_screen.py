"""Rows 3, 8, 9, 11 and 13: what the open screen costs the runs, the processor, the memory and the line."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from .figures import ROUNDS, Figure, Figures, interleaved, megabytes, milliseconds, percentile, rate, ratio
from .program import EMPTY, Folder, Headless, Listener, Told, saves_in
from .pty_app import Terminal, hello

MANY = 100_000
LINES = 500  # lines that a flooding run prints at a time, twenty times a second
PROGRESSING = """\
import time
def run(instance, save, state, progress):
    for done in range(100_000):
        progress(done, 100_000)
        save(str(100_000 - done))
        time.sleep(0.1)
"""

ENDED = """\
def run(instance, save, state, iteration, record):
    record(gap=1 / (iteration + 1))
    save({"gap": 1 / (iteration + 1)})
    if iteration % 3 == 2:
        raise ValueError(f"negative weight {iteration}")
"""
SCREENS = {
    "F": "what failed, and why",
    "v": "to failed",
    "P": "runs ended",
    "R": "results",
    "%": "forecast",
    "H": "history",
    "=": "compare",
}
"""The keys, and what only their screens say."""


@contextmanager
def on_screen(folder: Folder, others: int, workers: int, *options: str) -> Iterator[tuple[Terminal, list[Told]]]:
    """The program in a terminal, with runs that do what they are told."""
    folder.tell(others, workers)
    listener = Listener(folder)
    with Terminal(folder.command("--workers", str(workers), *options), folder.path) as terminal:
        told = [listener.accept() for _ in range(workers)]
        listener.close()
        terminal.wait_for("f/i000000")
        terminal.quiet()
        yield terminal, told


@contextmanager
def keys_pressed(terminal: Terminal, keys: str, every: float) -> Iterator[None]:
    """Somebody types meanwhile."""
    over = threading.Event()

    def press() -> None:
        number = 0
        while not over.wait(every):
            terminal.press(keys[number % len(keys)])
            number += 1

    typist = threading.Thread(target=press)
    typist.start()
    try:
        yield
    finally:
        over.set()
        typist.join()


def test_saves_while_the_screen_is_busy(folder: Folder, figures: Figures, full: bool) -> None:
    """Row 3: beside the run that saves, one that floods its log, which is shown; up and down pressed all the time."""
    seconds, rows = (2.0 if full else 0.6), 3000
    total = 0
    with (
        Headless(folder.sub("plain"), others=rows - 2, workers=2) as plain,
        on_screen(folder.sub("screen"), rows - 2, 2) as (terminal, told),
    ):
        flooded = partial(_flooded, seconds=seconds)

        def screen() -> float:
            nonlocal total
            with keys_pressed(terminal, "jjkk", 0.05):
                answer = flooded(told)
            total += answer["saves"]
            return float(answer["saves"] / answer["seconds"])

        def without() -> float:
            answer = flooded(plain.told)
            return float(answer["saves"] / answer["seconds"])

        found = interleaved({"screen": screen, "plain": without}, 2 * ROUNDS)
        for run in told:
            run.leave()
    share = ratio(found["screen"], found["plain"])
    assert saves_in(folder_of(folder, "screen").store()) >= total, "an acknowledged save is not in the store"
    reference = f"without a screen {rate(found['plain'], '/s')}"
    what = "saves while the screen is busy, a log flooding"
    figures.add(Figure(3, what, rate(found["screen"], "/s"), reference, f"{share:.2f}", "≥ 0.9", True, share >= 0.9))


def folder_of(folder: Folder, name: str) -> Folder:
    """A folder that was made in another."""
    return Folder(folder.path / name, folder.names)


def _flooded(told: list[Told], seconds: float) -> dict[str, Any]:
    """The first saves while the second floods its log."""
    told[1].order("flood", seconds=seconds, lines=LINES)
    answer = told[0].saves(seconds)
    told[1].answer()
    return answer


def test_keys_processor_and_bytes_in_a_large_experiment(folder: Folder, figures: Figures, full: bool) -> None:
    """Rows 8, 9 and the idle half of 13."""
    window, windows, presses = (5.0, 7, 300) if full else (2.0, ROUNDS, 60)
    idle = folder.sub("idle")
    idle.fill(EMPTY, MANY)
    with Terminal(idle.command("--paused"), idle.path) as terminal, hello(folder.path) as greeting:
        terminal.wait_for("f/i000000")
        terminal.quiet(3.0)
        calm = interleaved({"app": partial(_use, terminal, window), "hello": partial(_use, greeting, window)}, windows)
        since, line = terminal.received, greeting.received
        time.sleep(window)
        bytes_idle, bytes_hello = terminal.received - since, greeting.received - line
    _processor(figures, "idle, 100,000 instances", calm["app"], calm["hello"], 0.01)
    figures.add(
        Figure(
            13,
            "bytes to the terminal, idle",
            f"{bytes_idle / window:,.0f} B/s",
            f"hello-world Textual app {bytes_hello / window:,.0f} B/s",
            "–",
            "0",
            True,
            bytes_idle == 0,
        )
    )
    with on_screen(folder.sub("busy"), MANY, 2) as (terminal, told), hello(folder.path) as greeting:
        greeting.wait_for("hello, world")
        stop = _keep_saving(told)
        keys = _Keys(terminal)
        found = interleaved({"app": keys.press, "hello": _Hello(greeting).press}, presses)
        with keys_pressed(terminal, "jjjkkk", 0.2):
            busy = [_use(terminal, window) for _ in range(windows)]
        stop()
    _answered(figures, "the row, 100,000 instances, 2 saving", found, 0.033)
    _processor(figures, "2 saving flat out, keys pressed", busy, None, 0.15)
    nice = ("--nice", "5")
    with on_screen(folder.sub("nice"), MANY, 2, *nice) as (terminal, told), hello(folder.path) as greeting:
        greeting.wait_for("hello, world")
        stop = _keep_saving(told)
        found = interleaved({"app": _Keys(terminal).press, "hello": _Hello(greeting).press}, presses)
        stop()
    _answered(figures, "the row, 100,000 instances, 2 saving with --nice 5", found, 0.025)


def _answered(figures: Figures, what: str, found: dict[str, list[float]], goal: float) -> None:
    slow, hello_slow = percentile(found["app"], 0.95), percentile(found["hello"], 0.95)
    figures.add(
        Figure(
            8,
            f"key to bytes of {what}, p95",
            f"{slow * 1e3:.0f} ms, median {milliseconds(found['app'])}",
            f"hello-world p95 {hello_slow * 1e3:.0f} ms, median {milliseconds(found['hello'])}",
            f"{slow / hello_slow:.1f}",
            f"≤ {goal * 1e3:.0f} ms",
            False,
            slow <= goal,
        )
    )


def _processor(figures: Figures, what: str, used: list[float], reference: list[float] | None, goal: float) -> None:
    figures.add(
        Figure(
            9,
            f"processor time of the screen's process: {what}",
            f"{median(used):.1%} ({min(used):.1%}–{max(used):.1%})",
            "–" if reference is None else f"hello-world Textual app {median(reference):.1%}",
            "–",
            f"≤ {goal:.0%}",
            False,
            median(used) <= goal,
        )
    )


def _use(terminal: Terminal, seconds: float) -> float:
    """The share of one processor that the program uses."""
    before, began = terminal.cpu(), time.perf_counter()
    time.sleep(seconds)
    return (terminal.cpu() - before) / (time.perf_counter() - began)


def _keep_saving(told: list[Told]) -> Callable[[], None]:
    """Let all of them save flat out until the returned function is called."""
    over = threading.Event()

    def keep(run: Told) -> None:
        while not over.is_set():
            run.saves(0.5)

    keepers = [threading.Thread(target=keep, args=(run,)) for run in told]
    for keeper in keepers:
        keeper.start()

    def stop() -> None:
        over.set()
        for keeper in keepers:
            keeper.join()

    return stop


class _Keys:
    """Goes down line by line: each line is painted with its name when the cursor comes to it, and not before."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._next = 0
        self._chance = random.Random(1)
        since, _ = terminal.press("jj")
        terminal.wait_for("f/i000000", since)

    def press(self) -> float:
        """Seconds from the key to the first bytes of the row that it changes."""
        time.sleep(self._chance.uniform(0.1, 0.2))  # in no step with anything that happens at a fixed rate
        self._next += 1
        since, began = self._terminal.press("j")
        return self._terminal.wait_for(f"f/i{self._next:06d}", since) - began


class _Hello:
    """The same for an app that counts keys."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._next = 0
        self._chance = random.Random(2)

    def press(self) -> float:
        """Seconds from the key to the bytes that it changes; the number may be painted in part, so its last digit."""
        time.sleep(self._chance.uniform(0.05, 0.1))
        self._next += 1
        since, began = self._terminal.press("x")
        return self._terminal.wait_for(f"{self._next:06d}", since) - began


def test_screens_open_at_once_in_a_large_experiment(folder: Folder, figures: Figures, full: bool) -> None:
    """Row 8: every screen that is opened over the list, of runs that have ended, each third time with an error."""
    runs, rounds = (MANY, 10) if full else (6_000, 4)
    folder.fill(ENDED, runs // 20)
    folder.run("--iterations", "20", "--workers", "2", fails=True)
    with Terminal(folder.command("--paused"), folder.path) as terminal, hello(folder.path) as greeting:
        greeting.wait_for("hello, world")
        terminal.wait_for("f/i000000")
        terminal.press(" j ")  # two are marked, to be compared
        terminal.quiet(1.0)
        opened = {key: partial(_opened, terminal, key, text) for key, text in SCREENS.items()}
        found = interleaved(opened, rounds)
        reference = interleaved({"hello": _Hello(greeting).press}, rounds)["hello"]
    for key in SCREENS:
        _answered(figures, f"the screen `{key}`, {runs:,} runs", {"app": found[key], "hello": reference}, 0.1)


def _opened(terminal: Terminal, key: str, text: str) -> float:
    """Seconds from the key to what is on the screen that it opens; then back to the list."""
    since, began = terminal.press(key)
    seconds = terminal.wait_for(text, since) - began
    terminal.quiet(0.5)  # what goes on behind it has ended, so that escape leaves it
    back, _ = terminal.press("\x1b")
    terminal.wait_for("\x1b[", back)  # a box covers a part of the list: nothing else of it is painted again
    terminal.quiet(0.3)
    return seconds


def test_keys_while_a_log_is_flooded(folder: Folder, figures: Figures, full: bool) -> None:
    """Row 8: the log on the whole screen, followed, of a run that prints 100,000 lines a second."""
    presses = 100 if full else 20
    with on_screen(folder, 10, 1) as (terminal, told), hello(folder.path) as greeting:
        greeting.wait_for("hello, world")
        terminal.press("l")
        told[0].order("flood", seconds=0.4 * presses + 5, lines=5000)  # twenty times a second
        terminal.wait_for("restart, best so far")
        found = interleaved({"app": partial(_asked, terminal), "hello": _Hello(greeting).press}, presses)
        lines = told[0].answer()["lines"] / (0.4 * presses + 5)
        told[0].leave()
    _answered(figures, f"a log of {lines:,.0f} lines/s", found, 0.1)


def _asked(terminal: Terminal) -> float:
    """Seconds from the key that asks for a filter to its field."""
    time.sleep(0.1)
    since, began = terminal.press("&")
    seconds = terminal.wait_for("how only lines with", since) - began  # the cursor stands on the first letter
    terminal.press("\x1b")
    time.sleep(0.1)
    return seconds


def test_bytes_of_eight_runs(folder: Folder, figures: Figures, full: bool) -> None:
    """Row 13: eight runs that report progress and save ten times a second."""
    window, windows = (10.0, 7) if full else (3.0, ROUNDS)
    folder.fill(PROGRESSING, 8)
    with Terminal(folder.command("--workers", "8", "--grace", "0"), folder.path) as terminal:
        terminal.wait_for("running")
        time.sleep(4.0)
        sent = []
        for _ in range(windows):
            before = terminal.received
            time.sleep(window)
            sent.append((terminal.received - before) / window)
    figures.add(
        Figure(
            13,
            "bytes to the terminal, 8 runs progressing",
            rate(sent, "B/s"),
            "–",
            "–",
            "≤ 4,000 B/s",
            True,
            median(sent) <= 4000,
        )
    )


def test_memory_of_a_large_log(folder: Folder, figures: Figures) -> None:
    """Row 11: the same experiment of one run, its log of one line and of 1 GB, which is paged through."""
    folder.fill("def run(instance, save, state):\n    print('hello')\n", 1)
    folder.run()
    log = next((folder.state_dir / "logs").glob("1/*.log"))
    small = log.with_name("small")
    log.rename(small)
    large = log.with_name("large")
    _write_lines(large, 1_000_000_000)

    def used(source: Path) -> float:
        log.unlink(missing_ok=True)
        log.hardlink_to(source)
        with Terminal(folder.command("--paused"), folder.path) as terminal:
            terminal.wait_for("f/i000000")
            for key in "lgG":
                terminal.press(key)
                terminal.quiet(0.3)
            for _ in range(20):
                terminal.press("\x1b[5~")
                time.sleep(0.02)
            terminal.quiet(0.3)
            return float(terminal.memory())

    found = interleaved({"large": partial(used, large), "small": partial(used, small)})
    large.unlink()
    more = median(a - b for a, b in zip(found["large"], found["small"], strict=True))
    figures.add(
        Figure(
            11,
            "memory with a log of 1 GB open",
            megabytes(median(found["large"])),
            f"with a log of one line {megabytes(median(found['small']))}",
            f"+{megabytes(more)}",
            "≤ +2 MB",
            True,
            more <= 2e6,
        )
    )


def _write_lines(path: Path, size: int) -> None:
    block = b"".join(b"11:02:07 restart %06d, best so far 3 unsatisfied clauses of 91\n" % i for i in range(16_000))
    with path.open("wb") as file:
        while file.tell() < size:
            file.write(block)

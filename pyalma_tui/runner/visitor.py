"""An experiment that another process runs and lets be controlled: what goes over the line between the two.

The bulk is read from the files, as any view does it; the line has what only the runner knows, and the commands.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

from pyalma_tui.errors import Failure
from pyalma_tui.model.words import plural
from pyalma_tui.runner import commands as c
from pyalma_tui.runner.outdated import CodeNow
from pyalma_tui.runner.snapshot import Phase, Slot, Snapshot
from pyalma_tui.runner.viewer import Viewer

Asked: TypeAlias = (
    c.Interrupt
    | c.Resume
    | c.Next
    | c.Retry
    | c.Forget
    | c.Remove
    | c.Undo
    | c.Renew
    | c.RerunDone
    | c.SetWorkers
    | c.SetLimits
    | c.Pause
)
"""What a visitor may ask for: the end of the program is not theirs, nor what it says of itself."""

DEEDS: Final[dict[type[c.Command], str]] = {
    c.Interrupt: "interrupt",
    c.Resume: "resume",
    c.Next: "run next",
    c.Retry: "retry",
    c.Forget: "forget",
    c.Undo: "undo",
    c.RerunDone: "call done() again",
}
LONGEST: Final = 1 << 16  # bytes read at once


class Live(msgspec.Struct, frozen=True):
    """What a snapshot has that no file tells; the names are the snapshot's."""

    phase: Phase
    workers: int
    limits: c.Limits
    paused: bool
    slots: tuple[Slot, ...]
    complete: bool
    idle_reason: str
    code: str
    codes: frozenset[str]
    renewable: CodeNow | None
    not_saved: Failure | None
    blocked: Failure | None
    failure: Failure | None


def live_of(snapshot: Snapshot) -> Live:
    """That part of a snapshot."""
    return Live(**{name: getattr(snapshot, name) for name in Live.__struct_fields__})


def line_of(told: Live | c.Command) -> bytes:
    """One line of JSON."""
    return msgspec.json.encode(told, enc_hook=str) + b"\n"


_LIVE: Final = msgspec.json.Decoder(Live, dec_hook=lambda kind, value: kind(value))
_ASKED: Final[msgspec.json.Decoder[Asked]] = msgspec.json.Decoder(Asked)


def asked_in(line: bytes) -> Asked:
    """The command of a line; raises ValueError for anything that a visitor may not ask for."""
    return _ASKED.decode(line)


def deed(command: Asked) -> str:
    """What somebody has asked for, in words: `retry of 3 runs`."""
    match command:
        case c.Renew(then):
            return "import the module as it is now" + (f", then {deed(then)}" if then is not None else "")
        case c.SetWorkers(workers):
            return plural(workers, "worker")
        case c.SetLimits(limits):
            timeout = "none" if limits.timeout is None else f"{limits.timeout:g} s"
            return f"timeout {timeout}, {plural(limits.retries, 'retry', 'retries')}"
        case c.Pause(paused):
            return "begin nothing more" if paused else "begin again"
    if isinstance(command, c.Remove):
        return f"remove {plural(len(command.instances), 'instance')}"
    runs: tuple[int, ...] | None = getattr(command, "runs", ())
    return DEEDS[type(command)] + (" of all runs" if runs is None else f" of {plural(len(runs), 'run')}" * bool(runs))


class Visitor:
    """A Conductor: what a viewer sees, with what the runner tells; its commands go to the runner.

    `snapshot` and `send` are for any thread.
    """

    def __init__(self, viewer: Viewer, line: Path, who: str) -> None:
        """`line` is the socket of the process that runs it, `who` is asking. Raises OSError."""
        self._viewer = viewer
        self._line = socket.socket(socket.AF_UNIX)
        self._line.connect(str(line))
        self._line.sendall(who.encode() + b"\n")
        self._live: Live | None = None
        self._made: tuple[Snapshot, Live | None, Snapshot] | None = None
        self._serial = 0
        self._thread = threading.Thread(target=self._listen, name="pyalma-tui-visitor", daemon=True)

    def start(self) -> None:
        """Begin to look and to listen."""
        self._viewer.start()
        self._thread.start()

    def close(self) -> None:
        """Look and listen no more."""
        self._line.close()
        self._viewer.close()

    def snapshot(self) -> Snapshot:
        """The latest moment."""
        seen, live, made = self._viewer.snapshot(), self._live, self._made
        if made is not None and made[0] is seen and made[1] is live:
            return made[2]
        self._serial += 1
        shown = msgspec.structs.replace(seen, serial=self._serial, elsewhere=None)
        if live is not None and seen.instances:
            changes: dict[str, Any] = {name: getattr(live, name) for name in Live.__struct_fields__}
            changes["slots"] = tuple(slot for slot in live.slots if slot.run is None or slot.run <= len(seen.runs))
            shown = msgspec.structs.replace(shown, **changes | {"failure": live.failure or seen.failure})
        self._made = (seen, live, shown)
        return shown

    def send(self, command: c.Command) -> None:
        """Ask the process that runs it."""
        try:
            self._line.sendall(line_of(command))
        except OSError:  # it has ended, and ends us as well
            return

    def _listen(self) -> None:
        for line in _lines(self._line):
            self._live = _LIVE.decode(line)


def _lines(line: socket.socket) -> Iterator[bytes]:
    """Whole lines, until the other side is gone."""
    rest = b""
    while True:
        try:
            more = line.recv(LONGEST)
        except OSError:  # closed here
            return
        if not more:
            return
        *whole, rest = (rest + more).split(b"\n")
        yield from whole

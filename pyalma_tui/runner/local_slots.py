"""Workers on this machine: starting a process, talking to it, seeing it end."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from signal import Signals
from typing import IO

from pyalma_tui.errors import LoadError, ShortageError
from pyalma_tui.model import jsontext
from pyalma_tui.model.chosen import Chosen
from pyalma_tui.model.messages import (
    WORKER_MARK,
    Exit,
    Interrupt,
    Loaded,
    LoadFailed,
    NewSegment,
    Order,
    Reply,
    Request,
    Signalled,
    Timeout,
    TryLater,
)

PRESSED = 1.5  # seconds that a worker gets to end by itself when it is no longer needed; then it gets SIGINT
GOODBYE = 2.0  # seconds until it is killed; and that what it started gets afterwards
CHUNK = 1 << 16  # bytes asked for at a time; a megabyte would be mapped and unmapped for each short reply
_decode: Callable[[bytes], Reply] = jsontext.decoder(Reply)


class Worker:
    """A worker process and our ends of its two sockets; owned by one thread.

    The kernel ends it when the thread that started it ends, so a runner starts its workers itself.
    """

    def __init__(
        self,
        module: Path,
        output: IO[bytes],
        mark: str,
        chosen: Chosen | None = None,
        code: Path | None = None,
        *,
        foreground: bool = False,
    ) -> None:
        """Start it. `output` gets what the module prints while it is imported; `code` is a copy to run instead.

        Of what is `chosen` it needs the module's arguments and PYTHONHASHSEED. One in the `foreground` stays in our
        session, where the terminal can be given to its group. Raises OSError if no process can be started.
        """
        chosen = chosen or Chosen()
        self.mark = mark
        self.loaded: Loaded | None = None
        self.work, theirs_work = socket.socketpair()
        self._control, theirs_control = socket.socketpair()
        spec = {
            "work": theirs_work.fileno(),
            "control": theirs_control.fileno(),
            "parent": os.getpid(),
            "module": str(module),
            "code": str(code or module),
        }
        try:
            # -P: nothing in the working directory takes the place of a module that we import
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "pyalma_tui.worker", jsontext.encode(spec).decode(), *(chosen.args or ())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(theirs_work.fileno(), theirs_control.fileno()),
                start_new_session=not foreground,
                process_group=0 if foreground else None,
                env=os.environ | {WORKER_MARK: mark} | _hash_seed(chosen),
            )
        except BaseException:
            self.close()
            raise
        finally:
            theirs_work.close()
            theirs_control.close()
        self.ended = False  # whether its end of the work socket was seen closed
        self._pending = b""

    @property
    def pid(self) -> int:
        """The process id, which is also that of its group and session."""
        return self.process.pid

    @property
    def guard(self) -> int:
        """The process id of its guard, 0 as long as it is not known."""
        return self.loaded.guard if self.loaded is not None else 0

    def send(self, order: Order, fds: Sequence[int] = ()) -> None:
        """Give an order; one to a worker that is gone shows in `gone`, not here."""
        line = jsontext.encode(order) + b"\n"
        try:
            if fds:
                sent = socket.send_fds(self.work, [line], fds)
                line = line[sent:]
            self.work.sendall(line)
        except (BrokenPipeError, ConnectionResetError):
            return

    def receive(self) -> list[Reply]:
        """The replies that have come; empty if there are none, or none any more."""
        chunks = [self._pending]
        while True:
            try:
                data = self.work.recv(CHUNK, socket.MSG_DONTWAIT)
            except (BlockingIOError, ConnectionResetError):
                break
            if not data:
                self.ended = True
                break
            chunks.append(data)
            if len(data) < CHUNK:  # the usual case: one short reply, no second call to see that there is no more
                break
        *lines, self._pending = b"".join(chunks).split(b"\n")
        replies = [_decode(line) for line in lines]
        for reply in replies:
            if isinstance(reply, Loaded):
                self.loaded = reply
        return replies

    def interrupt(self, run: int, attempt: int, timeout: float | None) -> None:
        """Ask for the end of an attempt at its next save(); `timeout` are the seconds that it has used up, if so."""
        self._tell(Interrupt(run, attempt, timeout))

    def announce_signal(self, run: int, attempt: int) -> None:
        """Tell it, before a signal is sent, that this is ours and for that attempt."""
        self._tell(Signalled(run, attempt))

    def grant(self, run: int, attempt: int, seconds: float | None) -> None:
        """Let an attempt have so many seconds from its beginning on."""
        self._tell(Timeout(run, attempt, seconds))

    def renew_segment(self) -> None:
        """Let it go on in a new journal segment."""
        self._tell(NewSegment())

    def _tell(self, request: Request) -> None:
        try:
            self._control.sendall(jsontext.encode(request) + b"\n")
        except (BrokenPipeError, ConnectionResetError):
            return

    def signal(self, number: Signals) -> None:
        """Send a signal to the worker alone."""
        if self.process.poll() is None:
            os.kill(self.pid, number)

    def signal_group(self, number: Signals) -> bool:
        """Send a signal to the worker and to what it started; whether there was anybody."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return False
        except PermissionError:  # macOS says so of a group of zombies
            return False
        return True

    def dismiss_guard(self) -> None:
        """End the guard of a worker that is gone: it waits to hear whether we are gone as well."""
        guard = self.guard
        try:
            if guard and os.getpgid(guard) == self.pid:  # still it
                os.kill(guard, Signals.SIGKILL)
                os.waitpid(guard, 0)
        except ProcessLookupError:  # it has been killed
            return
        except ChildProcessError:  # we do not inherit orphans here
            return

    def group_is_alive(self) -> bool:
        """Whether anything of its process group is left."""
        try:
            while self.process.returncode is not None and os.waitpid(-self.pid, os.WNOHANG)[0]:
                continue  # an orphan that we have inherited and that has ended
        except ChildProcessError:
            pass
        try:
            os.killpg(self.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def gone(self) -> int | None:
        """The exit code, negative for a signal, None while it lives."""
        return self.process.poll()

    def part(self) -> None:
        """Let it end by itself, as a Python program does, and wait for that; what takes too long is killed."""
        self.send(Exit())
        for seconds, number in ((PRESSED, Signals.SIGINT), (GOODBYE - PRESSED, Signals.SIGKILL)):
            try:
                self.process.wait(seconds)
                break
            except subprocess.TimeoutExpired:
                self.signal(number)
        self.kill()

    def kill(self) -> None:
        """End it at once, with what it started."""
        self.signal_group(Signals.SIGKILL)
        self.process.wait()
        self.close()

    def close(self) -> None:
        """Close our ends; a worker that still lives ends its group itself."""
        self.work.close()
        self._control.close()


def _hash_seed(chosen: Chosen) -> dict[str, str]:
    return {} if chosen.hash_seed is None else {"PYTHONHASHSEED": str(chosen.hash_seed)}


def become_subreaper() -> None:
    """Let guards and orphans of workers become our children, so that `orphans` finds those that left the group."""
    if sys.platform == "linux":
        import ctypes

        set_child_subreaper = 36
        ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def wait_until_loaded(worker: Worker, path: Path, waiting: Callable[[float], None]) -> Loaded:
    """What the worker says of the run module; `waiting` is called each second with the seconds so far.

    Raises LoadError with the user's traceback, ShortageError if it cannot be told what becomes of it.
    """
    began = time.monotonic()
    while True:
        ready, _, _ = select.select([worker.work], [], [], 1.0)
        if not ready:
            waiting(time.monotonic() - began)
            continue
        for reply in worker.receive():
            if isinstance(reply, Loaded):
                return reply
            if isinstance(reply, LoadFailed):
                raise LoadError(f"module: {reply.error.message}", reply.error.traceback)
            if isinstance(reply, TryLater):
                raise ShortageError(reply.why)
        if worker.ended:
            code = worker.process.wait()
            how = f"exits with code {code}" if code >= 0 else f"is killed by {Signals(-code).name}"
            raise LoadError(f"module: {path}: the process {how} while it is imported. Nothing was started")

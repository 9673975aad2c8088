"""What runs in a dask worker: a task that starts a place beside it, and attends to it until it has ended."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

from distributed import get_worker
from distributed.core import Status

from pyalma_tui.runner.workers.engines.dask.cable import Cable, Comm

CALLED = "pyalma_tui_place"  # the operation by which a bridge hands its connection over
PATIENCE = 30.0  # seconds in which a bridge connects that was told that the task runs
LAST_WORDS = 2.0  # seconds that a place gets to end after its output has
SAID = 4096  # bytes of what a place has written last to its standard error
_expected: dict[str, asyncio.Future[tuple[Comm, asyncio.Event]]] = {}
_attended: set[asyncio.Task[None]] = set()  # asyncio keeps none of them itself


async def attend(nonce: str, topic: str, state_dir: str) -> None:
    """Tell the topic that we are here, and attend to a place as soon as the bridge has connected.

    A nonce is connected to once: when the scheduler runs the task anew, nobody comes, and no place begins.
    """
    worker = get_worker()
    worker.handlers.setdefault(CALLED, hand_over)
    expected = _expected[nonce] = asyncio.get_running_loop().create_future()
    worker.log_event(topic, nonce)
    try:
        comm, over = await asyncio.wait_for(expected, PATIENCE)
    except TimeoutError:
        raise TimeoutError(f"nobody has connected to the dask worker for {PATIENCE:.0f} s") from None
    finally:
        _expected.pop(nonce, None)
    task = asyncio.create_task(_attend(comm, over, state_dir))
    _attended.add(task)
    task.add_done_callback(_attended.discard)
    await asyncio.shield(task)  # whoever cancels us lets go of the line, and the place has a last word


async def hand_over(comm: Comm, nonce: str) -> Status:
    """Let the task have the connection until it needs it no more."""
    expected = _expected.pop(nonce, None)
    if expected is not None and not expected.done():
        over = asyncio.Event()
        expected.set_result((comm, over))
        await over.wait()
    await comm.close()
    return Status.dont_reply


async def _attend(comm: Comm, over: asyncio.Event, state_dir: str) -> None:
    try:
        place = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "pyalma_tui.place", state_dir),
            stdin=asyncio.subprocess.PIPE,  # which ends with us, and with that the place
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl+C where a dask worker was started by hand is for that
        )
    except OSError as error:
        with suppress(OSError):
            await comm.write({"how": f"no process can be started: {error.strerror}", "said": ""})
        over.set()
        return
    assert place.stdin is not None, "we have asked for it"
    assert place.stdout is not None, "we have asked for it"
    assert place.stderr is not None, "we have asked for it"
    cable = Cable(comm, place.stdin)
    hearing = asyncio.create_task(cable.hear_all())
    saying = asyncio.create_task(_last_words(place.stderr))
    try:
        await cable.send_all(place.stdout)
        with suppress(TimeoutError):
            await asyncio.wait_for(place.wait(), LAST_WORDS)
            await asyncio.wait_for(asyncio.shield(saying), LAST_WORDS)
        code = place.returncode
        how = "it has closed its output" if code is None else f"exit code {code}"
        await cable.say({"how": how, "said": saying.result() if saying.done() else ""})
        await asyncio.wait((hearing,), timeout=LAST_WORDS)  # whoever closes first may cut off what is under way
    finally:
        over.set()
        hearing.cancel()
        place.stdin.close()
    await place.wait()


async def _last_words(errors: asyncio.StreamReader) -> str:
    said = b""
    while data := await errors.read(SAID):
        said = (said + data)[-SAID:]
    return next((line.strip() for line in reversed(said.decode("utf-8", "replace").split("\n")) if line.strip()), "")

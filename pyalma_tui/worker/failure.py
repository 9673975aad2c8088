"""What went wrong in user code, told from the user's frame on."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from pyalma_tui.model.status import Error

LONGEST = 32_000  # characters of a traceback that are kept
LONGEST_MESSAGE = 2_000
NO_DEBUGGER = " (run() has no keyboard: `--debug INSTANCE` calls it with one)"
_HOUSE = str(Path(__file__).parent.parent)


def error_of(raised: BaseException) -> Error:
    """The one line and the traceback of what user code raised, without frames of ours at its beginning."""
    _cut(raised)
    message = _message(raised)
    text = "".join(traceback.format_exception(raised))
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}\n… {len(text) - LONGEST} characters left out …\n{text[-LONGEST // 2 :]}"
    return Error(message[:LONGEST_MESSAGE], text)


def _message(raised: BaseException) -> str:
    if isinstance(raised, SystemExit):
        return f"called {called_exit(raised)} instead of returning" + NO_DEBUGGER * left_debugger(raised)
    kind = type(raised).__name__
    first, *_ = traceback.format_exception_only(raised)
    text = first.strip().removeprefix(f"{type(raised).__module__}.")
    if isinstance(raised, SyntaxError):
        text = f"{kind}: {raised.msg}"
    if isinstance(raised, EOFError) and str(raised) == "EOF when reading a line":  # what input() says
        text += " (run() has no keyboard: input() cannot be used)"
    return (text.split("\n", 1)[0] or kind) + NO_DEBUGGER * left_debugger(raised)


def left_debugger(raised: BaseException) -> bool:
    """Whether somebody has quit pdb, or what is made of it, or it has found no keyboard."""
    if type(raised).__module__ == "bdb":
        return True
    frames = list(_frames(raised.__traceback__)) if isinstance(raised, SystemExit) else []
    return bool(frames) and frames[-1].tb_frame.f_globals.get("__name__") == "pdb"


def called_exit(raised: SystemExit) -> str:
    """The call that raised it, as a user wrote it."""
    return f"sys.exit({'' if raised.code is None else repr(raised.code)})"


def _cut(raised: BaseException) -> None:
    """Drop our own frames from both ends of every traceback of the chain: it begins and ends in user code."""
    seen: set[int] = set()
    chain: list[BaseException | None] = [raised]
    while chain:
        error = chain.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        theirs = [tb for tb in _frames(error.__traceback__) if not _ours(tb)]
        error.__traceback__ = theirs[0] if theirs else None
        if theirs:
            theirs[-1].tb_next = None
        chain += [error.__cause__, error.__context__]


def _frames(tb: TracebackType | None) -> Iterator[TracebackType]:
    while tb is not None:
        yield tb
        tb = tb.tb_next


def _ours(tb: TracebackType) -> bool:
    file = tb.tb_frame.f_code.co_filename
    return file.startswith((_HOUSE, "<frozen ")) and "/examples/" not in file.removeprefix(_HOUSE)

"""What went wrong in user code, told from the user's frame on; also of an exception that breaks while it is looked at.

Its class may have redefined everything. What is asked here through the descriptors of the built-in types calls nothing
of that; what does call it is prepared for anything.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from pyalma_tui.model.status import Error

LONGEST = 32_000  # characters of a traceback that are kept
LONGEST_MESSAGE = 2_000
NO_DEBUGGER = " (run() has no keyboard: `--debug INSTANCE` calls it with one)"
HEAD = "Traceback (most recent call last):\n"
_HOUSE = str(Path(__file__).parent.parent)
_traceback: Any = vars(BaseException)["__traceback__"]
_cause: Any = vars(BaseException)["__cause__"]
_context: Any = vars(BaseException)["__context__"]
_members: Any = vars(BaseExceptionGroup)["exceptions"]
_code: Any = vars(SystemExit)["code"]
_name: Any = vars(type)["__name__"]


def error_of(raised: BaseException) -> Error:
    """The one line and the traceback of what user code raised, without frames of ours at its beginning.

    What breaks while it is looked at is told by its type, and where it was raised.
    """
    try:
        _cut(raised)
        message = _message(raised)
        text = "".join(map(_exactly, traceback.format_exception(raised)))
    except BaseException as another:  # noqa: BLE001 - code of the user's, which may raise anything
        message = f"{kind_of(raised)} (it cannot be shown: looking at it raises {kind_of(another)})"
        text = f"{HEAD}{_places(raised)}{message}\n"
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}\n… {len(text) - LONGEST} characters left out …\n{text[-LONGEST // 2 :]}"
    return Error(message[:LONGEST_MESSAGE], text)


def kind_of(value: object) -> str:
    """The name of its type, whatever that type thinks it is called."""
    return _exactly(_name.__get__(type(value))).split("\n", 1)[0][:LONGEST_MESSAGE]


def called_exit(raised: SystemExit) -> str:
    """The call that raised it, as a user wrote it."""
    code = _code.__get__(raised)
    try:
        return f"sys.exit({'' if code is None else _exactly(repr(code))})"
    except BaseException:  # noqa: BLE001 - its __repr__ is the user's
        return f"sys.exit() with a {kind_of(code)}"


def written_at(raised: SyntaxError) -> str:
    """The file and line that it complains about, "" if it names none."""
    try:
        return f"{_exactly(raised.filename)}:{int(raised.lineno or 0)}" if raised.filename else ""
    except BaseException:  # noqa: BLE001 - user code may raise one of its own making
        return ""


def causes(raised: BaseException) -> Iterator[BaseException]:
    """It, and whatever is among its causes, contexts and, at any depth, exception groups; each once."""
    seen: set[int] = set()
    left: list[BaseException | None] = [raised]
    while left:
        error = left.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        yield error
        left += [_cause.__get__(error), _context.__get__(error)]
        if issubclass(type(error), BaseExceptionGroup):
            left += _members.__get__(error)


def release(raised: BaseException) -> None:
    """Let go of what the frames of user code held: the next run must find no lock held and no file open by this one.

    What is part of a cycle goes with the next `gc.collect()`. User code may run meanwhile, in a `__del__` or at the end
    of a generator; what it raises there the interpreter ignores.
    """
    for error in list(causes(raised)):
        for tb in _entries(_traceback.__get__(error)):
            with suppress(RuntimeError):  # a frame that still runs: ours
                tb.tb_frame.clear()
        _traceback.__set__(error, None)
    for name in ("last_exc", "last_type", "last_value", "last_traceback"):  # of a debugger or an interactive console
        vars(sys).pop(name, None)


def _exactly(text: str) -> str:
    """A text without what a subclass of str may have redefined; raises TypeError if it is none."""
    return str.__getitem__(text, slice(None))


def _message(raised: BaseException) -> str:
    kind = kind_of(raised)
    if isinstance(raised, SystemExit):
        said = f"called {called_exit(raised)} instead of returning".split("\n", 1)[0]
        return said + NO_DEBUGGER * left_debugger(raised)
    first, *_ = traceback.format_exception_only(raised)
    text = _exactly(first).strip().removeprefix(f"{type(raised).__module__}.")
    if isinstance(raised, SyntaxError):
        text = f"{kind}: {raised.msg}"
    if isinstance(raised, EOFError) and str(raised) == "EOF when reading a line":  # what input() says
        text += " (run() has no keyboard: input() cannot be used)"
    return (text.split("\n", 1)[0] or kind) + NO_DEBUGGER * left_debugger(raised)


def left_debugger(raised: BaseException) -> bool:
    """Whether somebody has quit pdb, or what is made of it, or it has found no keyboard."""
    if type(raised).__module__ == "bdb":
        return True
    frames = list(_entries(_traceback.__get__(raised))) if issubclass(type(raised), SystemExit) else []
    return bool(frames) and frames[-1].tb_frame.f_globals.get("__name__") == "pdb"


def _places(raised: BaseException) -> str:
    """Where it passed through, as a traceback says it, read from the frames alone."""
    entries = [(tb.tb_frame.f_code, tb.tb_lineno) for tb in _entries(_traceback.__get__(raised))]
    return "".join(f'  File "{code.co_filename}", line {line}, in {code.co_name}\n' for code, line in entries)


def _cut(raised: BaseException) -> None:
    """Drop our own frames from both ends of every traceback of the chain: it begins and ends in user code."""
    for error in causes(raised):
        theirs = [tb for tb in _entries(_traceback.__get__(error)) if not _ours(tb)]
        _traceback.__set__(error, theirs[0] if theirs else None)
        if theirs:
            theirs[-1].tb_next = None


def _entries(tb: TracebackType | None) -> Iterator[TracebackType]:
    while tb is not None:
        yield tb
        tb = tb.tb_next


def _ours(tb: TracebackType) -> bool:
    file = tb.tb_frame.f_code.co_filename
    return file.startswith((_HOUSE, "<frozen ")) and "/examples/" not in file.removeprefix(_HOUSE)

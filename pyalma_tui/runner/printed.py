"""What the run module printed before its import failed: often it says there what is missing."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import IO

from pyalma_tui.errors import LoadError
from pyalma_tui.model import words
from pyalma_tui.model.logtext import SGR, log_text

LINES = 20  # that are told where a log has all of them
LARGEST = 64_000  # bytes that are told where none has
LAST = 4 << 10  # bytes of the last lines
_COLOUR = re.compile(SGR)


def failed(error: LoadError, output: IO[bytes], log: Path | None) -> LoadError:
    """The error with what was printed before it, all of which is in `log` if there is one."""
    size = os.fstat(output.fileno()).st_size
    if not size:
        return error
    lines = _lines(output, LAST if log else LARGEST)
    told = lines[-LINES:] if log else lines
    whole = len(told) == len(lines) and size <= (LAST if log else LARGEST)
    where = f"all of it is in {log}" if log else f"only the last {words.size(LARGEST)} are shown"
    head = "" if whole else f"… {where}\n"
    details = head + "".join(f"{line}\n" for line in told) + error.details
    return LoadError(said(error.message, output), details)


def said(message: str, output: IO[bytes]) -> str:
    """The message of a module that ended while it was imported, with the last line that it printed."""
    last = next((line for line in reversed(_lines(output, LAST)) if line.strip()), "")
    if not last or not re.search(r"it calls sys\.exit\((?!0?\))|exit(s|ed) with code (?!0)", message):
        return message
    return f"{message}. It printed last: {last.strip()}"


def said_in(message: str, log: Path) -> str:
    """The same of a log; where it cannot be read the message alone."""
    try:
        with open(log, "rb") as output:
            return said(message, output)
    except OSError:
        return message


def _lines(output: IO[bytes], most: int) -> list[str]:
    """The last lines within so many bytes, without colours, nothing in them for a terminal to obey."""
    size = os.fstat(output.fileno()).st_size
    data = os.pread(output.fileno(), most, max(0, size - most))
    return [_COLOUR.sub("", log_text(line)) for line in data.removesuffix(b"\n").split(b"\n")]

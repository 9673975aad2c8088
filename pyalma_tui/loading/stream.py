"""Bytes of a batch that come from standard input or through a pipe of the shell, as from `<(…)`."""

from __future__ import annotations

import os
import re

from pyalma_tui.loading.json_file import Origin

STANDARD_INPUT = "-"
# A named pipe is not among them: it waits for its writer for ever, and nobody sees why.
OPEN_ALREADY = re.compile(r"-|/dev/stdin|(?:/dev|/proc/self)/fd/[0-9]+")


def is_stream(path: str) -> bool:
    """Whether this names something that the shell has opened for us."""
    return OPEN_ALREADY.fullmatch(path) is not None


def read_stream(path: str, origin: Origin) -> bytes:
    """All that comes through it; raises InputError."""
    try:
        descriptor = os.dup(0) if path == STANDARD_INPUT else os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with open(descriptor, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise origin.error(os.strerror(error.errno or 0).lower(), "Check what is redirected") from None

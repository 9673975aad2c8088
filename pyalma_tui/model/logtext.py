"""A line of a log for a terminal: colours stay, everything else that a terminal would obey is made visible."""

from __future__ import annotations

import re

from pyalma_tui.model.printable import printable

TAB = 8
UP = "\x1b[A"  # the cursor goes to the line above, as behind each state of a bar of tqdm's that stands below another
RESET = "\x1b[0m"
# Colour and weight (ECMA-48 8.3.117), for all who read logs. At most 16 numbers of three digits: longer ones are no
# colours but an attempt on int() and on caches.
SGR_CODES = r"(?:[0-9]{0,3}[;:]){0,15}[0-9]{0,3}"
SGR = rf"\x1b\[{SGR_CODES}m"
LONGEST_SGR = 67
_SGR = re.compile(f"({SGR})")
_ERASE = re.compile(r"\x1b\[[02]?K")


def last_row(text: str) -> str:
    """What was printed last of a line in which the cursor has gone up: all before stood in another row, or was over."""
    return next((row for row in reversed(text.split(UP)) if row.strip("\r\n")), "") if UP in text else text


def log_text(raw: bytes) -> str:
    r"""One line, without its newline: of what `\r` overwrote the last part is left, tabs are expanded.

    A line that sets a colour ends with a reset, so that no line paints the next one or the shell's prompt.
    """
    text = last_row(raw.decode("utf-8", "surrogateescape")).rstrip("\r\n").rpartition("\r")[2]
    if "\x1b" not in text:
        return printable(text.expandtabs(TAB))
    parts = _SGR.split(_ERASE.sub("", text))
    shown = [part if index % 2 else printable(part.expandtabs(TAB)) for index, part in enumerate(parts)]
    return "".join(shown) + (RESET if len(parts) > 1 else "")

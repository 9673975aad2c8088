"""Foreign text made harmless: what a terminal would obey, hide or pile up becomes something to read.

Instance names, states, log lines and exception texts can hold anything; a raw ESC or C1 byte would reach the terminal
from a message, a table and even a window title. Everything that is shown goes through here, on the screen through
`tui/literal.py`.
"""

from __future__ import annotations

import re
import unicodedata

SHORTEST_MIDDLE = 8  # cells that have room for a begin and an end
PILE = 4  # marks on one letter: Hebrew and Indic scripts need three, more only paint over the neighbours
NEWLINE = "⏎"

# Written out, not asked of `unicodedata`: walking a million code points costs 150 ms at import, and the answer would
# differ between versions of Python. The test compares the two.
HOSTILE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1
    "\xad\u034f"  # soft hyphen, grapheme joiner
    "\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"  # Arabic: direction mark, signs drawn around what follows
    "\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # fillers: letters that show nothing
    "\u180b-\u180f"  # Mongolian selectors and separator
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # zero width, separators, direction overrides and isolates
    "\ud800-\udfff"  # lone surrogates
    "\ufdd0-\ufdef\ufff0-\ufffb\ufffe\uffff"  # no characters, interlinear notes
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # other format characters
    "\U000e0000-\U000e0fff"  # tags: whole sentences that nobody sees
    + "".join(f"{chr((plane << 16) + 0xFFFE)}{chr((plane << 16) + 0xFFFF)}" for plane in range(1, 17))
    + "]"
)
# Anything neither a letter nor Latin can be a mark, so can vowels of Hangul; which it is, is asked only of long runs.
_MAYBE_MARK = r"(?:[^\w\s\x00-\u02ff]|[\u1161-\u11ff\ud7b0-\ud7ff])"
_MAYBE_PILE = re.compile(rf"^{_MAYBE_MARK}|{_MAYBE_MARK}{{{PILE + 1},}}")


def printable(text: str, newline: str = NEWLINE) -> str:
    r"""The text with everything visible and nothing for a terminal to obey: ESC is ␛, U+202E ‹202E›, a bad byte \xff.

    A tab becomes →, a newline becomes `newline` (`"\n"` keeps it). Bytes that were no UTF-8 are expected as
    `surrogateescape` leaves them. Marks beyond four on one letter, and one with no letter before it, are spelled out.
    """
    if text.isascii() and text.isprintable():
        return text
    return newline.join([_line(line) for line in text.split("\n")])


def clip(text: str, cells: int) -> str:
    """Printable text cut to at most that many cells of a terminal, its end replaced by … if it was cut.

    Widths that terminals disagree about count as the wider one, so the result may be shorter, never longer.
    """
    if text.isascii():
        return text if len(text) <= cells else text[: max(0, cells - 1)] + "…"[:cells]
    used, kept = 0, 0
    for index, character in enumerate(text):
        used += _cells(character)
        if used > cells:
            return text[:kept] + "…" if cells > 0 else ""
        if used < cells:
            kept = index + 1
    return text


def clip_middle(text: str, cells: int) -> str:
    """The same, its middle replaced by … if it was cut: the end of a path tells files apart, and so do iterations."""
    if text == (clipped := clip(text, cells)) or cells < SHORTEST_MIDDLE:
        return clipped
    room, used, begin = (cells - 1) * 2 // 3, 0, len(text)
    while used + _cells(text[begin - 1]) <= room:
        begin -= 1
        used += _cells(text[begin])
    while not _cells(text[begin]):  # a mark has lost its letter
        begin += 1
    return clip(text[:begin], cells - used) + text[begin:]


def _line(line: str) -> str:
    line = HOSTILE.sub(lambda found: _spelled(found[0]), line)
    return line if line.isascii() else _MAYBE_PILE.sub(lambda found: _unpiled(found[0], found.start() == 0), line)


def _spelled(character: str) -> str:
    """One character as something to read, in the way that fits its kind."""
    code = ord(character)
    if character == "\t":
        return "→"
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    if code < 0xA0:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"‹{code:04X}›"


def _unpiled(run: str, first: bool) -> str:
    shown = []
    height = PILE if first else 0
    for character in run:
        height = height + 1 if _is_mark(character) else 0
        shown.append(_spelled(character) if height > PILE else character)
    return "".join(shown)


def _is_mark(character: str) -> bool:
    return (
        unicodedata.category(character)[0] == "M" or "\u1160" < character < "\u1200" or "\ud7af" < character < "\ud800"
    )


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me") and character != "\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1

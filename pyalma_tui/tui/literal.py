"""The only door from anybody's data to the screen: no markup is parsed, control characters become visible.

Textual parses markup in any `str` it is given and passes ESC, OSC 52, CSI 6n and C1 through to the terminal; a
`Content` built here does neither. Lines of logs may keep colour and weight (SGR), nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, get_character_cell_size
from textual.content import Content, Span
from textual.style import Style

from pyalma_tui.model.logtext import LONGEST_SGR, TAB, UP, last_row
from pyalma_tui.model.printable import PILE, printable
from pyalma_tui.tui.ansi import PLAIN, SGR, restyled
from pyalma_tui.tui.cells import fit_middle

EVERYTHING = 1 << 40  # cells, more than a line has
_PER_CELL = 1 + PILE  # characters that share a cell at most: a letter and its marks
# Characters looked at for each cell wanted. True colour for every letter takes 20; a line of nothing but colours would
# keep the screen waiting.
_LONGEST_WAY = 32

_ESCAPE = Style(dim=True)

_TOKEN = re.compile(
    SGR.pattern
    + r"|\x1b\[(?P<erase>[02]?)K"
    + r"|(?P<tab>\t)"
    # any other CSI; OSC, DCS and the like up to their end, if they have one on this line; a two-character sequence
    + r"|(?P<escape>\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])?)"
)
_NEEDS_CARE = re.compile(r"[\x1b\r\t]")


def literal(text: str, style: str | Style = "") -> Content:
    """One line of anybody's text as it is; a newline in it becomes ⏎."""
    return _content(printable(text), style)


def as_markup(text: str) -> str:
    r"""One line of anybody's text for what parses markup and takes nothing else, as the palette: it means that text.

    `textual.markup.escape` leaves some texts what a parser obeys, such as `[]` and `[A`.
    """
    return printable(text).replace("[", r"\[")


def literal_lines(text: str, style: str | Style = "") -> Content:
    """Text of several lines, such as a traceback: newlines are kept, tabs expanded."""
    lines = text.removesuffix("\n").split("\n")
    return _content("\n".join([printable(line.removesuffix("\r").expandtabs(TAB)) for line in lines]), style)


def plain(text: str, width: int) -> str:
    """As much of somebody's text as can be seen in `width` cells, harmless and on one line."""
    if len(text) > 8 * width + 16:
        text = f"{text[: 4 * width + 8]}…{text[-4 * width - 8 :]}"
    return literal(text).plain


def shortened(text: str, width: int) -> str:
    """Somebody's text in at most `width` cells, harmless and on one line; a long one loses its middle."""
    return fit_middle(plain(text, width), width).rstrip()


def log_line(raw: bytes | str, most: int = EVERYTHING) -> Content:
    r"""One line of a log as a terminal would leave it: colours kept, what was overwritten gone, all else visible.

    Hardly more than `most` cells are made, however long the line is. Bytes that are no UTF-8 appear as `\xff`.
    """
    reach = _LONGEST_WAY * most
    if isinstance(raw, bytes):
        raw = raw.rstrip(b"\r\n")
        overwritten = b"\r" in raw or UP.encode() in raw
        raw = (raw[-4 * reach :] if overwritten else raw[: 4 * reach]).decode("utf-8", "surrogateescape")
    text = last_row(raw).rstrip("\r\n")
    if not _NEEDS_CARE.search(text):
        return _content(_shown(text, most))
    if "\r" in text:
        return _folded(text[-reach:], most)
    if len(text) <= reach:
        return _painted(text, PLAIN, most)[0]
    split = text.rfind("\x1b", max(0, reach - LONGEST_SGR), reach)
    line, _ = _painted(text[: split if split >= 0 else reach], PLAIN, most)
    return line if line.cell_length >= most else line + _content("⋯", _ESCAPE)


def from_cell(content: Content, cell: int) -> Content:
    """What shows behind the first `cell` cells; of a wide character cut in half a space is left."""
    if not cell:
        return content
    column = 0
    for index, character in enumerate(content.plain):
        if column > cell:
            return Content(" " * (column - cell)) + content[index:]
        size = get_character_cell_size(character)
        if column == cell and size:
            return content[index:]
        column += size
    return Content(" " * (column - cell))


def _folded(text: str, most: int) -> Content:
    r"""What is left to see of parts that each went back to the first column, the last one first."""
    if text.isascii() and text.replace("\r", "").isprintable():
        return _content(_overwritten(text.split("\r"))[:most])
    line, cells = Content(), 0
    for part, style in reversed(list(_parts(text))[-most:]):
        if part.isascii() and part.isprintable() and len(part) <= cells:
            continue  # the usual fate of a progress bar's old states, at a hundredth of the cost of painting them
        painted, erased = _painted(part, style, most)
        line += from_cell(painted, cells)
        cells = line.cell_length
        if erased or cells >= most:
            break
    return line


def _overwritten(parts: Sequence[str]) -> str:
    """What is left of parts of one cell a character: of tens of thousands only those that show are looked at."""
    line, longest = "", max(map(len, parts))
    for part in reversed(parts):
        line += part[len(line) :]
        if len(line) >= longest:
            break
    return line


def _parts(text: str) -> Iterator[tuple[str, Style]]:
    r"""What stands between `\r`s, each with the style in force where it begins."""
    style = PLAIN
    for part in text.split("\r"):
        yield part, style
        if "\x1b" in part:
            for found in SGR.finditer(part):
                style = restyled(style, found["sgr"])


def _painted(part: str, style: Style, most: int) -> tuple[Content, bool]:
    r"""The part with its colours, and whether it erased what stood in the line before it."""
    line = _Painting([], [])
    erased, done = False, 0
    for found in _TOKEN.finditer(part):
        line.put(_shown(part[done : found.start()], most), style)
        if line.cells >= most:
            break
        done = found.end()
        match found.lastgroup:
            case "sgr":
                style = restyled(style, found["sgr"])
            case "tab":
                line.put(" " * (TAB - line.cells % TAB), style)
            case "erase":
                erased = True
                if found["erase"] == "2":
                    line = _Painting([" " * line.cells], [], line.cells, line.cells)
            case _:
                line.put(printable(found["escape"]), style + _ESCAPE)
    else:
        line.put(_shown(part[done:], most), style)
    return Content("".join(line.texts), line.spans, strip_control_codes=False), erased


@dataclass(slots=True)
class _Painting:
    """A line being painted from left to right."""

    texts: list[str]
    spans: list[Span]
    length: int = 0
    cells: int = 0

    def put(self, text: str, style: Style) -> None:
        if text:
            self.texts.append(text)
            start, self.length = self.length, self.length + len(text)
            self.cells += cell_len(text)
            if self.spans and self.spans[-1][1:] == (start, style):
                self.spans[-1] = Span(self.spans[-1].start, self.length, style)
            elif style:
                self.spans.append(Span(start, self.length, style))


def _shown(text: str, most: int) -> str:
    """Enough of the text to fill `most` cells. A character mostly fills one, but marks fill none."""
    shown = printable(text[:most])
    return shown if len(text) <= most or cell_len(shown) >= most else printable(text[: _PER_CELL * most])


def _content(text: str, style: str | Style = "") -> Content:
    spans = [Span(0, len(text), style)] if style and text else []
    return Content(text, spans, strip_control_codes=False)

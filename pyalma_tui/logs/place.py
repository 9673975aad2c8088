"""Where somebody is in a log: which lines are in sight, whether they follow the end, what is searched for."""

from __future__ import annotations

import time
from pathlib import Path

from pyalma_tui.logs.reader import Line, Reader, Window
from pyalma_tui.logs.search import Filtered, Search, advance, begin
from pyalma_tui.model.printable import clip, printable
from pyalma_tui.model.words import plural

BLOCK = 1024 * 1024  # bytes whose newlines are counted at once: 1 ms


class Place:
    """A place in one file, `height` lines high.

    `following`: the last line is in sight and stays so. Otherwise nothing moves, and `new_lines` counts what was
    appended since. `match` is where the line begins at which the search stands, -1 if it does not.
    """

    def __init__(self, path: Path, height: int) -> None:
        self.height = height
        self.following = True
        self.new_lines = 0
        self.needle = ""
        self.match = -1
        self.rows: list[Line] = []
        self.reader = Reader(path)
        self.filter: Filtered | None = None
        self._search: Search | None = None
        self._top = 0
        self._held_at = 0  # the size when following stopped
        self._counted = 0  # how far new lines have been counted

    @property
    def window(self) -> Window:
        """The lines there are: those of the file or those that passed the filter."""
        return self.reader if self.filter is None else self.filter

    def poll(self, seconds: float) -> bool:
        """Look at the file again, counting new lines no longer than that; whether it changed."""
        generation = self.reader.generation
        changed = self.reader.refresh()
        if self.reader.generation != generation:
            self.search("")
            self._follow()
        if not self.following:
            self._count(seconds)
        if changed or self.filter is not None:
            self.look()
        return changed

    def look(self) -> None:
        """Find the rows in sight again."""
        last = self._last_page()
        self._top = last if self.following else min(self._top, last)
        self.rows = self.window.lines(self._top, self.height)

    def move(self, lines: int) -> None:
        """Go down, or up, by lines."""
        below = self.window.lines(self._top, lines + 1) if lines > 0 else []
        self.go(below[-1].start if below else self.window.before(self._top, -lines))

    def go(self, top: int) -> None:
        """Put the line that begins there first; the last page is where following begins."""
        if top >= self._last_page():
            self._follow()
        else:
            self.hold()
        self._top = top
        self.look()

    def go_to_share(self, share: float) -> None:
        """Go to that part of the file, 0 to 1."""
        self.go(self.window.size if share >= 1 else self.window.at(int(self.window.size * share)))

    def hold(self) -> None:
        """Stop following: from now on nothing moves by itself."""
        if self.following:
            self.following = False
            self._held_at = self._counted = self.reader.size

    def search(self, text: str, *, only: bool = False) -> None:
        """Look for the text: the last line that has it while following, else the first in sight or below.

        With `only`, no other lines are left. `work` does it.
        """
        self.needle, self.match, self._search, self.filter = text, -1, None, None
        if only and text:
            self.filter = Filtered(self.reader, text)
        elif text:
            self._begin(self.reader.size if self.following else self._top, forward=not self.following)
        self.look()

    def search_on(self, *, forward: bool) -> None:
        """Look for the next line with the text, or the one before, from where the search stands if that is in sight."""
        if self.needle and self.rows:
            here = next((line for line in self.rows if line.start == self.match), None)
            if forward:
                self._begin(self.rows[0].start if here is None else here.next, forward=True)
            else:
                self._begin(self.rows[-1].next if here is None else here.start, forward=False)

    @property
    def working(self) -> bool:
        """Whether there is something for `work` to do."""
        return (self._search is not None and self._search.going) or (self.filter is not None and self.filter.going)

    def work(self, seconds: float) -> None:
        """Search or filter for a little while."""
        if self._search is not None and self._search.going:
            self._search = advance(self._search, self.reader, seconds)
            if self._search.found is not None:
                self._reveal(self._search.found)
        elif self.filter is not None:
            known = len(self.filter)
            self.filter.advance(seconds)
            if known < self.height or not self.working:  # in between, the next poll is soon enough
                self.look()

    def badge(self) -> str:
        """In words for a title: how a search stands, then whether the end is followed or how much is below."""
        words = []
        search, only = self._search, self.filter
        text = f"“{clip(printable(self.needle), 20)}”"
        if only is not None:
            words.append(f"{len(only):,} × {text}" + (f" {only.share:.0%}" if only.going else ""))
        elif search is not None and search.going:
            words.append(f"looking for {text} {search.share:.0%}")
        elif search is not None and search.over:
            words.append(f"no {text}")
        elif search is not None:
            again = "beginning" if search.forward else "end"
            words.append(f"{text} from the {again} again" if search.wrapped else text)
        if self.following:
            words.append("follow ▼")
        elif self.new_lines:
            words.append(f"+{plural(self.new_lines, 'new line')} ▼")
        elif self.rows:
            words.append(f"{100 * self.rows[-1].next // max(1, self.reader.size)} %")
        return " · ".join(words)

    def _follow(self) -> None:
        self.following = True
        self.new_lines = 0

    def _last_page(self) -> int:
        return self.window.before(self.window.size, self.height)

    def _count(self, seconds: float) -> None:
        if self.filter is not None:
            self.new_lines = self.filter.behind(self._held_at)
            return
        deadline = time.perf_counter() + seconds
        while self._counted < self.reader.size:
            data = self.reader.read(self._counted, BLOCK)
            self.new_lines += data.count(b"\n")
            self._counted += len(data)
            if time.perf_counter() >= deadline:
                break

    def _begin(self, origin: int, *, forward: bool) -> None:
        self._search = begin(self.needle, origin, self.reader.size, forward=forward)

    def _reveal(self, start: int) -> None:
        self.match = start
        self.hold()
        if all(line.start != start for line in self.rows):
            self._top = self.window.before(start, self.height // 3)
        self.look()

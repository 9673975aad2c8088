"""Where somebody is in a log: which lines are in sight, whether they follow the end, what is searched for."""

from __future__ import annotations

import time
from bisect import bisect_right, insort
from collections.abc import Callable
from pathlib import Path

from pyalma_tui.logs.filtered import Filtered
from pyalma_tui.logs.finding import Seeking, told
from pyalma_tui.logs.goal import Goal, LineNumber, Share
from pyalma_tui.logs.needle import Needle, Term, Terms
from pyalma_tui.logs.numbering import Numbering
from pyalma_tui.logs.reader import Line, Reader, Window
from pyalma_tui.logs.times import Times
from pyalma_tui.model.words import plural

BLOCK = 1024 * 1024  # bytes whose newlines are counted at once: 1 ms


def one(_: Line) -> int:
    """The rows of a line that is not wrapped."""
    return 1


class Viewport:
    """A place in one file, `height` rows high; a line takes as many of them as `tall` says.

    `following`: the last line is in sight and stays so. Otherwise nothing moves, and `new_lines` counts what was
    appended since. `rows` are the lines in sight, `skip` the rows of the first that are above. `match` is where the
    line begins at which the search stands, -1 if it does not; `marks` are where lines begin.
    """

    def __init__(self, path: Path, height: int, times: Path | None = None) -> None:
        self.height = height
        self.tall: Callable[[Line], int] = one
        self.following = True
        self.new_lines = 0
        self.rows: list[Line] = []
        self.skip = 0
        self.marks: list[int] = []
        self.reader = Reader(path)
        self.times = Times(times or path.with_suffix(".times"))
        self.numbering: Numbering | None = None
        self.filter: Filtered | None = None
        self.terms: Terms = ()
        self._finding: Seeking | None = None
        self._goal: LineNumber | None = None
        self._top = 0
        self._held_at = 0  # the size when following stopped
        self._counted = 0  # how far new lines have been counted

    def close(self) -> None:
        """Give the files back."""
        self.reader.close()
        self.times.close()

    @property
    def window(self) -> Window:
        """The lines there are: those of the file or those that passed the filter."""
        return self.reader if self.filter is None else self.filter

    @property
    def needle(self) -> Needle | None:
        """What is searched for."""
        return None if self._finding is None else self._finding.needle

    @property
    def match(self) -> int:
        """Where the line begins at which the search stands, -1 if it does not."""
        return -1 if self._finding is None else self._finding.match

    def poll(self, seconds: float) -> bool:
        """Look at the file again, counting new lines no longer than that; whether it changed."""
        generation = self.reader.generation
        changed = self.reader.refresh()
        self.times.refresh()
        if self.reader.generation != generation:
            self._start_over()
        if not self.following:
            self._count(seconds)
        if changed or self.filter is not None:
            self.look()
        return changed

    def look(self) -> None:
        """Find the rows in sight again."""
        last = self._last_page()
        self._top, self.skip = last if self.following else min((self._top, self.skip), last)
        lines = self.window.lines(self._top, self.height + (self.skip > 0))
        if self.tall is not one:
            room = self.height + self.skip
            for number, line in enumerate(lines, 1):
                room -= self.tall(line)
                if room <= 0:
                    del lines[number:]
                    break
        self.rows = lines

    # Moving

    def move(self, rows: int) -> None:
        """Go down, or up, by rows."""
        top, skip = self._top, self.skip + rows
        if skip < 0:
            start = self.window.before(top, -skip)
            above = [line for line in self.window.lines(start, -skip) if line.start < top]
            for line in reversed(above):
                top, skip = line.start, skip + self.tall(line)
                if skip >= 0:
                    break
        else:
            for line in self.window.lines(top, skip + 1):
                top, tall = line.start, self.tall(line)
                if skip < tall:
                    break
                skip -= tall
        self.go(top, max(0, skip))

    def go(self, top: int, skip: int = 0) -> None:
        """Put the line that begins there first, without its first rows; the last page is where following begins."""
        if (top, skip) >= self._last_page():
            self._follow()
        else:
            self.hold()
        self._top, self.skip = top, skip
        self.look()

    def go_to_share(self, share: float) -> None:
        """Go to that part of the file, 0 to 1."""
        self.go(self.window.size if share >= 1 else self._line_at(int(self.window.size * share)))

    def go_to(self, goal: Goal) -> str:
        """Go to a goal, `work` if lines have to be counted for it; why that cannot be, "" if it can."""
        match goal:
            case Share(share):
                self.go_to_share(share)
            case LineNumber():
                self.number()
                self._goal = goal
                self._reach()
            case _:
                last = self.times.last()
                if last is None or (offset := self.times.offset(goal.moment(last))) is None:
                    return "nobody has noted when the lines of this log arrived"
                self._reveal(self._line_at(min(offset, max(0, self.reader.size - 1))))
        return ""

    def _line_at(self, offset: int) -> int:
        """Where the line begins that holds the byte at `offset`, or behind a hole the first that is whole."""
        kept = self.reader.kept(offset)
        start = self.window.at(kept)
        if kept != offset and (torn := self.window.lines(start, 1)):
            return torn[0].next
        return start

    def number(self) -> None:
        """Count lines from now on."""
        if self.numbering is None:
            self.numbering = Numbering(self.reader)

    def hold(self) -> None:
        """Stop following: from now on nothing moves by itself."""
        if self.following:
            self.following = False
            self._held_at = self._counted = self.reader.size

    def mark(self) -> None:
        """Mark the line that the search stands at, if that is in sight, else the first in sight; or not any more."""
        if not self.rows:
            return
        start = next((line.start for line in self.rows if line.start == self.match), self.rows[0].start)
        if start in self.marks:
            self.marks.remove(start)
        else:
            insort(self.marks, start)

    def go_to_mark(self) -> bool:
        """Put the next marked line first, after the last one the first; whether there is one."""
        if not self.marks:
            return False
        here = bisect_right(self.marks, self._top) if self.rows else 0
        if self.following and self.marks[-1] >= self._top:
            here = 0  # the last page cannot go further
        self.go(self.window.at(self.marks[here % len(self.marks)]))
        return True

    # Searching and filtering

    def search(self, needle: Needle | None, *, from_start: bool = False) -> None:
        """Look for it: the last line that has it while following, else the first in sight or below; None ends it.

        With `from_start`, the first of the file. `work` does it.
        """
        self._finding = None
        if needle is not None and needle.text:
            self._finding = Seeking(self.reader, needle, self.terms)
            forward = from_start or not self.following
            origin = 0 if from_start else self._top if forward else self.reader.size
            self._finding.go(origin, forward=forward)
        self.look()

    def search_on(self, *, forward: bool) -> None:
        """Look for the next line with it, or the one before, from where the search stands if that is in sight."""
        if self._finding is not None and self.rows:
            here = next((line for line in self.rows if line.start == self.match), None)
            if forward:
                self._finding.go(self.rows[0].start if here is None else here.next, forward=True)
            else:
                self._finding.go(self.rows[-1].next if here is None else here.start, forward=False)

    def only(self, terms: Terms) -> None:
        """Show only lines that agree with these; `work` finds them."""
        needle = self.needle
        self.terms = terms
        self.filter = Filtered(self.reader, terms) if terms else None
        self._finding = None if needle is None else Seeking(self.reader, needle, terms)
        self.look()

    @property
    def working(self) -> bool:
        """Whether there is something for `work` to do."""
        return any(
            (
                self._finding is not None and self._finding.working,
                self.filter is not None and self.filter.going,
                self.numbering is not None and self.numbering.tally.going,
            )
        )

    def work(self, seconds: float) -> None:
        """Search, filter or count for a little while."""
        if self._finding is not None and self._finding.going:
            if self._finding.work(seconds):
                self._reveal(self._finding.match)
        elif self.filter is not None and self.filter.going:
            known = len(self.filter)
            self.filter.advance(seconds)
            if known < self.height or not self.working:  # in between, the next poll is soon enough
                self.look()
        elif self.numbering is not None and self.numbering.tally.going:
            self.numbering.tally.advance(seconds)
            self._reach()
        elif self._finding is not None:
            self._finding.work(seconds)

    def badge(self) -> str:
        """In words for a title: how a search stands, then whether the end is followed or how much is below."""
        words = []
        if self.filter is not None:
            going = f" {self.filter.share:.0%}" if self.filter.going else ""
            words.append(f"{len(self.filter):,} × {' '.join(map(_term, self.terms))}{going}")
        if self._finding is not None:
            words.append(self._finding.words())
        if self._goal is not None and self.numbering is not None:
            words.append(f"counting lines {self.numbering.tally.share:.0%}")
        if self.following:
            words.append("follow ▼")
        elif self.new_lines:
            words.append(f"+{plural(self.new_lines, 'new line')} ▼")
        elif self.rows:
            words.append(f"{100 * self.rows[-1].next // max(1, self.reader.size)} %")
        return " · ".join(words)

    def _start_over(self) -> None:
        """The file is another one: nothing that was known of it holds."""
        self.times.close()
        self.times.refresh()
        self._finding, self.filter, self.terms, self._goal = None, None, (), None
        self.marks.clear()
        self.numbering = None if self.numbering is None else Numbering(self.reader)
        self._follow()

    def _follow(self) -> None:
        self.following = True
        self.new_lines = 0

    def _last_page(self) -> tuple[int, int]:
        """Where the last page begins: a line, and how many of its rows are above."""
        start = self.window.before(self.window.size, self.height)
        if self.tall is not one:
            room = self.height
            for line in reversed(self.window.lines(start, self.height)):
                room -= self.tall(line)
                if room <= 0:
                    return line.start, -room
        return start, 0

    def _count(self, seconds: float) -> None:
        if self.filter is not None:
            self.new_lines = self.filter.at_or_behind(self._held_at)
            return
        deadline = time.perf_counter() + seconds
        while self._counted < self.reader.size:
            data = self.reader.read(self._counted, BLOCK)
            self.new_lines += data.count(b"\n")
            self._counted += len(data)
            if time.perf_counter() >= deadline:
                break

    def _reach(self) -> None:
        """Go to the line that is wanted, once it is counted."""
        if self._goal is not None and self.numbering is not None:
            start = self.numbering.start(self._goal.number)
            if start is not None:
                self._goal = None
                self._reveal(start)

    def _reveal(self, start: int) -> None:
        self.hold()
        if all(line.start != start for line in self.rows):
            self._top, self.skip = self.window.before(start, self.height // 3), 0
            self.look()
            if self.tall is not one and all(line.start != start for line in self.rows):  # those above are too tall
                self._top = start
        self.look()


def _term(term: Term) -> str:
    return ("" if term.wanted else "without ") + told(term.needle)

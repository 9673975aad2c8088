"""A search in a log: which line it stands at, and which of how many that is."""

from __future__ import annotations

from pyalma_tui.logs.needle import Needle, Term, Terms
from pyalma_tui.logs.reader import Reader
from pyalma_tui.logs.search import Search, advance, begin, hits
from pyalma_tui.logs.tally import LineTally
from pyalma_tui.model.printable import clip, printable

SHOWN = 20  # characters


class Seeking:
    """Looks for the next line, or the one before, `among` those that agree with some terms; counts all meanwhile.

    `match` is where the line begins at which it stands, -1 if it does not.
    """

    def __init__(self, reader: Reader, needle: Needle, among: Terms) -> None:
        self.needle = needle
        self.match = -1
        self._reader = reader
        self._terms: Terms = (Term(needle), *among)
        self._search: Search | None = None
        self._all = LineTally(reader, lambda start, stop: len(hits(reader, self._terms, start, stop)))
        self._rank: tuple[int, int] | None = None  # of a match

    def go(self, origin: int, *, forward: bool) -> None:
        """Look for the next line from there on, or for the last before."""
        self._search = begin(self._terms, origin, self._reader.size, forward=forward)

    @property
    def going(self) -> bool:
        """Whether the line is still looked for."""
        return self._search is not None and self._search.going

    @property
    def working(self) -> bool:
        """Whether there is something for `work` to do."""
        return self.going or (self._all.going and not self._nowhere)

    def work(self, seconds: float) -> bool:
        """Look, then count, for a little while; whether the line was found just now."""
        if self._search is None or not self._search.going:
            self._all.advance(seconds)
            return False
        self._search = advance(self._search, self._reader, seconds)
        if self._search.found is None:
            return False
        self.match = self._search.found
        return True

    @property
    def _nowhere(self) -> bool:
        return self._search is not None and self._search.over

    def words(self) -> str:
        """How it stands."""
        name, search = told(self.needle), self._search
        if search is None:
            return name
        if search.going:
            return f"looking for {name} {search.share:.0%}"
        if search.over:
            return f"no {name}"
        again = f" from the {'top' if search.forward else 'end'} again" if search.wrapped else ""
        return f"{name} {self._of_all()}{again}"

    def _of_all(self) -> str:
        """Such as `3 of 12`, as far as that is counted."""
        if not self._all.complete:
            return f"counting {self._all.share:.0%}"
        if self._rank is None or self._rank[0] != self.match:
            before = self._all.before(self.match)
            if before is None:  # it has just arrived
                return f"of {self._all.total:,}"
            self._rank = self.match, before + 1
        return f"{self._rank[1]:,} of {self._all.total:,}"


def told(needle: Needle) -> str:
    """A needle in words: a text in quotes, a pattern between slashes."""
    text = clip(printable(needle.text), SHOWN)
    return needle.name or (f"/{text}/" if needle.is_pattern else f"“{text}”")

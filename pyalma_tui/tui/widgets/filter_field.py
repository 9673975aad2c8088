"""The field of a filter, which knows how its words may go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual.suggester import Suggester

from pyalma_tui.model.run_fields import completed
from pyalma_tui.tui.widgets.field import Field

HINT = 'text  status:failed  error:Key  state<7  time>60s  !not  "a phrase"  /regex/'


class FilterField(Field):
    """A field for the language of all filters."""

    def __init__(self, text: str, names: Callable[[], Iterable[str]]) -> None:
        """`names` are those of fields."""
        super().__init__(text, placeholder=HINT, suggester=FieldSuggester(names), id="filter", compact=True)


class FieldSuggester(Suggester):
    """Makes a word whole that begins the name of a field or of a status."""

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._names = names

    async def get_suggestion(self, value: str) -> str | None:
        """The text as it may go on."""
        return completed(value, self._names())

"""Which instances to run, where nothing says so: a pattern that is typed or put together in a tree of folders."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Final

from rich.text import Text, TextType
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import DirectoryTree, Input, Static

from pyalma_tui.errors import PyalmaError
from pyalma_tui.model import words
from pyalma_tui.model.printable import printable
from pyalma_tui.tui.keys import strokes
from pyalma_tui.tui.literal import literal
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.preferences import Preferences
from pyalma_tui.tui.preferred_app import PreferredApp

SHOWN: Final = 200  # names of the preview
ASK: Final = "Type names or patterns such as data/*.txt, or choose files and folders in the tree."


class Tree(DirectoryTree):
    """Folders and files, but for those that begin with a dot and what the program has made itself."""

    ICON_NODE, ICON_NODE_EXPANDED, ICON_FILE = "▸ ", "▾ ", "  "

    def process_label(self, label: TextType) -> Text:
        """A name as a text that a terminal obeys in nothing."""
        return Text(printable(str(label)))

    def filter_paths(self, paths: object) -> list[Path]:
        """What is listed."""
        assert hasattr(paths, "__iter__"), "these are paths"
        return [path for path in paths if not path.name.startswith((".", "__pycache__")) and path.suffix != ".alma"]


class PickingApp(PreferredApp):
    """`found` tells what words mean, as those of a command line; `picked` are those that are to be run, () for none."""

    TITLE = "pyalma-tui"
    CSS_PATH = "styles/app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = strokes("picking")
    AUTO_FOCUS = "#pattern"

    def __init__(
        self,
        module: str,
        folder: Path,
        found: Callable[[Sequence[str]], Sequence[str]],
        preferences: Preferences | None = None,
        kept_in: Path | None = None,
    ) -> None:
        """`found` raises PyalmaError for what means nothing; it may take its time."""
        super().__init__(None, preferences or Preferences(), kept_in)
        self.picked: tuple[str, ...] = ()
        self._module, self._folder, self._find = module, folder, found
        self._good: tuple[str, ...] | None = None  # the words of the preview, if they mean something

    def compose(self) -> ComposeResult:
        """The pattern above the tree and the preview."""
        with Vertical(id="picking", classes="panel") as panel:
            panel.border_title = Content(f"instances for {self._module}")
            yield Input(id="pattern", placeholder="data/*.txt", compact=True)
            yield Static(Content(ASK), id="count")
            with Horizontal():
                yield Tree(self._folder, id="tree")
                with VerticalScroll(id="preview"):
                    yield Static(id="names")
        yield Static(Content("enter starts · tab to the tree, enter there adds · esc leaves"), id="picking-keys")

    def on_mount(self) -> None:
        """The tree stands open."""
        self.follow_terminal()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._good = None
        self._look(event.value)

    @work(thread=True, exclusive=True)
    def _look(self, text: str) -> None:
        names: Sequence[str] = ()
        problem = ""
        try:
            given = tuple(shlex.split(text))
            names = self._find(given) if given else ()
        except ValueError as error:  # an open quotation mark
            given, problem = (), str(error)
        except PyalmaError as error:
            problem = error.message
        self.call_from_thread(self._preview, text, given, names, problem)

    def _preview(self, text: str, given: tuple[str, ...], names: Sequence[str], problem: str) -> None:
        if self.query_one("#pattern", Input).value != text:  # it is old
            return
        self._good = given if names else None
        told = literal(problem, COLOURS["failed"]) if problem else Content(ASK)
        if names:
            told = Content.styled(f"{words.plural(len(names), 'instance')}: enter starts", "bold")
            if twice := len(names) - len(set(names)):
                told += Content.styled(f" · {twice:,} of them named twice", COLOURS["interrupted"])
        self.query_one("#count", Static).update(told)
        shown = [literal(os.path.relpath(name, self._folder)) for name in names[:SHOWN]]
        if len(names) > SHOWN:
            shown.append(Content.styled(f"… and {len(names) - SHOWN:,} more", MUTED))
        self.query_one("#names", Static).update(Content("\n").join(shown))

    @on(DirectoryTree.FileSelected)
    @on(DirectoryTree.DirectorySelected)
    def _chosen(self, event: DirectoryTree.FileSelected | DirectoryTree.DirectorySelected) -> None:
        """Add it to the pattern; the folder that all is seen from stands for its own files."""
        path = os.path.relpath(event.path, self._folder)
        pattern = self.query_one("#pattern", Input)
        if path not in pattern.value.split():
            pattern.value = f"{pattern.value} {shlex.quote(path)}".strip()

    @on(Input.Submitted)
    def _start(self) -> None:
        if self._good:
            self.picked = self._good
            self.exit()

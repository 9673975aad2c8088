"""Which instances to run, where nothing says so: a pattern that is typed or put together in a tree of folders."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from rich.text import Text, TextType
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import DirectoryTree, Input, Static

from pyalma_tui.errors import PyalmaError
from pyalma_tui.loading.pattern import Pause
from pyalma_tui.model import words
from pyalma_tui.model.arranging import GivenUpError
from pyalma_tui.model.printable import printable
from pyalma_tui.tui.beside import beside
from pyalma_tui.tui.keys import strokes
from pyalma_tui.tui.literal import literal
from pyalma_tui.tui.look import COLOURS, MUTED
from pyalma_tui.tui.preferences import Preferences
from pyalma_tui.tui.preferred_app import PreferredApp
from pyalma_tui.tui.widgets.text_scroll import TextScroll

SHOWN: Final = 200  # names of the preview
SOON: Final = 0.3  # seconds after which it is told that a search takes its time
KEYS: Final = "enter starts · tab to the tree: enter opens, space takes · esc leaves"
ASK: Final = "Type names or patterns such as data/*.txt, or choose files and folders in the tree."


@dataclass(frozen=True, slots=True)
class Preview:
    """What a text means: its words, the files that these name and how many of them are not there, or what is wrong."""

    text: str
    given: tuple[str, ...] = ()
    names: Sequence[str] = ()
    absent: int = 0
    problem: str = ""


class Tree(DirectoryTree):
    """Folders and files, but for those that begin with a dot and what the program has made itself.

    To look into a folder is not to take it.
    """

    BINDINGS: ClassVar[list[BindingType]] = strokes("tree")

    class Taken(Message):
        """A file or a folder is taken, or taken out."""

        def __init__(self, path: Path) -> None:
            super().__init__()
            self.path = path

    def action_take(self) -> None:
        """Take what the cursor is on."""
        if self.cursor_node is not None and self.cursor_node.data is not None:
            self.post_message(self.Taken(self.cursor_node.data.path))

    ICON_NODE, ICON_NODE_EXPANDED, ICON_FILE = "▸ ", "▾ ", "  "

    def process_label(self, label: TextType) -> Text:
        """A name as a text that a terminal obeys in nothing."""
        return Text(printable(str(label)))

    def filter_paths(self, paths: object) -> list[Path]:
        """What is listed."""
        assert hasattr(paths, "__iter__"), "these are paths"
        return [path for path in paths if not path.name.startswith((".", "__pycache__")) and path.suffix != ".alma"]


def unrolled(word: str, folder: Path) -> str:
    """A word with the home folder for its tilde, as a shell has it; a file that is called so is meant first."""
    return word if os.path.lexists(folder / word.split("/")[0]) else os.path.expanduser(word)


def quoted(word: str) -> str:
    """A word as it has to be typed, with quotation marks only where it would be another one without."""
    with suppress(ValueError):
        if shlex.split(word) == [word]:
            return word
    return shlex.quote(word)


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
        found: Callable[[Sequence[str], Pause], Sequence[str]],
        preferences: Preferences | None = None,
        kept_in: Path | None = None,
        mistake: str = "",
    ) -> None:
        """`found` raises PyalmaError for what means nothing; it may take its time, and calls the pause now and then."""
        super().__init__(None, preferences or Preferences(), kept_in, mistake)
        self.picked: tuple[str, ...] = ()
        self._module, self._folder, self._find = module, folder, found
        self._wanted = self._shown = ""  # what is looked for, what the preview is of
        self._good: tuple[str, ...] | None = None  # the words of the preview, if they mean something

    def compose(self) -> ComposeResult:
        """The pattern above the tree and the preview."""
        with Vertical(id="picking", classes="panel") as panel:
            panel.border_title = Content(f"instances for {self._module}")
            yield Input(id="pattern", placeholder="data/*.txt", compact=True)
            yield Static(Content(ASK), id="count")
            with Horizontal():
                yield Tree(self._folder, id="tree")
                with TextScroll(id="preview"):
                    yield Static(id="names")
        yield Static(Content(KEYS), id="picking-keys")

    def on_mount(self) -> None:
        """The tree stands open."""
        self.follow_terminal()
        self.tell_mistake()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        text = self._wanted = event.value
        self._good = None
        beside(self, lambda: self._looked_up(text), self._preview)
        self.set_timer(SOON, lambda: self._wait_for(text))

    def _wait_for(self, text: str) -> None:
        if text == self._wanted and self._shown != text:
            self.query_one("#count", Static).update(Content("looking…"))
            self.query_one("#names", Static).update("")

    def _looked_up(self, text: str) -> Preview:
        """What a text means. This is called in a thread, and given up when something else is wanted."""

        def pause() -> None:
            if self._wanted != text:
                raise GivenUpError

        try:
            given = tuple(unrolled(word, self._folder) for word in shlex.split(text))
            names = self._find(given, pause) if given else ()
        except GivenUpError:
            return Preview(text)
        except (ValueError, PyalmaError) as error:  # an open quotation mark; what means nothing
            return Preview(text, problem=error.message if isinstance(error, PyalmaError) else str(error))
        absent = sum(not os.path.lexists(name) for name in names)
        return Preview(text, given, names, absent)

    def _preview(self, preview: Preview) -> None:
        if preview.text != self._wanted:  # it is old
            return
        self._shown = preview.text
        names = preview.names
        self._good = preview.given if names else None
        told = literal(preview.problem, COLOURS["failed"]) if preview.problem else Content(ASK)
        if names:
            told = Content.styled(f"{words.plural(len(names), 'instance')}: enter starts", "bold")
            if twice := len(names) - len(set(names)):
                told += Content.styled(f" · {twice:,} of them named twice", COLOURS["interrupted"])
            if preview.absent:
                told += Content.styled(f" · {preview.absent:,} of them not there", COLOURS["failed"])
        self.query_one("#count", Static).update(told)
        shown = [literal(os.path.relpath(name, self._folder)) for name in names[:SHOWN]]
        if len(names) > SHOWN:
            shown.append(Content.styled(f"… and {len(names) - SHOWN:,} more", MUTED))
        self.query_one("#names", Static).update(Content("\n").join(shown))

    @on(DirectoryTree.FileSelected)
    @on(Tree.Taken)
    def _chosen(self, event: DirectoryTree.FileSelected | Tree.Taken) -> None:
        """Add it to the pattern, or take it out; the folder that all is seen from stands for its own files."""
        path = os.path.relpath(event.path, self._folder)
        pattern = self.query_one("#pattern", Input)
        try:
            chosen = shlex.split(pattern.value)
        except ValueError:  # an open quotation mark, which is told: it would take in what is added
            return
        kept = [word for word in chosen if word != path]
        pattern.value = " ".join(map(quoted, kept if len(kept) < len(chosen) else [*chosen, path]))

    @on(Input.Submitted)
    def _start(self) -> None:
        if self._good:
            self.picked = self._good
            self.exit()

"""A shell with job control in a terminal, as people start the program from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.terminal.screen import Terminal


@contextmanager
def shell(folder: Path, **environment: str) -> Iterator[Terminal]:
    """An interactive bash in this folder, which shows `prompt>` and sets no modes of the terminal by itself."""
    (folder / "inputrc").write_text("set enable-bracketed-paste off\n")
    environment |= {"PS1": "prompt> ", "HISTFILE": "", "INPUTRC": str(folder / "inputrc")}
    with Terminal(folder, program=("bash", "--norc", "--noprofile", "-i"), environment=environment) as terminal:
        terminal.see("prompt>")
        yield terminal

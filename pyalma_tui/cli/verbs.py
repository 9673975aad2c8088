"""More of the table: the commands about what runs already, wherever it was started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyalma_tui.cli.parsing import TEXT, WHOLE, Option
from pyalma_tui.cli.showing import program
from pyalma_tui.cli.table import STATE, TARGET, command

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["program"]  # with all of its commands


@command(
    "attach",
    [
        TARGET,
        STATE,
        Option("--no-mouse", "leave the mouse to the terminal"),
        Option("--theme", "colours; `t` on the screen tries them", TEXT),
    ],
)
def attach(target: str, **options: Any) -> int:
    """Show the screen of what another process runs; `T` lets it go on here."""
    from pyalma_tui.cli.attach import attach as show
    from pyalma_tui.cli.options import options_of

    return show(target, options_of(options))


@command("stop", [TARGET, Option("--now", "do not wait for saves: kill what has not stopped after a second"), STATE])
def stop(target: str, now: bool, state: Path | None) -> int:
    """Interrupt what another process runs, keep every state, and wait until it has ended."""
    from pyalma_tui.cli.stop import stop as end

    return end(target, state, now=now)


@command("list", [Option("--json", "one JSON object, for programs")])
def list_all(json: bool) -> int:
    """Show which experiments there are below this folder, which were used last, and what stands where."""
    from pyalma_tui.cli.listing import listed

    return listed(json=json)


@command(
    "serve",
    [
        TARGET,
        Option("--host", "the address to listen at (127.0.0.1: only this machine)", TEXT),
        Option("--port", "the port (8000)", WHOLE),
        Option("--control", "run it here; visitors may interrupt, resume, retry, …: the history says who"),
        STATE,
    ],
)
def serve(target: str, host: str | None, port: int | None, control: bool, state: Path | None) -> int:
    """Show the screen in a browser, read-only unless --control; the address has a token."""
    from pyalma_tui.cli.serve import serve as show

    return show(target, state, host, port, control=control)

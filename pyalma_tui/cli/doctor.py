"""`pyalma-tui doctor`: what is fine, what is not, and what to do about it."""

from __future__ import annotations

import os
import platform
import re
import shlex
import sys
from collections.abc import Iterator
from importlib import metadata
from itertools import chain
from pathlib import Path

from pyalma_tui import __version__
from pyalma_tui.cli.printing import Out
from pyalma_tui.errors import PyalmaError, UsageError
from pyalma_tui.loading.target import find_target
from pyalma_tui.model.printable import printable
from pyalma_tui.runner.checkup import Finding, look_at_disk, look_at_module, look_at_store

SMALL = (60, 15)  # columns and lines below which the screen shows hardly more than names
FINE, KNOW, BAD = "✓", "·", "✗"


def doctor(name: str | None, state: Path | None, args: tuple[str, ...] | None, on: str | None = None) -> int:
    """Print what was found; 0, or the code of the worst finding. `args` are the module's, None for those of before.

    `on` is what leads to other hosts, which are tried, None for none.
    """
    if name is None and (state is not None or args is not None):
        raise UsageError(f"doctor: {'--' if state is None else '--state'}: of which TARGET? Name it, or leave this out")
    out = Out()
    findings = chain(
        look_at_terminal(), look_at_preferences(), look_at_libraries(), _look_at_target(name, state, args, on)
    )
    worst = 0
    for finding in findings:
        out.text(line_of(finding) + "\n")
        worst = max(worst, finding.code)
    return worst


def line_of(finding: Finding) -> str:
    """A finding as a line: a mark, the topic, what is so, what to do."""
    mark = BAD if finding.code else KNOW if finding.advice else FINE
    advice = f": {finding.advice}" if finding.advice else ""
    return f"{mark} {finding.topic:<10} {printable(finding.fact + advice)}"


def look_at_preferences() -> Iterator[Finding]:
    """Where the preferences of the screen are, and whether there is a mistake in them."""
    from pyalma_tui.cli.preferred import checked
    from pyalma_tui.tui.preferences import preferences_path

    path = preferences_path()
    try:
        checked(path)
    except UsageError as error:
        yield Finding("screen", str(error), "mend it, or remove the file")
        return
    yield Finding("screen", f"preferences are in {path}" if path.exists() else f"preferences would be in {path}")


def _look_at_target(
    name: str | None, state: Path | None, args: tuple[str, ...] | None, on: str | None
) -> Iterator[Finding]:
    if name is None:
        yield from look_at_disk(Path.cwd())
        yield from _look_at_places(on, Path.cwd())
        return
    warnings: list[str] = []
    try:
        target = find_target(name, warnings.append)
    except PyalmaError as error:
        yield Finding("target", error.message, code=error.exit_code)
        return
    for warning in warnings:
        yield Finding("target", warning, "look whether this is meant")
    state_dir = target.state_dir(state)
    yield from look_at_store(target, state_dir)
    yield from look_at_module(target, state_dir, args)
    yield from look_at_disk(state_dir)
    file = target.experiment
    if on is None and file is not None and file.on:
        yield Finding("place", f'"on" is {file.on}; `pyalma-tui doctor {name} --on {shlex.quote(file.on)}` tries it')
    yield from _look_at_places(on, state_dir.parent)


def _look_at_places(on: str | None, folder: Path) -> Iterator[Finding]:
    if on:
        from pyalma_tui.runner.places_checkup import look_at_places

        yield from look_at_places(on, folder)


# --- terminal ----------------------------------------------------------------------------------------------------


def look_at_terminal() -> Iterator[Finding]:
    """Whether there can be a screen, and what it can show."""
    term = os.environ.get("TERM", "")
    streams = {"stdin": sys.stdin, "stdout": sys.stdout, "stderr": sys.stderr}
    others = [name for name, stream in streams.items() if not stream.isatty()]
    if others:
        yield Finding("terminal", f"{', '.join(others)}: no terminal", "a start from here prints plain text, no screen")
    elif term in ("", "dumb"):
        fact = f"TERM is {term!r}" if term else "TERM is not set"
        yield Finding("terminal", fact, "a start prints plain text; `export TERM=xterm-256color` if yours is one")
    else:
        yield from _screen(term)
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    if encoding != "utf8":
        yield Finding("encoding", f"stdout is {sys.stdout.encoding}", "`export LANG=C.UTF-8` shows every character")


def _screen(term: str) -> Iterator[Finding]:
    columns, lines = os.get_terminal_size(sys.stdout.fileno())
    small = columns < SMALL[0] or lines < SMALL[1]
    size = f"{columns} × {lines}" if columns and lines else "size unknown"
    fact = f"{size}, TERM {term}, {_colours(term)}"
    yield Finding("terminal", fact, f"make it at least {SMALL[0]} × {SMALL[1]}" if small else "")


def _colours(term: str) -> str:
    if os.environ.get("NO_COLOR"):
        return "no colours (NO_COLOR is set)"
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "16 million colours"
    return "256 colours" if "256" in term else "16 colours"


# --- libraries ---------------------------------------------------------------------------------------------------


def look_at_libraries() -> Iterator[Finding]:
    """Which Python and which libraries there are, and whether they are the ones that are needed."""
    system = f"{platform.system()} {platform.release()}"
    yield Finding("python", f"{platform.python_version()} on {system}; pyalma-tui {__version__}")
    if sys.platform not in ("linux", "darwin"):
        yield Finding("system", f"{system} has no fork, flock or sessions", "run it in WSL", 2)
    elif sys.platform == "darwin":
        yield Finding("system", "macOS cannot end what a killed worker leaves behind", "look for it with `ps`")
    found = []
    for wanted in _wanted():
        name = _name_of(wanted)
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield Finding("libraries", f"{name} is not installed", f"pip install '{wanted}'", 2)
            continue
        if fits(version, wanted):
            found.append(f"{name} {version}")
        else:
            yield Finding("libraries", f"{name} {version}, wanted {wanted}", f"pip install '{wanted}'", 2)
    yield Finding("libraries", ", ".join(found))


def _wanted() -> list[str]:
    try:
        requirements = metadata.requires("pyalma-tui") or []
    except metadata.PackageNotFoundError:  # run from a checkout that was never installed
        return []
    return [each for each in requirements if "extra ==" not in each]


def _name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    return found[0] if found else requirement


def fits(version: str, requirement: str) -> bool:
    """Whether a version lies within the bounds of a requirement such as `textual<9,>=8.2`."""
    ours = _numbers(version)
    for sign, bound in re.findall(r"(>=|<)\s*([0-9.]+)", requirement):
        if (ours >= _numbers(bound)) != (sign == ">="):
            return False
    return True


def _numbers(version: str) -> list[int]:
    found = re.match(r"[0-9.]*", version)
    return [int(part) for part in (found[0] if found else "").split(".") if part]

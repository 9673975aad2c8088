"""What to do about a place that has not come: from the last words of the command that leads there. Pure."""

from __future__ import annotations

import re
import shlex

from pyalma_tui.runner.workers.engines.on import Site

NO_LOGIN = re.compile(r"permission denied|host key verification|authentication|publickey|access denied", re.IGNORECASE)
NO_PACKAGE = re.compile(r"no module named '?[a-z]")  # ours, or what it needs
HINT = re.compile(r"try ['\"`]?\S.* -?-h", re.IGNORECASE)  # at their help, behind what programs complain of
NO_PROGRAM = 127  # the exit code of shells, and of env


def advice(site: Site, python: str, code: int | None, said: str) -> str:
    """What to do; `python` is what is to run there, `code` the exit code of the command, `said` its last line."""
    if NO_PACKAGE.search(said.lower()):
        return f"install this version of pyalma-tui for {python} there"
    if code == NO_PROGRAM or (python in said and "no such file" in said.lower()):
        return f"{python} has to be there at the same path"
    if site.joined and NO_LOGIN.search(said):
        return f"`{tried(site)}` has to work without a question, as with a key"
    return f"`{tried(site)}` may show more"


def complaint(said: str) -> str:
    """The line of what a command has said that tells most: its last, but for a hint at its help."""
    lines = [line.strip() for line in said.split("\n") if line.strip()]
    while len(lines) > 1 and HINT.match(lines[-1]):
        lines.pop()
    return lines[-1] if lines else ""


def tried(site: Site) -> str:
    """What tells whether the command leads anywhere at all."""
    words = [word for word in site.command if word not in ("-T",)]
    return shlex.join([*words, "true"])

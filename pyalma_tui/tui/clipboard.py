"""What stands between us and the terminal's clipboard: tmux and GNU screen keep to themselves what is copied."""

from __future__ import annotations

import os
import subprocess
from typing import Final, NamedTuple

PATIENCE: Final = 1.0  # seconds that tmux may take
PASSED_ON: Final = "a tmux on the way passes it on only with `set -g set-clipboard on`"


class Copied(NamedTuple):
    """How copying ended, in words; `reached` tells whether the text can be pasted, as far as that is known."""

    words: str
    reached: bool = True


def copied(text: str, what: str) -> Copied:
    """Hand the text to tmux's buffer if we run in a tmux; what to tell of the copy, which the terminal has too."""
    if os.environ.get("TMUX"):
        if problem := _to_tmux(text):
            return Copied(f"tmux did not take {what}: {problem}", False)
        return Copied(f"copied {what}, to tmux too")
    if os.environ.get("STY"):
        return Copied(f"GNU screen does not hand {what} on to the terminal's clipboard", False)
    if os.environ.get("TERM", "").startswith(("tmux", "screen")):
        return Copied(f"copied {what}; {PASSED_ON}")
    return Copied(f"copied {what}")


def _to_tmux(text: str) -> str:
    """Make it tmux's newest buffer, and with `-w` the clipboard of its terminal; what went wrong, "" if nothing did."""
    problem = ""
    for option in (("-w",), ()):  # which tmux knows since 3.2
        try:
            done = subprocess.run(
                ["tmux", "load-buffer", *option, "-"],
                input=text.encode("utf-8", "backslashreplace"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"it did not answer within {PATIENCE:g} s"
        except OSError as error:
            return error.strerror or str(error)
        if done.returncode == 0:
            return ""
        problem = problem or done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}"
    return problem

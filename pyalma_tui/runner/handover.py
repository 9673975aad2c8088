"""The process that runs an experiment, seen from another one: whether it can be asked to hand over, and asking it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil

from pyalma_tui.runner.processes import is_stopped
from pyalma_tui.store import layout
from pyalma_tui.store.lock import Holder


def obstacle(state_dir: Path, who: Holder) -> str:
    """Why the holder cannot be asked to hand over, "" if it can, or is gone so that only its workers are waited for."""
    if not who.pid:
        return "nobody knows which process runs it"
    try:
        process = psutil.Process(who.pid)
        if not _has_open(process, layout.lock(state_dir)):
            return _elsewhere(who) or f"it runs elsewhere: process {who.pid} of this machine is another one"
    except psutil.NoSuchProcess:
        return _elsewhere(who)
    except psutil.AccessDenied:
        return "it is somebody else's"
    if is_stopped(who.pid):
        return "it is stopped: `fg` in its terminal lets it go on"
    if not _hears_sigterm(who.pid):
        return "it is a script that would not survive it: end it there"
    return ""


def _elsewhere(who: Holder) -> str:
    """That it runs on another machine, "" if it told none: asked last, for a machine may get another name meanwhile."""
    return f"it runs on {who.elsewhere}" if who.elsewhere else ""


def ask(who: Holder) -> bool:
    """Let the holder interrupt what runs, write its checkpoint and end; False if it is gone."""
    try:
        psutil.Process(who.pid).send_signal(signal.SIGTERM)
    except psutil.NoSuchProcess:
        return False
    return True


def _has_open(process: psutil.Process, path: Path) -> bool:
    """Whether a process has this file open: surer than its start time, which other machines and set clocks confuse."""
    try:
        lock = os.stat(path)
        return any(os.path.samestat(os.stat(file.path), lock) for file in process.open_files())
    except FileNotFoundError:
        return False


def _hears_sigterm(pid: int) -> bool:
    """Whether SIGTERM would be caught instead of killing it: our programs do, a script that imports us may not."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # macOS does not tell
        return True
    caught = next((line for line in status.splitlines() if line.startswith("SigCgt:")), "SigCgt: -1")
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)

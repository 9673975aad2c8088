"""`pyalma-tui demo`: a shipped example, copied where one can change it, and run."""

from __future__ import annotations

import os
import shutil
from importlib.resources import as_file, files
from pathlib import Path

from pyalma_tui.cli.speak import say
from pyalma_tui.errors import UsageError

EXAMPLE = "maxsat"


def copy_example(directory: Path) -> Path:
    """The run module of the example, copied into this directory; one that is there already is left as it is.

    Raises UsageError if the directory is something else's, or cannot be written.
    """
    module = directory / f"{EXAMPLE}.py"
    if module.is_file():
        return module
    if os.path.exists(directory) and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(f"demo: {directory}: it exists and is not a demo. Nothing was changed; name a new directory")
    try:
        with as_file(files("pyalma_tui.examples") / EXAMPLE) as example:
            shutil.copytree(example, directory, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    except OSError as error:
        raise UsageError(f"demo: {directory}: {error.strerror}. Name another directory") from error
    say(f"copied the {EXAMPLE} example into {directory}")
    return module

"""A folder with a run module, made the working directory of a test that runs it by the Python API."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

from tests.catalogue.experiment import TELL


class Folder:
    """Files of one experiment; `told` is what its user code told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "telling.py").write_text(TELL)

    def module(self, text: str, name: str = "m.py") -> Path:
        """Write a run module; it has `tell`, `wait_for` and `os`."""
        file = self.path / name
        file.write_text("import os, time\nfrom telling import tell, wait_for\n" + dedent(text))
        return file

    def experiment(self, instances: Sequence[Any], name: str = "m", **keys: Any) -> Path:
        """Write `<name>.experiment` and its batch; named files are made."""
        for each in instances:
            file = each if isinstance(each, str) else each.get("file")
            if file:
                (self.path / file).touch()
        (self.path / f"{name}.batch").write_text(json.dumps({"instances": list(instances)}))
        file = self.path / f"{name}.experiment"
        file.write_text(json.dumps({"load": "./m.py", "batch": f"./{name}.batch"} | keys))
        return file

    def allow(self, name: str) -> None:
        """Let user code go on that waits for this."""
        (self.path / name).touch()

    def told(self) -> list[str]:
        """The lines that user code told, in order."""
        try:
            return (self.path / "told").read_text().splitlines()
        except FileNotFoundError:
            return []

    def take_told(self) -> list[str]:
        """The same, and forget them."""
        lines = self.told()
        if lines:
            os.unlink(self.path / "told")
        return lines

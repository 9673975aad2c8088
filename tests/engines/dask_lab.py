"""A real Dask cluster on this machine: a scheduler, and dask workers that have host names of their own."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.engines.lab import lacks

LACKS_DASK = "distributed is not installed" if importlib.util.find_spec("distributed") is None else lacks()
BRIDGE = "engines.dask.bridge"  # in the command line of what leads from a runner to a cluster
PATIENCE = 40.0  # seconds
ROOT = Path(__file__).parents[2]
# read by each Python that a dask worker starts
MUTATES = 'import sys\nif "pyalma_tui.place" in sys.orig_argv:\n    import tests.places.mutant_place\n'


class DaskLab:
    """The scheduler and the dask workers by name, until `close`. Dask workers end when their scheduler does."""

    def __init__(self, folder: Path, mutant_place: str = "") -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self._wrong: dict[str, str] = {}
        if mutant_place:
            (folder / "sitecustomize.py").write_text(MUTATES)
            self._wrong = {"PYTHONPATH": f"{folder}:{ROOT}", "PYALMA_TUI_MUTANT": mutant_place}
        self.file = folder / "scheduler.json"
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]  # so that a scheduler that is started again has its address
        self.start_scheduler()

    @property
    def on(self) -> str:
        """What `--on` is to be."""
        return f"dask:{self.file}"

    def start_scheduler(self) -> None:
        """Start it, also again."""
        self.file.unlink(missing_ok=True)
        words = ("--host", "127.0.0.1", "--port", str(self.port), "--scheduler-file", str(self.file))
        self.scheduler = self._daemon("node0", "dask_scheduler", *words)
        deadline = time.monotonic() + PATIENCE
        while not self.file.exists():
            assert self.scheduler.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)

    def start_worker(self, name: str, more: Mapping[str, str] = {}, *, threads: int = 1) -> None:
        """A dask worker on a host of this name, with more in its environment."""
        words = ("--no-nanny", "--nthreads", str(threads), "--local-directory", str(self.folder))
        self.workers[name] = self._daemon(name, "dask_worker", "--scheduler-file", str(self.file), *words, more=more)

    def kill_worker(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a dask worker a signal, and wait for its end if that is to be one."""
        worker = self.workers.pop(name)
        worker.send_signal(number)
        worker.wait(PATIENCE)

    def kill_scheduler(self) -> None:
        """Kill it, and wait until the dask workers have ended because of that."""
        self.scheduler.kill()
        self.scheduler.wait()
        for worker in self.workers.values():
            worker.wait(PATIENCE)
        self.workers.clear()

    @property
    def log(self) -> str:
        """What all have written."""
        return (self.folder / "daemons.log").read_text()[-3000:]

    def _daemon(self, host: str, module: str, *words: str, more: Mapping[str, str] = {}) -> subprocess.Popen[bytes]:
        program = [sys.executable, "-m", f"distributed.cli.{module}", *words, "--no-dashboard"]
        with open(self.folder / "daemons.log", "ab") as log:
            return subprocess.Popen(
                ["unshare", "--uts", "sh", "-c", f'hostname {host}; exec "$@"', "sh", *program],
                env={**os.environ, **self._wrong, **more},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def close(self) -> None:
        """End all."""
        for process in (*self.workers.values(), self.scheduler):
            process.kill()
            process.wait()

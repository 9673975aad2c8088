"""What the nemesis can do to hosts that real engines lead to, and the long game there."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from tests.engines.dask_lab import BRIDGE, DaskLab
from tests.engines.lab import NODES, Lab
from tests.places import is_place, parent_of, processes
from tests.places.checking import Score
from tests.places.nemesis import KINDS, LONG, SHORT, Deed, Undo, play

DASK_WORKERS = ("node1", "node2", "node3")


@contextmanager
def a_lab() -> Iterator[Lab]:
    """Hosts, as long as they are needed."""
    folder = Path(tempfile.mkdtemp(prefix="lab"))  # a short path: munge's socket is in it
    folder.chmod(0o755)
    lab = Lab(folder)
    try:
        yield lab
    finally:
        lab.close()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def a_cluster(mutant_place: str = "") -> Iterator[DaskLab]:
    """A Dask cluster, as long as it is needed, with places that are right, or wrong in this way."""
    folder = Path(tempfile.mkdtemp(prefix="dask"))
    cluster = DaskLab(folder / "cluster", mutant_place)
    try:
        _bring_back(cluster)
        yield cluster
    finally:
        cluster.close()
        shutil.rmtree(folder, ignore_errors=True)


def start(lab: Lab, engine: str) -> str:
    """Start this engine there; the `--on` that leads to its nodes."""
    if engine == "slurm":
        lab.start_slurm()
        return "slurm"
    command = lab.start_ssh()
    return "each:" + ";".join(f"{command} node{node}" for node in NODES)


def deeds_of(lab: Lab, engine: str, folder: Path) -> dict[str, Deed]:
    """Beside what can be done anywhere: cables and mounts of hosts, and what only this engine has."""
    there = {
        "host cut off": Deed(partial(_cut, lab), SHORT),
        "host cut off long": Deed(partial(_cut, lab), LONG),
    }
    if lab.shares:
        there |= {
            "mount hangs": Deed(partial(_hang, lab), SHORT),
            "mount hangs long": Deed(partial(_hang, lab), LONG),
            "mount is gone": Deed(partial(_detach, lab), LONG),
        }
    if engine == "slurm":
        there |= {
            "scancel": Deed(partial(_cancel, lab)),
            "slurmd": Deed(partial(_restart, lab), SHORT),
            "slurmstepd": Deed(partial(_kill_parent, folder)),
        }
    return there


def play_on(
    engine: str,
    folder: Path,
    seed: int,
    *,
    kinds: Sequence[str] = KINDS,
    seconds: float = 0.0,
    mutant_place: str = "",
    mutant_runner: str = "",
    mounts: bool = False,
) -> Score:
    """The game of the nemesis on hosts of this engine; with `mounts`, these have mounts of their own, which fail."""
    if engine == "dask":
        return play_on_dask(
            folder, seed, kinds=kinds, seconds=seconds, mutant_place=mutant_place, mutant_runner=mutant_runner
        )
    with a_lab() as lab:
        on = start(lab, engine)
        if mounts:
            lab.share(folder)
        os.environ |= {name: lab.env[name] for name in ("PATH", "SLURM_CONF") if name in lab.env}
        return play_in(lab, engine, on, folder, seed, kinds=kinds, seconds=seconds, mutant_runner=mutant_runner)


def play_in(
    lab: Lab,
    engine: str,
    on: str,
    folder: Path,
    seed: int,
    *,
    kinds: Sequence[str] = KINDS,
    deeds: Sequence[str] = (),
    seconds: float = 0.0,
    instances: int = 4,
    mutant_runner: str = "",
) -> Score:
    """The same in a lab that is there; with `deeds`, of what can be done there only these."""
    there = {kind: deed for kind, deed in deeds_of(lab, engine, folder).items() if not deeds or kind in deeds}
    aside = folder.with_name(f"{folder.name}-aside") if lab.shares else None
    return play(
        folder,
        seed,
        kinds=kinds,
        deeds=there,
        seconds=seconds,
        patience=seconds + 240,
        on=on,
        prefix=lab.on(0),
        instances=instances,
        mutant_runner=mutant_runner,
        aside=aside,
    )


def play_on_dask(
    folder: Path,
    seed: int,
    *,
    kinds: Sequence[str] = KINDS,
    seconds: float = 0.0,
    instances: int = 4,
    mutant_place: str = "",
    mutant_runner: str = "",
) -> Score:
    """The same on dask workers, which are killed, as are their scheduler and what leads to them."""
    with a_cluster(mutant_place) as cluster:
        deeds = {
            "bridge": Deed(partial(_kill_bridge, folder)),
            "dask worker": Deed(partial(_kill_dask_worker, cluster), SHORT),
            "scheduler": Deed(partial(_kill_scheduler, cluster), SHORT),
        }
        patience = seconds + 240
        return play(
            folder,
            seed,
            kinds=kinds,
            deeds=deeds,
            seconds=seconds,
            patience=patience,
            on=cluster.on,
            instances=instances,
            mutant_runner=mutant_runner,
        )


def _cut(lab: Lab, rng: random.Random) -> Undo:
    node = rng.choice(NODES)
    lab.cut(node)
    return partial(lab.cut, node, heal=True)


def _hang(lab: Lab, rng: random.Random) -> Undo:
    """Also that of the host where the runner is."""
    node = rng.choice((0, *NODES))
    lab.hang(node)
    return partial(lab.hang, node, go_on=True)


def _detach(lab: Lab, rng: random.Random) -> Undo | None:
    node = rng.choice(NODES)
    if not lab.detach(node):
        return None
    return partial(lab.attach, node)


def _cancel(lab: Lab, rng: random.Random) -> Undo | None:
    jobs = lab.say("squeue", "--noheader", "--format=%i", "--states=running").split()
    if not jobs:
        return None
    with suppress(subprocess.CalledProcessError):  # it has ended meanwhile
        lab.say("scancel", rng.choice(jobs))
    return _nothing


def _restart(lab: Lab, rng: random.Random) -> Undo | None:
    node = rng.choice(NODES)
    if not lab.kill_slurmd(node):
        return None
    return partial(lab.start_slurmd, node)


def _kill_parent(folder: Path, rng: random.Random) -> Undo | None:
    """Kill what has started a place on its host."""
    found = [parent_of(pid) for pid in processes("pyalma_tui.place", str(folder)) if is_place(pid)]
    if not found:
        return None
    with suppress(ProcessLookupError):
        os.kill(rng.choice(found), signal.SIGKILL)
    return _nothing


def _kill_bridge(folder: Path, rng: random.Random) -> Undo | None:
    found = processes(BRIDGE, str(folder))
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return _nothing if found else None


def _kill_dask_worker(cluster: DaskLab, rng: random.Random) -> Undo | None:
    alive = sorted(name for name, worker in cluster.workers.items() if worker.poll() is None)
    if not alive:
        return None
    cluster.kill_worker(rng.choice(alive))
    return partial(_bring_back, cluster)


def _kill_scheduler(cluster: DaskLab, rng: random.Random) -> Undo | None:
    if cluster.scheduler.poll() is not None:
        return None
    cluster.scheduler.kill()
    cluster.scheduler.wait()
    return partial(_bring_back, cluster)


def _bring_back(cluster: DaskLab) -> None:
    """Start whatever of the cluster is not there; dask workers end without a scheduler, but not while they begin."""
    if cluster.scheduler.poll() is not None:
        for name in list(cluster.workers):
            cluster.kill_worker(name)
        cluster.start_scheduler()
    for name in DASK_WORKERS:
        if name not in cluster.workers:
            cluster.start_worker(name)


def _nothing() -> None:
    """It cannot be taken back."""

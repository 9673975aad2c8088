"""What `--on` means: which commands lead to which places. Pure, but for the job and the folder that we may be in."""

from __future__ import annotations

import math
import os
import re
import shlex
from collections.abc import Mapping

import msgspec

from pyalma_tui.errors import UsageError
from pyalma_tui.store.leases import USUAL

NOTHING = "Nothing was started"
HERE = "here"  # what says that it is this machine after all
SSH = ("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20")
SLURM = ("srun", "--ntasks=1", "--job-name=pyalma-tui")
# inside of an allocation: no more processors than a step asks for, and the memory of the job together with the others,
# which one step would else have alone, so that the next one on its node waits for its end
STEP = ("--nodes=1", "--exact", "--mem=0")
SLOTS = re.compile(r"^(?P<what>.*)#(?P<slots>[0-9]+)$", re.DOTALL)
MOST = 9999  # workers at a place
HOST = re.compile(r"[^-#\s][^#\s]*")
PARTS = re.compile(r"""(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^;])+""", re.DOTALL)  # between semicolons that no quotes hold
KINDS = (
    "here, ssh:HOST,HOST, slurm:OPTIONS, dask:ADDRESS, dask:FILE, each:COMMAND;COMMAND, many:COMMAND, "
    "with #N for N workers at a place"
)
ADDRESS = re.compile(r"[a-z]+://.+|[^/]+:[0-9]+")  # of a scheduler, else it is a file


class Site(msgspec.Struct, frozen=True):
    """Where places are: `command` leads to one, which takes as many workers as it has `slots`.

    `many` tells that each call of it leads to another place, as of a scheduler; otherwise there is one. `joined` tells
    that what runs there is to be one argument, which a shell there reads, as ssh does.
    """

    name: str
    command: tuple[str, ...]
    slots: int = 1
    many: bool = False
    joined: bool = False


class Cluster(msgspec.Struct, frozen=True):
    """A Dask cluster: `where` is the address of its scheduler, or the absolute path of a scheduler file.

    Each of its workers is a place, which takes as many of ours as it has `slots`.
    """

    on: str
    where: str
    slots: int = 1


def cluster_of(on: str) -> Cluster | None:
    """The cluster that `--on` names, None if it names something else; raises UsageError if it names nothing."""
    kind, rest, slots = _parts(on)
    if kind != "dask":
        return None
    if not rest:
        raise UsageError(f"--on {on}: it names no scheduler, as tcp://HOST:8786 or the path of its file. {NOTHING}")
    return Cluster(on, rest if ADDRESS.fullmatch(rest) else os.path.abspath(rest), slots)


def sites_of(on: str, lease: float = USUAL, environ: Mapping[str, str] = os.environ) -> tuple[Site, ...]:
    """The sites that `--on` names, none for ""; raises UsageError for what means nothing.

    Places there live on a lease of so many seconds. Where the environment says that we are in a job of Slurm, they are
    steps of it.
    """
    if not on:
        return ()
    kind, rest, slots = _parts(on)
    match kind:
        case "each":
            sites = tuple(_site(on, text, slots) for each in PARTS.findall(rest) if (text := each.strip()))
        case "many":
            sites = (_site(on, rest, slots, many=True),)
        case "ssh":
            hosts = [host for each in rest.split(",") if (host := each.strip())]
            if bad := next((host for host in hosts if not HOST.fullmatch(host)), ""):
                hint = "; #N behind the last host is for all of them" * ("#" in bad)
                raise UsageError(f"--on {on}: {bad!r} is no host{hint}. {NOTHING}")
            sites = tuple(Site(host, (*SSH, *_patient(lease), "-T", host), slots, joined=True) for host in hosts)
        case "slurm":
            step = STEP if environ.get("SLURM_JOB_ID") else ()
            sites = (Site("slurm", (*SLURM, *step, *_words(on, rest)), slots, many=True),)
        case _:
            raise UsageError(f"--on {on}: there is no engine {kind!r}; there are {KINDS}. {NOTHING}")
    if not sites:
        raise UsageError(f"--on {on}: it names no place. {NOTHING}")
    if twice := next((site.name for site in sites if sites.count(site) > 1), ""):
        raise UsageError(f"--on {on}: {twice} is named twice; #N lets it have more workers. {NOTHING}")
    return sites


def _patient(lease: float) -> tuple[str, ...]:
    """Options with which ssh gives up a host that dies while we log in, which it would wait for without an end.

    After three times as long without an answer it gives up a line, which a place outlives for most of its lease.
    """
    return "-o", f"ServerAliveInterval={max(15, math.ceil(lease / 3))}"


def _parts(on: str) -> tuple[str, str, int]:
    """Which engine, what it is told, and how many workers there are at a place; raises UsageError."""
    kind, _, rest = on.partition(":")
    slots = 1
    if (found := SLOTS.match(rest)) is not None:
        rest, slots = found["what"], int(found["slots"])
        if not 1 <= slots <= MOST:
            raise UsageError(f"--on {on}: #{found['slots']}: from 1 to {MOST:,} workers at a place. {NOTHING}")
    return kind, rest.strip(), slots


def _site(on: str, text: str, slots: int, *, many: bool = False) -> Site:
    words = _words(on, text)
    if not words:
        raise UsageError(f"--on {on}: it names no command. {NOTHING}")
    return Site(text, tuple(words), slots, many=many)


def _words(on: str, text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--on {on}: {text}: {error}. {NOTHING}") from error

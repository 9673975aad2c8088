"""Where and with what a session runs: Python, machine, environment, installed versions, the state of the repository.

Nothing that may be a secret is taken: of the environment only the variables that are named here.
"""

from __future__ import annotations

import getpass
import os
import platform
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from msgspec.structs import replace

from pyalma_tui.store.session_records import Git

VARIABLES = (
    "OMP_NUM_THREADS",
    "OMP_PROC_BIND",
    "OMP_DYNAMIC",
    "MKL_NUM_THREADS",
    "MKL_CBWR",
    "MKL_DYNAMIC",
    "OPENBLAS_NUM_THREADS",
    "OPENBLAS_CORETYPE",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMBA_DISABLE_JIT",
    "PYTHONHASHSEED",
    "PYTHONOPTIMIZE",
    "PYTHONUTF8",
    "CUDA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "CUBLAS_WORKSPACE_CONFIG",
    "NVIDIA_TF32_OVERRIDE",
    "XLA_FLAGS",
    "TF_DETERMINISTIC_OPS",
    "JAX_ENABLE_X64",
    "LANG",
    "LC_ALL",
    "LC_NUMERIC",
    "TZ",
    "SOURCE_DATE_EPOCH",
)
LONGEST_DIFF = 200_000  # bytes of a diff that are kept
PATIENCE = 10.0  # seconds that git gets for one answer
GIT = (
    "git",
    "--no-pager",
    "-c",
    "core.fsmonitor=false",  # nothing that a repository names is to be started
    "-c",
    "core.quotePath=false",
)

Asked: TypeAlias = "subprocess.Popen[bytes]"


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """The variables that change results, as workers have them; `more` are those that they get from us."""
    there = os.environ | more
    return {name: there[name] for name in VARIABLES if name in there}


def processor() -> str:
    """What the processor is called, "" where nobody says."""
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text("utf-8", "replace")
        if found := re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE):
            return found[1].strip()
    return platform.processor()


def directory() -> str:
    """Where we are, "" if that was removed."""
    with suppress(OSError):
        return os.getcwd()
    return ""


def user() -> str:
    """The name of the user, "" if there is none for the number."""
    with suppress(OSError, KeyError, ImportError):  # before Python 3.13 the latter two
        return getpass.getuser()
    return ""


def distributions(imported: Iterable[str]) -> dict[str, str]:
    """The versions of the distributions that these packages are from, by their names.

    Most have the name of their package, which costs a look into one folder; only for others all are looked through.
    """
    from importlib import metadata  # and the parser of emails: a thread has the time for that

    found: dict[str, str] = {}
    others = []
    for package in imported:
        try:
            distribution = metadata.distribution(package)
        except (metadata.PackageNotFoundError, ValueError):
            others.append(package)
        else:
            found[distribution.name] = distribution.version
    owners = metadata.packages_distributions() if any(not name.startswith("_") for name in others) else {}
    for name in {name for package in others for name in owners.get(package, ())}:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return dict(sorted(found.items(), key=lambda each: each[0].casefold()))


def version_of(distribution: str) -> str:
    """The version that is installed here, "" if none is."""
    from importlib import metadata

    with suppress(metadata.PackageNotFoundError):
        return metadata.version(distribution)
    return ""


def repository(folder: Path, hold: Callable[[Asked], None]) -> Iterator[Git]:
    """The state of the repository that a folder is in, as soon as git has told of it; again when it knows the diff.

    Nothing if it is in none, or git does not say. `hold` gets each process, to end it where nobody waits any more.
    """
    if not any(os.path.lexists(each / ".git") for each in (folder, *folder.parents)):
        return
    status = _git(folder, hold, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
    if status is None:
        return
    heads = dict(line.split(" ", 2)[1:] for line in status.decode("utf-8", "replace").splitlines() if line[:2] == "# ")
    dirty = any(line and not line.startswith(b"#") for line in status.split(b"\n"))
    commit = heads.get("branch.oid", "").replace("(initial)", "")
    git = Git(commit, heads.get("branch.head", ""), dirty, "", cut=dirty)
    yield git
    diff = _git(folder, hold, "diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD") if dirty else None
    if diff is not None:
        yield replace(git, diff=diff[:LONGEST_DIFF].decode("utf-8", "replace"), cut=len(diff) > LONGEST_DIFF)


def _git(folder: Path, hold: Callable[[Asked], None], *words: str) -> bytes | None:
    """What git prints, of more than LONGEST_DIFF bytes the beginning; None where it does not say."""
    try:
        process = subprocess.Popen(
            [*GIT, "-C", str(folder), *words],
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:  # not installed
        return None
    hold(process)
    timer = threading.Timer(PATIENCE, process.kill)  # of a repository too large to wait for
    timer.daemon = True
    timer.start()
    with process:
        assert process.stdout is not None
        told = process.stdout.read(LONGEST_DIFF + 1)
        if cut := len(told) > LONGEST_DIFF:
            process.kill()
    timer.cancel()
    return told if cut or process.returncode == 0 else None


def python_version() -> str:
    """The version of Python with its build, in one line."""
    return " ".join(sys.version.split())

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
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path

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
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(distribution)
    return ""


def repository(folder: Path) -> Git | None:
    """The state of the repository that a folder is in, None if it is in none, or git does not say."""
    if not any(os.path.lexists(each / ".git") for each in (folder, *folder.parents)):
        return None
    status = _git(folder, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
    if status is None:
        return None
    heads = dict(line.split(" ", 2)[1:] for line in status.decode("utf-8", "replace").splitlines() if line[:2] == "# ")
    dirty = any(line and not line.startswith(b"#") for line in status.split(b"\n"))
    diff = (_git(folder, "diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD") or b"") if dirty else b""
    cut = len(diff) > LONGEST_DIFF
    commit = heads.get("branch.oid", "")
    branch = heads.get("branch.head", "")
    text = diff[:LONGEST_DIFF].decode("utf-8", "replace")
    return Git(commit if commit != "(initial)" else "", branch, dirty, text, cut)


def _git(folder: Path, *words: str) -> bytes | None:
    try:
        done = subprocess.run(
            [*GIT, "-C", str(folder), *words],
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired):  # not installed, or a repository too large to wait for
        return None
    return done.stdout if done.returncode == 0 else None


def python_version() -> str:
    """The version of Python with its build, in one line."""
    return " ".join(sys.version.split())

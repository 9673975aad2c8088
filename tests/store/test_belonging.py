"""A state directory is that of one target: moved, copied or renamed it still is, another one is told both names."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyalma_tui.errors import UsageError
from pyalma_tui.store import ours
from pyalma_tui.store.belonging import refuse_another
from pyalma_tui.store.lock import Lock
from pyalma_tui.store.schema import Meta

Change = Callable[[Path], object]


def digest_of(module: Path) -> str:
    return hashlib.sha256(module.read_bytes()).hexdigest()


def write(path: Path) -> None:
    """A file that is like no other."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"# {path}")


def started(folder: Path, target: str, module: str, state_dir: str) -> Meta:
    """What a start leaves: the files, the state directory, and what is recorded of them."""
    for name in (target, module):
        write(folder / name)
    (folder / state_dir).mkdir(parents=True, exist_ok=True)
    return Meta(
        target=str(folder / target),
        module=str(folder / module),
        module_hash=digest_of(folder / module),
        state_dir=str(folder / state_dir),
    )


def look(folder: Path, meta: Meta, target: str, module: str, state_dir: str) -> None:
    for name in (target, module):
        if not (folder / name).exists():
            write(folder / name)
    refuse_another(folder / state_dir, meta, folder / target, folder / module, lambda: digest_of(folder / module))


def move(old: str, new: str, *, edited: bool = False) -> Change:
    def change(folder: Path) -> None:
        (folder / old).rename(folder / new)
        if edited:
            (folder / new).write_text("# edited since")

    return change


def both(*changes: Change) -> Change:
    return lambda folder: [change(folder) for change in changes]


def remove(name: str) -> Change:
    return lambda folder: (folder / name).unlink()


def link(place: str, name: str) -> Change:
    return lambda folder: (folder / name).symlink_to(folder / place)


def nothing(folder: Path) -> None:
    """Change nothing."""


MODULE = ("p/m.py", "p/m.py", "p/m.alma")
ELSEWHERE = ("p/m.py", "p/m.py", "S")
EXPERIMENT = ("p/x.experiment", "p/m.py", "p/x.alma")
RENAMED = move("p/m.py", "p/n.py", edited=True)
SAME = {
    "folder-moved": (MODULE, move("p", "q"), ("q/m.py", "q/m.py", "q/m.alma")),
    "folder-copied": (MODULE, lambda f: shutil.copytree(f / "p", f / "q"), ("q/m.py", "q/m.py", "q/m.alma")),
    "folder-moved-state-elsewhere": (ELSEWHERE, move("p", "q"), ("q/m.py", "q/m.py", "S")),
    "state-moved": (ELSEWHERE, move("S", "T"), ("p/m.py", "p/m.py", "T")),
    "both-moved": (ELSEWHERE, both(move("S", "T"), move("p", "q")), ("q/m.py", "q/m.py", "T")),
    "by-a-linked-folder": (MODULE, link("p", "q"), ("q/m.py", "q/m.py", "p/m.alma")),
    "by-a-linked-module": (ELSEWHERE, link("p/m.py", "n.py"), ("n.py", "n.py", "S")),
    "module-renamed": (ELSEWHERE, move("p/m.py", "p/n.py"), ("p/n.py", "p/n.py", "S")),
    "module-and-state-renamed": (MODULE, both(RENAMED, move("p/m.alma", "p/n.alma")), ("p/n.py", "p/n.py", "p/n.alma")),
    "module-edited": (MODULE, lambda f: (f / "p/m.py").write_text("# edited"), MODULE),
    "experiment-beside-the-module": (MODULE, nothing, ("p/m.experiment", "p/m.py", "p/m.alma")),
    "module-beside-the-experiment": (("p/m.experiment", "p/m.py", "p/m.alma"), nothing, MODULE),
    "experiment-folder-moved": (EXPERIMENT, move("p", "q"), ("q/x.experiment", "q/m.py", "q/x.alma")),
    "experiment-renamed": (
        EXPERIMENT,
        both(move("p/x.experiment", "p/y.experiment"), move("p/x.alma", "p/y.alma")),
        ("p/y.experiment", "p/m.py", "p/y.alma"),
    ),
    "module-of-an-experiment-renamed": (EXPERIMENT, move("p/m.py", "p/n.py"), ("p/x.experiment", "p/n.py", "p/x.alma")),
}
ANOTHER = {
    "module": (ELSEWHERE, nothing, ("p/n.py", "p/n.py", "S"), "m.py, not of n.py"),
    "module-that-took-its-place": (ELSEWHERE, remove("p/m.py"), ("p/n.py", "p/n.py", "S"), "m.py, not of n.py"),
    "module-of-that-name": (ELSEWHERE, nothing, ("q/m.py", "q/m.py", "S"), "{f}/p/m.py, not of {f}/q/m.py"),
    "experiment-with-another-module": (
        ("p/x.py", "p/x.py", "p/x.alma"),
        nothing,
        ("p/x.experiment", "p/two.py", "p/x.alma"),
        "x.py, not of x.experiment with two.py",
    ),
    "module-that-the-experiment-does-not-load": (
        EXPERIMENT,
        nothing,
        ("p/x.py", "p/x.py", "p/x.alma"),
        "x.experiment with m.py, not of x.py",
    ),
    "experiment-with-the-same-module": (
        ("p/x.experiment", "p/m.py", "S"),
        nothing,
        ("p/y.experiment", "p/m.py", "S"),
        "x.experiment with m.py, not of y.experiment with m.py",
    ),
    "experiment-that-loads-another-module-now": (
        EXPERIMENT,
        nothing,
        ("p/x.experiment", "p/n.py", "p/x.alma"),
        "x.experiment with m.py, not of x.experiment with n.py",
    ),
    "state-copied-for-another-module": (
        MODULE,
        move("p/m.alma", "p/n.alma"),
        ("p/n.py", "p/n.py", "p/n.alma"),
        "m.py, not of n.py",
    ),
}


@pytest.mark.parametrize(("then", "change", "now"), SAME.values(), ids=[f"F85-{name}" for name in SAME])
def test_it_still_is_the_same(
    tmp_path: Path, then: tuple[str, str, str], change: Change, now: tuple[str, str, str]
) -> None:
    meta = started(tmp_path, *then)
    change(tmp_path)
    look(tmp_path, meta, *now)
    if then[2] != "S":  # where it is by itself was not recorded once
        look(tmp_path, Meta(target=meta.target, module=meta.module, module_hash=meta.module_hash), *now)


@pytest.mark.parametrize(("then", "change", "now", "told"), ANOTHER.values(), ids=[f"F84-{name}" for name in ANOTHER])
def test_another_one_is_told_both_names(
    tmp_path: Path, then: tuple[str, str, str], change: Change, now: tuple[str, str, str], told: str
) -> None:
    meta = started(tmp_path, *then)
    change(tmp_path)
    with pytest.raises(UsageError) as refusal:
        look(tmp_path, meta, *now)
    assert f"it holds the runs of {told.format(f=tmp_path)}. Nothing was changed" in refusal.value.message


NONSENSE = {"nul": "/\0", "root": "/", "surrogate": "\ud800", "relative": "x"}


@pytest.mark.parametrize("path", NONSENSE.values(), ids=[f"F87-{name}" for name in NONSENSE])
def test_nonsense_is_somebody_elses(tmp_path: Path, path: str) -> None:
    with pytest.raises(UsageError):
        look(tmp_path, Meta(target=path, module=path, state_dir=str(tmp_path / "p/m.alma")), *MODULE)


def test_what_nobody_has_started_is_everybodys(tmp_path: Path) -> None:
    look(tmp_path, Meta(), *MODULE)


def test_what_another_first_start_makes_meanwhile_is_not_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that looks for marks once, and then for names, takes the lock of the other for a file of the user's."""
    look, locks = ours._with_names_of_ours, list[Lock]()

    def begun_meanwhile(state_dir: Path) -> Iterator[Path]:
        locks.append(Lock(state_dir, 1.0))
        return look(state_dir)

    monkeypatch.setattr(ours, "_with_names_of_ours", begun_meanwhile)
    ours.refuse_foreign(tmp_path)
    assert [path.name for path in look(tmp_path)] == ["lock"]
    locks[0].close()

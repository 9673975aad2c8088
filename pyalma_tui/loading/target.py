"""What TARGET means: the run module, the state directory, where the instances come from."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from pyalma_tui.errors import InputError, LoadError
from pyalma_tui.loading.batch import read_batch
from pyalma_tui.loading.entries import Entry, expand_arguments, from_values, number
from pyalma_tui.loading.experiment_file import ExperimentFile, read_experiment_file
from pyalma_tui.model import jsontext
from pyalma_tui.model.code import code_hash
from pyalma_tui.model.instance import Files, Instance
from pyalma_tui.model.messages import Loaded
from pyalma_tui.model.words import plural

Warn = Callable[[str], None]
NAMED = 3  # missing files that a warning names


def heeded(warn: Warn, heard: list[str]) -> Warn:
    """Warn, and keep what was said."""

    def heed(text: str) -> None:
        warn(text)
        heard.append(text)

    return heed


class Target(msgspec.Struct, frozen=True):
    """A target that exists: `path` as typed but absolute, its run module, and the experiment file if there is one."""

    path: Path
    module: Path
    experiment: ExperimentFile | None = None

    @property
    def folder(self) -> Path:
        """Names of instances and the state directory are seen from here."""
        return self.path.parent

    def state_dir(self, chosen: Path | None) -> Path:
        """The state directory: the chosen one, or `<stem>.alma` beside the target; links resolved."""
        return Path(os.path.realpath(chosen if chosen is not None else self.path.with_suffix(".alma")))

    def digest(self) -> str:
        """The hash of the run module as it is now, "" if it cannot be read."""
        try:
            return code_hash(self.module.read_bytes())
        except OSError:
            return ""


def typed(target: Path, state_dir: Path) -> str:
    """What to type in this folder, after a command, for the target that has this state directory."""
    words = [min(os.path.relpath(target), str(target), key=len)]
    if state_dir != Path(os.path.realpath(target.with_suffix(".alma"))):
        words += ["--state", str(state_dir)]
    return shlex.join(words)


def find_target(name: str, warn: Warn) -> Target:
    """The target of this name; raises LoadError for a module, InputError for an experiment that cannot be read."""
    path = Path(os.path.abspath(name))
    if path.suffix == ".experiment":
        experiment = read_experiment_file(Path(name), Path.cwd(), warn)
        return Target(path, experiment.module, experiment)
    _check_module(name, path)
    beside = Path(name).with_suffix(".experiment")
    experiment_beside = read_experiment_file(beside, Path.cwd(), warn) if os.path.exists(beside) else None
    return Target(path, path, experiment_beside)


def _check_module(name: str, path: Path) -> None:
    if not os.path.exists(path):
        near = path.with_name(path.name + ".py")
        hint = (
            f"Is it {near.name}?" if os.path.exists(near) else "Give the path of a run module (.py) or an .experiment"
        )
        raise LoadError(f"module: {name}: there is no such file. {hint}")
    if path.is_dir():
        if path.suffix == ".alma":
            raise LoadError(f"module: {name}: this is a state directory. Give the run module or .experiment beside it")
        raise LoadError(f"module: {name}: this is a directory. Give the run module (.py) in it")
    if not path.is_file():
        raise LoadError(f"module: {name}: this is not a regular file. Give a run module (.py) or an .experiment")
    if path.suffix != ".py":
        raise LoadError(f"module: {name}: not a .py and not an .experiment file. Give one of these")
    if not os.access(path, os.R_OK):
        raise LoadError(f"module: {name}: it may not be read. Change its permissions")


def given_entries(target: Target, arguments: Sequence[str], batch: Path | None, warn: Warn) -> Sequence[Entry] | None:
    """Today's entries as far as they are known before the module is imported, None if it may name its own.

    So user code does not begin to run if they cannot be read. Raises InputError.
    """
    if arguments:
        return expand_arguments(arguments, Path.cwd(), warn)
    if batch is not None:
        return read_batch(batch, warn)
    if target.path.suffix == ".experiment" and target.experiment is not None:
        return read_batch(target.experiment.batch, warn)
    return None


def find_instances(
    target: Target, given: Sequence[Entry] | None, loaded: Loaded, warn: Warn
) -> Sequence[Instance] | None:
    """Today's instances from the first source that has any, None if only the state remembers them.

    Which sources there are: pyalma_tui/README.md, "File formats".
    """
    entries = given if given is not None else _own_entries(target, loaded, warn)
    if entries is None:
        return None
    return number(entries, target.folder)


def warning_of_absent(instances: Sequence[Instance]) -> str:
    """What to tell of files that do not exist: how many, and the first of them; "" if all are there.

    It asks the disk for each file or its folder, which may take seconds.
    """
    from pyalma_tui.loading.absent import missing  # which no command needs that only shows what was run

    if isinstance(instances, Files):
        absent = missing(instances.names, instances.folder)
    else:
        absent = missing([instance.file for instance in instances])
    if not absent:
        return ""
    named = ", ".join(absent[:NAMED]) + (", …" if len(absent) > NAMED else "")
    they = plural(len(absent), "file does", "files do")
    return f"{they} not exist: {named}. The runs are started all the same"


def _own_entries(target: Target, loaded: Loaded, warn: Warn) -> Sequence[Entry] | None:
    """What the module itself names, or a file beside it."""
    if loaded.instances is not None:
        values = [jsontext.decode(bytes(text)) for text in loaded.instances]
        if not values:
            raise InputError(
                f"instances: {target.module}: its `instances` is empty. Put paths, globs or objects into it"
            )
        return from_values(values, target.folder, str(target.module), warn)
    if target.experiment is not None:
        return read_batch(target.experiment.batch, warn)
    beside = target.module.with_suffix(".batch")
    return read_batch(beside, warn) if os.path.exists(beside) else None


def no_instances(module: Path) -> str:
    """What to say when no source names an instance."""
    return (
        f"instances: {module}: none given. Name them after the module, with --batch FILE, as `instances` in the "
        f"module, or in {module.with_suffix('.batch').name} beside it"
    )

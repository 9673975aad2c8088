"""Importing the run module in the process that calls it, and telling how that went."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pyalma_tui.errors import LoadError
from pyalma_tui.loading.module_instances import own_instances
from pyalma_tui.loading.run_module import RunModule, import_module
from pyalma_tui.model.messages import Loaded, LoadFailed, TryLater
from pyalma_tui.model.shortage import is_shortage
from pyalma_tui.model.status import Error
from pyalma_tui.store.kept_code import kept_texts
from pyalma_tui.worker.failure import called_exit, error_of, written_at
from pyalma_tui.worker.unforkable import unforkable


def load(
    path: Path, code: Path, args: Sequence[str], manifest: str = ""
) -> tuple[RunModule, Loaded] | LoadFailed | TryLater:
    """Import the module, which sees these arguments, and ask it for its instances.

    `code` is the file whose text is run as the module: the module itself, or a copy of it. `manifest` is the path of
    what tells the copies of what it imports from beside it, "" where these files themselves are to be read.
    """
    here = os.getpid()
    try:
        kept = kept_texts(Path(manifest)) if manifest else {}
        module = import_module(path, code, args, kept)
        instances = own_instances(module.module)
    except LoadError as error:
        return LoadFailed(Error(error.message))
    except SyntaxError as error:
        told = error_of(error)
        where = written_at(error) or str(path)
        return LoadFailed(Error(f"{where}: {told.message}", told.traceback))
    except SystemExit as error:
        return LoadFailed(Error(f"{path}: it calls {called_exit(error)} while it is imported"))
    except BaseException as error:  # noqa: BLE001 - user code may raise anything
        told = error_of(error)
        if is_shortage(error):
            return TryLater(f"{path}: {told.message}")
        return LoadFailed(Error(f"{path}: {told.message}", told.traceback))
    if os.getpid() != here:  # a child that the module has forked came back out of it
        os._exit(0)
    local = module.local
    own = local.code.files[local.code.module]
    return module, Loaded(
        own, module.done is not None, instances, unforkable(), local.code.files, local.newly_installed()
    )

"""`pyalma-tui export --format ro-crate`: the experiment as a folder or archive that others can read and cite."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from msgspec.structs import replace

from pyalma_tui.cli.remembered import remembered
from pyalma_tui.cli.speak import say
from pyalma_tui.errors import StoreError, UsageError
from pyalma_tui.loading.local_code import module_name
from pyalma_tui.model.words import plural
from pyalma_tui.report.crate import Contents, make_crate
from pyalma_tui.report.export import encoded
from pyalma_tui.report.facts import remaining
from pyalma_tui.report.results import Table, pieces
from pyalma_tui.store.inputs import read_inputs
from pyalma_tui.store.session_records import read_records

ROWS = "results.csv"
ROWS_ARE = "the rows that the runs recorded, behind instance, iteration and seed"


def export_crate(name: str, state: Path | None, output: Path | None, *, with_logs: bool) -> int:
    """Write the crate, whole or not at all; the exit code. Raises StoreError, UsageError; then nothing was changed."""
    if output is None or str(output) == "-":
        raise UsageError(
            "export: --format ro-crate: where to? --output names a new folder, or an archive that ends in .zip"
        )
    if os.path.lexists(output) and not (output.is_dir() and not os.listdir(output) and output.suffix != ".zip"):
        raise UsageError(f"--output: {output}: it is there already. Nothing was changed; name a new one")
    known = remembered("export", name, state)
    ledger = known.store.ledger
    contents = Contents(
        title=known.target.path.stem,
        target=known.target.path,
        state_dir=known.state_dir,
        module=module_name(known.target.module),
        instances=ledger.instances,
        runs=list(remaining(ledger.instances, ledger.runs)),
        sessions=list(read_records(known.state_dir)),
        inputs=read_inputs(known.state_dir),
        with_logs=with_logs,
    )
    try:
        _write(contents, Table(known.state_dir, known.store), output)
    except OSError as error:
        raise UsageError(f"--output: {output}: {error.strerror}. Nothing was changed; name another place") from error
    say(f"wrote {plural(len(contents.runs), 'run')} to {output}")
    return 0


def _write(contents: Contents, table: Table, output: Path) -> None:
    """Make it beside its place, then give it its name."""
    parent = output.absolute().parent
    with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=parent) as folder:
        scratch, made = Path(folder, "made"), Path(folder, f"crate{output.suffix}")
        scratch.mkdir()
        if table.recorded:
            contents = replace(contents, extra={ROWS: (_rows(table, Path(folder, ROWS)), ROWS_ARE)})
        crate = make_crate(contents, scratch)
        if output.suffix == ".zip":
            crate.write_zip(made)
        else:
            crate.write(made)
        if output.is_dir():
            output.rmdir()
        shutil.move(made, output)


def _rows(table: Table, path: Path) -> Path:
    with path.open("wb") as file:
        file.writelines(map(encoded, pieces(table, "csv")))
    if table.missing:
        raise StoreError(f"export: {table.missing}. Nothing was written; `reset` lets runs begin anew")
    return path

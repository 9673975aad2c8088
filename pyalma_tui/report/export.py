"""Every run as a row: CSV, JSON or a Markdown table, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from pyalma_tui.errors import UsageError
from pyalma_tui.model import jsontext
from pyalma_tui.report.facts import RunFacts
from pyalma_tui.report.formats import Format
from pyalma_tui.report.tables import as_csv, as_json, as_markdown

COLUMNS = RunFacts.__struct_fields__


def pieces(rows: Iterable[RunFacts], form: Format) -> Iterator[str]:
    """The text of an export, piece by piece."""
    match form:
        case "csv":
            return as_csv(COLUMNS, map(_cells, rows))
        case "json":
            return as_json(rows)
        case "md":
            return as_markdown(COLUMNS, map(_cells, rows))


def _cells(row: RunFacts) -> list[str]:
    """The fields as texts: a string that was saved is its own text, any other state and all data are JSON."""
    return [_cell(getattr(row, name), is_state=name == "state") for name in COLUMNS]


def _cell(value: object, *, is_state: bool) -> str:
    if isinstance(value, msgspec.Raw):
        text = bytes(value)
        if text == b"null":
            return ""
        if is_state and text[:1] == b'"':
            return str(jsontext.decode(text))
        return text.decode()
    return "" if value is None else str(value)


def write_file(path: Path, texts: Iterable[str | bytes]) -> None:
    """Write texts into a file that is there whole or, if this fails, as it was; raises UsageError.

    A link keeps leading to the file; a device or pipe is written to as it is.
    """
    real = Path(os.path.realpath(path))
    try:
        if real.is_dir():
            raise UsageError(f"--output: {path}: this is a directory. Name a file in it")
        if real.exists() and not real.is_file():
            with real.open("wb") as file:
                file.writelines(map(encoded, texts))
            return
        _replace(real, texts)
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(f"--output: {path}: {why}. Nothing was changed; name another file") from error


def _replace(path: Path, texts: Iterable[str | bytes]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(fd, "wb") as file:
            file.writelines(map(encoded, texts))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def encoded(text: str | bytes) -> bytes:
    """A piece of a table as bytes: what UTF-8 has nothing for, as in the name of a file, is spelled out."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "backslashreplace")

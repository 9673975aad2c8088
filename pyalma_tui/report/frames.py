"""The table of results as a data frame or a Parquet file, where polars or pandas is installed (`pyalma-tui[frames]`).

A column has one type: integers, floats, truth values or texts. Integers among floats become floats, where all are
floats as well; where anything else is mixed, and for lists, objects and integers beyond 64 bits, all values of the
column are texts, as in CSV.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, Final, TypeAlias

from pyalma_tui.errors import UsageError
from pyalma_tui.model.checks import text_of
from pyalma_tui.model.extents import Row
from pyalma_tui.report.results import columns_of

BATCH: Final = 50_000  # rows made into columns at a time
EXACT: Final = 2**53  # integers up to which are floats as well


class Long(int):
    """An integer of at most 64 bits that no float may stand for."""


Kind: TypeAlias = type[int] | type[float] | type[bool] | type[str]


def kinds_of(rows: Iterable[Row]) -> dict[str, Kind]:
    """The columns of the table, and the type of each."""
    found: dict[str, set[Kind]] = {}
    for row in rows:
        for name, value in row.items():
            if value is not None:
                found.setdefault(name, set()).add(_kind(value))
    return {name: _one_of(found.get(name, set())) for name in columns_of(rows)}


def _kind(value: object) -> Kind:
    if isinstance(value, bool):
        return bool
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            return str
        return int if -EXACT <= value <= EXACT else Long
    return float if isinstance(value, float) else str


def _one_of(kinds: set[Kind]) -> Kind:
    if kinds and kinds <= {int, Long}:
        return int
    if len(kinds) == 1:
        return next(iter(kinds))
    return float if kinds == {int, float} else str


def _as(kind: Kind) -> Callable[[Any], Any]:
    if kind is str:
        return lambda value: None if value is None else text_of(value)
    if kind is float:
        return lambda value: None if value is None else float(value)
    return lambda value: value


def _batches(rows: Iterable[Row], kinds: dict[str, Kind]) -> Iterator[dict[str, list[Any]]]:
    todo = iter(rows)
    while batch := list(islice(todo, BATCH)):
        yield {name: list(map(_as(kind), [row.get(name) for row in batch])) for name, kind in kinds.items()}


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"results: {name} is not installed. `pip install 'pyalma-tui[frames]'` installs polars, "
            f"`pip install pandas` pandas; csv, json, jsonl and md need neither"
        ) from error


def polars_frame(rows: Iterable[Row]) -> Any:
    """The table as a `polars.DataFrame`; raises UsageError if polars is not installed."""
    polars = _library("polars")
    kinds = kinds_of(rows)
    types = {int: polars.Int64, float: polars.Float64, bool: polars.Boolean, str: polars.String}
    schema = {name: types[kind] for name, kind in kinds.items()}
    frames = [polars.DataFrame(batch, schema=schema) for batch in _batches(rows, kinds)]
    return polars.concat(frames) if frames else polars.DataFrame(schema=schema)


def pandas_frame(rows: Iterable[Row]) -> Any:
    """The table as a `pandas.DataFrame`, with pandas' types that know missing values; raises UsageError likewise."""
    pandas = _library("pandas")
    kinds = kinds_of(rows)
    types = {int: "Int64", float: "Float64", bool: "boolean", str: "string"}
    schema = {name: types[kind] for name, kind in kinds.items()}
    frames = [pandas.DataFrame(batch).astype(schema) for batch in _batches(rows, kinds)]
    if not frames:
        return pandas.DataFrame({name: pandas.Series(dtype=kind) for name, kind in schema.items()})
    return pandas.concat(frames, ignore_index=True)


def parquet(rows: Iterable[Row]) -> bytes:
    """The table as a Parquet file; raises UsageError if polars is not installed."""
    file = io.BytesIO()
    polars_frame(rows).write_parquet(file)
    return file.getvalue()

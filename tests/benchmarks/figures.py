"""What was measured, and how it is told: medians, ratios to a reference of the same run, one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `row` is that of the goal, `met` None where there is none to meet.

    `portable` tells that the goal compares with something measured beside it, or counts, so that it means the same on
    any machine.
    """

    row: int
    what: str
    measured: str
    reference: str
    ratio: str
    goal: str
    portable: bool
    met: bool | None = None


@dataclass(slots=True)
class Figures:
    """The table while it grows, and what else is worth a line below it."""

    rows: list[Figure] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(self, figure: Figure) -> None:
        """Take in one figure."""
        self.rows.append(figure)

    def remark(self, text: str) -> None:
        """Take in something to print below the table."""
        self.remarks.append(text)

    def lines(self) -> list[str]:
        """The table as aligned text."""
        head = ("#", "what", "measured", "reference, same run", "ratio", "goal", "any machine", "met")
        body = [
            (str(f.row), f.what, f.measured, f.reference, f.ratio, f.goal, "yes" if f.portable else "no", _mark(f.met))
            for f in sorted(self.rows, key=lambda f: f.row)
        ]
        widths = [max(len(line[i]) for line in (head, *body)) for i in range(len(head))]
        rule = "  ".join("-" * width for width in widths)
        first, *told = [_aligned(line, widths) for line in (head, *body)]
        return [first, rule, *told, *[f"  {remark}" for remark in self.remarks]]


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _mark(met: bool | None) -> str:
    return "" if met is None else "yes" if met else "NO"


def interleaved(measures: Mapping[str, Callable[[], float]], rounds: int = ROUNDS) -> dict[str, list[float]]:
    """What each of these gives, in turn round by round, so that a slow minute of the machine hits all of them."""
    names = list(measures)
    found: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            found[name].append(measures[name]())
    return found


def ratio(values: Sequence[float], references: Sequence[float]) -> float:
    """The median of the ratios of the rounds."""
    return median(value / reference for value, reference in zip(values, references, strict=True))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not exceeded by this share of them."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def rate(values: Sequence[float], unit: str) -> str:
    """The median of rates, with the extremes."""
    return f"{median(values):,.0f} {unit} ({min(values):,.0f}–{max(values):,.0f})"


def milliseconds(values: Sequence[float]) -> str:
    """The median of seconds as milliseconds, with the extremes."""
    return f"{median(values) * 1e3:,.0f} ms ({min(values) * 1e3:,.0f}–{max(values) * 1e3:,.0f})"


def megabytes(count: float) -> str:
    """Bytes as MB."""
    return f"{count / 1e6:,.1f} MB"

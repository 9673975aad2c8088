"""How logs are shown on the full screen: chosen there, and kept for the next log."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Whether long lines are wrapped, and what stands before a line."""

    wrap: bool = False
    numbers: bool = False
    times: bool = False


_chosen = LogOptions()


def choose_log_options(options: LogOptions) -> None:
    """From now on logs are opened with these."""
    global _chosen
    _chosen = options


def log_options() -> LogOptions:
    """How a log is opened."""
    return _chosen

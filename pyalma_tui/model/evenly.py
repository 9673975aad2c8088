"""A few of many, spread over all of them: one of each stretch, in another place of it each time.

Every third run of a grid of parameters, or every eighth row where each run has eight, may be alike.
"""

from __future__ import annotations

from typing import Final

GOLDEN: Final = (5**0.5 - 1) / 2  # multiples of no other number are spread as evenly between 0 and 1


def place(stretch: int, length: int) -> int:
    """Which one is taken of the stretch with this number, of those that are so long."""
    return stretch * length + int(stretch * GOLDEN % 1 * length)


def evenly(many: int, length: int) -> list[int]:
    """The places that are taken of so many, one of each stretch of this length, the last of which may have none."""
    return [at for at in (place(stretch, length) for stretch in range(-(-many // length))) if at < many]

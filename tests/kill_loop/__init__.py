"""The kill loop: the real program, a nemesis that kills its processes, and a history that is checked.

`python -m tests.kill_loop --seconds 600` prints acknowledged saves / lines in buffers / kills by kind / lost /
overlaps / done() calls.
"""

from typing import Any

SAVES = 60  # that each run is to make


def rows_of(number: int) -> list[dict[str, Any]]:
    """What each run records before it saves this number: one row, or none, or more than are held in memory."""
    return [{"number": number, "row": row, "half": number / 2} for row in range(number % 4 * (number % 3))]

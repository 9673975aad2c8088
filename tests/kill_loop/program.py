"""pyalma-tui with checkpoints, rotations and retries forced often, as the nemesis wants to meet them.

Workers are told their limit by the runner's journal; the runner's own segments have the default of SegmentWriter.
"""

import sys

from pyalma_tui.runner import retries
from pyalma_tui.store import journal, row_files
from pyalma_tui.store.segment import SegmentWriter
from pyalma_tui.worker import recording

SEGMENT = 3_000  # bytes
retries.LONGEST = 0.01
journal.CHECKPOINT_AT = 8_000
journal.OPEN_LIMIT = SEGMENT
journal.SMALLEST = 2_000
recording.HELD = 300
recording.FILE = row_files.FILE = SEGMENT
row_files.MANY = 3
defaults = SegmentWriter.__init__.__kwdefaults__
assert defaults is not None
defaults["limit"] = SEGMENT

from pyalma_tui.cli.main import main  # noqa: E402 - the limits come first

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

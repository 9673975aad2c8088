"""pyalma-tui with checkpoints, rotations and retries forced often, as the nemesis wants to meet them."""

import sys

from pyalma_tui.runner import retries
from pyalma_tui.store import journal, segment

retries.LONGEST = 0.01
journal.CHECKPOINT_AT = 8_000
segment.LIMIT = 3_000
journal.OPEN_LIMIT = 3_000
journal.SMALLEST = 2_000

from pyalma_tui.cli.main import main  # noqa: E402 - the limits come first

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

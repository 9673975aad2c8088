"""`python -m pyalma_tui`, and the console script."""

import os
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    _open_standard_streams()
    from pyalma_tui.cli.main import main as run

    sys.exit(run(sys.argv[1:]))


def _open_standard_streams() -> None:
    """Let standard descriptors that were closed (`>&-`) lead nowhere: the next file opened would take their place."""
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), fd)
            setattr(sys, name, open(fd, "r" if fd == 0 else "w", encoding="utf-8", closefd=False))  # noqa: SIM115


if __name__ == "__main__":
    main()

"""`python -m pyalma_tui`, and the console script."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from pyalma_tui.cli.main import main as run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

"""`python -m pyalma_tui`, and the console script."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from pyalma_tui import collecting

    collecting.pause()
    from pyalma_tui.cli import streams

    streams.prepare()
    try:
        from pyalma_tui.cli.main import main as run

        code = run(sys.argv[1:])
    finally:
        streams.finish()
    sys.exit(code)


if __name__ == "__main__":
    main()

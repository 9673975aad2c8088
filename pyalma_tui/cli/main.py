"""A command line carried out: the exit code, and one line for whatever is refused."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click

from pyalma_tui.cli.parsing import ASKED, NAME
from pyalma_tui.cli.printing import end_printing
from pyalma_tui.cli.speak import complain, say
from pyalma_tui.cli.stalled import UntakenError
from pyalma_tui.cli.verbs import program
from pyalma_tui.errors import PyalmaError, ShortageError, Terminated
from pyalma_tui.model.shortage import is_shortage
from pyalma_tui.model.taking import REQUEUE, job_signals
from pyalma_tui.model.terminal import can_show


def _call(arguments: Sequence[str]) -> int:
    """Carry out the command; 0 too where whoever read what it prints has gone away (`| head`)."""
    try:
        with program.make_context(NAME, list(arguments)) as context:
            return int(program.invoke(context))
    except click.exceptions.Exit as told:  # --help and --version
        return told.exit_code
    except UntakenError as error:
        end_printing(error)
        return 0


def _alone() -> int:
    """What there is, as a screen."""
    from pyalma_tui.cli.experiments import choose_and_open

    return choose_and_open()


def main(arguments: Sequence[str]) -> int:
    """Carry out a command line; the exit code."""
    if asked := os.environ.get(ASKED):
        from pyalma_tui.cli.completion import complete

        return complete(program, asked)
    if not arguments and not can_show():
        say("usage: pyalma-tui TARGET [INSTANCE ...], or pyalma-tui demo; --help tells more")
        return 2
    try:
        return _call(arguments) if arguments else _alone()
    except click.UsageError as error:
        from pyalma_tui.cli.refusing import refusal

        say(f"{refusal(error, arguments)} (--help tells more)")
        return 2
    except PyalmaError as error:
        complain(error)
        return error.exit_code
    except RuntimeError as error:
        if not is_shortage(error):
            raise
        say(ShortageError(str(error)).message)
        return ShortageError.exit_code
    except KeyboardInterrupt:
        say("interrupted before anything was started")
        return 130
    except Terminated as ended:
        say(f"ended by {ended.signal.name} before anything was started")
        return REQUEUE if ended.signal in job_signals(os.environ) else 128 + ended.signal


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

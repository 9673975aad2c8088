"""The command line: one default command and a few verbs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from pyalma_tui import __version__
from pyalma_tui.cli.options import RunOptions
from pyalma_tui.cli.speak import complain, say
from pyalma_tui.errors import PyalmaError

app = App(
    name="pyalma-tui",
    version=__version__,
    help="Run a Python module on many instances, see every run's progress and last saved state, and lose nothing.",
    default_parameter=Parameter(negative=(), show_default=False),
    help_format="plaintext",
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
app.register_install_completion_command(help="Install shell completion.")

State = Annotated[Path | None, Parameter(help="the state directory; <stem>.alma beside TARGET")]
RUN = RunOptions()


@app.default
def run(
    target: Annotated[str, Parameter(help="a run module (.py) or an .experiment")],
    /,
    *instances: Annotated[str, Parameter(help="files, directories or quoted globs")],
    options: RunOptions = RUN,
) -> int:
    """Run or resume an experiment."""
    from pyalma_tui.cli.launch import run as launch

    return launch(target, instances, options)


@app.command
def demo(
    directory: Annotated[Path, Parameter(help="a new directory; ./pyalma-demo")] = Path("pyalma-demo"),
    /,
    *,
    options: RunOptions = RUN,
) -> int:
    """Copy the shipped example into a directory and run it."""
    from dataclasses import replace

    from pyalma_tui.cli.demo import copy_example
    from pyalma_tui.cli.launch import run as launch

    module = copy_example(directory)
    os.chdir(module.parent)
    workers = options.workers or "2"
    return launch(module.name, (), replace(options, workers=workers))


@app.command
def status(
    target: Annotated[str, Parameter(help="a run module (.py) or an .experiment")],
    /,
    *,
    json: Annotated[bool, Parameter(help="one JSON object, for programs")] = False,
    state: State = None,
) -> int:
    """Show what stands where, without starting anything."""
    from pyalma_tui.cli.status import status as show

    return show(target, state, as_json=json)


def main(arguments: Sequence[str]) -> int:
    """Carry out a command line; the exit code."""
    if not arguments:
        say("usage: pyalma-tui TARGET [INSTANCE ...], or pyalma-tui demo; --help tells more")
        return 2
    try:
        code = app(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        say(f"{' '.join(str(error).split())} (--help tells more)")
        return 2
    except PyalmaError as error:
        complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        say("interrupted before anything was started")
        return 130
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

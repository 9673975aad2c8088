"""The command line: one default command and a few verbs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from inspect import signature
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Parameter, UnknownOptionError

from pyalma_tui import __version__
from pyalma_tui.cli.options import RunOptions
from pyalma_tui.cli.printing import end_printing
from pyalma_tui.cli.speak import complain, say
from pyalma_tui.cli.stalled import UntakenError
from pyalma_tui.errors import Ended, PyalmaError, ShortageError, UsageError
from pyalma_tui.model.shortage import is_shortage

USAGE = "Usage: pyalma-tui"

app = App(
    name="pyalma-tui",
    version=__version__,
    help=(
        "Run a Python module on many instances, see every run's progress and last saved state, and lose nothing. "
        "What follows -- are the module's own arguments: it finds them in its sys.argv, also at later starts."
    ),
    default_parameter=Parameter(negative=(), show_default=False),
    usage=f"{USAGE} TARGET [INSTANCE ...] [OPTIONS] [-- ARGS]\n       pyalma-tui COMMAND ...",
    help_format="plaintext",
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)
app.register_install_completion_command(help="Install shell completion.")

State = Annotated[Path | None, Parameter(help="the state directory (<stem>.alma beside TARGET)")]
Args = Annotated[tuple[str, ...] | None, Parameter(parse=False)]  # what follows `--`: the module's own
RUN = RunOptions()
IMPORTING = ((), ("doctor",))  # the commands that import the module
TYPO = 0.75  # how near a word is to that of a command, if it is meant


@app.default
def run(
    target: Annotated[str, Parameter(help="a run module (.py) or an .experiment")],
    /,
    *instances: Annotated[str, Parameter(help="files, directories or quoted globs")],
    options: RunOptions = RUN,
    args: Args = None,
) -> int:
    """Run or resume an experiment."""
    from pyalma_tui.cli.launch import run as launch

    _refuse_typo(target)
    return launch(target, instances, options, args)


@app.command(usage=f"{USAGE} demo [DIRECTORY] [OPTIONS]")
def demo(
    directory: Annotated[Path, Parameter(help="a new directory (./pyalma-demo)")] = Path("pyalma-demo"),
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
    if options.workers is None and not (options.state or Path(module.name).with_suffix(".alma")).exists():
        options = replace(options, workers="2")
    return launch(module.name, (), options)


@app.command(usage=f"{USAGE} status TARGET [OPTIONS]")
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


@app.command(usage=f"{USAGE} logs TARGET [INSTANCE] [OPTIONS]")
def logs(
    target: Annotated[str, Parameter(help="a run module (.py) or an .experiment")],
    instance: Annotated[str | None, Parameter(help="whose log; without it: which logs there are")] = None,
    /,
    *,
    iteration: Annotated[int | None, Parameter(help="of which iteration, from 0 (the one that ran last)")] = None,
    attempt: Annotated[int | None, Parameter(help="of which attempt, from 1 (the latest)")] = None,
    follow: Annotated[bool, Parameter(help="print what is added until the attempt ends")] = False,
    state: State = None,
) -> int:
    """Print what a run printed."""
    from pyalma_tui.cli.logs import logs as show

    return show(target, instance, state, iteration, attempt, follow=follow)


@app.command(usage=f"{USAGE} export TARGET [OPTIONS]")
def export(
    target: Annotated[str, Parameter(help="a run module (.py) or an .experiment")],
    /,
    *,
    format: Annotated[  # noqa: A002 - the name of the option
        Literal["csv", "json", "md"] | None, Parameter(help="csv unless the name of the file says otherwise")
    ] = None,
    output: Annotated[Path | None, Parameter(help="a file, replaced whole (stdout)")] = None,
    state: State = None,
) -> int:
    """Print every run as a row of a table."""
    from pyalma_tui.cli.export import export as write

    return write(target, state, format, output)


@app.command(usage=f"{USAGE} results TARGET [OPTIONS]")
def results(
    target: Annotated[str, Parameter(help="a run module (.py) or an .experiment")],
    /,
    *,
    format: Annotated[  # noqa: A002 - the name of the option
        Literal["csv", "json", "jsonl", "md", "parquet"] | None,
        Parameter(help="csv unless the name of the file says otherwise"),
    ] = None,
    output: Annotated[Path | None, Parameter(help="a file, replaced whole (stdout)")] = None,
    where: Annotated[str, Parameter(help="only rows of which this holds, as in 'gap<0.2 name:uf20'")] = "",
    state: State = None,
) -> int:
    """Print every row that runs have recorded, each exactly once."""
    from pyalma_tui.cli.results import results as show

    return show(target, state, format, output, where)


@app.command(name="import", usage=f"{USAGE} import X.experiment [OPTIONS]")
def import_plan(
    experiment: Annotated[str, Parameter(help="the .experiment that a .plan stands beside")],
    /,
    *,
    state: State = None,
) -> int:
    """Take over an unfinished experiment of pyalma."""
    from pyalma_tui.cli.import_plan import import_plan as continue_plan

    return continue_plan(experiment, state)


@app.command(usage=f"{USAGE} reset TARGET [INSTANCE ...] [OPTIONS]")
def reset(
    target: Annotated[str, Parameter(help="a run module (.py) or an .experiment")],
    /,
    *instances: Annotated[str, Parameter(help="names or quoted patterns (all)")],
    status: Annotated[
        Literal["interrupted", "failed", "done"] | None, Parameter(help="only runs that are this (all)")
    ] = None,
    remove: Annotated[bool, Parameter(help="take these instances out of the experiment altogether")] = False,
    yes: Annotated[bool, Parameter(help="do not ask")] = False,
    state: State = None,
) -> int:
    """Forget the state of all runs, or of those of some instances or of one status; asks."""
    from pyalma_tui.cli.reset import remove as take_out
    from pyalma_tui.cli.reset import reset as forget

    if remove:
        return take_out(target, instances, status, state, yes=yes)
    return forget(target, instances, status, state, yes=yes)


@app.command(usage=f"{USAGE} doctor [TARGET] [OPTIONS] [-- ARGS]")
def doctor(
    target: Annotated[str | None, Parameter(help="a run module (.py) or an .experiment")] = None,
    /,
    *,
    state: State = None,
    args: Args = None,
) -> int:
    """Look what is fine and what is not: terminal, libraries, store, lock, module, instances, disk."""
    from pyalma_tui.cli.doctor import doctor as look

    return look(target, state, args)


def _refuse_typo(target: str) -> None:
    """Raise UsageError for a word that is no file and nearly a command."""
    from difflib import get_close_matches

    if not target.isalpha() or any(os.path.lexists(target + ending) for ending in ("", ".py", ".experiment")):
        return
    near = get_close_matches(target, [name for name in app if not name.startswith("-")], 1, TYPO)
    if near:
        raise UsageError(f"{target}: there is no such file and no such command. Did you mean {near[0]}?")


def _call(arguments: Sequence[str]) -> object:
    """Carry out the command; 0 too where whoever read what it prints has gone away (`| head`)."""
    try:
        return _carry_out(arguments)
    except UntakenError as error:
        end_printing(error)
        return 0


def _carry_out(arguments: Sequence[str]) -> object:
    """Call the command with what it takes; where it imports the module, what follows `--` are the module's own."""
    words, mark, own = _divided(arguments)
    commands, _, _ = app.parse_commands(words)
    if not mark or not words or commands not in IMPORTING:
        return app(arguments, exit_on_error=False, print_error=False)
    command, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    if "args" not in signature(command).parameters:  # --help and --version
        return command(*bound.args, **bound.kwargs)
    return command(*bound.args, **bound.kwargs, args=own)


def _divided(arguments: Sequence[str]) -> tuple[list[str], bool, tuple[str, ...]]:
    """What is before the first `--`, whether there is one, and what is behind it."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return list(arguments[:end]), end < len(arguments), tuple(arguments[end + 1 :])


def _wrong(error: CycloptsError, arguments: Sequence[str]) -> str:
    """What is wrong with a command line; an option that is nobody's here may be the module's."""
    told = " ".join(str(error).split())
    commands, _, _ = app.parse_commands(_divided(arguments)[0])
    if isinstance(error, UnknownOptionError) and commands in IMPORTING and "Did you mean" not in told:
        return f"{told} The module's own options follow --, as in -- {error.token.keyword or error.token.value}"
    return told


def main(arguments: Sequence[str]) -> int:
    """Carry out a command line; the exit code."""
    if not arguments:
        say("usage: pyalma-tui TARGET [INSTANCE ...], or pyalma-tui demo; --help tells more")
        return 2
    try:
        code = _call(arguments)
    except CycloptsError as error:
        say(f"{_wrong(error, arguments)} (--help tells more)")
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
    except Ended as ended:
        say(f"ended by {ended.signal.name} before anything was started")
        return 128 + ended.signal
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The table of commands with all that they take: those that call code of users, or change what is stored.

`showing` and `verbs` have more of it. What a command needs is imported when it is called.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from pyalma_tui import __version__
from pyalma_tui.cli.parsing import (
    PATH,
    SECONDS,
    TEXT,
    WHOLE,
    AnsweredFlag,
    Argument,
    Command,
    Option,
    Program,
    TargetArgument,
)
from pyalma_tui.cli.printing import Out
from pyalma_tui.model.modes import Import, Sync

if TYPE_CHECKING:
    from pathlib import Path

ABOUT = (
    "Run a Python module on many instances, see every run's progress and last saved state, and lose nothing. "
    "What follows -- are the module's own arguments: it finds them in its sys.argv, also at later starts."
)
TYPO = 0.75  # how near a word is to that of a command, if it is meant
WHAT, HOW, FRONT, AGAIN = "What to run", "How", "Screen or none", "Starting again"

TARGET = Argument("target", "TARGET", "a run module (.py) or an .experiment")
STATE = Option("--state", "the state directory (<stem>.alma beside TARGET)", PATH)

RUN = (
    Option("--batch", "a file that lists the instances: .batch, .txt, .csv, .jsonl; - for standard input", PATH, WHAT),
    Option("--iterations", "how often every instance is run (at first 1)", WHOLE, WHAT),
    Option("--workers", "how many runs at a time, or all (at first 1)", TEXT, WHAT),
    Option("--seed", "what the runs' seeds are drawn from (drawn once)", WHOLE, WHAT),
    Option("--timeout", "seconds after which a run fails; inf: never", SECONDS, HOW),
    Option("--retries", "how often a failed run is tried again (at first 0)", WHOLE, HOW),
    Option("--grace", "seconds until a run that does not save is stopped (at first 10)", SECONDS, HOW),
    Option("--on", "other hosts: ssh:HOST,HOST slurm:OPTIONS each:CMD;CMD many:CMD #N; or here", TEXT, HOW),
    Option("--lease", "seconds that a host may go on without hearing of us (15)", SECONDS, HOW),
    Option(
        "--sync",
        "what a power loss may take: all not yet written, 50 ms (at first), nothing",
        click.Choice(get_args(Sync)),
        HOW,
    ),
    Option("--runs-per-worker", "after how many runs a worker is replaced; 1: each run has a process", WHOLE, HOW),
    Option(
        "--import",
        "the module once, workers are forked (at first), or in each worker",
        click.Choice(get_args(Import)),
        HOW,
        into="imports",
    ),
    Option("--nice", "how readily runs give way to other programs, 0 to 19 (at first 0)", WHOLE, HOW),
    Option(
        "--seed-globals/--no-seed-globals",
        "seed random, and numpy's legacy generator, before each run from its seed",
        heading=HOW,
    ),
    Option("--on-finish", "a shell command to call when nothing runs any more", TEXT, HOW),
    Option("--on-failure", "a shell command to call for each failed run", TEXT, HOW),
    Option("--state", "the state directory (<stem>.alma beside TARGET)", PATH, HOW),
    Option("--debug", "run this instance alone, with the terminal: breakpoint() works", TEXT, FRONT),
    Option("--plain", "no screen: lines of text", heading=FRONT),
    Option("--json", "no screen: JSON lines", heading=FRONT),
    Option("--no-mouse", "leave the mouse to the terminal", heading=FRONT),
    Option("--theme", "colours; `t` on the screen tries them", TEXT, FRONT),
    Option("--on-hangup", "what to do when the terminal goes away", click.Choice(["continue", "interrupt"]), FRONT),
    Option("--paused", "open without starting anything", heading=AGAIN),
    Option("--retry-failed", "run failed ones too", heading=AGAIN),
    Option("--rerun-done", "call done() again when all is done", heading=AGAIN),
    Option("--no-done", "never call done()", heading=AGAIN),
    Option("--fresh", "forget every state first; asks", heading=AGAIN),
    Option("--yes", "with --fresh: do not ask", heading=AGAIN),
)


def _help(ctx: click.Context, param: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from pyalma_tui.cli.helping import help_of

        Out().text(help_of(ctx))
        ctx.exit()


def _version(ctx: click.Context, param: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        Out().text(f"{__version__}\n")
        ctx.exit()


HELP = AnsweredFlag("--help", "-h", told="Show this and exit.", answer=_help)
VERSION = AnsweredFlag("--version", told="Show the version and exit.", answer=_version)

Carried = TypeVar("Carried", bound=Callable[..., int])
program = Program()


def command(
    name: str, params: Sequence[click.Parameter], told: str = "", *, imports: bool = False
) -> Callable[[Carried], Carried]:
    """Put a command into the table, told by its docstring unless `told` otherwise."""

    def put(carry_out: Carried) -> Carried:
        made = Command(name, told or carry_out.__doc__ or "", [*params, HELP, VERSION], imports=imports)
        made.callback = carry_out
        program.add_command(made)
        return carry_out

    return put


@command(
    "",
    [
        TargetArgument("target", "TARGET", "a run module (.py) or an .experiment"),
        Argument("instances", "[INSTANCE ...]", "files, directories or quoted globs", many=True),
        *RUN,
    ],
    ABOUT,
    imports=True,
)
def run(target: str, instances: tuple[str, ...], args: tuple[str, ...] | None, **options: Any) -> int:
    """Run or resume an experiment."""
    _refuse_typo(target)

    from pyalma_tui.cli.launch import run as launch
    from pyalma_tui.cli.options import options_of

    return launch(target, instances, options_of(options), args)


@command("demo", [Argument("directory", "[DIRECTORY]", "a new directory (./pyalma-demo)", PATH, required=False), *RUN])
def demo(directory: Path | None, **options: Any) -> int:
    """Copy the shipped example into a directory and run it."""
    from pathlib import Path

    from pyalma_tui.cli.demo import copy_example
    from pyalma_tui.cli.launch import run as launch
    from pyalma_tui.cli.options import options_of

    module = copy_example(directory or Path("pyalma-demo"))
    if options["workers"] is None and not (options["state"] or module.with_suffix(".alma")).exists():
        options["workers"] = "2"
    return launch(str(module), (), options_of(options))


@command("import", [Argument("experiment", "X.experiment", "the .experiment that a .plan stands beside"), STATE])
def import_plan(experiment: str, state: Path | None) -> int:
    """Go on with an unfinished experiment of pyalma."""
    from pyalma_tui.cli.import_plan import import_plan as continue_plan

    return continue_plan(experiment, state)


@command(
    "reset",
    [
        TARGET,
        Argument("instances", "[INSTANCE ...]", "names or quoted patterns (all)", many=True),
        Option("--status", "only runs that are this (all)", click.Choice(["interrupted", "failed", "done"])),
        Option("--changed", "only done runs whose code or instance file has changed since"),
        Option("--remove", "take these instances out of the experiment altogether"),
        Option("--yes", "do not ask"),
        STATE,
    ],
)
def reset(
    target: str,
    instances: tuple[str, ...],
    status: Any,
    changed: bool,
    remove: bool,
    yes: bool,
    state: Path | None,
) -> int:
    """Forget the state of all runs, or of those of some instances or of one status; asks."""
    from pyalma_tui.cli.reset import remove as take_out
    from pyalma_tui.cli.reset import reset as forget
    from pyalma_tui.errors import UsageError

    if remove and changed:
        raise UsageError("--remove and --changed: choose one of them. Nothing was changed")
    if remove:
        return take_out(target, instances, status, state, yes=yes)
    return forget(target, instances, status, state, yes=yes, changed=changed)


@command(
    "verify",
    [
        TARGET,
        Argument("instances", "[INSTANCE ...]", "which to try (the shortest that are done)", many=True),
        Option("--interruptions", "how often each run is stopped, at random saves (5)", WHOLE),
        Option("--kill", "stop it by kill -9 instead of asking"),
        Option("--iteration", "which iteration to try, from 0", WHOLE),
        Option("--workers", "how many runs to try at a time (1)", WHOLE),
        STATE,
    ],
)
def verify(
    target: str,
    instances: tuple[str, ...],
    interruptions: int | None,
    kill: bool,
    iteration: int | None,
    workers: int | None,
    state: Path | None,
) -> int:
    """Call runs undisturbed and stopped, and compare what they leave: does an interruption change nothing?"""
    from pyalma_tui.cli.verify import VerifyOptions
    from pyalma_tui.cli.verify import verify as check

    return check(target, instances, state, VerifyOptions(interruptions, kill, iteration, workers))


@command(
    "reproduce",
    [
        TARGET,
        Argument("instance", "INSTANCE", "whose run", TEXT),
        Option("--iteration", "of which iteration, from 0 (the first that is done)", WHOLE),
        STATE,
    ],
)
def reproduce(target: str, instance: str, iteration: int | None, state: Path | None) -> int:
    """Call one run anew with its seed and its code, and compare what comes of it with what is stored."""
    from pyalma_tui.cli.reproduce import reproduce as repeat

    return repeat(target, instance, state, iteration)


@command(
    "doctor",
    [
        Argument("target", "[TARGET]", "a run module (.py) or an .experiment", required=False),
        Option("--on", "try the hosts that this leads to, as a start would: version, files, clock, speed", TEXT),
        STATE,
    ],
    imports=True,
)
def doctor(target: str | None, on: str | None, state: Path | None, args: tuple[str, ...] | None) -> int:
    """Look what is fine and what is not: terminal, libraries, store, lock, module, instances, disk."""
    from pyalma_tui.cli.doctor import doctor as look

    return look(target, state, args, on)


@command(
    "--install-completion",
    [
        Option("--shell", "of which shell (the one that this is typed in)", click.Choice(["bash", "zsh", "fish"])),
        Option("--output", "a file for it (where the shell looks)", PATH),
    ],
)
def install_completion(shell: str | None, output: Path | None) -> int:
    """Let the shell complete commands, options and files."""
    from pyalma_tui.cli.completion import install

    return install(program, shell, output)


def _refuse_typo(target: str) -> None:
    """Raise UsageError for a word that is no file and nearly a command."""
    from difflib import get_close_matches

    from pyalma_tui.errors import UsageError

    if not target.isalpha() or any(os.path.lexists(target + ending) for ending in ("", ".py", ".experiment")):
        return
    if near := get_close_matches(target, program.named, 1, TYPO):
        raise UsageError(f"{target}: there is no such file and no such command. Did you mean {near[0]}?")

"""How words become a call: click, and what is refused, completed and told otherwise here."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path

    from click.shell_completion import CompletionItem

NAME = "pyalma-tui"
ASKED = "_PYALMA_TUI_COMPLETE"  # in the environment: what a shell asks that completes a command line
ENDINGS = (".py", ".experiment")  # of targets
MARK = "--"  # what follows it is no option


class Whole(click.ParamType):  # type: ignore[type-arg]  # which click 8.2 cannot be given
    """A whole number as one writes it in Python: 1_000, 0xff."""

    name = "int"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; raises click.BadParameter for what is none."""
        for base in (10, 0):
            with suppress(ValueError):
                return int(value, base)
        raise click.BadParameter(f"{value!r} is not a whole number.", ctx, param)


class PathArgument(click.Path):
    """A path, of whatever is there; pathlib is imported when one is typed, since --help has no need of it."""

    def convert(self, value: str | os.PathLike[str], param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path."""
        from pathlib import Path

        return Path(value)


TEXT = click.STRING
WHOLE = Whole()
SECONDS = click.FLOAT
PATH = PathArgument()
TYPED = click.Path(readable=False)  # a path as it was typed


class Option(click.Option):
    """An option, told under a heading; one without a kind of value is a flag.

    Of a pair, `--it/--no-it`, it is None where nobody chose one.
    """

    def __init__(
        self, name: str, told: str, kind: click.ParamType[Any] | None = None, heading: str = "Options", into: str = ""
    ) -> None:
        names = [name, *([into] if into else [])]
        unsaid: dict[str, Any] = {"default": None} if "/" in name else {}
        super().__init__(names, help=told, type=kind, is_flag=True if kind is None else None, **unsaid)
        self.heading = heading


class AnsweredFlag(click.Option):
    """A flag that is answered, and the command not carried out."""

    def __init__(self, *names: str, told: str, answer: Callable[[click.Context, click.Parameter, bool], None]) -> None:
        super().__init__(names, help=told, is_flag=True, is_eager=True, expose_value=False, callback=answer)


class Argument(click.Argument):
    """What is told by its place; `shown` is how the usage writes it."""

    def __init__(
        self,
        name: str,
        shown: str,
        told: str,
        kind: click.ParamType[Any] = TYPED,
        *,
        required: bool = True,
        many: bool = False,
    ) -> None:
        super().__init__([name], metavar=shown, type=kind, required=required and not many, nargs=-1 if many else 1)
        self.told = told


class Command(click.Command):
    """A command; one that imports the module takes what follows the first `--` as `args`, the module's own.

    `args` are None where there is no `--`. Whatever may be a slip is refused: an option that is given twice, of which
    one would be ignored, and one that would take the option behind it for its value.
    """

    def __init__(self, name: str, told: str, params: Sequence[click.Parameter], *, imports: bool = False) -> None:
        super().__init__(name, help=told, params=list(params), add_help_option=False)
        self.imports = imports

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Fill the context's parameters; raises click.UsageError."""
        words = list(takewhile(MARK.__ne__, args))
        self._refuse_slips(ctx, words)
        if not self.imports:
            return super().parse_args(ctx, args)
        own = args[len(words) + 1 :] if len(words) < len(args) else None
        if own is not None and not words and not self.name:  # `-- m.py`: no module is named yet
            words, own = args, None
        rest = super().parse_args(ctx, words)
        ctx.params["args"] = None if own is None else tuple(own)
        return rest

    def _refuse_slips(self, ctx: click.Context, words: Sequence[str]) -> None:
        options = {name: each for each in self.params if isinstance(each, click.Option) for name in _names(each)}
        given = set()
        for word, following in zip(words, [*words, MARK][1:], strict=True):
            name, attached, _ = word.partition("=")
            if name not in options or ctx.resilient_parsing:
                continue
            if options[name] in given:
                raise click.BadOptionUsage(name, f"{name} is given twice.", ctx)
            given.add(options[name])
            if not attached and not options[name].is_flag and _is_option(following):
                raise click.BadOptionUsage(name, f"{name} needs a value behind it.", ctx)


class Program(click.Group):
    """All commands; where the first word is none, it is the target of the command that has no name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Choose the command."""
        named = args[:1] if args and args[0] in self.named else [""]
        return super().parse_args(ctx, [MARK, *named, *(args[1:] if named[0] else args)])

    @property
    def named(self) -> list[str]:
        """The commands that are chosen by their names."""
        return sorted(name for name in self.commands if name)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """None: whatever is no name of a command belongs to the one that has none."""
        return []


class TargetArgument(Argument):
    """The first word, which may be the name of a command."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands that begin like this, with what could be a target here; else any files."""
        from click.shell_completion import CompletionItem

        program = ctx.find_root().command
        assert isinstance(program, Program), "commands are reached through it"
        commands = [name for name in program.named if name.isalpha()]
        if not any(name.startswith(incomplete) for name in commands):
            return super().shell_complete(ctx, incomplete)
        here = [name for name in sorted(os.listdir()) if name.endswith(ENDINGS) and shlex.quote(name) == name]
        return [CompletionItem(name) for name in (*commands, *here) if name.startswith(incomplete)]


def _names(option: click.Option) -> list[str]:
    return [*option.opts, *option.secondary_opts]


def _is_option(word: str) -> bool:
    """Whether a word is meant as an option, or as the mark behind the last one; - and -5 are values."""
    return word.startswith("-") and word != "-" and not word[1:2].isdecimal()

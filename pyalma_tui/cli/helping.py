"""What `--help` prints: no word of it is broken, however narrow the terminal is."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from textwrap import TextWrapper

import click

from pyalma_tui.cli.parsing import NAME, AnsweredFlag, Argument, Command, Option, Program

MOST = 24  # cells of a term, beside which its text stands
USUAL = 80  # columns
LEAST = 40  # cells of a text

HelpEntry = tuple[str, str]


def help_of(ctx: click.Context) -> str:
    """The help of the command of this context, as wide as the terminal."""
    command, program = ctx.command, ctx.find_root().command
    assert isinstance(command, Command), "only commands take --help"
    assert isinstance(program, Program), "commands are reached through it"
    columns = _columns()
    lines = [*_usage(command), "", *_wrapped(command.help or "", columns)]
    for heading, rows in _sections(command, program):
        lines += ["", f"{heading}:", *_table(rows, columns)]
    return "\n".join(lines) + "\n"


def _columns() -> int:
    """How wide the terminal is; COLUMNS says otherwise. The standard library's answer comes with archive formats."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or USUAL
    except (OSError, ValueError):  # no terminal
        return USUAL


def _usage(command: Command) -> Iterator[str]:
    name = f"{NAME} {command.name}" if command.name else NAME
    arguments = [each.metavar or "" for each in command.params if isinstance(each, Argument)]
    own = ["[-- ARGS]"] if command.imports else []
    yield " ".join(["Usage:", name, *arguments, "[OPTIONS]", *own])
    if not command.name:
        yield f"       {NAME} COMMAND ..."


def _sections(command: Command, program: Program) -> Iterator[tuple[str, list[HelpEntry]]]:
    if not command.name:
        yield "Commands", list(_commands(command, program))
    if arguments := [(each.metavar or "", each.told) for each in command.params if isinstance(each, Argument)]:
        yield "Arguments", arguments
    options = [each for each in command.params if isinstance(each, Option)]
    for heading in dict.fromkeys(each.heading for each in options):
        yield heading, [_row(each) for each in options if each.heading == heading]


def _commands(command: Command, program: Program) -> Iterator[HelpEntry]:
    for name in sorted(program.named, key=lambda name: (name.startswith("-"), name)):
        yield name, program.commands[name].help or ""
    for each in command.params:
        if isinstance(each, AnsweredFlag):
            yield ", ".join(each.opts), each.help or ""


def _row(option: Option) -> HelpEntry:
    if option.is_flag:
        return "/".join([*option.opts, *option.secondary_opts]), option.help or ""
    choices = f" [choices: {', '.join(option.type.choices)}]" if isinstance(option.type, click.Choice) else ""
    return f"{option.opts[0]} {option.type.name.upper()}", f"{option.help}{choices}"


def _table(rows: list[HelpEntry], columns: int) -> Iterator[str]:
    """Terms with their texts beside them; below those that are long, or where there is no room for both."""
    indent = max((len(term) for term, _ in rows if len(term) <= MOST), default=2) + 4
    if columns - indent < LEAST:
        indent = 6
    for term, text in rows:
        lines = _wrapped(text, columns, " " * indent)
        if len(term) + 4 <= indent:
            lines[0] = f"  {term}".ljust(indent) + lines[0][indent:]
        else:
            yield f"  {term}"
        yield from lines


def _wrapped(text: str, columns: int, indent: str = "") -> list[str]:
    wrapper = TextWrapper(columns, initial_indent=indent, subsequent_indent=indent)
    wrapper.break_on_hyphens = wrapper.break_long_words = False
    return wrapper.wrap(text)

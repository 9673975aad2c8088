"""What is said of a command line that cannot be carried out as it was typed."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import click

from pyalma_tui.cli.parsing import MARK, Command


def refusal(error: click.UsageError, words: Sequence[str]) -> str:
    """What is wrong with these words, in one line."""
    if isinstance(error, click.NoSuchOption):
        return _unknown(error, words)
    if isinstance(error, click.MissingParameter) and error.param is not None and error.param.name == "target":
        return "TARGET is missing: a run module or .experiment. `pyalma-tui list` shows which there are"
    return " ".join(error.format_message().split())


def _unknown(error: click.NoSuchOption, words: Sequence[str]) -> str:
    """What an option may be that is none here: another one mistyped, or the module's own."""
    name, context = error.option_name, error.ctx
    typed = next((word.partition("=")[0] for word in words if word.startswith(name)), name)
    told = f"Unknown option: {typed}."
    if context is None:
        return told
    known = [option for param in context.command.get_params(context) for option in (*param.opts, *param.secondary_opts)]
    if near := get_close_matches(typed.strip("-"), [option.strip("-") for option in known], 1):
        return f"{told} Did you mean --{near[0]}?"
    if isinstance(context.command, Command) and context.command.imports:
        return f"{told} The module's own options follow {MARK}, as in {MARK} {typed}"
    return told

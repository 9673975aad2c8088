"""What the words of a command line come to, and which of them are refused."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pyalma_tui.cli import launch
from pyalma_tui.cli.main import main
from pyalma_tui.cli.options import RunOptions
from pyalma_tui.cli.parsing import Command, Option, Program

NO_WORDS: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("words", "instances", "options", "args"),
    [
        ("m.py", NO_WORDS, {}, None),
        ("m.py a b", ("a", "b"), {}, None),
        ("--plain m.py a", ("a",), {"plain": True}, None),
        ("--workers 3 m.py a --seed -3 b", ("a", "b"), {"workers": "3", "seed": -3}, None),
        ("m.py --workers=all --state=d", NO_WORDS, {"workers": "all", "state": Path("d")}, None),
        ("m.py --seed 0xff --iterations 1_000", NO_WORDS, {"seed": 255, "iterations": 1000}, None),
        ("m.py --timeout inf --grace 0.5", NO_WORDS, {"timeout": float("inf"), "grace": 0.5}, None),
        ("m.py --retries=-1 --timeout -2", NO_WORDS, {"retries": -1, "timeout": -2.0}, None),
        ("m.py --batch - --import each", NO_WORDS, {"batch": Path("-"), "imports": "each"}, None),
        ("m.py --debug=-a --no-mouse", NO_WORDS, {"debug": "-a", "no_mouse": True}, None),
        ("m.py --on-hangup interrupt", NO_WORDS, {"on_hangup": "interrupt"}, None),
        ("m.py status --json", ("status",), {"json": True}, None),
        ("m.py a --", ("a",), {}, ()),
        (
            "m.py a --plain -- b --plain --plain -- -x --help",
            ("a",),
            {"plain": True},
            ("b", "--plain", "--plain", "--", "-x", "--help"),
        ),
        ("-- m.py a --plain", ("a", "--plain"), {}, None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_options_are_taken_wherever_they_stand(
    words: str, instances: tuple[str, ...], options: Mapping[str, Any], args: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[object] = []

    def run(*handed: object) -> int:
        called.append(handed)
        return 0

    monkeypatch.setattr(launch, "run", run)
    assert main(words.split()) == 0
    assert called == [("m.py", instances, RunOptions(**options), args)]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("m.py --workers 2 --workers 3", "--workers is given twice."),
        ("m.py --plain --plain", "--plain is given twice."),
        ("status m.py --state=a --state b", "--state is given twice."),
        ("m.py --state --plain", "--state needs a value behind it."),
        ("m.py --state -x", "--state needs a value behind it."),
        ("m.py --batch --workers 3", "--batch needs a value behind it."),
        ("m.py --timeout -- --plain", "--timeout needs a value behind it."),
        ("m.py --workers", "--workers needs a value behind it."),
        ("m.py --seed 2.5", "Invalid value for '--seed': '2.5' is not a whole number."),
        ("m.py --grace 1,5", "Invalid value for '--grace': '1,5' is not a valid float."),
        ("m.py --sync fsnyc", "Invalid value for '--sync': 'fsnyc' is not one of 'flush', 'group', 'fsync'."),
        ("m.py --plain=no", "Option '--plain' does not take a value."),
        ("m.py -json", "Unknown option: -json. Did you mean --json?"),
        ("m.py -x", "Unknown option: -x. The module's own options follow --, as in -- -x"),
        ("status", "TARGET is missing: a run module or .experiment. `pyalma-tui list` shows which there are"),
        ("--plain", "TARGET is missing: a run module or .experiment. `pyalma-tui list` shows which there are"),
        ("status m.py more", "Got unexpected extra argument (more)"),
        ("demo d --verison", "Unknown option: --verison. Did you mean --version?"),
    ],
)
def test_what_may_be_a_slip_is_refused(
    words: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words.split()) == 2
    assert capsys.readouterr() == ("", f"pyalma-tui: {told} (--help tells more)\n")
    assert not os.listdir()


@pytest.mark.parametrize(
    ("words", "chosen"), [("x", None), ("x --it", True), ("x --no-it", False)], ids=["neither", "it", "no-it"]
)
def test_of_a_pair_of_flags_it_is_known_that_nobody_chose_one(words: str, chosen: bool | None) -> None:
    program, command = Program(), Command("x", "", [Option("--it/--no-it", "")])
    command.callback = lambda it: it
    program.add_command(command)
    with program.make_context("pyalma-tui", words.split()) as context:
        assert program.invoke(context) is chosen

"""The main job from the first key to the summary, as a person sees it."""

from __future__ import annotations

from pathlib import Path

from tests.terminal.experiments import COUNTING, MISBEHAVING, write
from tests.terminal.screen import Terminal


def test_start_interrupt_resume_rerun_done_and_quit(tmp_path: Path) -> None:
    arguments = write(tmp_path, COUNTING, "alpha.txt", "beta.txt")
    with Terminal(tmp_path, *arguments, "--workers", "2") as terminal:
        terminal.see("alpha.txt", "beta.txt", "running")
        for step in range(3):
            (tmp_path / f"go{step}").touch()
        terminal.wait(lambda text: text.count(" 3 ") >= 2, "state 3 in both rows")
        terminal.see("has reached 3")

        terminal.press("ctrl+c")
        terminal.wait(lambda text: text.count("interrupted  ") >= 2 and "● running" not in text, "both interrupted")
        terminal.see("state     3")
        assert not (tmp_path / "done.txt").exists()

        terminal.press("r")
        terminal.see("running")
        for step in range(3, 5):
            (tmp_path / f"go{step}").touch()
        terminal.see("2/2", "100 %")
        terminal.see("done() ")
        terminal.wait(lambda _: (tmp_path / "done.txt").exists(), "done() was called")
        assert (tmp_path / "done.txt").read_text() == "done\n"

        terminal.press("d")
        terminal.see("done()", "again")
        terminal.press("y")
        terminal.wait(lambda _: (tmp_path / "done.txt").read_text() == "done\n" * 2, "done() was called again")

        terminal.press("q")
        assert terminal.end() == 0
        terminal.assert_restored()
        tail = terminal.text
        assert "alpha.txt" in tail
        assert "2 done" in tail
        assert "done() returned, called 2 times in all" in tail


def test_a_resumed_run_is_handed_its_last_state_and_its_log_goes_on(tmp_path: Path) -> None:
    arguments = write(tmp_path, COUNTING, "alpha.txt")
    (tmp_path / "go0").touch()
    with Terminal(tmp_path, *arguments) as terminal:
        terminal.see("has reached 1")
        terminal.press("q", "i")
        terminal.wait(lambda text: "1 interrupted" in text, "the summary")
        assert terminal.end() == 130
    for step in range(1, 5):
        (tmp_path / f"go{step}").touch()
    with Terminal(tmp_path, *arguments) as terminal:
        terminal.see("100 %", "has reached 5", "2 attempts")
        terminal.press("q")
        assert terminal.end() == 0


def test_misbehaving_runs_fail_by_their_right_names_and_leave_the_screen_alone(tmp_path: Path) -> None:
    names = ("prints.txt", "shell.txt", "raises.txt", "exits.txt", "crashes.txt", "loops.txt")
    arguments = write(tmp_path, MISBEHAVING, *names)
    with Terminal(tmp_path, *arguments, "--workers", "2", "--grace", "0.3", columns=160, lines=40) as terminal:
        terminal.see("3 failed", "1 running")
        terminal.see("ValueError: no such cl", "sys.exit(0)", "SIGSEGV", "instances", "prints.txt")
        terminal.press("/", "shell", "enter")
        terminal.see("from the shell")
        terminal.press("/")
        terminal.press(*["\x7f"] * 5, "prints", "enter")
        terminal.see("raw bytes")
        terminal.press("escape")
        terminal.see("raises.txt")
        terminal.press("ctrl+c")
        terminal.see("1 interrupted")
        terminal.press("q")
        assert terminal.end() == 130
        terminal.assert_restored()
    assert b"\x1b]52" not in terminal.raw
    assert b"cHduZWQ" in terminal.raw  # it was shown, as text


def test_hostile_names_are_shown_and_do_nothing(tmp_path: Path) -> None:
    names = ("[/]", "esc\x1b]52;c;cHduZWQ=\x07\x1b[6n", "[@click=app.quit]x[/]")
    (tmp_path / "exp.py").write_text(
        f"instances = [{{'data': name}} for name in {names!r}]\n"
        "def run(instance, save, state):\n    save(instance['data'])\n    print(instance['data'])\n"
    )
    with Terminal(tmp_path, "exp.py", columns=140) as terminal:
        terminal.see("3/3", "[/]", "quit]x[/]", "␛]52;c;")
        terminal.press("down", "down", "enter")
        terminal.wait(lambda text: "instances" not in text, "the log alone")
        terminal.press("escape")
        terminal.see("instances")
        terminal.press("?")
        terminal.see("Moving", "esc closes")
        terminal.press("escape")
        terminal.wait(lambda text: "Moving" not in text and "last saved state" in text, "the help is closed")
        terminal.press("q")
        assert terminal.end() == 0
        terminal.assert_restored()
    assert b"\x1b]52" not in terminal.raw
    assert b"\x1b[6n" not in terminal.raw

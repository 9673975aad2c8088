"""What a user prefers: mistakes are named, it holds on the screen, and what is changed there is kept."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import pytest

from pyalma_tui.errors import Failure, UsageError
from pyalma_tui.runner.snapshot import Elsewhere
from pyalma_tui.tui.keys import choose_keys, is_key, key_of, shown
from pyalma_tui.tui.preferences import Colours, Preferences, change_preferences, keymap, read_preferences
from pyalma_tui.tui.registry import ACTIONS
from tests.tui.driving import opened
from tests.tui.fake_conductor import NOW, Experiment, small

THEME = """
theme = "sea"   # mine

[themes.sea]
primary = "#204060"
dark = true
"""


@pytest.fixture(autouse=True)
def own_keys() -> object:
    """The registry's keys are shown again afterwards."""
    yield
    choose_keys({})


def kept(folder: Path, text: str) -> Path:
    path = folder / "preferences.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("theme = ", "no TOML: "),
        ("them = 'nord'", "there is no them. Did you mean theme? Until that is mended"),
        ("sort = 'age'", "sort: there is no order age. There are batch, activity,"),
        ("columns = []", "columns: name at least one, such as name"),
        ("columns = ['name', 'attemps']", "columns: there is no column attemps. Did you mean attempts?"),
        ("columns = ['name', 'x']", "columns: there is no column x. There are name, status, runs,"),
        ("columns = ['name', 'data.']", "columns: there is no column data."),
        ("columns = ['name', 'seed', 'name']", "columns: name is there twice"),
        ("[keys]\nretri = 'R'", "keys.retri: there is no such action. Did you mean retry?"),
        ("[keys]\nretry = ''", "keys.retry: name a key, such as ctrl+r"),
        ("[keys]\nretry = 'r'", 'keys.retry: "r" is the key of resume. Give one of them another key'),
        ("[keys]\nlog_only = 'n'", 'keys.log_only: "n" is the key of next match.'),
        ("[keys]\nhelp = '/'", 'keys.help: "/" is the key of filter.'),
        ("[themes.sea]\nprimary = 'dark blue'", 'themes: primary: a colour, as "#4080c0" or "seagreen", is expected.'),
        ("[themes.sea]\nprimary = 'seagren'", "themes.sea.primary: there is no colour seagren. Did you mean seagreen?"),
        ("[themes.sea]\nprimary = 'red'\npanel = 'auto'", "themes.sea.panel: there is no colour auto"),
        ("[themes.'[/]']\nprimary = 'red'", "themes: '[/]' is no name of a theme: write it with letters"),
        ("[themes.'']\nprimary = 'red'", "themes: '' is no name of a theme"),
        ("colums = ['name']", "there is no colums. Did you mean columns? Until that is mended"),
        ("x = 3", "there is no x. There are theme, sort, descending, log_wrap, "),
        ("[themes.sea]\nprimry = 'red'", "themes.sea: there is no primry. Did you mean primary?"),
        ("sort = 'nam'", "sort: there is no order nam. Did you mean name?"),
        ("sort = 3", 'sort: the name of an order, as "activity", is expected.'),
        ("theme = 3", 'theme: the name of a theme, as "alma-dark", is expected.'),
        ("columns = 'name'", 'columns: a list of columns, as ["name", "status"], is expected.'),
        ("log_wrap = 1", "log_wrap: true or false is expected."),
        ("keys = 3", "keys: for each action a key or a list of keys"),
        ("[keys]\nretry = 3", "keys: for each action a key or a list of keys"),
        ("[themes]\nsea = 3", 'themes: for each theme its colours, primary = "#4080c0" at'),
        ("[themes.sea]\ndark = true", 'themes: for each theme its colours, primary = "#4080c0" at'),
        ("[themes.sea]\nprimary = 'red'\ndark = 3", "themes: dark: true or false is expected."),
        ("[keys]\nretry = 'rr'", 'keys.retry: there is no key "rr". Write it as '),
        ("[keys]\nretry = ['R', 'ctrl+bananas']", 'keys.retry: there is no key "ctrl+bananas"'),
        ("[keys]\nretry = 'tab'", 'keys.retry: "tab" is the key of next pane.'),
        ("[keys]\nretry = '^p'", 'keys.retry: "^p" is the key of palette.'),
        ("[keys]\ngroup_rows = 'o'", 'keys.group_rows: "o" is the key of sort_rows.'),
        ("[keys]\nsort_rows = 'h'", 'keys.sort_rows: "h" is the key of column before.'),
        ("[keys]\nkind_runs = 'f'", 'keys.kind_runs: "f" is the key of retry.'),
        ("[keys]\nfailed_after = 'f'", 'keys.failed_after: "f" is the key of retry.'),
        ("[keys]\nnext_plot = 'enter'", 'keys.next_plot: "enter" is the key of zoom.'),
        ("[keys]\nopen_found = '/'", 'keys.open_found: "/" is the key of search_anew.'),
        ("[keys]\nback = 't'", 'keys.back: "t" is the key of theme.'),
        ("[keys]\nretry = 'shift+r'", 'keys.retry: there is no key "shift+r". Write it as r, R, '),
        ("[keys]\nretry = 'ctrl+R'", 'keys.retry: there is no key "ctrl+R".'),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    path = kept(tmp_path, text)
    with pytest.raises(UsageError) as refused:
        read_preferences(path)
    assert str(refused.value).startswith(f"preferences: {path}: ")
    assert told in str(refused.value)
    assert path.read_text() == text


def test_without_a_file_all_is_as_usual_and_a_change_makes_one(tmp_path: Path) -> None:
    path = tmp_path / "a" / "preferences.toml"
    assert read_preferences(path) == Preferences()
    change_preferences(path, sort="time", descending=True)
    assert read_preferences(path) == Preferences(sort="time", descending=True)


def test_a_change_leaves_comments_links_and_the_rest_as_they_are(tmp_path: Path) -> None:
    dotfiles = tmp_path / "dotfiles"
    dotfiles.mkdir()
    real = kept(dotfiles, THEME)
    path = tmp_path / "preferences.toml"
    path.symlink_to(real)
    change_preferences(path, theme="nord")
    assert path.is_symlink()
    assert real.read_text() == THEME.replace('"sea"', '"nord"')
    assert [each.name for each in dotfiles.iterdir()] == ["preferences.toml"]


@pytest.mark.parametrize(
    ("typed", "textual"),
    [("~", "tilde"), ("§", "section_sign"), ("é", "é"), ("!", "exclamation_mark"), ("f5", "f5"), ("pageup", "pageup"),
     ("^g", "ctrl+g"), ("alt+x", "alt+x"),
     ("shift+f3", "shift+f3"), ("space", "space"), ("esc", "escape"), ("+", "plus"),
     ("|", "vertical_line"), ("_", "underscore"), ("\\", "backslash"), ("日", "日"),
     ("-", "minus"), ("<", "less_than_sign"), ("»", "right_pointing_double_angle_quotation_mark")],
)  # fmt: skip
def test_a_key_is_written_as_people_write_it(typed: str, textual: str) -> None:
    assert key_of(typed) == textual
    assert is_key(key_of(typed))
    assert len(typed) > 1 or shown(textual) == typed


async def test_a_mistake_stays_on_the_screen_whatever_else_is_said() -> None:
    async with opened(small().snapshot(), mistake="preferences: there is no key rr") as t:
        t.app.say("something else has happened")
        await t.sees("! preferences: there is no key rr", "something else has happened")
        t.app.clear_notifications()
        await t.sees("! preferences: there is no key rr")


async def test_a_message_that_is_too_long_is_cut_visibly() -> None:
    async with opened(small().snapshot(), (80, 24)) as t:
        t.app.say(f"preferences: {'/long' * 10}: there is no key rr. {'Write it otherwise. ' * 9}")
        await t.sees("preferences: /long", "key rr. Write it otherwise.", "Write it…")


def test_keys_that_trade_places_are_no_conflict() -> None:
    assert keymap({"retry": "r", "resume": ["f", "^f"]}) == {"main.retry": "r", "main.resume": "f,ctrl+f"}


def test_what_each_action_has_already_may_be_written_down_with_one_more_key(tmp_path: Path) -> None:
    """`q` leaves a screen before it quits; `back` alone has other keys in each of its places."""
    for action in (each for each in ACTIONS if each.keys and each.id != "back"):
        chosen = ", ".join(f'"{key}"' for key in (*action.keys.split(","), "f9"))
        keys = read_preferences(kept(tmp_path, f"[keys]\n{action.id} = [{chosen}]")).keys
        assert keymap(keys)[action.binding] == f"{action.keys},f9"


async def test_a_theme_an_order_and_keys_of_ones_own_hold_on_the_screen(tmp_path: Path) -> None:
    preferred = Preferences(
        theme="sea", sort="name", keys={"sort": "S", "help": "h"}, themes={"sea": Colours("#204060")}
    )
    async with opened(small().snapshot(), size=(140, 90), preferences=preferred) as t:
        assert t.app.theme == "sea"
        await t.sees("⇅ name")
        await t.press("o")
        await t.sees("⇅ name")
        await t.press("S")
        await t.sees("⇅ progress")
        await t.press("h")
        await t.sees("│  S               Sort by batch order")


async def test_what_is_changed_on_the_screen_is_kept_and_where_that_fails_it_is_said(tmp_path: Path) -> None:
    path = kept(tmp_path, THEME)
    async with opened(small().snapshot(), preferences=read_preferences(path), kept_in=path) as t:
        await t.press("o", "O")
        await t.sees("↑ status")
        await t.press("t")
        t.app.theme = "nord"
        await t.until(lambda: read_preferences(path).theme == "nord")
    found = read_preferences(path)
    assert (found.sort, found.descending) == ("status", True)
    assert "# mine" in path.read_text()
    nowhere = tmp_path / "file" / "preferences.toml"
    (tmp_path / "file").touch()
    async with opened(small().snapshot(), kept_in=nowhere) as t:
        await t.press("o")
        await t.says("this is not kept for the next time")


@pytest.mark.parametrize("broken", [b'sort = "sta\n', b"sort = \xff"])
async def test_a_file_that_was_broken_since_is_left_as_it_is_and_said(broken: bytes, tmp_path: Path) -> None:
    path = kept(tmp_path, THEME)
    async with opened(small().snapshot(), (80, 24), preferences=read_preferences(path), kept_in=path) as t:
        path.write_bytes(broken)
        await t.press("o")
        await t.says("this is not kept for the next time: no TOML: ", "…")
        await t.sees("⇅ status")
        assert path.read_bytes() == broken
        t.app.clear_notifications()
        await t.press("o")
        await t.sees("⇅ name")
        assert "not kept" not in t.text(), "that was said"
        path.write_text(THEME)  # mended
        await t.press("o")
        await t.until(lambda: read_preferences(path).sort == "progress")


def test_a_link_to_another_file_system_stays_one_and_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        if Path(elsewhere).stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("there is no other file system")
        path = tmp_path / "preferences.toml"
        path.symlink_to(Path(elsewhere) / "new" / "preferences.toml")
        change_preferences(path, theme="nord")
        assert path.is_symlink()
        assert read_preferences(path).theme == "nord"
        full = (
            "import resource, sys; from pathlib import Path\n"
            "from pyalma_tui.tui.preferences import change_preferences\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (8, 8)); change_preferences(Path(sys.argv[1]), theme='gruvbox')"
        )
        failed = subprocess.run([sys.executable, "-c", full, path], capture_output=True, text=True, timeout=60)
        assert "File too large" in failed.stderr
        assert [each.name for each in path.resolve().parent.iterdir()] == ["preferences.toml"]
        assert read_preferences(path).theme == "nord"


async def test_columns_of_ones_own_stand_in_their_order_and_the_last_give_way() -> None:
    preferred = Preferences(columns=("seed", "name", "state", "data.n", "attempts"))
    made = small()
    made.instances = [msgspec.structs.replace(i, data=b'{"n":%d}' % (70 + i.id)) for i in made.instances]
    async with opened(made.snapshot(), size=(140, 36), preferences=preferred) as t:
        await t.sees("seed                 instance     last saved state")
        line = next(line for line in t.lines() if "uf20-03.cnf" in line and "✗" in line)
        assert line.split("│")[1].split()[:3] == ["✗", "5000000002", "uf20-03.cnf"]
        assert line.split("│")[1].split()[-2:] == ["72", "1"]
        await t.pilot.resize_terminal(40, 24)
        await t.until(lambda: "attempts" not in t.text() and "instance" in t.text())


async def test_columns_shown_and_hidden_on_the_screen_are_kept_until_the_usual_ones_are_asked_for(
    tmp_path: Path,
) -> None:
    path = kept(tmp_path, THEME)
    async with opened(small().snapshot(), preferences=read_preferences(path), kept_in=path) as t:

        def choose(offer: str) -> None:
            next(each for each in t.main.offers() if each.title == offer).callback()

        choose("hide column progress")
        choose("show column seed")
        await t.until(lambda: read_preferences(path).columns == ("name", "status", "state", "time", "seed"))
        await t.sees("instance     status       last saved state", "seed")
        choose("usual columns")
        await t.until(lambda: read_preferences(path).columns is None)
        await t.sees("progress")
        assert "usual columns" not in [each.title for each in t.main.offers()]
    assert path.read_text().strip() == THEME.strip()


async def test_sentences_name_the_keys_that_one_has_chosen() -> None:
    chosen = {"retry": "f5", "interrupt_selected": "K", "later_iteration": ">", "undo": "U", "more_workers": "f6"}
    chosen |= {"pause": "f7", "resume": "f8", "mark": "m"}
    made = Experiment(["a", "b"], iterations=3, phase="busy", workers=2)
    made.failed(1)
    made.running(2)
    stuck = msgspec.structs.replace(made.snapshot(), paused=True, blocked=Failure("shortage", "none can be started", 2))
    async with opened(stuck, size=(140, 36), preferences=Preferences(keys=chosen)) as t:  # type: ignore[arg-type]
        await t.sees("running ones go on · f7 continues", "none can be started · f8 tries again")
        await t.sees("f5 K n x: all 3 runs · [ > one of them")
        await t.press("x")
        await t.says("interrupt it first (K)")
        await t.press("down", "x")
        await t.sees("Until then U takes it back.")
        await t.press("escape", "w")
        await t.sees("f6 - more, fewer")
    made.interrupted(2)
    idle = msgspec.structs.replace(made.snapshot(), phase="idle", idle_reason="interrupted")
    async with opened(idle, size=(140, 36), preferences=Preferences(keys=chosen)) as t:  # type: ignore[arg-type]
        await t.sees("idle: interrupted · f8 resumes · f5 retries the selected, ^p all failed")
        await t.press("equals_sign")
        await t.says("none marked: m marks two to compare")
    watched = msgspec.structs.replace(idle, elsewhere=Elsewhere(1234, NOW))
    keys = Preferences(keys={"take_over": "Y", "quit": "Q"})
    async with opened(watched, size=(140, 36), read_only=True, preferences=keys) as t:
        await t.press("r")
        await t.says("this view is read only · Y takes over, Q leaves")
        await t.press("l", "ctrl+c")
        await t.says("this view is read only · Y in the list takes over")

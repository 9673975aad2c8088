"""The list: what is painted when, and where the cursor is when things move."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest
from textual.strip import Strip

from pyalma_tui.runner.snapshot import Load, Slot
from pyalma_tui.store.layout import log_path
from pyalma_tui.tui.preferences import Preferences
from pyalma_tui.tui.widgets.instance_list import InstanceList
from pyalma_tui.tui.widgets.list_title import Titles
from tests.tui.driving import opened
from tests.tui.fake_conductor import NOW, Experiment, large, small


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often each visible line was rendered."""
    counted: Counter[int] = Counter()
    original = InstanceList.render_line

    def count(self: InstanceList, y: int) -> Strip:
        counted[y] += 1
        return original(self, y)

    monkeypatch.setattr(InstanceList, "render_line", count)
    return counted


async def test_nothing_is_rendered_while_nothing_changes(rendered: Counter[int]) -> None:
    async with opened(small().snapshot()) as t:
        rendered.clear()
        looks = t.conductor.looks
        await t.until(lambda: t.conductor.looks >= looks + 5)
        assert rendered == {}


async def test_only_the_row_that_changed_is_rendered(rendered: Counter[int]) -> None:
    made = large(100_000)
    async with opened(made.snapshot()) as t:
        rendered.clear()
        made.running(2, slot=1, progress=(1.0, 2.0))
        await t.show(made.snapshot())
        await t.until(lambda: " 50 %" in t.text())
        assert rendered == {1: 1}


async def test_a_hundred_thousand_rows_are_never_looked_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    from pyalma_tui.tui.widgets import rows

    looked: list[int] = []
    original = rows.pieces

    def count(*args: object, **named: object) -> object:
        looked.append(1)
        return original(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(rows, "pieces", count)
    async with opened(large(100_000).snapshot()) as t:
        await t.sees("uf20-000000.cnf")
        assert len(looked) < 500


async def test_a_flood_of_saves_repaints_a_line_once_a_second(
    rendered: Counter[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr(InstanceList, "clock", lambda _: clock[0])
    made = small()
    async with opened(made.snapshot()) as t:
        made.running(1, state=b'"6"', saves=42, last_save=42)
        await t.show(made.snapshot())
        await t.until(lambda: "≈" in t.text())
        rendered.clear()
        for state in range(5):
            made.running(1, state=b'"%d"' % state, saves=43 + state, last_save=43 + state)
            await t.show(made.snapshot())
        assert rendered == {}
        assert t.listing.pending
        clock[0] += 1.0
        await t.until(lambda: rendered[1] == 1)
        await t.until(lambda: not t.listing.pending)


async def test_the_cursor_stays_on_its_instance_when_the_order_changes() -> None:
    async with opened(small().snapshot()) as t:
        await t.press("down", "down")
        assert t.listing.cursor == 3
        for _ in range(4):
            await t.press("o")
            assert t.listing.cursor == 3
        await t.press("O")
        assert t.listing.cursor == 3


async def test_the_cursor_keeps_its_line_on_the_terminal_when_rows_move() -> None:
    made = large(1000)
    async with opened(made.snapshot()) as t:
        await t.press("end", "up", "up")
        cursor = t.listing.cursor
        line = next(y for y, text in enumerate(t.lines()) if "uf20-000997.cnf" in text)
        for run in range(500, 600):
            made.done(run)  # they move from above the cursor to below it
        await t.show(made.snapshot())
        await t.until(lambda: t.listing.scroll_offset.y < 950)
        assert t.listing.cursor == cursor
        await t.until(lambda: "uf20-000997.cnf" in t.lines()[line])


async def test_a_cursor_that_was_never_moved_stays_at_the_top() -> None:
    made = large(1000)
    async with opened(made.snapshot()) as t:
        assert t.listing.cursor == 0
        made.failed(700)
        await t.show(made.snapshot())
        await t.until(lambda: t.listing.cursor == 699)
        assert t.listing.scroll_offset.y == 0


async def test_moving_by_screens_and_to_the_ends() -> None:
    async with opened(large(1000).snapshot()) as t:
        await t.press("G")
        assert t.listing.cursor == 999
        await t.sees("uf20-000999.cnf")
        await t.press("pageup")
        assert 950 < (t.listing.cursor or 0) < 999
        await t.press("g")
        assert t.listing.cursor == 0
        await t.press("j", "j", "k")
        assert t.listing.cursor == 1


async def test_a_click_selects_and_a_double_click_opens_the_log() -> None:
    from pyalma_tui.tui.screens.log import LogScreen

    async with opened(small().snapshot()) as t:
        await t.pilot.click(InstanceList, offset=(5, 3))
        await t.until(lambda: t.listing.cursor == 4)
        await t.pilot.click(InstanceList, offset=(5, 1), times=2)
        await t.on(LogScreen)


async def test_new_instances_of_a_grown_batch_appear() -> None:
    async with opened(small().snapshot()) as t:
        assert len(t.listing.order) == 6
        await t.show(large(50).snapshot())
        await t.until(lambda: len(t.listing.order) == 50)


async def test_an_instance_that_left_the_batch_says_so() -> None:
    made = small()
    made.instances = [msgspec.structs.replace(i, in_batch=i.id != 4) for i in made.instances]
    async with opened(made.snapshot(), size=(160, 30)) as t:
        row = next(line for line in t.lines() if "uf20-05.cnf" in line)
        assert "not in the batch" in row


async def test_a_row_called_failed_shows_the_error_of_the_iteration_that_failed() -> None:
    made = Experiment(["a.cnf"], iterations=3, phase="idle")
    made.failed(2, "ValueError: it was this one")
    made.done(3)
    async with opened(made.snapshot(), size=(160, 30)) as t:
        row = next(line for line in t.lines() if "✗ a.cnf" in line)
        assert "1 failed         1/3" in row
        assert "#1 ValueError: it wa" in row
        await t.sees("a.cnf · #1")


async def test_durations_tick_while_something_runs_and_stand_still_when_nothing_does() -> None:
    now = [NOW]
    made = small()
    async with opened(made.snapshot(), clock=lambda: now[0]) as t:
        await t.sees("0:41")
        now[0] += 2
        await t.sees("0:43", "saved 5 s ago")
        made.interrupted(1)
        made.slots = []
        await t.show(made.snapshot(phase="idle", at=NOW + 2))
        seen = t.app.moment
        now[0] += 3600
        looks = t.conductor.looks
        await t.until(lambda: t.conductor.looks >= looks + 5)
        assert t.app.moment == seen
        assert " ago" not in t.lines()[0]


def parameters(made: Experiment) -> Experiment:
    """The instances hold objects: two keys tell them apart, one does not."""
    made.instances = [
        msgspec.structs.replace(i, data=b'{"n":%d,"solver":"%s","kind":"k"}' % (70 + i.id, b"ab"[i.id % 2 :][:1]))
        for i in made.instances
    ]
    return made


async def test_where_there_is_room_parameters_attempts_saves_worker_memory_log_and_seed_have_columns(
    tmp_path: Path,
) -> None:
    made = parameters(small())
    made.slots = [msgspec.structs.replace(made.slots[0], load=Load(rss=132_000_000, cpu=1.0))]
    log = log_path(tmp_path, 1, 1)
    log.parent.mkdir(parents=True)
    log.write_text("begin\n\x1b[32mrestart 13\x1b[0m\r 10 %\r\x1b[32m 20 %\x1b[0m\n\n")
    async with opened(made.snapshot(state_dir=tmp_path), size=(220, 60)) as t:
        line = next(line for line in t.lines() if "● uf20-01.cnf" in line).split("│")[1]
        assert line.split()[:4] == ["●", "uf20-01.cnf", "70", "a"]
        assert " 20 %rt 13" in line
        assert line.split()[-6:] == ["1", "41", "0", "132", "MB", "5000000000"]
        titles = next(line for line in t.lines() if "solver" in line)
        assert "kind" not in titles
        assert len(titles) == 220
    async with opened(small().snapshot(), size=(220, 60)) as t:
        line = next(line for line in t.lines() if "✗ uf20-03.cnf" in line).split("│")[1]
        assert line.split()[-3:] == ["1", "18", "5000000002"]
    async with opened(made.snapshot(state_dir=tmp_path), size=(80, 24)) as t:
        assert "solver" not in t.text()
        assert "memory" not in t.text()


async def test_a_parameter_has_no_more_digits_than_somebody_reads() -> None:
    made = small()
    made.instances = [
        msgspec.structs.replace(i, data=b'{"lr":%s}' % str(0.1 * (i.id + 1)).encode()) for i in made.instances
    ]
    assert any(len(i.data or b"") > 20 for i in made.instances)
    async with opened(made.snapshot(), size=(220, 60)) as t:
        line = next(line for line in t.lines() if "✗ uf20-03.cnf" in line).split("│")[1]
        assert line.split()[:3] == ["✗", "uf20-03.cnf", "0.3"]
        assert len(next(line for line in t.lines() if " lr " in line).split("status")[0].rstrip()) < 30


async def test_a_click_on_the_title_of_a_parameter_sorts_by_its_numbers_then_its_texts(tmp_path: Path) -> None:
    made = Experiment([f"g{i}" for i in range(5)])
    made.instances = [
        msgspec.structs.replace(instance, data=f'{{"depth":{value}}}'.encode())
        for instance, value in zip(made.instances, ('"auto"', "10", "9.5", "null", "-3"), strict=True)
    ]
    kept = tmp_path / "preferences.toml"
    async with opened(made.snapshot(), size=(220, 60), kept_in=kept) as t:
        titles = t.main.query_one(Titles)
        at = t.listing.columns.titles.index("depth") + 1
        await t.pilot.click(titles, offset=(at, 0))
        await t.sees("⇅ depth")
        assert list(t.listing.order) == [4, 2, 1, 0, 3]
        await t.press("/", *"!name:g2", "enter")
        await t.until(lambda: list(t.listing.order) == [4, 1, 0, 3])
        await t.press("escape")
        await t.pilot.click(titles, offset=(at, 0))
        await t.sees("↑ depth")
        assert list(t.listing.order) == [3, 0, 1, 2, 4]
        assert not kept.exists(), "another experiment may have no such parameter"
        await t.press("o")
        await t.sees("⇅ activity")


async def test_where_there_are_several_hosts_each_row_names_its_own_before_a_seed_takes_the_room() -> None:
    made = Experiment([f"g{i:03}" for i in range(30)], iterations=20, phase="busy", workers=2)
    made = parameters(made)
    async with opened(made.snapshot(), size=(220, 60)) as t:
        assert "host" not in t.lines()[4]
        made.running(1, slot=0, host="node1", state=b"7", saves=3)
        made.slots = [msgspec.structs.replace(made.slots[0], host="node1"), Slot(1, 7, "ready", NOW, host="node2")]
        await t.show(made.snapshot())  # the same instances: the hosts are new
        await t.sees("node1")
        titles = next(line for line in t.lines() if "solver" in line).split("│")[1].split()
        wanted = ["instance", "n", "solver", "status", "runs", "last", "time", "attempts", "saves", "worker", "memory"]
        assert [title for title in titles if title in wanted] == [*wanted[:5], "last", *wanted[5:]]
        assert titles[-1] == "host"
        assert "seed" not in titles
        line = next(line for line in t.lines() if "● g000" in line).split("│")[1]
        assert line.split()[-1] == "node1"


async def test_a_row_tells_of_the_run_that_the_filter_means() -> None:
    made = Experiment(["a.cnf", "b.cnf"], iterations=3, phase="idle")
    made.done(1, state=b'"7"')
    made.failed(3, "ValueError: this is not meant")
    async with opened(made.snapshot(), size=(160, 30)) as t:
        await t.sees("#1 ValueError: this")
        await t.press("slash", *"state:7", "enter")
        await t.until(lambda: "1 match" in t.text())
        row = next(line for line in t.lines() if "✗ a.cnf" in line)
        assert "#0 7" in row
        assert "1 failed" in row
        await t.sees("a.cnf · #0")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_what_runs_is_in_sight_whatever_failed(size: tuple[int, int]) -> None:
    made = large(300)
    for run in range(100, 200):
        made.failed(run)
    made.running(250, slot=2)
    async with opened(made.snapshot(), size=size, preferences=Preferences()) as t:
        await t.sees("⇅ activity", "0000.cnf", "0001.cnf", "0249.cnf", "0099.cnf")
        assert list(t.listing.order[:4]) == [0, 1, 249, 99]


async def test_a_range_grows_and_shrinks_with_the_cursor_and_keeps_what_was_marked_before() -> None:
    async with opened(large(1000).snapshot(), size=(120, 40)) as t:
        await t.press("space", "down", "down")
        await t.press("shift+down", "shift+down")
        assert sorted(t.listing.marks) == [0, 3, 4, 5]
        await t.press("shift+up", "shift+up", "shift+up")
        assert sorted(t.listing.marks) == [0, 2, 3]
        await t.sees("3 marked", "f i n x: 3 marked instances")
        await t.press("G", "shift+pageup")
        page = t.listing.size.height - 1
        assert sorted(t.listing.marks) == [0, 2, 3, *range(999 - page, 1000)]


async def test_a_click_on_a_title_sorts_again_the_other_way_round_and_is_kept() -> None:
    async with opened(small().snapshot(), size=(140, 36)) as t:
        titles = t.main.query_one(Titles)
        at = t.listing.columns.titles.index("time") + 1
        await t.pilot.click(titles, offset=(at, 0))
        await t.sees("⇅ time")
        await t.pilot.click(titles, offset=(at, 0))
        await t.sees("↑ time")
        await t.pilot.click(titles, offset=(5, 0))
        await t.sees("⇅ name")
        await t.pilot.click(titles, offset=(t.listing.columns.titles.index("state"), 0))
        await t.says("no order by state: click on name, status, runs, progress, time or a parameter")
        assert t.main.wanted.sort == "name"

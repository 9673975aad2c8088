"""Where somebody is in a log, against a list of its lines and a number."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from pyalma_tui.logs.goal import Share, TimeOfDay
from pyalma_tui.logs.needle import Needle, having
from pyalma_tui.logs.reader import LIMIT, Line
from pyalma_tui.logs.times import PAIR
from pyalma_tui.logs.viewport import Viewport

HEIGHT = 5
AT: Final = 1_700_000_000.0


def write(path: Path, first: int, count: int, end: str = "\n") -> None:
    with path.open("a") as file:
        file.write("".join(f"line {n} {'even' if n % 2 == 0 else 'odd'}{end}" for n in range(first, first + count)))


def texts(place: Viewport) -> list[str]:
    return [line.data.decode() for line in place.rows]


def numbers(place: Viewport) -> list[int]:
    return [int(line.data.split()[1]) for line in place.rows]


def finish(place: Viewport) -> None:
    while place.working:
        place.work(0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "1.log"


def opened(path: Path) -> Viewport:
    place = Viewport(path, HEIGHT)
    place.poll(1)
    return place


class Reading(RuleBasedStateMachine):
    """A reader who scrolls while lines are appended; the model is the number of lines and the first one in sight."""

    path: Path

    @initialize(count=st.integers(0, 12))
    def begin(self, count: int) -> None:
        self.path.write_bytes(b"")
        self.count, self.following, self.new = count, True, 0
        write(self.path, 0, count)
        self.top = self.last_page
        self.place = opened(self.path)

    def teardown(self) -> None:
        if hasattr(self, "place"):
            self.place.reader.close()

    @property
    def last_page(self) -> int:
        return max(0, self.count - HEIGHT)

    def scroll_to(self, top: int) -> None:
        top = max(0, top)
        if top >= self.last_page:
            self.following, self.new, self.top = True, 0, self.last_page
        else:
            if self.following:
                self.following, self.new = False, 0
            self.top = top

    @rule(count=st.integers(0, 8))
    def append(self, count: int) -> None:
        write(self.path, self.count, count)
        self.count += count
        if self.following:
            self.top = self.last_page
        else:
            self.new += count
        assert self.place.poll(1) == bool(count)

    @rule(lines=st.sampled_from([-7, -4, -1, 1, 3, 4, 9]))
    def move(self, lines: int) -> None:
        self.scroll_to(self.top + lines if lines < 0 or not self.following else self.top)
        self.place.move(lines)

    @rule(home=st.booleans())
    def jump(self, home: bool) -> None:
        self.scroll_to(0 if home else self.count)
        self.place.go_to_share(0 if home else 1)

    @rule()
    def hold(self) -> None:
        if self.following:
            self.following, self.new = False, 0
        self.place.hold()

    @invariant()
    def shows_what_the_model_shows(self) -> None:
        if hasattr(self, "place"):
            assert numbers(self.place) == list(range(self.top, min(self.count, self.top + HEIGHT)))
            assert (self.place.following, self.place.new_lines) == (self.following, self.new)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("place")


def test_scrolling_while_the_file_grows_moves_as_a_number_in_a_list_would(directory: Path) -> None:
    class Here(Reading):
        path = directory / "1.log"

    run_state_machine_as_test(Here, settings=settings(max_examples=60, stateful_step_count=20))


def test_the_badge_says_what_is_followed_and_what_is_new(path: Path) -> None:
    place = opened(path)
    assert place.badge() == "follow ▼"
    write(path, 0, 100)
    place.poll(1)
    assert place.badge() == "follow ▼"
    place.move(-5)
    assert place.badge() == "95 %"
    write(path, 100, 1)
    place.poll(1)
    assert place.badge() == "+1 new line ▼"
    write(path, 101, 2000)
    place.poll(1)
    assert place.badge() == "+2,001 new lines ▼"


def test_counting_new_lines_takes_no_longer_than_allowed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyalma_tui.logs.viewport.BLOCK", 30)
    place = opened(path)
    write(path, 0, 100)
    place.poll(1)
    place.move(-1)
    write(path, 100, 100)
    place.poll(0)
    assert 0 < place.new_lines < 10
    for _ in range(100):
        place.poll(0)
    assert place.new_lines == 100


def test_a_truncated_file_is_followed_from_its_beginning(path: Path) -> None:
    write(path, 0, 100)
    place = opened(path)
    place.search(Needle("even"))
    finish(place)
    place.go_to_share(0)
    path.write_text("")
    write(path, 500, 2)
    place.poll(1)
    assert (numbers(place), place.following, place.needle) == ([500, 501], True, None)


def test_the_last_line_grows_in_sight(path: Path) -> None:
    path.write_text("one\nhalf a")
    place = opened(path)
    assert texts(place) == ["one", "half a"]
    with path.open("a") as file:
        file.write(" line")
    place.poll(1)
    assert texts(place) == ["one", "half a line"]


def test_a_search_while_following_finds_the_last_line_and_stops_following(path: Path) -> None:
    write(path, 0, 100)
    place = opened(path)
    place.search(Needle("ODD"))
    assert place.working
    finish(place)
    assert (at(place), place.following) == ("line 99 odd", False)
    place.search_on(forward=False)
    finish(place)
    assert at(place) == "line 97 odd"
    for _ in range(2):
        place.search_on(forward=True)
        finish(place)
    assert at(place) == "line 1 odd"
    assert place.badge() == "“ODD” 1 of 50 from the top again · 4 %"
    assert numbers(place) == [0, 1, 2, 3, 4]


def at(place: Viewport) -> str | None:
    return next((line.data.decode() for line in place.rows if line.start == place.match), None)


def test_a_search_begins_at_the_first_line_in_sight_and_moves_nothing_that_is_in_sight(path: Path) -> None:
    write(path, 0, 100)
    place = opened(path)
    place.go_to_share(0)
    place.move(10)
    place.search(Needle("odd"))
    finish(place)
    assert (at(place), numbers(place)[0]) == ("line 11 odd", 10)
    place.move(40)
    place.search_on(forward=True)
    finish(place)
    assert at(place) == "line 51 odd"


def test_what_is_not_there_is_said_and_moves_nothing(path: Path) -> None:
    write(path, 0, 100)
    place = opened(path)
    place.move(-20)
    rows = place.rows
    place.search(Needle("\x1b[nowhere" + "x" * 50))
    assert "looking for" in place.badge()
    finish(place)
    assert place.badge() == "no “␛[nowherexxxxxxxxxx…” · 79 %"
    assert place.rows == rows


def test_a_filter_shows_nothing_else_follows_and_counts_what_passes_it(path: Path) -> None:
    write(path, 0, 50)
    place = opened(path)
    place.only(having("odd"))
    finish(place)
    assert numbers(place) == [41, 43, 45, 47, 49]
    write(path, 50, 2)
    place.poll(1)
    finish(place)
    assert numbers(place) == [43, 45, 47, 49, 51]
    assert place.badge() == "26 × “odd” · follow ▼"
    place.move(-1)
    write(path, 52, 4)
    place.poll(1)
    finish(place)
    place.poll(1)
    assert (numbers(place), place.new_lines) == ([41, 43, 45, 47, 49], 2)
    place.go_to_share(0)
    assert numbers(place) == [1, 3, 5, 7, 9]
    place.only(())
    assert numbers(place) == [1, 2, 3, 4, 5]


def test_a_filter_that_nothing_passes_shows_nothing(path: Path) -> None:
    write(path, 0, 50)
    place = opened(path)
    place.only(having("absent"))
    finish(place)
    assert place.rows == []
    for _ in range(2):
        place.move(-1)
        place.move(1)
        place.go_to_share(0.5)
        place.search_on(forward=True)
    assert place.rows == []


def test_any_part_of_a_file_can_be_gone_to(path: Path) -> None:
    write(path, 0, 1000)
    place = opened(path)
    place.go_to_share(0.5)
    assert 490 <= numbers(place)[0] <= 520
    assert isinstance(place.rows[0], Line)
    assert place.reader.limit == LIMIT


@pytest.mark.parametrize("goal", [Share(0.5), Share(0.9), TimeOfDay(*time.localtime(AT)[3:6])])
def test_one_who_goes_to_a_middle_that_was_given_back_comes_to_the_first_whole_line_behind_it(
    path: Path, goal: Share | TimeOfDay
) -> None:
    write(path, 0, 1000)
    with path.open("r+b") as file:
        file.seek((100 << 20) - 7)  # what lies between is a hole
        file.write(b"torn 1\n")
    write(path, 1000, 1000)
    path.with_suffix(".times").write_bytes(PAIR.pack(20 << 20, AT - 1) + PAIR.pack(path.stat().st_size, AT))
    place = opened(path)
    assert not place.go_to(goal)
    assert "line 1000 even" in texts(place)

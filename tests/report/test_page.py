"""The page of an experiment: what is on it, that nothing on it is obeyed, and that a browser shows it."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from pyalma_tui.model import ends
from pyalma_tui.model import status as s
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.extents import Extent
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.plan import plan
from pyalma_tui.model.records import Lost, Raised, Record, Returned, Saved, Started
from pyalma_tui.model.series import Consumed, Samples, Series, grown, of_rows
from pyalma_tui.report import svg
from pyalma_tui.report.columns import summaries
from pyalma_tui.report.page import RUNS, PageFacts, page
from pyalma_tui.store.ledger import Ledger
from pyalma_tui.store.session_records import Git, SessionRecord

AT = 1_700_000_000.0
EVIL = '"><script>document.title="owned"</script><img src=x onerror=alert(1)>&amp;\x1b[31m\x00\u202e'
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
VOID = {"meta", "line", "rect", "polyline"}


class Tags(HTMLParser):
    """The tags of a page, which must be closed in the order in which they were opened; its texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag != "meta":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def ledger_of(names: list[str], iterations: int = 3) -> Ledger:
    """Each instance: its first run is done, the second one raised, the others wait; the last one was killed."""
    instances = [Instance(number, name, f"/data/{number}") for number, name in enumerate(names)]
    ledger = Ledger(instances, plan(len(names), iterations, 5), s.DoneHook())
    records: list[Record] = []
    for number, name in enumerate(names):
        at = AT - 4000 + 30 * number
        first, second = number + 1, number + 1 + len(names)
        records += [
            Started(first, 1, 0, at, "", 7),
            Saved(first, 1, 1, 500, msgspec.Raw(msgspec.json.encode({"gap": 0.5, "name": name}))),
            Returned(first, 1, 20.0),
            Started(second, 1, 0, at + 7200, "", 7),
            Raised(second, 1, 3.0, s.Error(f"ValueError: {name} of {number}", f'Traceback\n  File "{name}", line 3\n')),
        ]
    last = 2 * len(names) + 1
    records += [Started(last, 1, 0, AT, "", 7), Lost(last, 1, 2.0, AT + 2, s.Error("killed by SIGKILL"))]
    ledger.apply_all(records)
    return ledger


def told(names: list[str], **changes: object) -> PageFacts:
    series = Series()
    for number in range(1, 400):
        series = grown(series, number, number, msgspec.json.encode({"gap": 1 / number, names[0]: number}))
    taken = tuple(Consumed(AT - 4000 + 10 * number, 2, 1.5, 10**9) for number in range(20))
    record = SessionRecord(
        session=1, began=AT - 4000, pyalma_tui="1", python="3.11.7", implementation="CPython", platform="Linux",
        machine="x86_64", host=names[0], processors=4, command=("pyalma-tui", names[0]), directory="/home/user",
        code="abc", files={"lab.py": "abc"}, distributions={"numpy": "2.1"}, git=Git("c0ffee", "main", dirty=True),
    )  # fmt: skip
    rows = [{"instance": "x", "iteration": 0, "seed": 1, "gap": number / 10, "kind": names[0]} for number in range(11)]
    given = PageFacts(
        title=names[0], target=Path("/home/user/lab.py"), at=AT, version="1", ledger=ledger_of(names),
        samples=Samples({1: series, 2: series, 10**6: series}, taken), rows=rows, sessions=[record],
        sampled=lambda run: of_rows((number, {"loss": number * run.id}) for number in range(1, 50)),
    )  # fmt: skip
    return msgspec.structs.replace(given, **changes)


def test_all_that_matters_is_on_the_page() -> None:
    text = "".join(page(told(["g000", "g001", "g002", "g003"])))
    shown = " ".join(Tags(text).texts)
    for wanted in (
        "4 of 12 runs done, 33 %", "2 pauses left out", "✓ 4 done", "✗ 5 failed", "Runs that ended over time",
        "How long runs took", "Runs at a time", "gap over saves", "ValueError: g# of #", "killed by SIGKILL",
        "11 rows", "0.331662", "CPython 3.11.7", "c0ffee main, with changes that are not committed", "numpy 2.1",
        "g003#1", "12 runs",
    ):  # fmt: skip
        assert wanted in shown, wanted
    assert text.count("<svg") == 5
    assert 'class="failed"' in text


def test_long_names_keep_their_ends_and_a_plot_its_place() -> None:
    names = ["x" * 296 + f"{number:04}" for number in range(3)]
    text = "".join(page(told(names)))
    keys = re.findall(r'<span class="key h[0-9]">([^<]*)</span>', text)
    assert keys
    assert all(len(key) <= 40 for key in keys)
    assert {"0000#0", "0001#0"} <= {key[-6:] for key in keys}
    assert {"0000#1", "0002#1"} <= {cell[-6:] for cell in re.findall("<td>([^<]*)</td>", text)}


def test_what_stands_beneath_a_plot_is_not_cut_by_its_edge() -> None:
    drawn = svg.curves([("a", [(0.0, 1.0), (1e5, 2.0)])], "loss")
    found = re.findall(r'<text class="x[^"]*" x="([0-9.]+)" y="[0-9]+">([^<]+)</text>', drawn)
    assert float(found[-1][0]) > 500
    for x, text in found:
        assert float(x) + len(text) * 6.5 / 2 < svg.WIDTH, "a digit of 11 points is 6.5 wide"


def test_pauses_close_to_each_other_are_not_told_over_each_other() -> None:
    ended = ((1000.0, 1000.0), (9000.0, 1.0), (17000.0, 1.0))
    columns = ends.columns_of(Run(1, 0, 0, 1, s.Done(at, took), seconds=took, attempt=1) for at, took in ended)
    drawn = svg.ended(columns, ends.timeline(columns))
    found = re.findall(r'class="x pause" x="([0-9.]+)"[^>]*>([^<]+)<', drawn)
    assert drawn.count('line class="pause"') == 2
    assert len(found) == 1


def test_no_name_text_or_field_is_markup_and_nothing_is_fetched() -> None:
    """A page that escapes only some of what others wrote, or names a file or an address, fails."""
    text = "".join(page(told([EVIL, f"{EVIL}2", f"<svg/onload=1>{EVIL}"])))
    tags = Tags(text)
    assert not {"script", "img", "link", "iframe", "object", "embed", "a", "image", "use"} & set(tags.seen)
    names = {name for name, _ in tags.attributes}
    assert not {name for name in names if name.startswith("on")}
    assert not names & {"src", "href", "xlink:href", "srcset", "data", "action"}
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert not set(text) & {"\x1b", "\x00", "\u202e"}
    assert '<script>document.title="owned"</script>' in "".join(tags.texts)


def test_numbers_of_rows_are_drawn_of_the_runs_that_saved_last() -> None:
    ledger = ledger_of(["g000", "g001", "g002"])
    for number in (1, 2):
        ledger.runs[number - 1] = msgspec.structs.replace(ledger.run(number), extents=(Extent("f", 1, 0, 9, 3),))
    shown = "".join(page(told(["g000"], ledger=ledger)))
    assert "loss over rows" in shown
    figure = shown[shown.index("loss over rows") :].split("</figure>")[0]
    assert figure.count("<polyline") == 2, "two runs have rows"


def test_a_page_of_nothing_is_a_page() -> None:
    empty = Ledger([Instance(0, "a", "/a")], plan(1, 1, 5), s.DoneHook())
    text = "".join(page(told(["x"], ledger=empty, samples=Samples(), rows=[], sessions=[])))
    shown = " ".join(Tags(text).texts)
    assert "0 of 1 run done" in shown
    assert "Failures" not in shown
    assert "Results" not in shown


def test_of_many_runs_the_failed_ones_are_listed_first_and_the_page_stays_small() -> None:
    many = ledger_of([f"g{number:05}" for number in range(4000)])
    text = "".join(page(told(["x"], ledger=many)))
    assert "1,000 of 12,000 runs, failed ones first" in text
    rows = re.findall(r'<td><span class="word (\w+)">', text)
    assert rows == ["failed"] * RUNS
    assert len(text) < 1_500_000


def test_a_column_is_told_by_its_numbers_and_the_rest_is_counted() -> None:
    values = [10.0**9 + value for value in (4, 7, 13, 16)]
    rows = [{"instance": "a", "seed": 1, "cost": value, "who": "x", "flag": True} for value in values]
    count, found = summaries([*rows, {"cost": None}, {"late": 1}, {"cost": float("inf")}])
    assert count == 7
    assert [each.name for each in found] == ["cost", "who", "flag", "late"]
    cost = found[0]
    assert (cost.n, cost.others, cost.mean, cost.median) == (4, 1, 10.0**9 + 10, 10.0**9 + 10)
    assert cost.sd == pytest.approx(30**0.5, rel=1e-9)  # a difference of sums of squares gives 0 or worse here
    assert (cost.least, cost.largest) == (10.0**9 + 4, 10.0**9 + 16)
    assert (found[1].n, found[1].others, found[2].n) == (0, 4, 0)


def test_the_median_of_more_numbers_than_are_kept_is_that_of_all_where_each_run_has_eight_rows() -> None:
    """By its place alone one of two, of four, of eight rows would in the end be the first row of each run."""
    _, (gap,) = summaries({"gap": float(place % 8)} for place in range(900_000))
    assert gap.n == 900_000
    assert gap.mean == pytest.approx(3.5)
    assert gap.median in (3.0, 3.5, 4.0)


def browser() -> str:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser here: none of {', '.join(BROWSERS)}")
    return found


@pytest.mark.timeout(180)
def test_a_browser_shows_it_dark_and_light_and_obeys_nothing_in_it(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("".join(page(told([EVIL, "g001", "g002"]))), "utf-8")
    command = [
        browser(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
        f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1200,1500",
    ]  # fmt: skip
    dom = subprocess.run([*command, "--dump-dom", file.as_uri()], capture_output=True, text=True, timeout=80)
    assert dom.returncode == 0, dom.stderr
    title = re.search(r"<title>(.*?)</title>", dom.stdout, re.DOTALL)
    assert title is not None
    assert title[1] != "owned"
    assert "<img" not in dom.stdout
    assert dom.stdout.count("<svg") == 5
    looks = []
    for scheme in (0, 1):  # dark, light
        shot = tmp_path / f"{scheme}.png"
        options = [f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={shot}", file.as_uri()]
        subprocess.run([*command, *options], capture_output=True, check=True, timeout=80)
        looks.append(shot.read_bytes())
    assert all(len(look) > 30_000 for look in looks)  # an empty page of this size has 6 kB
    assert looks[0] != looks[1]

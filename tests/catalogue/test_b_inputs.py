"""Catalogue B: instances, and the files that list them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from tests.catalogue.case import case, cases
from tests.catalogue.experiment import Experiment, Result
from tests.catalogue.handed import TELLS, told


def with_batch(experiment: Experiment, content: bytes | str) -> Result:
    """Run with this text as the batch."""
    experiment.write(TELLS)
    data = content if isinstance(content, bytes) else content.encode()
    (experiment.folder / "x.batch").write_bytes(data)
    return experiment.run("--batch", "x.batch")


def refused(experiment: Experiment, result: Result) -> str:
    """The one line; nothing else may have happened."""
    assert not experiment.state_dir.exists()
    assert experiment.told() == []
    return result.refusal()


@cases(
    "B14",
    missing=(lambda path: None, "there is no such file in {folder}. Check the path"),
    empty=(Path.touch, "the file is empty. Fill it or name another one"),
    pipe=(os.mkfifo, "it is a named pipe, not a regular file. Check the path"),
    directory=(Path.mkdir, "it is a directory, not a regular file. Check the path"),
)
def test_a_batch_that_is_no_file_is_named_and_nothing_happens(
    experiment: Experiment, fault: tuple[Callable[[Path], None], str]
) -> None:
    experiment.write(TELLS)
    make, why = fault
    make(experiment.folder / "x.batch")
    line = refused(experiment, experiment.run("--batch", "x.batch"))
    assert line == f"cannot read the batch: x.batch: {why.format(folder=experiment.folder)}"


@case("B15-bad-json")
def test_bad_json_is_told_with_line_and_column(experiment: Experiment) -> None:
    line = refused(experiment, with_batch(experiment, '{\n  "instances": ["a",]\n}'))
    assert line == ('cannot read the batch: x.batch:2:20: a comma stands before the closing "]". Take it out')


@case("B16-unknown-key")
def test_an_unknown_key_is_warned_of_with_the_nearest_known_one(experiment: Experiment) -> None:
    result = with_batch(experiment, '{"instances": ["a"], "instance": ["b"]}')
    assert result.code == 0
    assert result.said == [
        'pyalma-tui: warning: x.batch: $: unknown key "instance" is ignored. Did you mean "instances"?'
    ]
    assert told(experiment) == [str(experiment.folder / "a")]


@case("B17-include-cycle")
def test_a_cycle_of_includes_is_shown_as_a_chain(experiment: Experiment) -> None:
    (experiment.folder / "y.batch").write_text('{"include": ["x.batch"]}')
    line = refused(experiment, with_batch(experiment, '{"include": ["y.batch"]}'))
    assert line.startswith("cannot read the batch: x.batch: the includes form a cycle ")
    assert "(included: x.batch → y.batch → x.batch)" in line


@case("B18-include-missing")
def test_a_missing_include_is_shown_with_the_chain_to_it(experiment: Experiment) -> None:
    (experiment.folder / "y.batch").write_text('{"include": ["z.batch"]}')
    line = refused(experiment, with_batch(experiment, '{"include": ["y.batch"]}'))
    assert line.startswith(f"cannot read the batch: z.batch: there is no such file in {experiment.folder} ")
    assert "(included: x.batch → y.batch → z.batch)" in line


@case("B19-not-utf8")
def test_text_that_is_not_utf8_is_told_with_its_offset(experiment: Experiment) -> None:
    line = refused(experiment, with_batch(experiment, b'{"instances": ["caf\xe9"]}'))
    assert line.startswith("cannot read the batch: x.batch")
    assert "not UTF-8: byte 0xE9 at offset 19" in line


@case("B19-bom-and-crlf")
def test_a_byte_order_mark_and_crlf_are_accepted(experiment: Experiment) -> None:
    result = with_batch(experiment, b'\xef\xbb\xbf{\r\n  "instances": ["a"]\r\n}\r\n')
    assert (result.code, result.err) == (0, "")
    assert told(experiment) == [str(experiment.folder / "a")]


@case("B20-none-given")
def test_without_instances_it_says_where_they_may_stand(experiment: Experiment) -> None:
    experiment.write(TELLS).module.with_suffix(".batch").unlink()
    result = experiment.run()
    assert result.refusal() == (
        f"instances: {experiment.module}: none given. Name them after the module, with --batch FILE, "
        "as `instances` in the module, or in m.batch beside it"
    )
    assert not experiment.state_dir.exists()


HOSTILE = [
    "new\nline",
    "tab\tbed",
    "esc\x1b[31m\x1b]52;c;eHh4\x07",
    "c1\x9b31m",
    "mark[/]up[@click=app.quit]x[/]",
    "rtl\u202egnp.exe",
    "emoji \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea",
    "long " + "x" * 10_000,
    "zero\u200bwidth",
    " spaces ",
    "-dash",
]


@case("B21-hostile-names")
def test_a_hostile_name_arrives_exactly_and_is_shown_literally(experiment: Experiment) -> None:
    for name in HOSTILE:  # a pattern such as `[ab]` is a name only if there is such a file
        path = experiment.folder / name
        if len(name) < 255:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    texts = [*HOSTILE, "../../x"]
    objects = [{"data": {"name": name}} for name in HOSTILE]
    result = with_batch(experiment, json.dumps({"instances": [*texts, *objects]}))
    assert result.code == 0, result
    prefix = f"{experiment.folder}/"
    paths = [prefix + name for name in HOSTILE] + [os.path.abspath(f"{prefix}../../x")]
    handed = told(experiment)
    assert handed[: len(paths)] == paths
    assert [each["data"] for each in handed[len(paths) :] if isinstance(each, dict)] == [e["data"] for e in objects]
    shown = (result.out + result.err).replace("\n", "")
    hidden = [c for c in shown if not c.isprintable() and c != "\u200d"]
    assert not hidden, hidden
    assert "\u202e" not in shown
    assert sorted(experiment.statuses().values()) == ["done"] * (len(paths) + len(objects))


@case("B22-nearly-equal-names")
def test_names_that_are_nearly_equal_are_distinct(experiment: Experiment) -> None:
    names = ["a", "A", "\u00e9", "e\u0301", "ss", "\u00df", "\uff41", "a"]
    assert with_batch(experiment, json.dumps({"instances": names})).code == 0
    assert told(experiment) == [f"{experiment.folder}/{name}" for name in names]
    assert set(experiment.statuses()) == {*names, "a #2"}


@cases("B23", one=1, million=1_000_000)
def test_one_instance_and_a_million_are_planned_at_a_start(experiment: Experiment, number: int) -> None:
    experiment.write(TELLS)
    listed = ",".join(f'{{"data":{index}}}' for index in range(number))
    (experiment.folder / "x.batch").write_text(f'{{"instances":[{listed}]}}')
    result = experiment.run("--batch", "x.batch", "--paused")
    assert result.code == 130, result
    assert f"✓ 0 done   ○ {number:,} pending" in result.out
    assert len(result.out.splitlines()) < 30
    assert (experiment.state_dir / "db.json").stat().st_size > number * 10


@case("B24-removed")
def test_what_leaves_the_batch_keeps_its_result_and_is_not_redone_when_it_returns(experiment: Experiment) -> None:
    experiment.write(TELLS, ("a", "b", "c"))
    assert experiment.run().code == 0
    before = experiment.runs()
    experiment.batch(["a", "c"])
    result = experiment.run()
    assert result.code == 0
    assert experiment.runs() == before | {"b": before["b"] | {"in_batch": False}}
    assert "the batch has changed: 1 not in the batch any more; nothing finished is redone" in experiment.session_log()
    assert "done, not in the batch" in result.out
    experiment.batch(["a", "b", "c"])
    assert experiment.run().code == 0
    assert experiment.runs() == before
    assert len(experiment.told()) == 3


@case("B25-reordered")
def test_a_reordered_batch_is_matched_by_what_its_instances_are(experiment: Experiment) -> None:
    experiment.write(
        """
        def run(instance, save, state):
            name = instance.rpartition("/")[2]
            if state == "":
                save(name)
                raise ValueError
            tell(name, state)
        """,
        ("a", "b", "c"),
    )
    assert experiment.run().code == 1
    before = experiment.runs()
    experiment.batch(["c", "new", "a", "b"])
    assert experiment.run("--retry-failed").code == 1
    assert sorted(experiment.told()) == ["a a", "b b", "c c"]
    after = experiment.runs()
    assert {name: (run["id"], run["seed"]) for name, run in before.items()} == {
        name: (after[name]["id"], after[name]["seed"]) for name in before
    }
    assert after["new"]["id"] == 4

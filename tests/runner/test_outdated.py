"""What is told of done runs whose code or instance file is not what it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyalma_tui.model import status as s
from pyalma_tui.model.code import Code, code_hash
from pyalma_tui.model.experiment import Run
from pyalma_tui.model.instance import Instance
from pyalma_tui.model.vector import Frozen, Vector
from pyalma_tui.runner.inspecting import Inspecting
from pyalma_tui.runner.outdated import (
    CodeNow,
    EditedFile,
    code_of,
    edits_since,
    look_at_inputs,
    told_of_code,
    told_of_inputs,
    with_older_code,
)
from pyalma_tui.store import cold as cold_runs
from pyalma_tui.store.cold import cold
from pyalma_tui.store.inputs import Input, digest_of, judge, look_at, read_inputs, write_inputs
from pyalma_tui.store.kept_code import keep_code, read_code


def kept(folder: Path, **texts: str) -> str:
    """The identity of a code of these files, kept; `m.py` among them is the module."""
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    files = {f"{name}.py": code_hash(text.encode()) for name, text in texts.items()}
    code = Code("m.py", files)
    assert keep_code(folder / "m.alma", folder, code, 0o022) is not None
    return code.identity


@pytest.fixture
def place(tmp_path: Path) -> CodeNow:
    (tmp_path / "m.alma").mkdir()
    return CodeNow(tmp_path / "m.alma", tmp_path, "m.py")


def test_the_identity_depends_on_names_and_contents_and_of_a_module_alone_is_its_hash(place: CodeNow) -> None:
    folder = place.root
    alone = kept(folder, m="1")
    assert alone == code_hash(b"1")
    known = [alone, kept(folder, m="1", a="2"), kept(folder, m="1", b="2"), kept(folder, m="1", a="3")]
    assert len(set(known)) == 4
    assert read_code(place.state_dir, known[1], "m.py").files == {"m.py": code_hash(b"1"), "a.py": code_hash(b"2")}
    assert read_code(place.state_dir, "../../m", "m.py") == Code("m.py", {"m.py": "../../m"}), (
        "no path of ours leads out"
    )


def test_edits_are_counted_in_lines_and_what_is_gone_or_not_kept_is_named(place: CodeNow) -> None:
    identity = kept(place.root, m="a\nb\nc\n", gone="x\n", lost="1\n", crlf="a\nb\n", same="s\n")
    assert edits_since(place, identity) == ()
    (place.root / "m.py").write_text("a\nB\nc\nd\ne\n")
    (place.root / "gone.py").unlink()
    lost = code_hash(b"1\n")
    (place.root / "lost.py").write_text("2\n")
    (place.root / "crlf.py").write_bytes(b"a\r\nb\r\n")
    os.unlink(place.state_dir / "code" / f"{lost}.py")
    assert edits_since(place, identity) == (
        EditedFile("m.py", 3, 1),
        EditedFile("gone.py", gone=True),
        EditedFile("lost.py"),
        EditedFile("crlf.py"),
    )


def test_of_what_was_not_kept_nobody_says_that_it_is_older(place: CodeNow) -> None:
    several, alone = kept(place.root, m="1\n", h="1\n"), kept(place.root, m="1\n")
    for file in (place.state_dir / "code").iterdir():
        file.unlink()
    assert edits_since(place, alone) == ()
    (place.root / "m.py").write_text("2\n")
    assert (edits_since(place, several), edits_since(place, alone)) == ((), ())
    assert code_of(place, several) is None


def test_only_runs_of_older_code_count_and_the_commonest_edits_come_first(place: CodeNow) -> None:
    first = kept(place.root, m="1\n", h="1\n")
    second = kept(place.root, m="1\n", h="2\n")
    third = kept(place.root, m="3\n", h="2\n")
    done = s.Done(at=2.0, duration=1.0)
    codes = [first, second, second, third, third, ""]
    known = [Run(i, 0, i, 0, done, module=code) for i, code in enumerate(codes, 1)]
    runs, newer = Vector([*known, Run(7, 0, 7, 0, s.PENDING)]).freeze(), Vector(known[3:5]).freeze()
    (text,) = told_of_code(with_older_code(place, runs), runs, "reset")
    assert text == "3 of 6 done runs used older code: m.py +1 −1, h.py +1 −1; they are kept, `reset` forgets them"
    assert list(told_of_code(with_older_code(place, newer), newer, "reset")) == []


def test_of_runs_on_the_disk_none_is_made_where_neither_code_nor_files_have_changed(
    place: CodeNow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever makes each of 100,000 runs for it slows every key of the first second."""
    code = kept(place.root, m="1\n")
    (place.root / "a").touch()
    found = look_at(str(place.root / "a"))
    assert found is not None
    instances = [Instance(0, "a", str(place.root / "a")), Instance(1, "b", str(place.root / "b"))]
    done, failed = s.Done(at=2.0, duration=1.0), s.Failed(s.Error("no"), 2.0)
    standing: list[s.Status] = [done, done, failed, s.Interrupted("asked", 2.0), s.PENDING]
    known = [Run(i, i % 2, i, 0, each, saves=1, module=code, began=1.0) for i, each in enumerate(standing, 1)]
    runs = Frozen[Run]((cold(known, instances),), len(known))
    alike = Vector(known).freeze()
    inputs = {str(place.root / "a"): Input(found.size, found.changed), str(place.root / "b"): Input(1, 1)}
    with monkeypatch.context() as patch:
        patch.setattr(cold_runs, "run_of", None)
        assert with_older_code(place, runs) == {}
        looked = look_at_inputs(inputs, instances, runs, [[2, 4], [1, 3, 5]])
        assert (looked.another, looked.unknown, looked.left) == ((), (), 0)
        (place.root / "m.py").write_text("2\n")
        older = with_older_code(place, runs)
        told = list(told_of_code(older, runs, "reset"))
    assert told == list(told_of_code(with_older_code(place, alike), alike, "reset"))
    assert told == [
        "2 of 2 done runs used older code: m.py +1 −1; they are kept, `reset` forgets them; "
        "2 runs have a state saved by it; newer code gets that when they go on"
    ]


class TestInputs:
    """An instance file against what is known of it."""

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        file = tmp_path / "a"
        file.write_text("then")
        return file

    def known(self, file: Path) -> Input:
        found = look_at(str(file))
        assert found is not None
        return Input(found.size, found.changed, digest_of(str(file), found.size))

    def judge(self, file: Path, known: Input, began: list[float]) -> tuple[str, Input | None]:
        return judge(str(file), look_at(str(file)), known, began)

    def test_only_its_content_makes_it_another_one(self, file: Path) -> None:
        known = self.known(file)
        os.utime(file, ns=(1, 1))
        verdict, now = self.judge(file, known, [1.0])
        assert (verdict, now) == ("same", Input(4, 1, known.digest))
        file.write_text("else")
        os.utime(file, ns=(1, 1))  # set back, as rsync and tar do
        assert self.judge(file, known, [1.0]) == ("another", known)
        file.write_text("longer")
        assert self.judge(file, Input(4, 7), [1.0])[0] == "another"

    def test_what_changed_before_its_runs_began_is_what_they_have_read(self, file: Path) -> None:
        known = self.known(file)
        file.write_text("else")
        later = os.stat(file).st_ctime + 10
        verdict, now = self.judge(file, known, [later])
        assert (verdict, now) == ("same", Input(4, os.stat(file).st_mtime_ns))
        assert self.judge(file, known, [later, 1.0])[0] == "another"

    def test_where_its_content_was_never_read_nobody_knows(self, file: Path) -> None:
        os.utime(file, ns=(1, 1))
        assert self.judge(file, Input(4, 7), [1.0]) == ("unknown", Input(4, 7))

    def test_of_the_runs_of_one_file_those_count_that_began_before_it_changed(self, file: Path) -> None:
        known = {str(file): self.known(file)}
        file.write_text("else")
        late = os.stat(file).st_ctime + 10
        instances = [Instance(0, "a", str(file)), Instance(1, "a", str(file), occurrence=2)]
        done = s.Done(at=2.0, duration=1.0)
        runs = Vector([Run(1, 0, 0, 0, done, began=late), Run(2, 1, 0, 0, done, began=1.0)]).freeze()
        looked = look_at_inputs(known, instances, runs, [[1], [2]])
        assert (looked.another, looked.inputs) == ((2,), known)
        assert list(told_of_inputs(looked, instances, runs)) == [
            "1 of 2 done runs read an instance file that has changed since: a #2"
        ]


def always() -> bool:
    return True


class TestInspecting:
    """What files are when runs begin to read them."""

    @pytest.fixture
    def files(self, tmp_path: Path) -> list[Instance]:
        for name in "abc":
            (tmp_path / name).write_text(name)
        (tmp_path / "m.alma").mkdir()
        return [Instance(number, name, str(tmp_path / name)) for number, name in enumerate("abc")]

    def test_only_files_of_runs_that_have_begun_are_looked_at_and_what_they_hold_is_known(
        self, tmp_path: Path, files: list[Instance]
    ) -> None:
        runs = Vector([Run(number, number - 1, 0, 0) for number in (1, 2, 3)])
        inspecting = Inspecting(tmp_path / "m.alma", 0o022, files, runs.freeze(), [[1], [2], [3]])
        inspecting.look(runs.freeze(), always)
        inspecting.keep(runs.freeze(), at_once=True)
        assert read_inputs(tmp_path / "m.alma") == {}
        later = os.stat(files[1].file).st_ctime + 10
        runs[1] = Run(2, 1, 0, 0, s.Running(1, 0, later, 1), attempt=1, began=later)
        inspecting.look(runs.freeze(), always)
        inspecting.keep(runs.freeze(), at_once=True)
        assert read_inputs(tmp_path / "m.alma") == {files[1].file: Input(1, os.stat(files[1].file).st_mtime_ns)}
        inspecting.read()
        inspecting.keep(runs.freeze(), at_once=True)
        (known,) = read_inputs(tmp_path / "m.alma").values()
        assert known.digest == digest_of(files[1].file, 1)

    def test_a_file_that_changed_after_its_run_began_is_not_taken_for_what_that_has_read(
        self, tmp_path: Path, files: list[Instance]
    ) -> None:
        runs = Vector([Run(number, number - 1, 0, 0) for number in (1, 2, 3)])
        inspecting = Inspecting(tmp_path / "m.alma", 0o022, files, runs.freeze(), [[1], [2], [3]])
        runs[0] = Run(1, 0, 0, 0, s.Done(at=2.0, duration=1.0), attempt=1, began=1.0)
        inspecting.look(runs.freeze(), always)
        inspecting.keep(runs.freeze(), at_once=True)
        assert read_inputs(tmp_path / "m.alma") == {}

    def test_a_run_that_begins_again_reads_what_is_there_now_and_one_that_is_done_has_read_what_was(
        self, tmp_path: Path, files: list[Instance]
    ) -> None:
        folder, file = tmp_path / "m.alma", files[0].file
        write_inputs(folder, {file: Input(9, 9)}, 0o022)
        later = os.stat(file).st_ctime + 10
        done = Run(1, 0, 0, 0, s.Done(at=2.0, duration=1.0), attempt=1, began=1.0)
        for other, known in ((done, Input(9, 9)), (Run(1, 0, 0, 0), Input(1, os.stat(file).st_mtime_ns))):
            runs = Vector([other, Run(2, 0, 1, 0, s.Interrupted("", 2.0), attempt=1, began=1.0)])
            inspecting = Inspecting(folder, 0o022, files, runs.freeze(), [[1, 2], [], []])
            runs[1] = Run(2, 0, 1, 0, s.Running(2, 0, later, 1), attempt=2, began=later)
            inspecting.look(runs.freeze(), always)
            inspecting.keep(runs.freeze(), at_once=True)
            assert read_inputs(folder) == {file: known}

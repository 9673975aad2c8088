"""The copy in which a run is called apart: what is in it, and that nothing in it leads out of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pyalma_tui.errors import InputError
from pyalma_tui.runner import mirror as m


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with one of code in it, and a root for copies beside it."""
    code = tmp_path / "home" / "code"
    code.mkdir(parents=True)
    (code / "m.py").write_text("code")
    (tmp_path / "root").mkdir()
    return tmp_path / "home"


def copied(home: Path, file: Path | str = "", here: Path | None = None) -> tuple[m.Mirror, Path]:
    """The mirror with an instance of this file, and where `home` is in the copy."""
    mirror = m.with_instance(m.mirror_of(home / "code", here or home / "code"), os.fspath(file))
    root = home.parent / "root"
    m.copy(mirror, root)
    return mirror, root / home.relative_to("/")


def test_an_instance_elsewhere_is_copied_with_what_lies_beside_it_and_how_one_gets_there(home: Path) -> None:
    data = home / "data" / "sat"
    data.mkdir(parents=True)
    for name in ("a", "a.sol"):
        (data / name).write_text(name)
    _, there = copied(home, data / "a")
    assert (there / "code" / ".." / "data" / "sat" / "a").read_text() == "a"
    assert (there / "data" / "sat" / "a.sol").read_text() == "a.sol"
    assert (there / "code" / "m.py").read_text() == "code"


def test_of_a_large_folder_only_the_instance_is_copied_which_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(m, "BESIDE", (1000, 3))
    data = home / "data"
    data.mkdir()
    for name in "abcd":
        (data / name).write_text(name)
    mirror, there = copied(home, data / "a")
    assert os.listdir(there / "data") == ["a"]
    assert list(m.told_of_left_out([mirror])) == [
        f"too large to be copied, so runs find nothing there but their instance: {data}"
    ]


def test_an_instance_that_is_too_large_is_refused_before_anything_is_copied(home: Path) -> None:
    large = home / "large"
    large.touch()
    os.truncate(large, m.LARGEST + 1)
    with pytest.raises(InputError, match=r"large: it has more than 1\.0 GB or 20,000 files .* Nothing was started"):
        copied(home, large)
    large.rename(home / "code" / "large")
    with pytest.raises(InputError, match=r"code: it has more than"):
        copied(home)


def test_links_lead_into_the_copy_wherever_they_led(home: Path) -> None:
    code, blobs = home / "code", home / "blobs"
    (blobs / "deep").mkdir(parents=True)
    (blobs / "a.cnf").write_text("a")
    (blobs / "deep" / "b").write_text("b")
    links = {
        "absolute": blobs / "a.cnf",
        "relative": Path("../blobs/deep"),
        "near": Path("m.py"),
        "nowhere": home / "gone",
        "circle": Path("circle"),
        "null": Path("/dev/null"),
    }
    for name, target in links.items():
        (code / name).symlink_to(target)
    (blobs / "deep" / "back").symlink_to(code / "m.py")
    _, there = copied(home, code / "absolute")
    for path in there.rglob("*"):
        lies = path.name == "null" or os.path.realpath(path).startswith(os.fspath(home.parent / "root"))
        assert lies, f"{path} leads to {os.path.realpath(path)}"
    assert (there / "code" / "absolute").read_text() == "a"
    assert (there / "code" / "relative" / "b").read_text() == "b"
    assert (there / "code" / "relative" / "back").read_text() == "code"
    assert os.readlink(there / "code" / "near") == "m.py"
    assert (there / "code" / "null").read_text() == ""


def test_an_instance_below_a_link_has_the_name_by_which_it_was_given(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(m, "BESIDE", (1000, 1))
    large = home / "large"
    large.mkdir()
    for name in "ab":
        (large / name).write_text(name)
    (home / "code" / "inside").symlink_to(large)
    (home / "outside").symlink_to(large)
    monkeypatch.setattr(m, "MOST", 3)
    for name in ("code/inside", "outside"):
        mirror, there = copied(home, home / name / "a")
        assert (there / name / "a").read_text() == "a"
        assert not (there / name / "b").exists()
        assert mirror.left_out == (os.fspath(large),)


def test_what_is_no_file_or_may_not_be_there_is_left_out(home: Path) -> None:
    code = home / "code"
    os.mkfifo(code / "pipe")
    for name in ("m.alma", "venv", "pyalma-tui-verify-abcdefgh"):
        (code / name).mkdir()
        (code / name / "x").touch()
    _, there = copied(home)
    assert os.listdir(there / "code") == ["m.py"]
    _, there = copied(home, code / "m.alma" / "x")
    assert (there / "code" / "m.alma" / "x").exists(), "an instance is there wherever it is"


def test_new_files_are_named_as_seen_from_the_folder_or_by_where_they_would_be(home: Path) -> None:
    (home / "data").mkdir()
    (home / "data" / "a").touch()
    mirror, there = copied(home, home / "data" / "a")
    for name in ("code/new", "data/new", "new"):
        (there / name).touch()
    found = set(m.files_in(mirror, home.parent / "root"))
    assert found == {"m.py", "new", *(os.fspath(home / name) for name in ("data/a", "data/new", "new"))}

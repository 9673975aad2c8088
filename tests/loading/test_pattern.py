"""Patterns find what `glob` finds, and end where links lead in circles."""

from __future__ import annotations

import glob
import os
from pathlib import Path

import pytest

from pyalma_tui.loading.pattern import matches


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Folders in folders, hidden ones, and a link to a folder beside."""
    for name in ("a.txt", ".h.txt", "d/b.txt", "d/e/c.txt", "d/.hid/x.txt", "d/[e]/y.txt", "f/**", "f/e/z.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "f" / "link").symlink_to(tmp_path / "d")
    (tmp_path / "dangling").symlink_to("nowhere")
    return tmp_path


PATTERNS = (
    "**", "**/", "**/*", "**/*.txt", "d/**", "d/**/", "d*/**/*.txt", "**/e/*", "**/e/**", "**/**/c.txt", "*/**/*/c.txt",
    "f/../d/**/*.txt", "./**/b.txt", "**/.hid/*", "d/.hid/**", "**/[[]e[]]/*", "a**", "*.txt",
    "**/**", "f//**/*.csv", "**/../a.txt",
)  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("absolute", [False, True], ids=["relative", "absolute"])
def test_a_pattern_matches_what_glob_matches(pattern: str, absolute: bool, tree: Path) -> None:
    wanted = f"{tree}/{pattern}" if absolute else pattern

    def paths(names: list[str]) -> set[str]:
        return {os.path.normpath(os.path.join(tree, name)) for name in names} - {str(tree)}

    assert paths(list(matches(wanted, f"{tree}/"))) == paths(glob.glob(wanted, root_dir=tree, recursive=True))


@pytest.mark.parametrize("pattern", ["nothing/**", "a.txt/**", "dangling/**"])
def test_what_is_no_folder_has_nothing_below_it(pattern: str, tree: Path) -> None:
    """`glob` gives what stands before the stars, even if there is nothing of this name."""
    assert not list(matches(pattern, f"{tree}/"))


def test_links_that_lead_in_circles_are_followed_once(tmp_path: Path) -> None:
    """Two of them are 2⁴⁰ ways: a search that only the kernel's limit of links ends is never over."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").touch()
    for name in ("one", "two"):
        (tmp_path / "sub" / name).symlink_to(".")
    (tmp_path / "self").symlink_to("self")
    assert set(matches("**/*.txt", f"{tmp_path}/")) == {"sub/a.txt"}


def test_a_search_can_be_given_up_before_each_folder(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    looked = iter((True, True))

    def pause() -> None:
        if not next(looked, False):
            raise InterruptedError

    with pytest.raises(InterruptedError):
        list(matches("**/nothing", f"{tmp_path}/", pause))

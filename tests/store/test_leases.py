"""How long whoever starts after a killed session has to wait for its workers on other hosts."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from pyalma_tui.store import layout, leases
from pyalma_tui.store.leases import AHEAD, USUAL, LeaseRecord, Leases, left, read_lease, safe_after, wait_out


def test_there_is_nothing_to_wait_for_where_there_were_no_other_hosts(tmp_path: Path) -> None:
    assert left(tmp_path) == 0.0


def test_after_a_kill_the_last_grant_is_waited_for(tmp_path: Path) -> None:
    Leases(tmp_path, 10.0)
    assert safe_after(10.0) - 1 < left(tmp_path) <= safe_after(10.0) + AHEAD


def test_a_grant_is_written_down_before_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    granted = Leases(tmp_path, 10.0)
    moment = leases.now() + 7
    monkeypatch.setattr(leases, "now", lambda: moment)
    granted.grant()
    found = read_lease(tmp_path)
    assert found is not None
    assert found.at >= moment
    assert left(tmp_path) >= safe_after(10.0)


def test_after_a_long_while_nothing_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Leases(tmp_path, 10.0)
    moment = leases.now() + 3600
    monkeypatch.setattr(leases, "now", lambda: moment)
    assert left(tmp_path) == 0.0


def test_another_machine_waits_for_a_whole_lease(tmp_path: Path) -> None:
    layout.leases(tmp_path).write_bytes(msgspec.json.encode(LeaseRecord("t", 10.0, "another boot", 0.0)))
    assert left(tmp_path) == safe_after(10.0)


@pytest.mark.parametrize("text", ["", "{", '{"token":"","seconds":1e9,"boot":"","at":0}'])
def test_a_file_that_says_nothing_is_taken_for_the_usual_lease(text: str, tmp_path: Path) -> None:
    layout.leases(tmp_path).write_text(text)
    assert left(tmp_path) == safe_after(USUAL)


def test_it_is_waited_for_once(tmp_path: Path) -> None:
    Leases(tmp_path, 10.0)
    slept: list[float] = []
    wait_out(tmp_path, slept.append)
    wait_out(tmp_path, slept.append)
    assert len(slept) == 1


def test_a_clean_end_leaves_nothing_to_wait_for(tmp_path: Path) -> None:
    Leases(tmp_path, 10.0).close(over=True)
    assert left(tmp_path) == 0.0


def test_who_has_lost_its_place_leaves_what_its_successor_has_written_down(tmp_path: Path) -> None:
    evicted = Leases(tmp_path, 10.0)
    layout.leases(tmp_path).unlink()
    Leases(tmp_path, 20.0)
    evicted.close(over=True)
    assert left(tmp_path) > safe_after(10.0)

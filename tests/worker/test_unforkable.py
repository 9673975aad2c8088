"""What stands after the import decides whether workers are forked."""

from __future__ import annotations

import sys
import threading
from types import ModuleType, SimpleNamespace

import pytest

from pyalma_tui.worker.unforkable import unforkable


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No thread of the test runner counts, nor what another test has imported."""
    monkeypatch.setattr(threading, "enumerate", lambda: [threading.main_thread()])
    for name in ("jax", "tensorflow", "torch", "jpype"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def loaded(monkeypatch: pytest.MonkeyPatch, name: str, **facts: object) -> None:
    module = ModuleType(name)
    vars(module).update(facts)
    monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("jax", {}),
        ("tensorflow", {}),
        ("torch", {"cuda": SimpleNamespace(is_initialized=lambda: True)}),
        ("jpype", {"isJVMStarted": lambda: True}),
    ],
)
def test_a_runtime_that_has_started_is_the_reason(
    monkeypatch: pytest.MonkeyPatch, name: str, facts: dict[str, object]
) -> None:
    loaded(monkeypatch, name, **facts)
    assert unforkable() == f"{name} does not survive a fork"


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("torch", {"cuda": SimpleNamespace(is_initialized=lambda: False)}),
        ("torch", {}),
        ("jpype", {"isJVMStarted": lambda: False}),
        ("numpy", {}),
    ],
    ids=["torch-on-processors", "another-torch", "no-jvm", "numpy"],
)
def test_what_is_loaded_and_has_not_started_is_none(
    monkeypatch: pytest.MonkeyPatch, name: str, facts: dict[str, object]
) -> None:
    loaded(monkeypatch, name, **facts)
    assert unforkable() == ""


def test_a_file_of_the_user_that_is_named_like_one_and_is_no_module_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace())
    assert unforkable() == ""


def test_a_thread_is_the_reason_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    poller = threading.Thread(name="poller")
    monkeypatch.setattr(threading, "enumerate", lambda: [threading.main_thread(), poller])
    assert unforkable() == "a thread that it has started runs (poller)"

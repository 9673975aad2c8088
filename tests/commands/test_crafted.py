"""A state directory that somebody has crafted, or damaged so that every checksum fits: told in a line, or harmless.

Every command looks at each of them in this process. Nothing is changed by those that refuse it; those that take it in
write what can be read again.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import pytest
from msgspec import Raw

from pyalma_tui.cli.main import main
from pyalma_tui.errors import PyalmaError, StoreError
from pyalma_tui.loading.target import Target
from pyalma_tui.model import status as s
from pyalma_tui.model.records import Raised, Returned, Saved, Started
from pyalma_tui.runner.checkup import look_at_store
from pyalma_tui.runner.session import Session
from pyalma_tui.runner.settings import Settings
from pyalma_tui.runner.viewer import Viewer
from pyalma_tui.store.lock import UNKNOWN, holder, in_use
from pyalma_tui.store.opening import read_store
from pyalma_tui.store.ours import FILES, FOLDERS
from pyalma_tui.store.schema import Meta
from tests.store.stores import instances, write_store

HASH = "0123456789ab"
SEGMENT = "journal/000002-w0001-0001.jsonl"
DIGITS = "7" * 5000
RECORDS = (
    Started(1, 1, 0, 5.0, HASH, 77),
    Saved(1, 1, 1, 10, Raw(b'"1"')),
    Returned(1, 1, 0.5),
    Started(2, 1, 0, 5.0, HASH, 77),
    Raised(2, 1, 0.5, s.Error("ValueError: no")),
)
COMMANDS = (
    ("status", "m.py"),
    ("status", "m.py", "--json"),
    ("export", "m.py"),
    ("export", "m.py", "--format", "md"),
    ("results", "m.py"),
    ("results", "m.py", "--format", "json"),
    ("logs", "m.py"),
    ("logs", "m.py", "i1"),
    ("reset", "m.py", "i1", "--yes"),
)
Craft = Callable[[Path], object]


class Crafted(NamedTuple):
    """What is done to the state directory, and what every command says of it; "" if it does no harm."""

    craft: Craft
    why: str


# --- what is crafted ---------------------------------------------------------------------------------------------


def of_database(change: Callable[[dict[str, Any]], object]) -> Craft:
    def craft(state_dir: Path) -> None:
        tables = json.loads((state_dir / "db.json").read_text())
        change(tables)
        (state_dir / "db.json").write_text(json.dumps(tables))

    return craft


def with_run(**values: Any) -> Craft:
    return of_database(lambda tables: tables["runs"]["2"].update(values))


def with_meta(**values: Any) -> Craft:
    return of_database(lambda tables: tables["meta"]["1"].update(values))


def with_bytes(old: bytes, new: bytes) -> Craft:
    def craft(state_dir: Path) -> None:
        content = (state_dir / "db.json").read_bytes()
        assert old in content
        (state_dir / "db.json").write_bytes(content.replace(old, new, 1))

    return craft


def with_records(*records: Any, name: str = SEGMENT) -> Craft:
    """A segment of these records, each with its checksum."""

    def craft(state_dir: Path) -> None:
        lines = []
        for record in records:
            body = record if isinstance(record, bytes) else json.dumps(record, separators=(",", ":")).encode()
            lines.append(b"%08x%c%s\n" % (crc32(body), b" " if body.startswith(b'["saved"') else b"\t", body))
        (state_dir / name).write_bytes(b"".join(lines))

    return craft


def instead(name: str, make: Callable[[Path, Path], object]) -> Craft:
    """Something else of this name; `make` is also told where a file is that must stay as it is."""

    def craft(state_dir: Path) -> None:
        path = state_dir / name
        path.parent.mkdir(exist_ok=True)
        if path.is_dir():
            path.rmdir()
        path.unlink(missing_ok=True)
        make(path, state_dir.parent / "victim")

    return craft


def hook(**status: Any) -> Craft:
    return with_meta(done_hook={"status": status, "calls": 1, "ahead": False})


STARTED = ["started", 2, 2, 0, 5.0, HASH, 1]
VALUES = {
    "at": (with_run(at=1e300), "$.runs.2.at"),
    "at-long-ago": (with_run(at=-1e300), "$.runs.2.at"),
    "saved-at": (with_run(saved_at=1e300, saves=1), "$.runs.2.saved_at"),
    "started": (with_run(started=1e18), "$.runs.2.started"),
    "seconds": (with_run(seconds=1e308), "$.runs.2.seconds"),
    "seconds-negative": (with_run(seconds=-1.0), "$.runs.2.seconds"),
    "seconds-infinite": (with_bytes(b'"seconds":0.5', b'"seconds":1e999'), "$.runs.1"),
    "duration": (with_run(status="done", duration=-1e308), "$.runs.2.duration"),
    "attempts-of-5000-digits": (with_bytes(b'"attempts":1', b'"attempts":' + DIGITS.encode()), "$.runs.1"),
    "seed-of-5000-digits": (with_bytes(b'"seed":', b'"seed":' + DIGITS.encode()), "out of range"),
    "rows-that-lead-out": (with_run(extents=[["../../victim", 1, 0, 5, 1]]), "$.runs.2.extents[0][0]"),
    "rows-up-to-2-60": (with_run(extents=[["x", 1, 0, 2**60, 1]]), "$.runs.2.extents[0][3]"),
    "rows-that-are-none": (with_run(extents="all"), "$.runs.2.extents"),
    "hook-running": (hook(type="running", since=1e18), "$.meta.1.done_hook"),
    "hook-cut-off": (hook(type="cut off", since=1e300), "$.meta.1.done_hook"),
    "written-at": (with_meta(written_at=1e305), "$.meta.1.written_at"),
    "session": (with_meta(session=10**30), "$.meta.1.session"),
    "no-runs": (of_database(lambda tables: tables.update(runs={})), "no run of an instance"),
    "an-instance-without-runs": (of_database(lambda tables: tables["runs"].pop("3")), "no run of an instance"),
    "two-runs-of-one-iteration": (
        of_database(lambda tables: tables["runs"].update({"4": tables["runs"]["3"]})),
        "two runs of one instance and iteration",
    ),
    "latin-1": (with_bytes(b'"i1"', b'"\xe4"'), "not UTF-8: byte 0xE4 at offset"),
    "latin-1-in-a-state": (with_bytes(b'"state":"1"', b'"state":"\xe4"'), "not UTF-8: byte 0xE4 at offset"),
    "utf-16": (lambda state_dir: (state_dir / "db.json").write_bytes("{}".encode("utf-16")), "malformed"),
    "session-of-a-segment": (with_records(name="journal/1" + "0" * 17 + "-w0001-0001.jsonl"), "no session has that"),
    "checkpoint-to-come": (
        with_records(["checkpointed", 2**63 - 1, ""]),
        "goes on from checkpoint 9223372036854775807",
    ),
    "start-of-another-run": (with_records(["started", 4, 1, 0, 5.0, HASH, 1]), "does not fit it"),
    "start-of-run-0": (with_records(["started", 0, 1, 0, 5.0, HASH, 1]), "does not fit it"),
    "start-of-run-10-40": (with_records(["started", 10**40, 1, 0, 5.0, HASH, 1]), "does not fit it"),
}
HARMLESS = {
    "nothing-at-all": of_database(lambda tables: tables.update(runs={}, instances={})),
    "state-of-5000-digits": with_bytes(b'"state":"1"', b'"state":' + DIGITS.encode()),
    "state-1e999": with_bytes(b'"state":"1"', b'"state":1e999'),
    "seed-2-70": with_run(seed=2**70),
    "attempts-2-64": with_run(attempts=2**64),
    "iteration-10-9": with_run(iteration=10**9),
    "progress": with_run(status="running", started=5.0, progress=[1e308, -1e-320]),
    "latest": with_run(status="running", started=2e11, at=2e11),
    "hash-that-leads-out": with_meta(module_hash="../../x"),
    "folded": with_meta(folded={"../../etc/passwd": 5, "000001-w0001-0001.jsonl": -5}),
    "checkpointed-5000-digits": with_records(b'["checkpointed",%s,""]' % DIGITS.encode()),
    "checkpointed-2-63": with_records(["checkpointed", 2**63, ""]),
    "checkpointed-negative": with_records(["checkpointed", -1, ""]),
    "checkpoint-of-5000-digits": with_records(["note", 5.0, "checkpoint " + DIGITS]),
    "note-at-1e300": with_records(["note", 1e300, "x"]),
    "done-started-at-1e300": with_records(["done_started", 7, 1e300]),
    "done-started-often": with_records(["done_started", 2**63 - 1, 5.0]),
    "started-at-1e300": with_records(["started", 2, 2, 0, 1e300, HASH, 1]),
    "started-last": with_records(["started", 2, 2, 0, 2e11, HASH, 1], ["saved", 2, 2, 1, 10**13, "s"]),
    "ended-last": with_records(["started", 2, 2, 0, 2e11, HASH, 1], ["returned", 2, 2, 1e10]),
    "longest-twice": with_records(
        STARTED,
        ["stopped", 2, 2, 1e10, 5.0, ""],
        ["started", 2, 3, 0, 5.0, HASH, 1],
        ["raised", 2, 3, 1e10, {"message": ""}],
    ),
    "saved-long-after": with_records(STARTED, ["saved", 2, 2, 1, 10**18, "s"], ["stopped", 2, 2, None, 1e300, "x"]),
    "saved-rows-that-lead-out": with_records(STARTED, ["saved", 2, 2, 1, 1, "s", [["../victim", 2, 0, 5, 1]]]),
    "saved-5000-digits-of-rows": with_records(STARTED, b'["saved",2,2,1,1,"s",[["x",2,0,5,%s]]]' % DIGITS.encode()),
    "attempt-2-64": with_records(["started", 2, 2**64, 0, 5.0, HASH, 1]),
    "attempt-10-40": with_records(["started", 2, 10**40, 0, 5.0, HASH, 1]),
    "state-latin-1": with_records(STARTED, b'["saved",2,2,1,1,"\xe4"]'),
    "state-of-5000-digits-saved": with_records(STARTED, b'["saved",2,2,1,1,%s]' % DIGITS.encode()),
    "number-of-5000-digits": with_records(STARTED, b'["saved",2,2,%s,1,"s"]' % DIGITS.encode()),
    "deep-state": with_records(STARTED, b'["saved",2,2,1,1,' + b"[" * 100_000 + b"]" * 100_000 + b"]"),
    "name-of-200-digits": with_records(["note", 5.0, "x"], name=f"journal/{'9' * 200}-w0001-0001.jsonl"),
}
KINDS: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "pipe": (lambda path, victim: os.mkfifo(path), "a named pipe"),
    "link": (lambda path, victim: path.symlink_to(victim), "a symbolic link"),
    "dangling-link": (lambda path, victim: path.symlink_to("nowhere"), "a symbolic link"),
}
FOLDER = (lambda path, victim: path.mkdir(), "a directory")
FILE = (lambda path, victim: path.touch(), "a file")
LINK_TO_FOLDER = (lambda path, victim: path.symlink_to(victim.parent), "a symbolic link")


def disguised() -> Iterator[tuple[str, Crafted]]:
    for name, (kind, (make, why)) in product((*FILES, SEGMENT), (KINDS | {"folder": FOLDER}).items()):
        yield f"{name}-is-a-{kind}", Crafted(instead(name, make), f"{name}: {why}, not a regular file")
    kinds = KINDS | {"file": FILE, "link-to-a-folder": LINK_TO_FOLDER}
    for name, (kind, (make, why)) in product(FOLDERS, kinds.items()):
        yield f"{name}-is-a-{kind}", Crafted(instead(name, make), f"{name}: {why}, not a directory")


# --- every command looks at it -----------------------------------------------------------------------------------


class Place(NamedTuple):
    """A state directory, its target, and the output of this process."""

    state_dir: Path
    target: Target
    capture: pytest.CaptureFixture[str]

    def say(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout and stderr of a command."""
        code = main(arguments)
        out, err = self.capture.readouterr()
        return code, out, err

    def start(self) -> Session:
        """What a start opens."""
        settings = Settings(
            target=self.target.path, module=self.target.module, state_dir=self.state_dir, batch=instances()
        )
        return Session(settings, HASH, has_done=False)

    def there(self) -> dict[str, object]:
        """What lies beside the module and below, but for what the lock says."""
        paths = sorted(self.state_dir.parent.rglob("*"))
        return {str(p): (p.lstat().st_mode, _content(p)) for p in paths if p.name != "lock"}


def _content(path: Path) -> object:
    if path.is_symlink():
        return path.readlink()
    return path.read_bytes() if path.is_file() else None


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Place:
    monkeypatch.chdir(tmp_path)
    module, state_dir = tmp_path / "m.py", tmp_path / "m.alma"
    module.write_text("def run(instance, save, state): pass")
    (tmp_path / "victim").write_text("precious")
    meta = Meta(serial=1, session=1, seed=5, target=str(module), module=str(module), module_hash=HASH)
    write_store(state_dir, *RECORDS, meta=meta)
    (state_dir / "logs").mkdir()
    (state_dir / "lock").touch()
    return Place(state_dir, Target(module, module), capsys)


REFUSED = {f"F87-{name}": Crafted(*fault) for name, fault in VALUES.items()}
REFUSED |= {f"F86-{name}": fault for name, fault in disguised()}


@pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in REFUSED.items()])
def test_every_command_refuses_it_in_a_line_and_changes_nothing(place: Place, fault: Crafted) -> None:
    fault.craft(place.state_dir)
    before = place.there()
    for command in COMMANDS:
        code, out, err = place.say(*command)
        assert (code, out, err.count("\n")) == (3, "", 1), command
        assert err.startswith(("pyalma-tui: store: ", "pyalma-tui: lock: ")), command
        assert fault.why in err, command
        assert place.there() == before, command
    findings = list(look_at_store(place.target, place.state_dir))
    assert any(finding.code == 3 and fault.why in finding.fact for finding in findings)
    viewer = Viewer(place.state_dir, place.target.path)
    viewer.look()
    failure = viewer.snapshot().failure
    assert failure is not None
    assert fault.why in failure.message
    with pytest.raises(StoreError) as refusal:
        place.start()
    assert fault.why in refusal.value.message
    assert place.there() == before


@pytest.mark.parametrize("craft", [pytest.param(craft, id=f"F87-{name}") for name, craft in HARMLESS.items()])
def test_every_command_takes_it_and_what_is_written_then_can_be_read_again(place: Place, craft: Craft) -> None:
    craft(place.state_dir)
    for command in COMMANDS:
        code, _, err = place.say(*command)
        assert code == 0 or (code == 2 and "i1" in command and err.count("\n") == 1), (command, err)
    assert list(look_at_store(place.target, place.state_dir))
    viewer = Viewer(place.state_dir, place.target.path)
    viewer.look()
    assert viewer.snapshot().failure is None
    place.start().close()
    assert read_store(place.state_dir) is not None
    assert place.say("status", "m.py")[0] == 0


@pytest.mark.parametrize(
    "text",
    [
        '{"pid":-1,"since":1}',
        '{"pid":99999999999999999999,"since":1}',
        '{"pid":5,"since":1e300}',
        '{"pid":5,"since":1e999}',
        '{"pid":5,"since":-1e300}',
        f'{{"pid":{DIGITS},"since":1}}',
        "\x1b[31m\xe4",
        "[" * 100_000,
    ],
    ids=["negative", "huge", "late", "infinite", "early", "long", "text", "deep"],
)
def test_f87_a_lock_that_says_nonsense_is_held_by_somebody_unknown(place: Place, text: str) -> None:
    with (place.state_dir / "lock").open("wb") as lock:
        lock.write(text.encode("latin-1"))
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert holder(place.state_dir) == UNKNOWN
        assert "in use by another process" in in_use(place.state_dir)
        assert place.say("status", "m.py")[0] == 0
        assert place.say("reset", "m.py", "--yes")[0] == 4
        with pytest.raises(PyalmaError) as refusal:
            place.start()
        assert refusal.value.exit_code == 4

"""Hosts that cannot be used are told in one line each, and what to do; the others go on."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import pyalma_tui
from tests.engines.lab import LACKS_SSH, Lab

SAVES = "import time\ndef run(instance, save, state):\n    time.sleep(WAIT)\n    save(1)\n"
STAYS = "import time\ndef run(instance, save, state):\n    while True:\n        time.sleep(0.01)\n        save(1)\n"
COVERED = """#!/bin/sh
# behind this command the folder $1 is an empty one, as where it is not shared
there=$1; shift
mount -t tmpfs none "$there" && exec "$@"
"""
COPIED = """#!/bin/sh
# behind this command the folder $1 is a file system whose locks nobody else sees
there=$1; own=$2; shift 2
mount -t tmpfs none "$own" && mkdir "$own/upper" "$own/work" &&
mount -t overlay none -o "lowerdir=$there,upperdir=$own/upper,workdir=$own/work" "$there" && exec "$@"
"""
READ_ONLY = """#!/bin/sh
# behind this command the folder $1 can only be read
there=$1; shift
mount --bind "$there" "$there" && mount -o remount,bind,ro "$there" && exec "$@"
"""
pytestmark = [pytest.mark.xdist_group("engines"), pytest.mark.timeout(120)]


def _start(lab: Lab, folder: Path, on: str, wait: float, *more: str) -> subprocess.CompletedProcess[str]:
    """A start on the head that runs until all is done; `wait` are seconds that a run takes."""
    (folder / "m.py").write_text(SAVES.replace("WAIT", str(wait)))
    names = ("a.txt", "b.txt")
    for name in names:
        (folder / name).write_text("x")
    program = [sys.executable, "-m", "pyalma_tui", "m.py", *names, "--plain", "--workers", "8", "--on", on, *more]
    return subprocess.run(
        [*lab.on(0), *program], cwd=folder, env=lab.env, capture_output=True, text=True, timeout=60, check=False
    )


def _told(out: str, name: str) -> str:
    """The one line that tells of this host, without its time."""
    lines = [line.partition(" ")[2] for line in out.splitlines() if re.search(rf"^[\d:]+ {re.escape(name)} ", line)]
    assert len(lines) == 1, out
    return lines[0]


def _script(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def test_each_host_that_cannot_be_used_is_told_once_and_the_others_go_on(lab: Lab, tmp_path: Path) -> None:
    (work := tmp_path / "work").mkdir()
    (own := tmp_path / "own").mkdir()
    shutil.copytree(Path(pyalma_tui.__file__).parent, tmp_path / "old" / "pyalma_tui")
    init = tmp_path / "old" / "pyalma_tui" / "__init__.py"
    init.write_text(re.sub(r'__version__ = ".*"', '__version__ = "0.0.1"', init.read_text()))

    def behind(name: str, *words: str) -> str:
        return shlex.join(["unshare", "--uts", "--mount", "sh", "-c", f'hostname {name}; exec "$@"', "sh", *words])

    covered, copied = _script(tmp_path / "covered", COVERED), _script(tmp_path / "copied", COPIED)
    read_only = _script(tmp_path / "read_only", READ_ONLY)
    sites = (
        "not-there -n1",
        behind("apart", covered, str(work)),
        behind("unlocked", copied, str(work), str(own)),
        behind("reads", read_only, str(work)),
        behind("older", "env", f"PYTHONPATH={tmp_path}/old"),
        behind("bare", "sh", "-c", 'shift; exec env PYTHONPATH=/ python3 -I -S "$@"', "sh"),
        behind("talks", "sh", "-c", 'echo Welcome to this host; exec "$@"', "sh"),
        behind("good"),
    )
    done = _start(lab, work, "each:" + ";".join(sites), 1.5, "--lease", "5")
    out = done.stdout
    assert done.returncode == 0, out + done.stderr
    assert "not found on this machine; install it" in _told(out, "not-there -n1")
    assert "the state directory cannot be read there" in _told(out, "apart")
    assert "it has to be the same on all hosts" in _told(out, "apart")
    assert "the lock of the state directory is not seen there; use a file system that" in _told(out, "unlocked")
    assert _told(out, "older").endswith(f"0.0.1 is there, {pyalma_tui.__version__} here; install the same")
    assert "the state directory cannot be written there ([Errno 30] Read-only" in _told(out, "reads")
    bare, talks = sites[5:7]
    assert "No module named" in _told(out, bare)
    assert f"install this version of pyalma-tui for {sys.executable} there" in _told(out, bare)
    assert "it says 'Welcome to this host', which is none of ours; what leads there may print" in _told(out, talks)
    assert _told(out, "good").startswith("good has come")
    assert "✓ 2 done" in out


@pytest.mark.skipif(bool(LACKS_SSH), reason=LACKS_SSH)
def test_a_host_that_nobody_answers_on_and_one_that_refuses_the_login_are_told_once(lab: Lab, tmp_path: Path) -> None:
    lab.start_ssh()
    stranger = lab.folder / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger)], check=True)
    conf = lab.folder / "ssh.conf"
    conf.write_text(f"Match originalhost node1\n IdentityFile {stranger}\n IdentitiesOnly yes\n" + conf.read_text())
    conf.write_text(conf.read_text().replace(f"IdentityFile {lab.folder}/key\n", ""))
    conf.write_text(conf.read_text() + f"Match originalhost node2\n IdentityFile {lab.folder}/key\n")
    conf.write_text(f"Host closed\n HostName 10.77.0.10\n{conf.read_text()}")  # where no sshd listens
    (programs := tmp_path / "bin").mkdir()
    _script(programs / "ssh", f'#!/bin/sh\nexec {shutil.which("ssh")} -F {conf} "$@"\n')
    lab.env["PATH"] = f"{programs}:{lab.env['PATH']}"

    done = _start(lab, tmp_path, "ssh:closed,node1,node2", 1.5)
    out = done.stdout
    assert done.returncode == 0, out + done.stderr
    assert "Connection refused; `ssh " in _told(out, "closed")
    assert "Permission denied" in _told(out, "node1")
    assert "has to work without a question, as with a key" in _told(out, "node1")
    assert _told(out, "node2").startswith("node2 has come")


def test_a_second_runner_is_refused_on_another_host_that_has_the_files_on_a_mount_of_its_own(
    lab: Lab, tmp_path: Path
) -> None:
    (work := tmp_path / "work").mkdir()
    (work / "m.py").write_text(STAYS)
    program = [sys.executable, "-m", "pyalma_tui", "m.py", "m.py", "--plain"]

    def on(node: int, words: Sequence[str] = program) -> list[str]:
        mount = f'mount --bind {work} /mnt && cd /mnt && exec "$@"'
        return [*lab.on(node), "unshare", "--mount", "sh", "-c", mount, "sh", *words]

    with subprocess.Popen(on(1), env=lab.env, stdout=subprocess.PIPE, text=True, cwd="/") as first:
        assert first.stdout is not None
        while "saved" not in (line := first.stdout.readline()):
            assert line, "it has ended"
        second = subprocess.run(on(2), env=lab.env, capture_output=True, text=True, timeout=30, check=False, cwd="/")
        seen = subprocess.run(
            on(2, [*program[:3], "status", "m.py"]), env=lab.env, capture_output=True, text=True, check=True, cwd="/"
        )
        first.terminate()
        first.stdout.read()
    assert second.returncode == 4, second.stdout + second.stderr
    [line] = second.stderr.splitlines()
    assert re.search(r"/mnt/m\.alma: the experiment is in use by process \d+ on node1 since", line), line
    assert re.search(r"running now, process \d+ on node1,", seen.stderr), seen.stderr

"""A terminal that takes nothing, looked at while the thread that writes to it has not yet noticed that it was left."""

from __future__ import annotations

import subprocess
import sys

LOOKS = """
import signal, sys, threading
from pyalma_tui.cli import stalled, streams
streams.prepare()
left, leave = [], stalled.leave
stalled.leave = lambda *fds: (left.append(fds), leave(*fds))
for _ in range(4):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
outlet, _ = stalled.outlets()
outlet.since = 0.0
stalled.watch()
for _ in range(3):
    signal.pause()
sys.stderr.write(f"{left}\\n")
"""


def test_a_writer_that_is_slow_to_notice_is_left_and_signalled_once() -> None:
    result = subprocess.run([sys.executable, "-c", LOOKS], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "[(1,)]\n")

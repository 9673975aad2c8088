"""An experiment in a browser: who is let in, what is seen, what a visitor cannot do."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.catalogue.experiment import until
from tests.terminal.experiments import COUNTING, write

aiohttp = pytest.importorskip("aiohttp", reason="pip install 'pyalma-tui[web]'")
pytest.importorskip("textual_serve", reason="pip install 'pyalma-tui[web]'")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE = 40.0  # seconds


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """A running experiment that is served; the address with its token."""
    arguments = write(folder, COUNTING, "alpha.txt")
    program = [sys.executable, "-m", "pyalma_tui"]
    quiet: dict[str, Any] = {"cwd": folder, "stdout": subprocess.DEVNULL, "start_new_session": True}
    with (
        (folder / "said").open("w") as said,
        subprocess.Popen([*program, *arguments, "--plain"], stderr=subprocess.DEVNULL, **quiet) as runs,
    ):
        until((folder / "exp.alma" / "journal").exists, lambda: "it has begun")
        with subprocess.Popen(
            [*program, "serve", "exp.py", "--port", str(free_port())], stderr=said, **quiet
        ) as serves:
            try:
                told = until(lambda: re.search(r"http://\S+", (folder / "said").read_text()), lambda: "an address")
                yield told.group()
            finally:
                serves.send_signal(signal.SIGINT)
                runs.send_signal(signal.SIGTERM)
                assert serves.wait(PATIENCE) in (0, 130)


@contextmanager
def controlled(folder: Path) -> Iterator[str]:
    """An experiment that is served to be controlled; the address with its token."""
    (folder / "exp.py").write_text(f"{COUNTING}\ninstances = ['alpha.txt', 'beta.txt']\n")
    command = [sys.executable, "-m", "pyalma_tui", "serve", "exp.py", "--control", "--port", str(free_port())]
    with (
        (folder / "said").open("w") as said,
        subprocess.Popen(command, cwd=folder, stdout=said, stderr=said, start_new_session=True) as serves,
    ):
        try:
            told = until(lambda: re.search(r"http://\S+", (folder / "said").read_text()), lambda: "an address")
            yield told.group()
        finally:
            serves.send_signal(signal.SIGINT)
            assert serves.wait(PATIENCE) in (0, 130)


def standing(folder: Path) -> list[str]:
    """Where each run stands, by what is on the disk."""
    command = [sys.executable, "-m", "pyalma_tui", "status", "exp.py", "--json"]
    told = subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout
    return sorted(run["status"] for run in json.loads(told)["runs"])


@asynccontextmanager
async def visitor(address: str) -> AsyncIterator[Any]:
    """What a browser does: the page with its token, then the socket with the cookie."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(address) as page:
            assert page.status == 200
        async with session.ws_connect(address.partition("?")[0] + "ws?width=100&height=30") as line:
            yield line


async def seen(line: Any, words: str) -> None:
    """Wait until these words come."""
    text = ""
    async with asyncio.timeout(PATIENCE):
        while words not in text:
            message = await line.receive()
            assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), f"{message}\n{text}"
            if message.type == aiohttp.WSMsgType.BINARY:
                text += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", message.data.decode())


async def test_only_who_knows_the_token_sees_rows_change_and_nobody_takes_over(tmp_path: Path) -> None:
    with served(tmp_path) as address:
        bare = address.partition("?")[0]
        async with aiohttp.ClientSession() as session:
            for refused in (bare, f"{bare}?token=guessed", f"{bare}static/js/textual.js"):
                async with session.get(refused) as page:
                    assert page.status == 403
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(f"{bare}ws")
        async with visitor(address) as first, visitor(address) as second:
            for line in (first, second):
                await seen(line, "alpha.txt begins at 0")
            (tmp_path / "go0").touch()
            for line in (first, second):
                await seen(line, "has reached 1")
            await first.send_json(["stdin", "T"])
            await seen(first, "this page only shows it")
            await first.send_json(["stdin", "y"])
            await seen(first, "copied the state")
            (tmp_path / "go1").touch()
            await seen(first, "has reached 2")


async def test_visitors_control_what_is_served_for_it_and_the_history_says_who(tmp_path: Path) -> None:
    with controlled(tmp_path) as address:
        async with visitor(address) as first:
            await seen(first, "begins at 0")
            await first.send_json(["stdin", "\x03"])
            await seen(first, "idle: ")
            assert standing(tmp_path) == ["interrupted", "pending"]
            async with visitor(address) as second:
                await seen(second, "r resumes")
                await second.send_json(["stdin", "r"])
                await seen(first, "begins at 0")
                await second.send_json(["stdin", "+"])  # from what the runner has, which no file tells
                until(lambda: standing(tmp_path) == ["running"] * 2, lambda: "two workers")
                await first.send_json(["stdin", "q"])
                await gone(first)
                await second.send_json(["stdin", "H"])
                await seen(second, "history")
            assert standing(tmp_path) == ["running"] * 2, "who leaves ends nothing"
        log = (tmp_path / "exp.alma" / "session.log").read_text()
        for told in ("visitor 1 (127.0.0.1): interrupt of", "visitor 2 (127.0.0.1): resume", "(127.0.0.1): 2 workers"):
            assert told in log
        stranger = {"Origin": "http://127.0.0.1:1"}  # to a browser the same site
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            assert (await session.get(address)).status == 200
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(f"{address.partition('?')[0]}ws", headers=stranger)


async def gone(line: Any) -> None:
    """Wait until the visitor's program has ended."""
    async with asyncio.timeout(PATIENCE):
        while (await line.receive()).type not in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
            pass


def test_what_another_process_runs_is_not_served_to_be_controlled(tmp_path: Path) -> None:
    with served(tmp_path):
        command = [sys.executable, "-m", "pyalma_tui", "serve", "exp.py", "--control", "--port", str(free_port())]
        told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert told.returncode == 4
        assert "the experiment is in use by process" in told.stderr


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")
async def test_a_key_in_chromium_interrupts_what_is_served_to_be_controlled(tmp_path: Path) -> None:
    port = free_port()
    with controlled(tmp_path) as address, chromium(tmp_path, port, address):
        async with aiohttp.ClientSession() as session:
            page = await opened(session, port)
            async with session.ws_connect(page, max_msg_size=0) as line:
                await picture_of(line, unlike=b"")
                await ask(line, "Runtime.evaluate", expression="document.querySelector('textarea').focus()")
                key = {"text": "i", "key": "i", "code": "KeyI", "windowsVirtualKeyCode": 73}
                async with asyncio.timeout(PATIENCE):
                    while standing(tmp_path) == ["pending", "running"]:
                        await ask(line, "Input.dispatchKeyEvent", type="keyDown", **key)
                        await asyncio.sleep(0.3)
                assert "interrupt of 1 run" in (tmp_path / "exp.alma" / "session.log").read_text()


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium")
async def test_chromium_shows_it_and_a_row_that_changes(tmp_path: Path) -> None:
    port = free_port()
    with served(tmp_path) as address, chromium(tmp_path, port, address):
        async with aiohttp.ClientSession() as session:
            page = await opened(session, port)
            async with session.ws_connect(page, max_msg_size=0) as line:
                before = await picture_of(line, unlike=b"")
                (tmp_path / "go0").touch()
                await picture_of(line, unlike=before)


@contextmanager
def chromium(folder: Path, port: int, address: str) -> Iterator[None]:
    """A browser that shows this page, and may be asked at the port."""
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1000,600"]
    options = [f"--remote-debugging-port={port}", f"--user-data-dir={folder / 'profile'}", address]
    with subprocess.Popen([*command, *options], stderr=subprocess.DEVNULL, start_new_session=True) as browser:
        try:
            yield
        finally:
            os.killpg(browser.pid, signal.SIGKILL)


async def opened(session: Any, port: int) -> str:
    """The debugger's address of the page."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}/json") as told:
                    pages = [each for each in await told.json() if each["type"] == "page"]
                    if pages:
                        return str(pages[0]["webSocketDebuggerUrl"])
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


ROWS = "document.body.classList.contains('-first-byte') ? document.querySelectorAll('.xterm-screen canvas').length : 0"


async def ask(line: Any, method: str, **params: Any) -> Any:
    await line.send_json({"id": 1, "method": method, "params": params})
    while True:
        answer = json.loads((await line.receive()).data)
        if answer.get("id") == 1:
            return answer["result"]


async def picture_of(line: Any, unlike: bytes) -> bytes:
    """The first picture of the list that has come to rest: two in a row are the same, and not this one."""
    clip = {"x": 460, "y": 88, "width": 400, "height": 20, "scale": 1}  # the saved state in the instance's row
    last = b""
    async with asyncio.timeout(PATIENCE):
        while True:
            if (await ask(line, "Runtime.evaluate", expression=ROWS))["result"].get("value"):
                taken = base64.b64decode((await ask(line, "Page.captureScreenshot", clip=clip))["data"])
                if taken == last and taken != unlike:
                    return taken
                last = taken
            await asyncio.sleep(0.2)

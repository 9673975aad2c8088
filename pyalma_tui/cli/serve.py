"""`pyalma-tui serve`: what is run or was run, read-only in a browser; one process of ours for each visitor."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import shlex
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from pyalma_tui.cli.remembered import remembered
from pyalma_tui.cli.speak import say
from pyalma_tui.errors import UsageError

LOCAL = "127.0.0.1"
PORT = 8000
REFUSED = "403: open the address that pyalma-tui has printed, with its token"


def serve(name: str, state: Path | None, host: str | None, port: int | None) -> int:
    """Serve it until ctrl+c. Raises UsageError without textual-serve, StoreError if there is nothing to show."""
    try:
        from aiohttp import web
        from textual_serve.server import Server
    except ImportError as error:
        why = f"serve: {error.name} is not installed: pip install 'pyalma-tui[web]'. Nothing was started"
        raise UsageError(why) from error
    target, state_dir, *_ = remembered("serve", name, state)
    token = secrets.token_urlsafe(16)
    where = host or LOCAL
    number = PORT if port is None else port
    cookie = f"pyalma-tui-{number}"

    @web.middleware
    async def guarded(request: web.Request, handler: Callable[[web.Request], Awaitable[Any]]) -> Any:
        shown = request.query.get("token", "")
        if hmac.compare_digest(shown.encode(), token.encode()) and request.path == "/":
            response = await handler(request)
            response.set_cookie(cookie, token, httponly=True, samesite="Strict")
            return response
        if hmac.compare_digest(request.cookies.get(cookie, "").encode(), token.encode()):
            return await handler(request)
        return web.Response(status=403, text=REFUSED)

    class Guarded(Server):
        """Lets in who knows the token; leads back to where the visitor came from."""

        async def _make_app(self) -> web.Application:
            app = await super()._make_app()
            app.middlewares.append(guarded)
            return app

        def initialize_logging(self) -> None:
            """Tell nothing of each request: its address has the token."""

        async def on_startup(self, app: web.Application) -> None:
            """Tell the address."""
            say(f"serve: http://{_named(where)}:{number}/?token={token} shows it, read-only; ctrl+c ends that")

        async def handle_index(self, request: web.Request) -> Any:
            """The page."""
            self.public_url = f"{request.scheme}://{request.host}"
            return await super().handle_index(request)

    command = [sys.executable, "-m", "pyalma_tui.cli.visiting", str(target.path), str(state_dir)]
    if not _is_loopback(where):
        say(f"warning: serve: {where}: whoever on the network has the address with its token sees all logs and states")
    try:
        Guarded(shlex.join(command), host=where, port=number, title=target.path.stem).serve()
    except OSError as error:
        raise UsageError(f"serve: {where}:{number}: {error.strerror}. Nothing was started") from error
    return 0


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _named(host: str) -> str:
    return f"[{host}]" if ":" in host else host

"""The website of `serve`: a page for whoever knows the token, and a process of ours behind each visitor's socket."""

from __future__ import annotations

import asyncio
import hmac
import secrets
import shlex
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pyalma_tui.cli.speak import say
from pyalma_tui.errors import UsageError

if TYPE_CHECKING:
    from pyalma_tui.cli.desk import Desk

NEEDED = ("aiohttp", "textual_serve")
REFUSED = "403: open the address that pyalma-tui has printed, with its token"


def missing() -> str:
    """The name of a package that is needed and not installed, "" if all are."""
    return next((name for name in NEEDED if find_spec(name) is None), "")


class Website:
    """Serves the program of `command`; with a `desk` each visitor has a name there."""

    def __init__(self, command: Sequence[str], host: str, port: int, title: str, desk: Desk | None) -> None:
        self._command, self._host, self._port, self._title, self._desk = command, host, port, title, desk

    def serve(self) -> None:
        """Serve it until ctrl+c, SIGTERM or SIGHUP. Raises UsageError if nothing can listen there."""
        from aiohttp import web
        from textual_serve.server import Server

        website, desk = self, self._desk
        token = secrets.token_urlsafe(16)
        cookie = f"pyalma-tui-{self._port}"
        who: ContextVar[str] = ContextVar("who", default="")

        @web.middleware
        async def guarded(request: web.Request, handler: Callable[[web.Request], Awaitable[Any]]) -> Any:
            if urlsplit(request.headers.get("Origin", f"//{request.host}")).netloc != request.host:
                return web.Response(status=403, text=REFUSED)  # a page of somebody else's, in the same browser
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

            @property
            def command(self) -> str:
                """The visitor's program, by the task that serves that visitor."""
                if desk is None:
                    return shlex.join(website._command)
                return shlex.join([*website._command, str(desk.path), who.get()])

            @command.setter
            def command(self, _: str) -> None:
                pass

            async def on_startup(self, app: web.Application) -> None:
                """Open the desk."""
                if desk is not None:
                    await desk.open()
                if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # else: nohup
                    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.request_exit)
                how = "lets it be controlled" if desk is not None else "shows it, read-only"
                say(f"serve: http://{_named(website._host)}:{website._port}/?token={token} {how}; ctrl+c ends that")

            async def on_shutdown(self, app: web.Application) -> None:
                """Close the desk."""
                if desk is not None:
                    desk.close()

            async def handle_index(self, request: web.Request) -> Any:
                """The page."""
                self.public_url = f"{request.scheme}://{request.host}"
                return await super().handle_index(request)

            async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
                """A visitor."""
                if desk is not None:
                    who.set(desk.name(request.remote or "unknown"))
                return await super().handle_websocket(request)

        try:
            Guarded("", host=self._host, port=self._port, title=self._title).serve()
        except OSError as error:
            raise UsageError(f"serve: {self._host}:{self._port}: {error.strerror}. Nothing was started") from error


def _named(host: str) -> str:
    return f"[{host}]" if ":" in host else host

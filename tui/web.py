"""The same in a browser: textual-serve starts one of us for each tab, on this machine only, behind a token."""

import errno
import os
import secrets
import shlex
import socket
import sys
from collections.abc import Mapping
from typing import Any

from sandbox.model.errors import SandboxError

HOST = "127.0.0.1"
COOKIE = "sandbox-tui"
END_S = 1.0  # open tabs have so long to say goodbye


def command(home: str | None, *, allow_write: bool) -> str:
    """Return the command line of what a browser tab shows."""
    words = [sys.executable, "-m", "tui", *(["--home", home] if home else [])]
    return f"exec {shlex.join(words if allow_write else [*words, '--read-only'])}"  # no shell between it and us


def allowed(token: str, *, given: str | None, cookie: str | None, origin: str | None, host: str, port: int) -> bool:
    """Tell whether a request may pass: it knows the token, and no other page made the browser send it. Pure.

    ``host`` is what the browser believes to talk to: a name that somebody else lets point here is none of ours.
    """
    if host != f"{HOST}:{port}" or (origin is not None and origin != f"http://{HOST}:{port}"):
        return False
    return any(known is not None and secrets.compare_digest(known, token) for known in (given, cookie))


def policy(port: int) -> Mapping[str, str]:
    """Return the headers of every answer: the page loads nothing from elsewhere, and tells nobody its address. Pure.

    (textual-serve's own page asks Google for a font; ours, in ``styles``, brings it.)
    """
    rules = {
        "default-src": "'self' 'unsafe-inline'",
        "connect-src": f"'self' ws://{HOST}:{port}",
        "font-src": "'self' data:",
        "img-src": "'self' data:",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in rules.items()),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


def listen(port: int) -> socket.socket:
    """Take a port of this machine alone; 0: any that is free.

    Raises:
        SandboxError: E123, it cannot be taken.
    """
    try:
        return socket.create_server((HOST, port))
    except (OSError, OverflowError) as error:
        what = f"port {port} cannot be taken for the terminal UI in a browser"
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            why = "another program listens on it, perhaps another sandbox tui --web"
        raise SandboxError("E123", what, why, "end that program, or give --port another one; 0 takes any") from None


def serve(home: str | None, port: int, *, allow_write: bool) -> int:
    """Serve until Ctrl-C.

    Raises:
        SandboxError: E001, textual-serve is not installed; E123, the port cannot be taken.
    """
    try:
        from aiohttp import web
        from textual_serve.server import Server
    except ModuleNotFoundError:
        what, fix = "the package textual-serve is not installed, which --web needs", "pip install textual-serve"
        raise SandboxError("E001", what, "", fix) from None
    listening = listen(port)
    port = listening.getsockname()[1]
    token = secrets.token_urlsafe(24)

    @web.middleware
    async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
        given = request.query.get("token")
        if not allowed(
            token,
            given=given,
            cookie=request.cookies.get(COOKIE),
            origin=request.headers.get("Origin"),
            host=request.host,
            port=port,
        ):
            return web.Response(status=403, text="Open the address with the token that the terminal shows.\n")
        response: web.StreamResponse = await handler(request)
        if not response.prepared:
            response.headers.update(policy(port))
        if given is not None:
            response.set_cookie(COOKIE, token, httponly=True, samesite="Strict")
        return response

    class Guarded(Server):
        async def _make_app(self) -> Any:
            app = await super()._make_app()
            app.middlewares.append(guard)
            return app

        async def on_startup(self, app: Any) -> None:
            """Say nothing of textual-serve's own."""

    def tell(*_: object) -> None:
        """Tell the address once it answers: whoever reads it may follow it at once."""
        how = "it may change things" if allow_write else "it only looks; --allow-write lets it change things"
        sys.stdout.write(f"http://{HOST}:{port}/?token={token}\n{how}; Ctrl-C ends it\n")
        sys.stdout.flush()

    words, pages = command(home, allow_write=allow_write), os.path.join(os.path.dirname(__file__), "styles")
    made = Guarded(words, host=HOST, port=port, title="sandbox", templates_path=pages)
    # As textual-serve does it, but on the port that is ours already, and with open tabs it ends as quickly.
    web.run_app(made._make_app(), sock=listening, access_log=None, print=tell, shutdown_timeout=END_S)  # noqa: SLF001
    return 0

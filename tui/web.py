"""The same in a browser: textual-serve starts one of us for each tab, on this machine only, behind a token."""

import secrets
import shlex
import sys
from typing import Any

from sandbox.model.errors import SandboxError

HOST = "127.0.0.1"
COOKIE = "sandbox-tui"


def command(home: str | None, *, allow_write: bool) -> str:
    """Return the command line of what a browser tab shows."""
    words = [sys.executable, "-m", "tui", *(["--home", home] if home else [])]
    return shlex.join(words if allow_write else [*words, "--read-only"])


def allowed(token: str, *, given: str | None, cookie: str | None, origin: str | None, port: int) -> bool:
    """Tell whether a request may pass: it knows the token, and no other page made the browser send it. Pure."""
    if origin is not None and origin not in {f"http://{HOST}:{port}", f"http://localhost:{port}"}:
        return False
    return any(known is not None and secrets.compare_digest(known, token) for known in (given, cookie))


def serve(home: str | None, port: int, *, allow_write: bool) -> int:
    """Serve until Ctrl-C.

    Raises:
        SandboxError: E001, textual-serve is not installed.
    """
    try:
        from aiohttp import web
        from textual_serve.server import Server
    except ModuleNotFoundError:
        what, fix = "the package textual-serve is not installed, which --web needs", "pip install textual-serve"
        raise SandboxError("E001", what, "", fix) from None
    token = secrets.token_urlsafe(24)

    @web.middleware
    async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
        given = request.query.get("token")
        if not allowed(
            token,
            given=given,
            cookie=request.cookies.get(COOKIE),
            origin=request.headers.get("Origin"),
            port=port,
        ):
            return web.Response(status=403, text="Open the address with the token that the terminal shows.\n")
        response: web.StreamResponse = await handler(request)
        if given is not None:
            response.set_cookie(COOKIE, token, httponly=True, samesite="Strict")
        return response

    class Guarded(Server):
        async def _make_app(self) -> Any:
            app = await super()._make_app()
            app.middlewares.append(guard)
            return app

        def serve(self, debug: bool = False) -> None:
            # As textual-serve does it, but the address is told once it answers: whoever reads it may follow it at once.
            self.debug = debug
            how = "it may change things" if allow_write else "it only looks; --allow-write lets it change things"

            def tell(*_: object) -> None:
                sys.stdout.write(f"http://{HOST}:{port}/?token={token}\n{how}; Ctrl-C ends it\n")
                sys.stdout.flush()

            web.run_app(self._make_app(), host=HOST, port=port, access_log=None, print=tell)

        async def on_startup(self, app: Any) -> None:
            """Say nothing of textual-serve's own."""

    Guarded(command(home, allow_write=allow_write), host=HOST, port=port, title="sandbox").serve()
    return 0

"""Fetch public keys: from https, or from this machine; whoever changes them on their way opens the endpoint."""

import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from sandbox.model.errors import SandboxError

TIMEOUT_S = 10.0


class _CarefulRedirects(urllib.request.HTTPRedirectHandler):
    """Goes on to addresses only that ``_checked`` lets pass; urllib follows from https to http."""

    def redirect_request(  # noqa: PLR0917 - as the base class has it
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        fp.close()  # the answer that leads on; nobody else closes it when the address is refused
        return super().redirect_request(req, fp, code, msg, headers, _checked(newurl))


def download(address: str, most: int) -> bytes:
    """Return what lies at an address, cut behind ``most`` bytes and one more.

    Raises:
        OSError: it cannot be had.
        SandboxError: E098, it or where it leads to could be changed on the way.
    """
    try:
        with urllib.request.build_opener(_CarefulRedirects).open(_checked(address), timeout=TIMEOUT_S) as answer:
            return bytes(answer.read(most + 1))
    except urllib.error.HTTPError as error:
        error.close()  # it is the answer as well, with its connection
        raise


def _checked(address: str) -> str:
    """Allow https, and this machine itself: whoever changes the keys on their way opens the endpoint."""
    parts = urllib.parse.urlsplit(address)
    here = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if parts.scheme != "https" and not here:
        raise SandboxError("E098", f"{address} is no https address", "keys could be exchanged on their way")
    return address

"""How requests are read: by waitress's parser, made as strict as the reference where one request could be read as two.

waitress reads a request that gives both a length and a coding by its coding, keeps the connection, and takes what the
length covered for the next request; behind a proxy that goes by the length, that is a request of somebody else's
(RFC 9112, 6.1 and 11.2). The reference refuses such requests, and others that are not HTTP/1 (S52).
"""

import re
from typing import Final

from waitress.parser import HTTPRequestParser, ParsingError
from waitress.utilities import RequestHeaderFieldsTooLarge

_FOLDED: Final = re.compile(rb"\n[ \t]")
_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")
_CODING: Final = re.compile(rb"(?im)^transfer-encoding:[ \t]*([^\r\n]*?)[ \t]*\r?$")
_FIELD: Final = re.compile(rb"(?m)^([^:\r\n]+):[ \t]*([^\r\n]*?)[ \t]*\r?$")
TARGET_LIMIT: Final = 4096  # bytes of a refused request that are looked at for its method and target


class Request(HTTPRequestParser):  # type: ignore[misc]
    """waitress's request, with values for what a request that is refused early never gets."""

    command = path = query = request_uri = ""
    version: str
    chunked: bool
    expect_continue: bool
    error: object | None
    header_plus: bytes
    body_rcv: object | None
    headers: dict[str, str]  # names in upper case with underscores

    def received(self, data: bytes) -> int:
        """Take bytes of the request and return how many; beyond a limit, ``error`` is set."""
        consumed: int = super().received(data)
        if isinstance(self.error, RequestHeaderFieldsTooLarge):  # waitress reads "GET /" in place of what was sent
            self._begin(self.header_plus + data)
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Read request line and headers. Raises waitress's ParsingError, which is answered 400."""
        try:
            self._parse_header(header_plus)
        except (ParsingError, ValueError) as error:
            self._begin(header_plus)
            if isinstance(error, ParsingError):
                raise
            # A number too long for int(), an address that is none.
            raise ParsingError(f"Malformed number or address ({type(error).__name__})") from error

    def _begin(self, data: bytes) -> None:
        """Method and target of a request that was not read to its end: a refused HEAD gets no body either."""
        words = data[:TARGET_LIMIT].split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        self.command = words[0] if len(words) > 1 and len(words[0]) < 40 else ""
        self.request_uri = words[1] if self.command else ""

    def _parse_header(self, header_plus: bytes) -> None:
        if _FOLDED.search(header_plus):
            raise ParsingError("Obsolete line folding")
        super().parse_header(header_plus)
        line_end = header_plus.find(b"\r\n")
        if _CONTROL.search(header_plus, 0, line_end):
            raise ParsingError("Control character in the request line")
        if self.version not in ("1.1", "1.0"):
            raise ParsingError("Neither HTTP/1.1 nor HTTP/1.0")
        if self.body_rcv is None:
            self.expect_continue = False  # there is nothing to wait for; waitress would wait for it
        if self.chunked or "TRANSFER_ENCODING" in self.headers:
            self._check_coding(header_plus)
        if header_plus.count(b"\n", line_end + 1) > len(self.headers):
            self._join_repeated(header_plus)

    def _check_coding(self, header_plus: bytes) -> None:
        if "CONTENT_LENGTH" in self.headers:
            raise ParsingError("Both Content-Length and Transfer-Encoding")
        codings = [coding.lower() for coding in _CODING.findall(header_plus)]
        if codings != [b"chunked"] or self.version == "1.0":
            raise ParsingError("Transfer-Encoding is not one chunked coding of HTTP/1.1")

    def _join_repeated(self, header_plus: bytes) -> None:
        """Join the values of a repeated header with a comma and no blank, as the reference does (S51)."""
        values: dict[str, list[str]] = {}
        for name, value in _FIELD.findall(header_plus, header_plus.find(b"\n") + 1):
            if b"_" not in name:
                values.setdefault(name.decode("latin-1").upper().replace("-", "_"), []).append(value.decode("latin-1"))
        for name, several in values.items():
            if len(several) > 1 and name in self.headers:
                self.headers[name] = ",".join(several)

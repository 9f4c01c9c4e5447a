"""Take out of answers and logs what may differ between any two runs of the same server, and nothing else."""

import re
from collections.abc import Callable

from tests.conformance.launch import Server
from tests.conformance.wire import Answer

_UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\b")
_LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ([A-Z]) \[\d+\] (.*)", re.DOTALL)
_MILLISECONDS = re.compile(r"\b\d+\.\d{3}(?=ms\b)")
_EXEC = re.compile(r"\d+\.\d{3}")
_DATE = re.compile(r"(?!Thu, 01 Jan 1970)[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT")
_PID = re.compile(r"\b(pid:? )\d+")
_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")


def _places(server: Server) -> Callable[[str], str]:
    """Replace the folder and the ports of one side, which the other side cannot have."""
    root, port, health = str(server.root), str(server.port), str(server.health_port)
    parent = str(server.root.parent)

    def replace(text: str) -> str:
        text = text.replace(root, "<root>").replace(parent, "<home>")
        text = re.sub(rf"\b{port}\b", "<port>", text)
        return re.sub(rf"\b{health}\b", "<health port>", text)

    return replace


def aspects(server: Server, request: bytes, answer: Answer) -> dict[str, str]:
    """An answer as named texts. Ids the server made are numbered in the order in which they appear."""
    sent = request.decode("latin-1")
    seen: dict[str, str] = {}
    places = _places(server)

    def settle(text: str) -> str:
        def name(found: re.Match[str]) -> str:
            value = found[0]
            return value if value in sent else seen.setdefault(value, f"<new id {len(seen) + 1}>")

        return _ADDRESS.sub("<address>", _UUID.sub(name, places(text)))

    result = {"version": answer.version, "status": f"{answer.status} {answer.reason}", "framing": answer.framing}
    for name in sorted({key for key, _ in answer.headers}, key=lambda key: (key.lower(), key)):
        result[f"header {name}"] = _header(name, settle(answer.header(name) or ""), answer.framing)
    result["body"] = settle(answer.body.decode("utf-8", "backslashreplace"))
    if answer.framing == "chunked":
        result["chunks"] = " ".join(str(len(chunk)) for chunk in answer.chunks)
    if answer.interim:
        result["interim"] = " ".join(map(str, answer.interim))
    if not answer.complete:
        result["end"] = "cut"
    return result


def _header(name: str, value: str, framing: str) -> str:
    lowered = name.lower()
    if lowered == "content-length" and framing == "length":
        return "<length>"  # the reader has checked it against the body
    if lowered == "x-ms-run-fn-exec-ms":
        return _EXEC.sub("<ms>", value)
    if lowered in {"date", "set-cookie"}:
        return _DATE.sub("<date>", value)
    if lowered == "allow":
        return ", ".join(sorted(value.split(", ")))  # the reference's order is a set's (S35)
    return value


def lines(server: Server, text: str) -> list[str]:
    """Output as lines without time and process id; a record with line breaks inside stays several lines."""
    places = _places(server)
    result = []
    for line in text.splitlines():
        found = _LOG_LINE.fullmatch(line)
        plain = f"{found[1]} {found[2]}" if found else line
        plain = _MILLISECONDS.sub("<ms>", _PID.sub(r"\1<pid>", places(plain)))
        result.append(_ADDRESS.sub("<address>", plain))
    return result

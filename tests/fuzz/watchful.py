"""What every fuzz test asks of the server: well-formed answers, none of our own frames, and health afterwards."""

import re
import time
from pathlib import Path

from tests.conformance import wire
from tests.conformance.launch import Server

# A frame (or any other mention) of a file of ours. User errors are told by the user's frames, errors in the HTTP layer
# by a status; so our own file names have no place in an answer nor in the log.
OURS = re.compile(r"inference_http[/\\][\w/\\]*\.py")
LIBRARY = re.compile(r'File "[^"]*(?:waitress|werkzeug|flask)[/\\][^"]*", line')
HEALTH = wire.build("GET", "/")
SOON_S = 5.0


def start(folder: Path, script: str, *flags: str) -> Server:
    """Our server on one script, ready to be asked."""
    root = folder / "root"
    root.mkdir()
    (root / "score.py").write_text(script, "utf-8")
    server = Server("our", root, ("--entry_script", "score.py", "--port", "{port}", *flags), {})
    try:
        server.wait_ready()
    except BaseException:
        server.kill()
        raise
    return server


def answers(port: int, data: bytes, *, close: str = "half", timeout_s: float = SOON_S) -> list[wire.Answer]:
    """Send ``data`` and read all answers until the server ends the connection.

    ``close`` "half": say that no more will come; "open": do not (the server has to end the connection by itself).
    Raises TimeoutError when it does not end, wire.Malformed when something else than HTTP came.
    """
    found: list[wire.Answer] = []
    with wire.connect(port, timeout_s) as connection:
        connection.send(data)
        if close == "half":
            connection.half_close()
        while not connection.ended():
            answer = connection.receive(head=data.startswith(b"HEAD ") and not found)
            assert answer.complete or not found, f"cut off: {answer}"
            found.append(answer)
    return found


def is_well(server: Server) -> None:
    """The server answers a probe and a scoring request, at once."""
    began = time.monotonic()
    for request in (HEALTH, wire.build("POST", "/score", body=b"'well'")):
        answer = wire.ask(server.port, request, SOON_S)
        assert answer.status == 200, answer
    assert time.monotonic() - began < SOON_S


def shows_nothing(text: str) -> None:
    """No frame of ours, nor of the libraries that we answer through."""
    for pattern in (OURS, LIBRARY):
        found = pattern.search(text)
        assert found is None, text[max(0, found.start() - 1500) : found.end() + 500]
    for phrase in ("Exception in thread", "Exception ignored", "uncaptured python exception", "--- Logging error ---"):
        assert phrase not in text, text[max(0, text.find(phrase) - 1500) : text.find(phrase) + 1500]

"""An engine behind a socket that keeps what it is asked: the request as Docker receives it."""

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Recorded:
    """What went to the engine. ``url`` is where clients reach it."""

    url: str
    sent: bytearray = field(default_factory=bytearray)

    def bodies(self, path: str) -> list[dict[str, Any]]:
        """The JSON bodies of the requests to a path of the engine's API."""
        found = []
        for part in bytes(self.sent).split(b"POST ")[1:]:
            head, _, body = part.partition(b"\r\n\r\n")
            if path in head.split(b" ")[0].decode() and body:
                found.append(json.JSONDecoder().raw_decode(body.decode(errors="replace"))[0])
        return found


@contextlib.contextmanager
def recorded(folder: Path, engine: str) -> Iterator[Recorded]:
    """Stand before the engine at the socket ``engine`` until the block ends."""
    path = folder / "engine.sock"
    made = Recorded(f"unix://{path}")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(0.2)
        ended = threading.Event()

        def accept() -> None:
            while not ended.is_set():
                with contextlib.suppress(TimeoutError):
                    client, _ = listener.accept()
                    server = socket.socket(socket.AF_UNIX)
                    server.connect(engine)
                    for pair, kept in (((client, server), made.sent), ((server, client), bytearray())):
                        threading.Thread(target=_pass, args=(*pair, kept), daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield made
        finally:
            ended.set()
            thread.join()


def _pass(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(2**16):
            kept += data
            target.sendall(data)
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()

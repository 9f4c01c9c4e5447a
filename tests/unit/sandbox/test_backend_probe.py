"""What a probe makes of all that may answer on a port."""

import contextlib
import socket
import threading

import pytest

from sandbox.backend import probe


@contextlib.contextmanager
def answering(data):
    """Someone who answers one connection with these bytes; None: never."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held = []

        def serve():
            connection, _ = listener.accept()
            held.append(connection)
            if data is not None:
                connection.recv(4096)
                connection.sendall(data)
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()
        for connection in held:
            connection.close()


@pytest.mark.parametrize(
    ("data", "status", "found"),
    [
        (b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"status": 1}', 200, {"status": 1}),
        (b'HTTP/1.1 503 No\r\nContent-Length: 16\r\n\r\n{"message": "x"}', 503, {"message": "x"}),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nHealthy", 200, {}),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", 200, {}),
    ],
)
def test_status_and_object_are_returned(data, status, found):
    with answering(data) as port:
        assert probe.ask(port) == (status, found)


def test_who_speaks_no_http_has_no_status():
    with answering(b"SSH-2.0-x\r\n") as port:
        status, found = probe.ask(port)
    assert status is None
    assert "BadStatusLine" in found["message"]


def test_who_does_not_answer_is_waited_for_no_longer_than_the_limit():
    with answering(None) as port:
        assert probe.ask(port, 0.2) == (None, {"message": "no answer in 0.2 s"})


def test_nobody_on_the_port_is_a_server_that_starts():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert probe.ask(bound.getsockname()[1]) == (None, {"message": "Not ready: the server is starting"})

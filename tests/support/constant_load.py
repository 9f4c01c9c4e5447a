"""Constant load for tests: ``python constant_load.py PORT KEY CONNECTIONS [LEAST]``; goes on until its stdin ends.

At least LEAST requests are sent, also if that takes longer. POSTs on keep-alive connections, without any retry of its
own. Prints at its end, as JSON: requests, how often each status came, errors of the connection, p50, p99 and the
longest time in ms.
"""

import collections
import json
import socket
import sys
import threading
import time


class Client:
    def __init__(self, port, key):
        self.port = port
        self.request = (
            f"POST /score HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n"
            "content-type: application/json\r\ncontent-length: 12\r\n\r\n"
            '{"data":[1]}'
        ).encode()
        self.statuses = collections.Counter()
        self.errors = []
        self.times = []

    def run(self, stop):
        connection = None
        while not stop.is_set():
            try:
                if connection is None:
                    connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                began = time.perf_counter()
                status, close = self.once(connection)
                self.times.append(time.perf_counter() - began)
                self.statuses[status] += 1
            except (OSError, ValueError) as error:
                self.errors.append(repr(error))
                close = True
            if close and connection:
                connection.close()
                connection = None

    def once(self, connection):
        connection.sendall(self.request)
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                raise ValueError(f"closed after {data!r}")
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        while len(body) < length:
            body += connection.recv(65536)
        return int(lines[0].split()[1]), b"connection: close" in lines


def main(port, key, connections, least="0"):
    stop = threading.Event()
    clients = [Client(int(port), key) for _ in range(int(connections))]
    threads = [threading.Thread(target=client.run, args=(stop,)) for client in clients]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    while sum(len(client.times) for client in clients) < int(least):
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    statuses = sum((client.statuses for client in clients), collections.Counter())
    errors = [error for client in clients for error in client.errors]
    times = sorted(moment for client in clients for moment in client.times)
    result = {"requests": statuses.total(), "statuses": statuses, "errors": errors, "longest_ms": times[-1] * 1000}
    result["p99_ms"] = times[int(len(times) * 0.99)] * 1000
    result["p50_ms"] = times[len(times) // 2] * 1000
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])

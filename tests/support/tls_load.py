"""Constant load by TLS for tests: ``python tls_load.py PORT CA NAME KEY PATH CONNECTIONS EACH``; until its stdin ends.

Each connection is used for EACH requests, then a new one is made: what a change of the gateway can break are both.
Prints at its end, as JSON: requests, how often each status came, what went wrong, and which certificates were shown
(serial numbers, in the order in which they appeared).
"""

import collections
import http.client
import json
import ssl
import sys
import threading


class Client:
    def __init__(self, port, authority, name, key, path, each):
        self.place = (name, int(port))
        self.path, self.each = path, int(each)
        self.headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self.context = ssl.create_default_context(cafile=authority)
        self.statuses = collections.Counter()
        self.errors = []
        self.serials = {}

    def run(self, stop):
        while not stop.is_set():
            self.tried(stop)

    def tried(self, stop):
        try:
            self.connection(stop)
        except (OSError, http.client.HTTPException) as error:
            self.errors.append(repr(error))

    def connection(self, stop):
        connection = http.client.HTTPSConnection(*self.place, context=self.context, timeout=20)
        connection._create_connection = lambda _, *more: socket_to(self.place[1], *more)
        try:
            connection.connect()
            self.serials[connection.sock.getpeercert()["serialNumber"]] = True
            for _ in range(self.each):
                connection.request("POST", self.path, b'{"data":[1]}', self.headers)
                answer = connection.getresponse()
                answer.read()
                self.statuses[answer.status] += 1
                if answer.will_close or stop.is_set():
                    break
        finally:
            connection.close()


def socket_to(port, *more):
    """The names in certificates are known to no DNS."""
    import os
    import socket

    return socket.create_connection((os.environ.get("LOAD_ADDRESS", "127.0.0.1"), port), *more)


def main(port, authority, name, key, path, connections, each):
    stop = threading.Event()
    clients = [Client(port, authority, name, key, path, each) for _ in range(int(connections))]
    threads = [threading.Thread(target=client.run, args=(stop,)) for client in clients]
    for thread in threads:
        thread.start()
    sys.stdin.read()
    stop.set()
    for thread in threads:
        thread.join()
    statuses = sum((client.statuses for client in clients), collections.Counter())
    serials = list(dict.fromkeys(serial for client in clients for serial in client.serials))
    errors = [error for client in clients for error in client.errors]
    print(json.dumps({"requests": statuses.total(), "statuses": statuses, "errors": errors, "serials": serials}))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""An instance for tests of the gateway: ``python upstream.py LABEL ADDRESS``; ADDRESS is a port or a socket's path.

Headers steer it: ``x-want`` (status), ``x-sleep`` (seconds). Paths: /count (how many came, live and copied), /echo
(size and digest of the body), /headers, /stream (three pieces, 0.3 s apart), /upgrade (echoes whatever follows),
/ready (by the file LABEL.unready beside it); anything else: its label. Prints one line when it listens.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import sys

COUNTS = {"live": 0, "copies": 0}


async def read_body(reader, headers):
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
        return body
    return await reader.readexactly(int(headers.get("content-length", 0)))


async def answer(label, path, headers, reader, writer):
    body = await read_body(reader, headers)
    status = int(headers.get("x-want", 200))
    text = label.encode()
    if path == "/count":
        text = json.dumps(COUNTS).encode()
    elif path == "/ready":
        status = 503 if f"{label}.unready" in os.listdir() else 200
    else:
        COUNTS["copies" if "x-sandbox-shadow" in headers else "live"] += 1
    if "x-sleep" in headers:
        await asyncio.sleep(float(headers["x-sleep"]))
    if path == "/echo":
        text = json.dumps([len(body), hashlib.sha256(body).hexdigest()]).encode()
    elif path == "/headers":
        text = json.dumps(headers).encode()
    head = f"HTTP/1.1 {status} OK\r\n".encode()
    if path == "/stream":
        writer.write(head + b"transfer-encoding: chunked\r\n\r\n")
        for piece in (b"one", b"two", b"six"):
            writer.write(b"3\r\n" + piece + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0.3)
        writer.write(b"0\r\n\r\n")
    elif status in {204, 304}:
        writer.write(head + (b"content-length: 99\r\n" if status == 304 else b"") + b"\r\n")
    else:
        writer.write(head + b"content-length: %d\r\n\r\n" % len(text) + text)
    await writer.drain()


async def connection(label, reader, writer):
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        while True:
            first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            path = first.split()[1]
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest if line)}
            if path == "/upgrade":
                writer.write(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
                while data := await reader.read(65536):
                    writer.write(data)
                return
            await answer(label, path, headers, reader, writer)
    writer.close()


async def main(label, address):
    async def serve(reader, writer):
        await connection(label, reader, writer)

    if address.isdigit():
        server = await asyncio.start_server(serve, "127.0.0.1", int(address))
        where = str(server.sockets[0].getsockname()[1])
    else:
        server = await asyncio.start_unix_server(serve, address)
        where = address
    print(where, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))

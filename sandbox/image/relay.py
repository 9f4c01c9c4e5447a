"""Runs inside a container that has no network: a socket in a folder of the host leads to the server's port.

    python relay.py SOCKET PORT [PROBE_PORT PROBE_PATH]

A connection whose first request is a probe leads to the port that answers probes, where that is another one.
Standard library only; imported by nothing.
"""

import asyncio
import contextlib
import os
import sys

BLOCK = 2**16


async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy what comes until its end, and hand the end on."""
    with contextlib.suppress(OSError):
        while data := await source.read(BLOCK):
            target.write(data)
            await target.drain()
        if target.can_write_eof():
            target.write_eof()


async def main(path: str, port: int, probe_port: int, probe_path: str) -> None:
    """Serve until the container ends."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.read(BLOCK)
        target = probe_port if first.startswith(f"GET {probe_path} ".encode()) else port
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", target)
            inner_writer.write(first)
        except OSError:  # the server does not listen yet
            writer.close()
            return
        try:
            await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))
        finally:
            inner_writer.close()
            writer.close()

    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    server = await asyncio.start_unix_server(connected, path)
    os.chmod(path, 0o666)  # noqa: S103 - the folder around it is private
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    said = [*sys.argv[1:], *([sys.argv[2], ""] if len(sys.argv) == 3 else [])]
    asyncio.run(main(said[0], int(said[1]), int(said[2]), said[3]))

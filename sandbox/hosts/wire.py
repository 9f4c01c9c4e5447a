"""The stream between us and a command on a host: what we send it, what it prints, and how it ended."""

import contextlib
import json
import os
import shutil
import signal
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from sandbox.hosts import frames
from sandbox.model.errors import SandboxError

if TYPE_CHECKING:
    import socket as sockets

    from docker import APIClient

_HEAD = struct.Struct(">BxxxL")  # before each part of the output, written by the engine
_OUT, _ERROR = 1, 2
_PATIENCE = 3  # times that Ctrl-C is handed on before we leave ourselves

Line = Callable[[str], None]


class Wire:
    """Attached to a container before it is started, so that nothing of it is missed."""

    def __init__(self, client: "APIClient", container: str) -> None:
        self._client, self._container = client, container
        words = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        self._attached = client.attach_socket(container, words)  # holds the connection
        self._socket: sockets.socket = getattr(self._attached, "_sock", self._attached)
        self._socket.settimeout(None)
        url = f"{client.base_url}/v{client.api_version}/containers/{container}/wait"
        # Answered at once, and ended when the container has: also where it is gone by then.
        self._ended = client.post(url, params={"condition": "removed"}, stream=True, timeout=(60, None))
        self._sending = threading.Lock()
        self._over = threading.Event()

    def close(self) -> None:
        """Leave: a command that is still at work is ended by that."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(2)
        if (response := getattr(self._attached, "_response", None)) is not None:
            response.close()  # the SDK keeps it there, and it the connection
        self._attached.close()
        self._socket.close()  # the lines above let go of it, and no more
        self._ended.close()

    def send(self, data: bytes) -> None:
        """Send frames; a command that has ended reads none."""
        with self._sending, contextlib.suppress(OSError):
            self._socket.sendall(data)

    def talk(self, stdin: bytes | None, *, tty: bool, on_line: Line | None, on_error: Line | None) -> int:
        """Go on until the command has ended; return its exit code. Raises what the connection does when it breaks."""
        reader = threading.Thread(target=self._read, args=(on_line, on_error), daemon=True)
        reader.start()
        with contextlib.ExitStack() as stack:
            if tty:
                stack.enter_context(self._terminal())
            if stdin is not None or not tty:
                self._feed(stdin or b"")
            self._wait()
        reader.join()
        return self._code()

    def _feed(self, data: bytes) -> None:
        for start in range(0, len(data), frames.BLOCK):
            self.send(frames.frame(frames.INPUT, data[start : start + frames.BLOCK]))
        self.send(frames.frame(frames.END))

    def _wait(self) -> None:
        for _ in range(_PATIENCE):
            try:
                return self._pulse()
            except KeyboardInterrupt as interrupt:  # noqa: PERF203 - a few times at most
                number = signal.SIGINT if type(interrupt) is KeyboardInterrupt else signal.SIGTERM
                self.send(frames.frame(frames.SIGNAL, bytes([number])))
        return self._pulse()

    def _pulse(self) -> None:
        """Say now and then that we are there, until the end."""
        while not self._over.wait(frames.PULSE_S):
            self.send(frames.frame(frames.PULSE))

    def _code(self) -> int:
        said: dict[str, Any] = json.loads(self._ended.content)
        if "StatusCode" not in said:
            raise SandboxError(
                "E163", "the command did not end as it should", str(said.get("message", said)), "see why"
            )
        return int(said["StatusCode"])

    # --- What it prints ----------------------------------------------------------------------------------------------

    def _read(self, on_line: Line | None, on_error: Line | None) -> None:
        takers = {_OUT: _Taker(on_line, sys.stdout), _ERROR: _Taker(on_error, sys.stderr)}
        try:
            for stream, data in self._parts():
                takers[_ERROR if stream == _ERROR else _OUT].take(data)
        except OSError:  # the connection broke: waiting for the end tells it
            pass
        finally:
            for taker in takers.values():
                taker.end()
            self._over.set()

    def _parts(self) -> Iterator[tuple[int, bytes]]:
        while (head := frames.exactly(self._socket.recv, _HEAD.size)) is not None:
            stream, size = _HEAD.unpack(head)
            yield stream, frames.exactly(self._socket.recv, size) or b""

    # --- Our terminal ------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _terminal(self) -> Iterator[None]:
        """Let every key go to the command, and tell it how large the window is."""
        import termios
        import tty

        def resized(*_: object) -> None:
            size = shutil.get_terminal_size()
            self.send(frames.size(size.lines, size.columns))

        keyboard = sys.stdin.fileno()
        before = termios.tcgetattr(keyboard)
        window = signal.signal(signal.SIGWINCH, resized)
        try:
            tty.setraw(keyboard)
            resized()
            threading.Thread(target=self._type, args=(keyboard,), daemon=True).start()
            yield
        finally:
            signal.signal(signal.SIGWINCH, window)
            termios.tcsetattr(keyboard, termios.TCSADRAIN, before)

    def _type(self, keyboard: int) -> None:
        with contextlib.suppress(OSError):
            while data := os.read(keyboard, frames.BLOCK):
                self.send(frames.frame(frames.INPUT, data))


class _Taker:
    """Takes bytes of a stream: line by line to somebody, or as they come to a stream of ours."""

    def __init__(self, told: Line | None, stream: Any) -> None:
        self._told, self._stream, self._rest = told, stream, b""

    def take(self, data: bytes) -> None:
        if self._told is None:
            self._stream.flush()
            out = getattr(self._stream, "buffer", None)
            if out is None:
                self._stream.write(data.decode("utf-8", "replace"))
            else:
                out.write(data)
            self._stream.flush()
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._told(line.decode("utf-8", "replace"))

    def end(self) -> None:
        if self._rest and self._told is not None:
            self._told(self._rest.decode("utf-8", "replace"))
            self._rest = b""

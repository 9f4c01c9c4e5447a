"""A real browser without a window: what a page got through its web sockets, keys into it, a picture of it.

Spoken to by the protocol of its own developer tools, over a web socket; so nothing is needed but the browser.
"""

import asyncio
import base64
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
DEADLINE_S = 60.0


def found():
    """The browser of this machine; CHROMIUM names another one."""
    return os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One tab."""

    def __init__(self, tab, session):
        self._tab, self._session = tab, session
        self._number = 0
        self._answers = {}
        self.got = b""  # what came through the page's web sockets
        self.asked = []  # addresses that the page wanted
        self.said = []  # what stands on its console
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self):
        async for message in self._tab:
            said = json.loads(message.data)
            if "id" in said:
                self._answers[said["id"]].set_result(said.get("result", said.get("error")))
            elif said["method"] == "Network.webSocketFrameReceived":
                data = said["params"]["response"]
                self.got += base64.b64decode(data["payloadData"]) if data["opcode"] == 2 else b""
            elif said["method"] == "Network.requestWillBeSent":
                self.asked.append(said["params"]["request"]["url"])
            elif said["method"] == "Runtime.exceptionThrown":
                self.said.append(said["params"]["exceptionDetails"]["text"])
            self._news.set()

    async def call(self, method, **params):
        self._number += 1
        number = self._number
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._tab.send_json(
            {
                "id": number,
                "method": method,
                "params": params,
                **({"sessionId": self._session} if self._session else {}),
            }
        )
        return await asyncio.wait_for(self._answers[number], DEADLINE_S)

    async def open(self, address):
        for area in ("Page", "Network", "Runtime"):
            await self.call(f"{area}.enable")
        await self.call("Emulation.setFocusEmulationEnabled", enabled=True)  # as a window in front has it
        return await self.call("Page.navigate", url=address)

    async def until(self, words):
        """Wait until the page got these bytes; forget what it got so far."""

        async def wait():
            while words not in self.got:
                self._news.clear()
                await self._news.wait()

        try:
            await asyncio.wait_for(wait(), DEADLINE_S)
        except asyncio.TimeoutError:
            raise AssertionError(f"{words!r} did not come: {self.got[-2000:]!r} {self.said} {self.asked}") from None
        self.got = b""

    async def ask(self, expression):
        found = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return found["result"].get("value")

    async def key(self, letter):
        for kind in ("keyDown", "keyUp"):
            await self.call("Input.dispatchKeyEvent", type=kind, key=letter, text=letter if kind == "keyDown" else "")

    async def picture(self):
        return base64.b64decode((await self.call("Page.captureScreenshot", format="png"))["data"])


@contextlib.asynccontextmanager
async def tab(program, size=(1100, 700)):
    """Begin a browser with a profile of its own; end it, and leave nothing behind."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        words = [
            program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
            f"--window-size={size[0]},{size[1]}", f"--user-data-dir={profile}", "--remote-debugging-port=0",
            "about:blank",
        ]  # fmt: skip
        log = Path(profile) / "said"
        child = _begun(words, log)
        try:
            port = await asyncio.wait_for(_port(Path(profile) / "DevToolsActivePort", child, log), DEADLINE_S)
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as listed:
                    page = next(each for each in await listed.json() if each["type"] == "page")
                async with session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                    yield Browser(socket, None)
        finally:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(20)
            child.kill()
            child.wait(20)


def _begun(words, log):
    with log.open("wb") as said:
        return subprocess.Popen(words, stdout=said, stderr=said, start_new_session=True)


async def _port(file, child, log):
    while not (file.exists() and file.read_text().strip()):
        assert child.poll() is None, log.read_text(errors="replace")
        await asyncio.sleep(0.05)
    return file.read_text().split()[0]

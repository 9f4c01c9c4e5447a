"""``--web`` as a browser meets it: a token, this machine only, and what is shown only looks."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.support.gateways import free_port

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def address(tmp_path):
    environment = {**os.environ, "SANDBOX_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "tui", "--web", "--port", str(free_port())]
    with subprocess.Popen(words, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        said = process.stdout.readline()
        assert "only looks" in process.stdout.readline()
        yield re.search(r"http://\S+", said).group()
        process.terminate()
        process.communicate(timeout=20)


def test_a_browser_needs_the_token_and_sees_the_pages(address):
    base = address.partition("/?")[0]
    assert base.startswith("http://127.0.0.1:")
    socket = f"{base.replace('http', 'ws')}/ws?width=100&height=30"

    async def go():
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
            async with browser.get(base) as refused:
                assert refused.status == 403
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await browser.ws_connect(socket)
            async with browser.get(address) as page:
                assert page.status == 200
            async with browser.get(base, headers={"Origin": "http://evil.example"}) as other:
                assert other.status == 403, "the cookie alone does not do for another page"
            async with browser.ws_connect(socket, headers={"Origin": base}) as shown:
                drawn = b""
                while b"Nothing runs here yet" not in drawn:
                    message = await asyncio.wait_for(shown.receive(), 60)
                    assert message.type in {aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT}, message
                    drawn += message.data if message.type is aiohttp.WSMsgType.BINARY else b""

    asyncio.run(go())


def test_without_a_terminal_there_is_a_sentence_and_a_code(tmp_path):
    environment = {**os.environ, "SANDBOX_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "tui"]
    done = subprocess.run(
        words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr

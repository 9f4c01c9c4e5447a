"""``--web`` as a browser meets it: a token, this machine only, and what is shown only looks."""

import asyncio
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import aiohttp
import browser
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def begin(tmp_path):
    begun = []

    def run(*words):
        environment = {**os.environ, "SANDBOX_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
        process = subprocess.Popen(
            [sys.executable, "-m", "tui", "--web", *words],
            env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        begun.append(process)
        return process

    yield run
    for process in begun:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture
def address(begin):
    process = begin("--port", "0")
    said = process.stdout.readline()
    assert "only looks" in process.stdout.readline()
    return re.search(r"http://\S+", said).group()


def test_a_browser_needs_the_token_and_sees_the_pages(address):
    base = address.partition("/?")[0]
    assert base.startswith("http://127.0.0.1:")
    socket = f"{base.replace('http', 'ws')}/ws?width=100&height=30"

    async def go():
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            async with session.get(base) as refused:
                assert refused.status == 403
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await session.ws_connect(socket)
            async with session.get(address) as page:
                assert page.status == 200
                assert "default-src 'self'" in page.headers["Content-Security-Policy"]
                assert page.headers["Referrer-Policy"] == "no-referrer"
            async with session.get(base, headers={"Origin": "http://evil.example"}) as other:
                assert other.status == 403, "the cookie alone does not do for another page"
            async with session.get(address, headers={"Host": "evil.example"}) as other:
                assert other.status == 403, "a name that somebody lets point here is none of ours"
            async with session.ws_connect(socket, headers={"Origin": base}) as shown:
                drawn = b""
                while b"Nothing runs here yet" not in drawn:
                    message = await asyncio.wait_for(shown.receive(), 60)
                    assert message.type in {aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT}, message
                    drawn += message.data if message.type is aiohttp.WSMsgType.BINARY else b""

    asyncio.run(go())


@pytest.mark.skipif(browser.found() is None, reason="needs chromium, which .ci/run installs: apt-get install chromium")
def test_a_real_browser_draws_the_pages_takes_keys_and_asks_nobody_else(address, tmp_path):
    async def go():
        async with browser.tab(browser.found()) as tab:
            await tab.open(address)
            await tab.until(b"Nothing runs here yet")
            await tab.key("2")  # without a click: it has the focus
            await tab.until(b"What will happen")
            await tab.key("?")
            await tab.until(b"Make it so")
            elsewhere = [each for each in tab.asked if not each.startswith((address.partition("?")[0], "data:"))]
            assert "-first-byte" in await tab.ask("document.body.className")
            inside = "document.querySelector('.xterm-screen').getBoundingClientRect().right <= innerWidth"
            assert await tab.ask(inside), "it is cut"
            picture = await tab.picture()
            (tmp_path / "browser.png").write_bytes(picture)
            assert rows(picture) > 20, "nothing is drawn"
            fonts = "[...document.fonts].map(each => each.status).join()"
            assert await tab.ask(fonts) == "loaded"
            assert tab.said == []
            return elsewhere

    assert asyncio.run(go()) == []


def rows(png):
    """How many different rows of pixels there are in a picture: one of a single colour has one or two."""
    parts, at = b"", 8
    while at < len(png):
        length = int.from_bytes(png[at : at + 4], "big")
        parts += png[at + 8 : at + 8 + length] if png[at + 4 : at + 8] == b"IDAT" else b""
        at += length + 12
    width, height = (int.from_bytes(png[place : place + 4], "big") for place in (16, 20))
    raw = zlib.decompress(parts)
    size = len(raw) // height
    assert size > width
    return len({raw[row * size : (row + 1) * size] for row in range(height)})


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for processes in /proc")
def test_a_tab_ends_with_its_server_also_when_that_is_killed(begin, poll):
    process = begin("--port", "0")
    address = re.search(r"http://\S+", process.stdout.readline()).group()
    socket = f"{address.partition('/?')[0].replace('http', 'ws')}/ws?width=100&height=30"

    async def go():
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            async with session.get(address) as page:
                assert page.status == 200
            async with session.ws_connect(socket) as shown:
                await asyncio.wait_for(shown.receive(), 60)
                return children(process.pid)

    shown = asyncio.run(go())
    assert shown, "a tab is a process of its own"
    process.kill()
    poll(lambda: not any(lives(each) for each in shown), 60)


def children(pid):
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_port_that_is_taken_is_told_with_what_to_do(begin):
    with begin("--port", "0") as first:
        port = re.search(r":(\d+)/", first.stdout.readline())[1]
        second = begin("--port", port)
        said = second.communicate(timeout=60)[1]
        assert second.returncode == 1
        assert f"error[E123] port {port} cannot be taken" in said
        assert "another program listens on it" in said
        assert "--port" in said
        assert "Traceback" not in said
        first.terminate()


def test_without_a_terminal_there_is_a_sentence_and_a_code(tmp_path):
    environment = {**os.environ, "SANDBOX_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "tui"]
    done = subprocess.run(
        words, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr

"""Both servers kept running side by side, for tests that decide while they run what to ask."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.conformance import normal, wire
from tests.conformance.allowed.table import ENTRIES
from tests.conformance.case import Situation
from tests.conformance.judge import judge
from tests.conformance.launch import SIDES, Server
from tests.conformance.play import Observed, prepare


class Pair:
    """One situation, started on both sides. Use ``close`` when done."""

    def __init__(self, situation: Situation, folder: Path) -> None:
        self.situation = situation
        with ThreadPoolExecutor(len(SIDES)) as pool:
            self.servers = dict(zip(SIDES, pool.map(lambda side: self._start(side, folder), SIDES), strict=True))

    def _start(self, side: str, folder: Path) -> Server:
        server = prepare(side, self.situation, folder / side)
        try:
            server.wait_ready()
        except BaseException:
            server.kill()
            raise
        return server

    def close(self) -> None:
        for server in self.servers.values():
            server.kill()

    def must_agree(self, request: bytes, *cases: str) -> None:
        """Send the same bytes to both and fail on any difference that is not on the allow-list.

        ``cases`` are the names under which entries are looked up, as situation/case. What no route answered is looked
        up as such a case, what the web server refused by itself as one of ``wire``.
        """
        there, here = (self._observe(self.servers[side], request) for side in SIDES)
        status = there.aspects["status"][:3]
        names = cases
        if there.aspects.get("header Content-Type") == "text/html" and "header Date" not in there.aspects:
            names = ("wire/generated",)
        elif status in {"404", "405"} and "header x-request-id" not in there.aspects:
            names = (f"echo/{status}-generated", "echo/ids-on-404")
        verdict = judge(there, here, ENTRIES, *names)
        assert not verdict.unlisted, f"{', '.join(names)} differs for\n{request!r}\n" + "\n".join(verdict.unlisted)

    @staticmethod
    def _observe(server: Server, request: bytes) -> Observed:
        try:
            answer = wire.ask(server.port, request)
        except wire.NoAnswer:
            return Observed({"status": "no answer"})
        return Observed(normal.aspects(server, request, answer))

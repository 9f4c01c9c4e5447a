"""What has become of the newest code, for those who ask: on the answers of older workers, and while nobody serves."""

import time
from collections.abc import Callable
from typing import Any

from inference_http.config.settings import Settings
from inference_http.process.control import Message
from inference_http.process.fleet import Fleet
from inference_http.process.links import Links

_PHASES = {"init": "init() is running", "import": "the scoring script is being imported"}


class News:
    """Kept by the supervisor; ``waiting`` says for whom the start waits (a debugger), None: for nobody."""

    def __init__(self, settings: Settings, fleet: Fleet, links: Links, waiting: Callable[[], str | None]) -> None:
        self._settings = settings
        self._fleet = fleet
        self._links = links
        self._waiting = waiting
        self.broken: str | None = None  # why the newest code does not serve

    def failed(self, message: Message, file: str | None) -> None:
        """The newest code does not load: the old workers say so on each answer."""
        told = f"line {message['line']}" in message["title"]  # by Python, in a SyntaxError
        self.broken = message["title"] + (f" ({file}:{message['line']})" if file and not told else "")
        self.spread("broken")

    def spread(self, state: str) -> None:
        """Let the serving workers tell: "loading", "broken"."""
        for member in self._fleet.serving():
            self._links.post(member, "news", state=state, error=self.broken)

    def reason(self) -> str:
        """Why nobody serves, for people who ask meanwhile."""
        waiting = self._waiting()
        if waiting:
            return waiting
        if self.broken:
            return f"The scoring script does not load: {self.broken}"
        for member in self._fleet.starting():
            seconds = time.monotonic() - member.since
            return f"Not ready: {_PHASES.get(member.phase, 'the server is starting')} ({seconds:.1f} s)"
        return "Not ready: no worker is serving"

    def detail(self) -> dict[str, Any]:
        """The same for ``GET /?detail``, in the worker's terms."""
        loads = any(member.kill_at is None for member in self._fleet.starting())  # one that failed is about to end
        state = "loading" if loads else "broken" if self.broken else "current"
        return {
            "status": self.reason(),
            "version": None,
            "since": None,
            "reload": state if self._settings.reload else "off",
            "error": self.broken,
        }

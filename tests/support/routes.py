"""A script served without a server, over the Flask route and over the fast one, which must not be told apart."""

import json
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from werkzeug.test import EnvironBuilder

from inference_http.config.settings import Settings
from inference_http.scoring.deadline import Deadlines
from inference_http.scoring.scorer import Scorer
from inference_http.user import importing, script
from inference_http.web.app import create_app
from inference_http.web.fastroute import fast
from inference_http.web.swagger import Swagger

UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
MS = re.compile(r"^\d+\.\d{3}$")
ID_NAMES = ("x-request-id", "x-ms-request-id")


@dataclass
class Reply:
    """One answer: status line, headers in order, body; ``broken`` is what cut the body short."""

    status_line: str
    headers: list[tuple[str, str]]
    body: bytes
    broken: BaseException | None = None

    @property
    def status(self) -> int:
        return int(self.status_line.split()[0])

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def message(self) -> str:
        return self.json["message"]

    def all(self, name: str) -> list[str]:
        return [value for header, value in self.headers if header == name]

    def __getitem__(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)

    def normal(self) -> Any:
        """The answer without what is new in each one."""
        headers = []
        for name, value in self.headers:
            if name in ID_NAMES and UUID.match(value):
                headers.append((name, "UUID"))
            elif name == "x-ms-run-fn-exec-ms" and MS.match(value):
                headers.append((name, "MS"))
            else:
                headers.append((name, value))
        return self.status_line, headers, self.body, type(self.broken)


class Served:
    """One loaded script and its two routes."""

    def __init__(self, settings: Settings, *, grace_ms: int, insights: Any) -> None:
        importing._naming_flask.clear()  # one process serves one script; a test run many
        self.settings = settings
        self.script = script.load(settings)
        script.call_init(self.script)
        self.deadlines = Deadlines(settings.scoring_timeout_ms, 0, grace_ms)
        self.scorer = Scorer(settings, self.script, deadlines=self.deadlines, insights=insights)
        documents = Swagger(settings, self.script, self.script.schema)
        self.app = create_app(settings, self.scorer, documents, lambda: "requests_total 1\n")
        with mock.patch.object(importing, "libraries_use_flask", return_value=False):  # test modules may hold it
            self.fast = fast(self.app, self.scorer)

    def ask(self, method: str = "POST", path: str = "/score", body: Any = b"", **more: Any) -> Reply:
        """The answer, after both routes have given the same one but for new ids and times."""
        one = self.over(self.app, method, path, body, **more)
        other = self.over(self.fast, method, path, body, **more)
        assert one.normal() == other.normal()
        return other

    def over(self, application: Any, method: str, path: str, body: Any = b"", **more: Any) -> Reply:
        """The answer of one WSGI application."""
        if isinstance(body, str):
            body = body.encode()
        elif not isinstance(body, bytes):
            body = json.dumps(body).encode()
            more.setdefault("content_type", "application/json")
        environ = EnvironBuilder(path, method=method, data=body, **more).get_environ()
        started: list[Any] = []
        pieces = application(environ, lambda *parts: started.append(parts))
        received, broken = b"", None
        try:
            for piece in pieces:
                received += piece
        except Exception as error:
            broken = error
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
        ((status_line, headers),) = started
        return Reply(status_line, list(headers), received, broken)


class Serve:
    """Writes a script into a folder and serves it; without an init() it gets an empty one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, text: str, *, grace_ms: int = 300, insights: Any = None, **settings: Any) -> Served:
        source = textwrap.dedent(text)
        if "def init" not in source:
            source += "\n\ndef init():\n    pass\n"
        path = self.folder / "score.py"
        path.write_text(source)
        chosen = Settings(entry_script=str(path), app_root=str(self.folder), **settings)
        return Served(chosen, grace_ms=grace_ms, insights=insights)

"""Do once, in a process that waits, what a worker does around the script: the first time costs several times the next.

A forked process copies each page of memory at its first change, and libraries make some things at their first use
(regular expressions, routes, OpenSSL's digests). The application is made for a script that does nothing, answers two
requests, and is thrown away. No thread, no socket, no line in the log, and nothing of the user's.
"""

import gc
import hashlib
import io
import logging
from types import ModuleType
from typing import Any

from inference_http.config.settings import Settings
from inference_http.scoring.deadline import Deadlines
from inference_http.scoring.scorer import Scorer
from inference_http.user import signature
from inference_http.user.script import Script
from inference_http.web import swagger
from inference_http.web.app import create_app
from inference_http.web.fastroute import fast

BODY = b'{"data": [1.5, "text"]}'


def rehearse(settings: Settings) -> list[str]:
    """Make an application and let it answer; the status lines of the answers."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        script = _script()
        scorer = Scorer(settings, script, deadlines=Deadlines(0, 0))
        documents = swagger.Swagger(settings, script, None)
        application = fast(create_app(settings, scorer, documents, str, dict), scorer)
        hashlib.sha256(BODY).hexdigest()
        statuses: list[str] = []
        for method, path in (("POST", "/score"), ("GET", "/")):
            body = application(_environ(method, path), lambda status, *_: statuses.append(status))  # type: ignore[arg-type]
            b"".join(body)
        return statuses
    finally:
        logging.disable(before)
        gc.collect()


def _script() -> Script:
    namespace: dict[str, Any] = {}
    exec(compile("def init(): ...\ndef run(data): return [data]\n", "<rehearsal>", "exec"), namespace)  # noqa: S102
    found = signature.read(namespace["run"], namespace["run"])
    return Script(
        path="",
        module=ModuleType("rehearsal"),
        init=namespace["init"],
        run=namespace["run"],
        kind=found.kind,
        parameter=found.parameter,
        parameters=found.parameters,
        wants_headers=found.wants_headers,
        is_async=found.is_async,
        schema=None,
        roots=(),
        driver=None,
        model_dir=None,
    )


def _environ(method: str, path: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(BODY)),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(BODY),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }

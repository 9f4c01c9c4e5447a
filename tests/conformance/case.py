"""What a situation and a case are: data, no behaviour beyond building the bytes of a request."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conformance.launch import Server
from tests.conformance.wire import build

SCRIPTS = Path(__file__).with_name("scripts")
Fact = str | re.Pattern[str] | None
Headers = Iterable[tuple[str, str | bytes]]
Play = Callable[[Server], Mapping[str, str]]


@dataclass(frozen=True)
class Case:
    """One thing to do to a running server.

    ``request`` is sent as it is; or ``play`` does something longer and returns aspects of its own. ``facts`` is what
    the reference is known to do (``spec`` says where that is written): aspect or header name -> exact text, pattern
    that must match all of it, or None for absent. Log facts are patterns that one line must match.
    """

    name: str
    spec: str
    request: bytes = b""
    play: Play | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)
    logs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Situation:
    """A folder of files and a way to start a server on it, with all that is asked of that one server.

    ``serves`` False: the start must fail; then ``facts`` may name "exit". ``says`` are patterns for lines both must
    print. ``ends`` is the exit code after SIGTERM. ``marks`` False: log lines cannot be told apart by request (several
    workers write them). ``module``: start with ``python -m``.
    """

    name: str
    spec: str
    files: Mapping[str, str]
    cases: tuple[Case, ...] = ()
    flags: tuple[str, ...] = ("--entry_script", "score.py", "--port", "{port}")
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: str = ""
    serves: bool = True
    facts: Mapping[str, Fact] = field(default_factory=dict)
    logs: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    marks: bool = True
    module: bool = False
    ends: str = "0"


def script(name: str) -> str:
    """The text of a sample script kept as a file."""
    return (SCRIPTS / f"{name}.py").read_text("utf-8")


def get(target: str, headers: Headers = ()) -> bytes:
    return build("GET", target, list(headers))


def post(body: bytes | str = b"", content_type: str | None = "application/json", headers: Headers = ()) -> bytes:
    """A POST to /score. ``content_type`` None sends none."""
    data = body.encode() if isinstance(body, str) else body
    named: list[tuple[str, str | bytes]] = [] if content_type is None else [("Content-Type", content_type)]
    return build("POST", "/score", [*named, *headers], data)


def post_json(value: Any, headers: Headers = ()) -> bytes:
    return post(json.dumps(value), headers=headers)


def ask(method: str, target: str, headers: Headers = (), body: bytes = b"") -> bytes:
    return build(method, target, list(headers), body)

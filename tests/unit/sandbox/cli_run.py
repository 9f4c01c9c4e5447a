"""Run command lines against a facade that remembers what it was asked; parser and printing are the real ones."""

import argparse
from dataclasses import dataclass, field
from typing import Any

from sandbox.cli import catalog
from sandbox.cli.front import split
from sandbox.cli.parser import parser, program
from sandbox.cli.words import Verb


def table(line: list[str]) -> tuple[Verb, list[str]]:
    """Return the verb that a command line means, and the words for its parser."""
    found = split(line, catalog.ALONE)
    group = catalog.group(found.group)
    assert group is not None, found.group
    verb = group.verb("" if found.group in catalog.ALONE else found.verb)
    assert verb is not None, found
    return verb, list(found.rest)


def parsed(line: list[str]) -> argparse.Namespace:
    """Parse a command line as the program does."""
    found = split(line, catalog.ALONE)
    verb, rest = table(line)
    group = catalog.group(found.group)
    assert group is not None
    return parser(program(group, verb), verb).parse_args(rest)


@dataclass
class Said:
    """What the facade answers with."""

    name: str
    value: dict[str, Any]

    def as_azure(self, **_more: Any) -> dict[str, Any]:
        return self.value


@dataclass
class Answer:
    """A reply of an endpoint."""

    status: int
    body: bytes
    headers: list[tuple[str, str]] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


class Part:
    """One part of the facade: every method is remembered, and answers what was laid out for it."""

    def __init__(self, name: str, calls: list[tuple[Any, ...]], answers: dict[str, Any]) -> None:
        self._name, self._calls, self._answers = name, calls, answers

    def own_files(self, _name: str) -> Any:
        """Paths stay as they are; not remembered: it asks for nothing."""
        return str

    def __getattr__(self, method: str) -> Any:
        def call(*positional: Any, **named: Any) -> Any:
            named.pop("report", None)
            self._calls.append((f"{self._name}.{method}", positional, named))
            answer = self._answers.get(f"{self._name}.{method}", Said("shop", {"name": "shop"}))
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return call


class Facade:
    """Stands where ``sandbox.api.Sandbox`` stands, so that no endpoint is needed to look at flags and output."""

    def __init__(self, **answers: Any) -> None:
        self.calls: list[tuple[Any, ...]] = []
        answers = {name.replace("__", "."): value for name, value in answers.items()}
        self.home = answers.pop("home", None)
        self._own = Part("box", self.calls, {f"box.{name}": value for name, value in answers.items()})
        for part in ("online_endpoints", "online_deployments", "models", "environments", "connections", "hosts"):
            setattr(self, part, Part(part, self.calls, answers))

    def __getattr__(self, method: str) -> Any:
        return getattr(self._own, method)

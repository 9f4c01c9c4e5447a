"""The desired state of endpoints: a file for each, replaced at once, changed under a lock that is held briefly."""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from sandbox import files
from sandbox.home import Home
from sandbox.model import names
from sandbox.model.errors import NotFound, SandboxError
from sandbox.model.state import EndpointState
from sandbox.store import codec

STATE = "state.json"
JOURNAL_LARGEST = 1 << 20  # bytes, then the older half goes
GONE = "_gone"  # the journal of all endpoints that were deleted; no endpoint can have this name


def now() -> str:
    """Return this moment as Azure writes times: ISO 8601, UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fix(name: str) -> str:
    return f"restore the file; or give the endpoint up: sandbox down {name}"


class Endpoints:
    """What is asked for below one home. Holds nothing itself: any number of commands may work at once."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def names(self) -> list[str]:
        """Return the names of all endpoints, sorted."""
        try:
            found = os.listdir(self._home.endpoints)
        except FileNotFoundError:
            return []
        return sorted(name for name in found if os.path.exists(self._file(name)))

    def find(self, name: str) -> EndpointState | None:
        """Return an endpoint, None where there is none.

        Raises:
            SandboxError: E004, its file is damaged.
        """
        if names.check(name):  # it would lead out of the folder, or nowhere
            return None
        path = self._file(name.lower())
        try:
            said = files.read_json(path)
        except SandboxError as error:
            raise SandboxError("E004", error.what, error.why, _fix(name)) from None
        if said is None:
            return None
        try:
            found = codec.decode(EndpointState, said)
        except ValueError as error:
            raise SandboxError("E004", f"{path} is damaged", str(error), _fix(name)) from None
        if found.name.lower() != name.lower():  # a copy of another one's folder: the gateway would have it twice
            raise SandboxError("E004", f"{path} is damaged", f"it describes endpoint {found.name!r}", _fix(name))
        return found

    def all(self) -> list[EndpointState]:
        """Return all endpoints, by name: for those who remove what none of them needs.

        Raises:
            SandboxError: E004, the file of one is damaged; what that one needs nobody can tell.
        """
        found, damaged = self.look()
        for error in damaged.values():
            raise error
        return found

    def look(self) -> tuple[list[EndpointState], dict[str, SandboxError]]:
        """Return the endpoints that can be read, by name, and by name what is wrong with the others (E004)."""
        tried = {name: self._tried(name) for name in self.names()}
        found = [each for each in tried.values() if isinstance(each, EndpointState)]
        return found, {name: each for name, each in tried.items() if isinstance(each, SandboxError)}

    def _tried(self, name: str) -> EndpointState | SandboxError | None:
        try:
            return self.find(name)
        except SandboxError as error:
            return error

    @contextlib.contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Hold the lock of one endpoint: for reading, deciding and writing, never while anything is waited for.

        Raises:
            NotFound: E050, no endpoint can have this name.
        """
        for violation in names.check(name):
            raise NotFound("E050", f"no endpoint {name!r}", violation.why, "sandbox status")
        path = self._home.at("locks", f"{name.lower()}.lock")
        with files.alone(path, f"endpoint {name}"):
            try:
                yield
            finally:
                if not os.path.exists(self._file(name.lower())):  # deleted, or never there
                    with contextlib.suppress(OSError):  # Windows: it is open
                        os.unlink(path)

    def strangers(self) -> list[str]:
        """Return the names of endpoints that are not there and left a lock or a journal: their deletion was killed."""
        found = set()
        for folder, suffix in (("locks", ".lock"), ("journal", ".jsonl")):
            with contextlib.suppress(FileNotFoundError):
                listed = os.listdir(self._home.at(folder))
                found |= {name.removesuffix(suffix) for name in listed if name.endswith(suffix)}
        return sorted(name for name in found - set(self.names()) if not names.check(name))

    @contextlib.contextmanager
    def all_alone(self) -> Iterator[None]:
        """Hold the lock of what endpoints share: their ports."""
        with files.alone(self._home.at("locks", "_ports.lock"), "the list of endpoints"):
            yield

    def write(self, state: EndpointState) -> EndpointState:
        """Keep a state, one generation on; the caller holds the endpoint's lock. Returns what was written."""
        written = replace(state, generation=state.generation + 1, changed=now(), created=state.created or now())
        files.sweep(os.path.dirname(self._file(state.name)))
        files.write_json(self._file(state.name), codec.encode(written))
        return written

    def remove(self, name: str) -> None:
        """Forget an endpoint; the caller holds its lock."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._file(name))
        shutil.rmtree(os.path.dirname(self._file(name)), ignore_errors=True)

    def note(self, name: str, verb: str, text: str, **more: Any) -> None:
        """Add a line to the endpoint's journal, where the disk takes it."""
        line = json.dumps({"at": now(), "endpoint": name, "verb": verb, "text": text, **more}, ensure_ascii=False)
        with contextlib.suppress(OSError), self._journals():
            self._append(name, [f"{line}\n"])

    def retire(self, name: str) -> None:
        """Put the journal of an endpoint that was deleted to those of all that are gone: together they stay small."""
        with contextlib.suppress(OSError), self._journals():
            lines = self._lines(self._journal(name))
            if lines:
                self._append(GONE, lines)
                os.unlink(self._journal(name))

    def journal(self, name: str) -> list[dict[str, Any]]:
        """Return what was noted about an endpoint, oldest first, also about an earlier one of its name."""
        gone = [note for note in self._notes(GONE) if str(note.get("endpoint")).lower() == name.lower()]
        return gone + self._notes(name)

    def journals(self) -> list[dict[str, Any]]:
        """Return what was noted about all endpoints, those that are gone as well, oldest first."""
        folder = self._home.at("journal")
        names = os.listdir(folder) if os.path.isdir(folder) else []
        found = [note for name in names if name.endswith(".jsonl") for note in self._notes(name.removesuffix(".jsonl"))]
        return sorted(found, key=lambda note: str(note.get("at")))

    @contextlib.contextmanager
    def _journals(self) -> Iterator[None]:
        """Let nobody else write to journals: who shortens one would lose what is written meanwhile."""
        with files.alone(self._home.at("locks", "_journal.lock"), "the journal"):
            yield

    def _append(self, name: str, lines: list[str]) -> None:
        path = self._journal(name)
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab", buffering=0) as file:
            file.write("".join(lines).encode())
            large = file.tell() > JOURNAL_LARGEST
        if large:
            files.sweep(os.path.dirname(path))
            kept = self._lines(path)
            files.write(path, "".join(kept[len(kept) // 2 :]).encode())

    def _notes(self, name: str) -> list[dict[str, Any]]:
        found = []
        for line in self._lines(self._journal(name)):
            with contextlib.suppress(ValueError):  # the half line of a command that was killed
                found.append(json.loads(line))
        return found

    @staticmethod
    def _lines(path: str) -> list[str]:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.readlines()
        except FileNotFoundError:
            return []

    def _file(self, name: str) -> str:
        return os.path.join(self._home.endpoints, name, STATE)

    def _journal(self, name: str) -> str:
        return self._home.at("journal", f"{name.lower()}.jsonl")

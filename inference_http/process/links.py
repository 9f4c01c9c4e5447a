"""The supervisor's side of the workers: their wires, their places on the board, and connections on their way."""

import functools
import os
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Sequence
from typing import Any, Protocol

from inference_http.process import control
from inference_http.process.control import Message, Task, Wire
from inference_http.process.engine import Engine
from inference_http.process.member import Member
from inference_http.telemetry.board import Board

END_OF_WIRE_S = 0.5  # after a worker's wire has ended: how long its exit code is waited for


class Owner(Protocol):
    """What is asked of the supervisor."""

    def task(self, member: Member, slot: int) -> Task:
        """What a new worker shall be."""

    def engine(self, member: Member, task: Task) -> Engine:
        """Who makes it."""

    def hear(self, member: Member, message: Message) -> None:
        """A worker says something."""

    def gone(self, member: Member, code: int | None) -> None:
        """Its process has ended."""

    def heirs(self) -> Sequence[Member]:
        """Who may get a connection of a worker that leaves."""


class Link:
    """One worker."""

    def __init__(self, wire: Wire, slot: int) -> None:
        self.wire = wire
        self.slot = slot
        self.task: Task | None = None
        self.engine: Engine | None = None  # who made it, or was asked to
        self.ended_at: float | None = None  # monotonic; when the wire ended


class Links:
    """All of them."""

    def __init__(self, board: Board, selector: selectors.BaseSelector, owner: Owner) -> None:
        self._board = board
        self._selector = selector
        self._owner = owner
        self._links: dict[Member, Link] = {}
        self._free_slots = list(range(board.slots))
        self._connections: deque[int] = deque()  # of leaving workers, until somebody serves
        self._rounds = 0  # of handing over, so that connections are spread

    def __bool__(self) -> bool:
        """Whether there is any worker, if only one that is about to end."""
        return bool(self._links)

    def __getitem__(self, member: Member) -> Link:
        return self._links[member]

    def unmade(self, engine: Engine) -> list[Member]:
        """Whom this engine was asked for and has not forked."""
        return [member for member, link in self._links.items() if link.engine is engine and member.pid is None]

    def engines(self) -> list[Engine]:
        """Those that a worker came from."""
        return [link.engine for link in self._links.values() if link.engine is not None]

    def start(self, member: Member) -> None:
        """Make a worker process and listen to it."""
        ours, theirs = control.pair()
        self._links[member] = Link(ours, self._free_slots.pop(0))
        self._ask(member, theirs)

    def ask_again(self, member: Member) -> None:
        """Its engine will not make it: ask the one that is current now."""
        link = self._links[member]
        if link.ended_at is None:
            self._selector.unregister(link.wire)
        link.wire.close()
        link.wire, theirs = control.pair()
        link.ended_at = None
        self._ask(member, theirs)

    def _ask(self, member: Member, theirs: socket.socket) -> None:
        link = self._links[member]
        self._selector.register(link.wire, selectors.EVENT_READ, functools.partial(self._heard, member, link.wire))
        link.task = self._owner.task(member, link.slot)
        link.engine = self._owner.engine(member, link.task)
        with theirs:
            link.engine.start(member.number, link.task.to_json(), theirs, link.wire)

    def post(self, member: Member, op: str, **fields: Any) -> bool:
        """Send a message; False when nobody hears it."""
        return member in self._links and self._links[member].wire.post(op, **fields)

    def kill(self, member: Member, number: int) -> None:
        """Signal a worker; one whose process is not known yet is given up, and ended when it shows itself."""
        link = self._links.get(member)
        if link is None:
            return
        if member.pid is not None and link.engine is not None:
            link.engine.kill(member.pid, number)
        elif link.ended_at is None:
            link.ended_at = time.monotonic()
            self._selector.unregister(link.wire)

    def forked(self, engine: Engine, number: int, pid: int) -> None:
        """A worker has its process."""
        member = next((member for member in self._links if member.number == number), None)
        if member is not None:
            member.pid = pid
        if member is None or self._links[member].ended_at is not None:
            engine.kill(pid, signal.SIGTERM)  # nobody wants it any more

    def exited(self, pid: int, code: int) -> None:
        """A worker's process has ended."""
        member = next((member for member in self._links if member.pid == pid), None)
        if member is not None:
            self._gone(member, code)

    def tick(self, now: float) -> None:
        """Give up workers whose wire has ended and whose exit code does not come."""
        for member, link in list(self._links.items()):
            if link.ended_at is not None and now > link.ended_at + END_OF_WIRE_S:
                self._gone(member, None)

    def hand_out(self) -> None:
        """Somebody serves: pass on the connections that have waited for that."""
        while self._connections and self._owner.heirs():
            self._pass_on(self._connections.popleft())

    def close(self) -> None:
        """Let go of connections that nobody will take."""
        while self._connections:
            os.close(self._connections.popleft())

    def _heard(self, member: Member, wire: Wire) -> None:
        link = self._links.get(member)
        if link is None or link.wire is not wire or link.ended_at is not None:
            return  # an event from before something else that happened in the same round of the loop
        messages, alive = wire.drain()
        for message in messages:
            self._take(member, message)
        if not alive and self._links.get(member) is link and link.ended_at is None:
            link.ended_at = time.monotonic()
            self._selector.unregister(link.wire)

    def _take(self, member: Member, message: Message) -> None:
        # Its own word may come before that of its engine, whose wire is another.
        member.pid = message.get("pid", member.pid)
        if message["op"] == "connection":
            self._pass_on(message["fds"][0])
        else:
            self._owner.hear(member, message)

    def _pass_on(self, descriptor: int) -> None:
        """Give a connection of a leaving worker to a serving one, each in turn; if nobody serves, to the next."""
        heirs = self._owner.heirs()
        self._rounds += 1
        for number in range(len(heirs)):
            if self.post(heirs[(self._rounds + number) % len(heirs)], "connection", fds=[descriptor]):
                os.close(descriptor)
                return
        self._connections.append(descriptor)

    def _gone(self, member: Member, code: int | None) -> None:
        link = self._links[member]
        if link.ended_at is None:
            for message in link.wire.rest():  # connections that it has handed over, among others
                self._take(member, message)
            self._selector.unregister(link.wire)
        self._owner.gone(member, code)
        self._board.retire(link.slot)
        self._free_slots.append(link.slot)
        link.wire.close()
        del self._links[member]

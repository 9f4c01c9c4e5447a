import selectors

import pytest

from inference_http.process.control import Task, Wire
from inference_http.process.links import Links
from inference_http.process.member import Member
from inference_http.telemetry.board import Board


class Maker:
    """An engine that keeps the worker's end of the wire and has not said yet that there is a process."""

    def start(self, number, task, theirs, ours):
        self.theirs = Wire(theirs.dup())


class Owner:
    def __init__(self, maker):
        self.maker = maker
        self.heard = []

    def task(self, member, slot):
        return Task(number=member.number, slot=slot, board="")

    def engine(self, member, task):
        return self.maker

    def hear(self, member, message):
        self.heard.append((message["op"], member.pid))


@pytest.fixture
def board():
    made = Board.create(2)
    yield made
    made.close()


def test_a_worker_that_is_ready_before_its_engine_says_so_has_its_process_id(board):
    maker = Maker()
    owner = Owner(maker)
    with selectors.DefaultSelector() as selector:
        links = Links(board, selector, owner)
        member = Member(1, 1, 0.0)
        links.start(member)
        maker.theirs.send("phase", phase="import")
        maker.theirs.send("ready", pid=4711)
        while len(owner.heard) < 2:
            for key, _ in selector.select(5):
                key.data()
        assert owner.heard == [("phase", None), ("ready", 4711)]
        assert links.unmade(maker) == []
        links.forked(maker, 1, 4711)
        assert member.pid == 4711
        maker.theirs.close()
        links[member].wire.close()

"""The wire between the processes."""

import os
import socket

from inference_http.process import control
from inference_http.process.control import Task, Wire


def test_a_task_travels_as_text() -> None:
    task = Task(number=3, slot=1, board="/b", reloading=True, data="x", debug={"port": 1})
    assert Task.from_json(task.to_json()) == task


def test_connections_of_a_sender_that_has_ended_are_all_there() -> None:
    ours, theirs = control.pair()
    sender = Wire(theirs)
    for number in range(20):
        with socket.socket() as sock:
            sender.send("connection", fds=[sock.fileno()], number=number)
    sender.close()
    messages = ours.rest()
    assert [message["number"] for message in messages] == list(range(20))
    descriptors = [message["fds"][0] for message in messages]
    assert len(set(descriptors)) == 20
    for descriptor in descriptors:
        os.close(descriptor)
    ours.close()


def test_the_rest_is_not_waited_for() -> None:
    ours, theirs = control.pair()
    assert ours.rest() == []
    Wire(theirs).send("one")
    assert [message["op"] for message in ours.rest()] == ["one"]
    ours.close()
    theirs.close()

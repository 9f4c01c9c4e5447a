"""Ports that are kept for an instance until its server listens."""

import socket

import pytest

from sandbox.backend import ports


def listening(port):
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
    found.bind((ports.HOST, port))
    found.listen()
    return found


def test_reserved_ports_differ():
    with ports.reserve() as one, ports.reserve() as two:
        assert ports.number(one) != ports.number(two)


def test_nobody_answers_on_a_reserved_port():
    with ports.reserve() as held, pytest.raises(ConnectionRefusedError):
        socket.create_connection((ports.HOST, ports.number(held)), timeout=5)


def test_a_server_can_listen_on_a_port_that_is_held_and_nobody_else_is_given_it():
    with ports.reserve() as held, listening(ports.number(held)):
        with socket.create_connection((ports.HOST, ports.number(held)), timeout=5):
            others = [socket.create_server((ports.HOST, 0)) for _ in range(200)]
        assert ports.number(held) not in {other.getsockname()[1] for other in others}
        for other in others:
            other.close()

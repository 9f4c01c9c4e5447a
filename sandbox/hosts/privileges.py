"""Giving up what root may do, for a process in a container that begins as root. Linux; no program of the image needed.

A container is given few capabilities, and these only so that its first process can become somebody else. What is kept
after that is kept as *ambient* capability: it survives the start of another program, and no file of the image grants
it.
"""

import ctypes
import os
import struct
from collections.abc import Sequence

from sandbox.model.errors import SandboxError

USER = 10001  # who our processes on a host are; the same as in the containers of instances
# What the first process needs to become ``USER``; SETPCAP removes the rest of the bounding set.
TO_CHANGE = ("SETGID", "SETPCAP", "SETUID")
NET_BIND_SERVICE = 10  # listening on ports below 1024

_KEEPCAPS, _SET_NO_NEW_PRIVS, _CAPBSET_READ, _CAPBSET_DROP, _AMBIENT = 8, 38, 23, 24, 47
_AMBIENT_RAISE, _AMBIENT_CLEAR_ALL = 2, 4
_CAPABILITY_VERSION_3 = 0x20080522
_MOST = 64


def become(user: int, group: int, groups: Sequence[int] = (), keep: Sequence[int] = ()) -> None:
    """Turn this process into one of ``user`` that has the capabilities ``keep`` and cannot gain any other.

    A process that is no root stays who it is and gives up what it has but ``keep``, as far as it has that.

    Args:
        user: the number of the user; 0 stays root, without what root may do.
        group: its first group.
        groups: its other groups.
        keep: numbers of capabilities that stay, also in programs that are started from here.

    Raises:
        SandboxError: E171, the container was not given what is needed for that.
    """
    try:
        if os.geteuid() == 0:
            _call("prctl", _KEEPCAPS, 1, 0, 0, 0)
            os.setgroups(list(groups))
            os.setresgid(group, group, group)
            _drop_bounds(keep)
            os.setresuid(user, user, user)
        _set_capabilities(keep)
        _call("prctl", _AMBIENT, _AMBIENT_CLEAR_ALL, 0, 0, 0)
        for each in keep:
            _call("prctl", _AMBIENT, _AMBIENT_RAISE, each, 0, 0)
        _call("prctl", _SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    except OSError as error:
        what = f"this container cannot become user {user}"
        fix = f"give it the capabilities {', '.join(TO_CHANGE)} and no user of its own; sandbox does so by itself"
        raise SandboxError("E171", what, error.strerror or str(error), fix) from None


def _drop_bounds(keep: Sequence[int]) -> None:
    """Nothing that is started from here can get what is not in the bounding set."""
    for each in range(_MOST):
        if each not in keep and _libc().prctl(_CAPBSET_READ, each, 0, 0, 0) == 1:
            _call("prctl", _CAPBSET_DROP, each, 0, 0, 0)


def _set_capabilities(keep: Sequence[int]) -> None:
    mask = sum(1 << each for each in keep)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _call("capset", header, struct.pack("=6I", low, low, low, high, high, high))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc(), name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))

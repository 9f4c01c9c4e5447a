"""Who does something, for the history and for locks: never a proof, only what people are told."""

import getpass
import os
import socket
from collections.abc import Mapping

VARIABLE = "SANDBOX_CLIENT"  # on a host: who asked for it, and from where
_LONGEST = 100


def this(environ: Mapping[str, str] = os.environ) -> str:
    """Return USER@MACHINE, or what ``SANDBOX_CLIENT`` says."""
    if said := environ.get(VARIABLE):
        return "".join(letter for letter in said if letter.isprintable())[:_LONGEST]
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        name = "somebody"
    return f"{name}@{socket.gethostname()}"

"""Who listens on a port, and whether anybody does."""

import contextlib
import glob
import os
import socket

LISTENING = "0A"


def occupant(port: int) -> str:
    """Return ``process 123 (python -m http.server)``; empty where the system does not tell (other users, no /proc)."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    if not sockets:
        return ""
    for link in glob.iglob("/proc/[0-9]*/fd/*"):
        with contextlib.suppress(OSError):  # it has ended, or is not ours
            if os.readlink(link) in sockets:
                pid = link.split("/")[2]
                return f"process {pid} ({_command(pid)})"
    return ""


def is_taken(address: str, port: int) -> bool:
    """Tell whether Envoy could not listen there now: it is tried as Envoy does it."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((address, port))
        except PermissionError:  # a low port, which the gateway of a host may open and this process may not
            return False
        except OSError:
            return True
    return False


def _inodes(port: int) -> list[str]:
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as file:
                rows = [line.split() for line in file.readlines()[1:]]
        except OSError:
            continue
        found += [row[9] for row in rows if row[3] == LISTENING and int(row[1].rpartition(":")[2], 16) == port]
    return found


def _command(pid: str) -> str:
    """Its first words: the rest may hold what is not for others."""
    with open(f"/proc/{pid}/cmdline", "rb") as file:
        words = file.read().decode(errors="replace").split("\0")
    return " ".join(word for word in words[:3] if word)

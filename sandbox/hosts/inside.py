"""The first process of a container in which a command runs on a host: ``python -m sandbox.hosts.inside VERB ARGS``.

The container begins as root for three things only: the state folder has to be its user's, the engine's socket is open
for a group whose number nobody knows before, and what root may do has to be given up. Then ``sandbox VERB ARGS`` takes
its place, as user 10001, in the group of the socket, without capabilities and without a way to get any.

The container is given ``CAPABILITIES`` and nothing else, and shares the host's list of processes (``pid_mode`` host):
who works on something is written down as number and beginning of a process, and another command has to see it.
"""

import os
import stat
import sys
from collections.abc import Sequence

from sandbox.home import VARIABLE
from sandbox.hosts import privileges
from sandbox.model.errors import SandboxError

ENTRY = ("-m", "sandbox.hosts.inside")  # words for Python, before the verb
SOCKET = "SANDBOX_ENGINE_SOCKET"  # the variable with the path of the engine's socket; none: no engine is asked
CAPABILITIES = (*privileges.TO_CHANGE, "CHOWN", "DAC_OVERRIDE", "FOWNER")
EXIT_FAILED = 1
_OURS = frozenset({"production.json", "endpoints"})  # one of these is in every state folder that is in use
_OF_A_DISK = frozenset({"lost+found"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Become the user and the command; return only where that fails, with an exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        home, socket = os.environ.get(VARIABLE, ""), os.environ.pop(SOCKET, "")
        own(home)
        privileges.become(privileges.USER, privileges.USER, groups_for(socket))
        usable(socket)
        environment = {**os.environ, "HOME": "/tmp", "USER": "sandbox", "LOGNAME": "sandbox"}  # noqa: S108
        if socket:
            environment["DOCKER_HOST"] = f"unix://{socket}"
        program = os.path.join(os.path.dirname(sys.executable), "sandbox")
        os.execve(program, [program, *words], environment)  # noqa: S606 - words, and no shell
    except SandboxError as error:
        sys.stderr.write(told(error))
    except OSError as error:
        fix = "see that the state folder and the image of the host are whole"
        sys.stderr.write(told(SandboxError("E171", "the command cannot be started on the host", str(error), fix)))
    return EXIT_FAILED


def own(folder: str) -> None:
    """Make the state folder the user's, and private; everything in it where the folder itself is not yet.

    A backup that root has restored is such a folder. Of a folder that is the user's nothing is looked through.

    Raises:
        SandboxError: E171, it is not there, cannot be changed, or is one of somebody else with files in it.
    """
    if not os.path.isabs(folder) or not os.path.isdir(folder):
        fix = "the folder of the host has to be given to the container under its own path"
        raise SandboxError("E171", "the container sees no state folder", f"{VARIABLE} is {folder!r}", fix)
    if os.geteuid() != 0:
        return
    try:
        if os.stat(folder).st_uid != privileges.USER:
            _refuse_foreign(folder)
            for parent, folders, names in os.walk(folder, topdown=False):
                for name in (*folders, *names):
                    os.lchown(os.path.join(parent, name), privileges.USER, privileges.USER)
            os.chown(folder, privileges.USER, privileges.USER)  # last: whoever is cut off before begins again
        if stat.S_IMODE(os.stat(folder).st_mode) != 0o700:
            os.chmod(folder, 0o700)
    except OSError as error:
        what = f"{folder} cannot be made the folder of user {privileges.USER}"
        fix = f"sudo chown -R {privileges.USER}:{privileges.USER} {folder} on the host"
        raise SandboxError("E171", what, error.strerror or str(error), fix) from None


def _refuse_foreign(folder: str) -> None:
    """See that a folder is new or one of ours: the home of a person would be taken from that person."""
    found = sorted({*os.listdir(folder)} - _OF_A_DISK)
    if found and not _OURS.intersection(found):
        what = f"{folder} on the host is in use, and no state folder"
        why = f"it holds {', '.join(found[:3])}{', ...' if len(found) > 3 else ''}; all of it would become ours"
        fix = "name one that is empty or not there yet: sandbox host add NAME --folder FOLDER"
        raise SandboxError("E171", what, why, fix)


def groups_for(socket: str) -> list[int]:
    """Return the groups that a user needs to ask the engine: that of its socket; none without a socket.

    Raises:
        SandboxError: E171, it is not there.
    """
    if not socket:
        return []
    try:
        return [os.stat(socket).st_gid]
    except OSError as error:
        fix = "see that the engine runs on the host, and under which path its socket is"
        what = "the container does not see the engine's socket"
        raise SandboxError("E171", what, f"{socket}: {error.strerror}", fix) from None


def usable(socket: str) -> None:
    """See that this process may ask the engine.

    Raises:
        SandboxError: E171, its socket is open for neither the group nor others.
    """
    if socket and not os.access(socket, os.R_OK | os.W_OK):
        found = os.stat(socket)
        why = f"it belongs to user {found.st_uid}, group {found.st_gid}, with mode {stat.S_IMODE(found.st_mode):o}"
        fix = "let its group use it, as the engine does by itself: chmod 660 on the host"
        raise SandboxError("E171", f"only root may use {socket}", why, fix)


def told(error: SandboxError) -> str:
    """Return the text of an error, as commands print theirs."""
    rows = [f"error[{error.code}] {error.what}", *(f"  {line}" for line in error.why.splitlines())]
    return "\n".join([*rows, *([f"  fix: {error.fix}"] if error.fix else [])]) + "\n"


if __name__ == "__main__":
    sys.exit(main())

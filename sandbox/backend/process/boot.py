"""The first file of an instance's interpreter: tells who it is, then becomes the server.

    python boot.py NAME SETUP [FLAG ...]

Descriptor 3 is locked by whoever started us and stays so until this process is gone, which is how everybody else
knows that it runs; what is written there is the process's own word. Descriptor 4, where there is one, is bound to the
port that the server will listen on, so that nobody else is given it meanwhile.

It is run by the interpreter of a deployment and so imports nothing of ours. A file, and not ``-c``: the command line
is what people see in ``ps``. Not ``-m``: that would let files in the current folder hide the server's own modules.
"""

import json
import os
import runpy
import sys

ALIVE, PORT = 3, 4


def main(argv: list[str]) -> None:
    """Be the instance; leaves with the server's exit code."""
    _, setup_text, *flags = argv
    setup = json.loads(setup_text)
    os.closerange(PORT + 1 if setup["port_held"] else PORT, _most_descriptors())
    os.set_inheritable(ALIVE, False)
    if setup["port_held"]:
        os.set_inheritable(PORT, False)
    said = {"id": setup["id"], "pid": os.getpid(), "began": _began()}
    _say(said)
    code = 1
    try:
        _enter(setup["cgroup"])
        if setup["cores"]:
            os.sched_setaffinity(0, setup["cores"])
        os.chdir(setup["app_root"])
        if not getattr(sys.flags, "safe_path", False):
            del sys.path[0]  # the folder of this file
        sys.path.extend(folder for folder in setup["python_path"] if folder not in sys.path)
        sys.argv = ["inference-http", *flags]
        runpy.run_module("inference_http", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
        raise
    finally:
        _say({**said, "exit_code": code})


def _enter(cgroup: "str | None") -> None:
    """Put this process, and so all its children, under the limit of memory."""
    if cgroup:
        try:
            with open(os.path.join(cgroup, "cgroup.procs"), "w", encoding="ascii") as file:
                file.write("0")
        except OSError as error:
            print(f"The memory of this instance is not limited: {error}", flush=True)  # noqa: T201


def _say(value: object) -> None:
    """Replace what the locked file holds; shorter than a page, so that no reader sees a half of it."""
    os.pwrite(ALIVE, json.dumps(value).encode().ljust(256), 0)


def _began() -> str:
    """Return when this process began, as the system writes it; empty where it does not tell."""
    try:
        with open("/proc/self/stat", encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[19]
    except OSError:
        return ""


def _most_descriptors() -> int:
    try:
        return max(map(int, os.listdir("/dev/fd"))) + 1
    except (OSError, ValueError):
        return 4096


if __name__ == "__main__":
    main(sys.argv[1:])

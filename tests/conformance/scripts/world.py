"""run() tells where and how the script was loaded."""

import builtins
import os
import sys
import threading

AT_IMPORT = {"name": __name__, "file": __file__, "cwd": os.getcwd(), "print": builtins.print.__name__}
SEEN = {}


class Mine:
    pass


def init():
    SEEN["init on main thread"] = threading.current_thread() is threading.main_thread()


def environment():
    wanted = ("AML_", "AZUREML_", "WORKER_", "SERVER_P", "HEALTH_", "TRANSPORT_", "HTTP_X", "SERVICE_", "SCORING_")
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith(wanted)}


def paths():
    """Which kind of folder follows which on sys.path; folders of the test's own are named."""
    root = os.environ["AML_APP_ROOT"]
    kinds = []
    for place in sys.path:
        if place.startswith(root):
            kinds.append(place)
        elif "site-packages" in place:
            kinds.append("site-packages")
        elif place.startswith(sys.base_prefix):
            kinds.append("stdlib")
    return [kind for kind, before in zip(kinds, ["", *kinds], strict=False) if kind != before]


def run(what):
    on_main = threading.current_thread() is threading.main_thread()
    known = {
        "env": environment,
        "module": lambda: AT_IMPORT | {"module": run.__module__, "in sys.modules": __name__ in sys.modules},
        "paths": paths,
        "threads": lambda: SEEN | {"run on main thread": on_main},
        "cwd": os.getcwd,
        "argv": lambda: len(sys.argv),
    }
    return known[what]()

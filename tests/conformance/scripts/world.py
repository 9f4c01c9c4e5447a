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
    wanted = ("AML", "AZUREML", "WORKER", "SERVER", "HEALTH", "TRANSPORT", "HTTP_X", "SERVICE", "SEPERATE", "SCORING")
    return {name: value for name, value in sorted(os.environ.items()) if name.startswith(wanted)}


def paths():
    return [place for place in sys.path if "site-packages" not in place and not place.startswith(sys.base_prefix)]


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

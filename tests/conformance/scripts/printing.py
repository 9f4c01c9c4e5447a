"""print() and logging in every place a script may use them."""

import logging
import sys
import threading
import warnings

print("at import", 1, None)
logging.getLogger("azmlinfsrv.mine").info("child logger at import")


def init():
    print("in init")
    logging.warning("root warning in init")


def from_thread():
    thread = threading.Thread(target=print, args=("in a thread",))
    thread.start()
    thread.join()


def written():
    sys.stdout.write("written\n")
    sys.stdout.flush()


def flushed():
    print("flushed", flush=True)


class Shown:
    def __str__(self):
        return "shown"


SAYINGS = {
    "plain": lambda: print("in run"),
    "several": lambda: print("a", 2, [3], sep="|", end="!"),
    "empty": print,
    "newline": lambda: print("two\nlines"),
    "object": lambda: print(Shown()),
    "percent": lambda: print("100%", "%s"),
    "unicode": lambda: print("é 日本"),
    "thread": from_thread,
    "written": written,
    "flushed": flushed,
    "to-stderr": lambda: print("to stderr", file=sys.stderr),
    "to-stdout": lambda: print("to stdout", file=sys.stdout),
    "original": lambda: print("to original", file=sys.__stdout__, flush=True),
    "root-info": lambda: logging.info("root info"),
    "root-warning": lambda: logging.warning("root warning"),
    "mine-info": lambda: logging.getLogger("mine").info("mine info"),
    "mine-error": lambda: logging.getLogger("mine").error("mine error"),
    "azml-info": lambda: logging.getLogger("azmlinfsrv").info("azml info"),
    "azml-child": lambda: logging.getLogger("azmlinfsrv.mine").info("child %s", "info"),
    "azml-debug": lambda: logging.getLogger("azmlinfsrv").debug("azml debug"),
    "warn": lambda: warnings.warn("careful", stacklevel=1),
}


def run(what):
    SAYINGS[what]()
    return what

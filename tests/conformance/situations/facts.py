"""Answers of the reference that many cases share."""

import json
import re

from tests.conformance.case import Fact

ID = re.compile(r"<new id \d>")
MS = "<ms>"
JSON = "application/json"
HTML = "text/html; charset=utf-8"
VERSION = "azmlinfsrv/1.5.1"
INTERNAL = "An unexpected internal error occurred. Check the logs for more info."
SCRIPT = "An unexpected error occurred in scoring script. Check the logs for more info."
NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually please check your spelling and "
    "try again."
)
NOT_ALLOWED = "The method is not allowed for the requested URL."
NO_IDS: dict[str, Fact] = dict.fromkeys(("x-request-id", "x-ms-request-id", "x-ms-client-request-id"))


def message(text: str) -> str:
    return json.dumps({"message": text})


def good(body: object, **more: Fact) -> dict[str, Fact]:
    """A 200 made from what run() returned (S79)."""
    return {
        "status": "200 OK",
        "body": json.dumps(body),
        "Content-Type": JSON,
        "x-ms-run-function-failed": "False",
        "x-ms-run-fn-exec-ms": MS,
        "x-ms-server-version": VERSION,
        **more,
    }


def echoed(data: str) -> dict[str, Fact]:
    return good({"type": "str", "data": data})


def bad(status: str, text: str, failed: Fact = "False", **more: Fact) -> dict[str, Fact]:
    """An error in JSON."""
    return {
        "status": status,
        "body": message(text),
        "Content-Type": JSON,
        "x-ms-run-function-failed": failed,
        "x-ms-run-fn-exec-ms": None,
        **more,
    }


def script_failed() -> dict[str, Fact]:
    return bad("500 INTERNAL SERVER ERROR", SCRIPT, "True")


def internal() -> dict[str, Fact]:
    return bad("500 INTERNAL SERVER ERROR", INTERNAL)


def html(status: str) -> dict[str, Fact]:
    """An answer of the web server itself (S52): HTML and none of our headers."""
    return {"status": status, "body": re.compile(r"<html>.*", re.DOTALL), "x-ms-run-function-failed": None, **NO_IDS}

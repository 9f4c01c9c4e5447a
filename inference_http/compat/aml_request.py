"""What scripts import from ``...aml_request``: the request's class and the decorator that asks for it (S64, S91)."""

from flask import Request

from inference_http.compat.marks import rawhttp

__all__ = ["AMLRequest", "Request", "rawhttp"]  # as the reference's `import *`: scripts use what it brings


class AMLRequest(Request):
    """The class to annotate run()'s parameter with; what run() gets is Flask's request."""

"""Serve a model's scoring script over HTTP, as ``azmlinfsrv`` does, with hot reload and a debugger."""

__version__ = "0.1.0"

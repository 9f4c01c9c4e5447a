"""Credentials in the output of tools. Index addresses carry them, and output goes to screens, logs and journals."""

import re

_IN_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][\w+.-]*://)[^/\s@'\"]+@")
_CONDA_TOKEN = re.compile(r"(/t/)[^/\s'\"]+(?=/)")  # https://conda.anaconda.org/t/TOKEN/channel
_IN_QUERY = re.compile(r"(?i)([?&](?:sig|token|access_token|password|api_key|key)=)[^&\s'\"]+")


def mask(text: str) -> str:
    """Return ``text`` without user names, passwords and tokens in addresses."""
    text = _IN_ADDRESS.sub(r"\g<scheme>***@", text)
    return _IN_QUERY.sub(r"\1***", _CONDA_TOKEN.sub(r"\1***", text))

r"""The list of origins that browsers may call from (S113, S115): how an entry is read, and which origins it stands for.

======================================  ==========================================================
``https://shop.example``                this origin, in any case
``*``                                   every origin
``https://*.shop.example``              ``*`` alone stands for any characters but "/"
``https://(a|b)\.shop\.example``          any other special character makes it a regular expression
======================================  ==========================================================
"""

import re
from typing import Final

from inference_http.config import values

ANY: Final = "*"
_SPECIAL: Final = frozenset("*\\]?$^[()")  # flask-cors's marks of a regular expression


def read(text: str) -> tuple[str, ...]:
    """Return the entries of a comma-separated list; ValueError names the one that stands for nothing."""
    entries = values.names(text)
    for entry in entries:
        if is_pattern(entry):
            pattern(entry)
    return entries


def is_pattern(entry: str) -> bool:
    """Whether an entry may stand for more than one origin."""
    return bool(_SPECIAL.intersection(entry))


def pattern(entry: str) -> re.Pattern[str]:
    """Compile an entry with special characters; the whole Origin has to match it. ValueError as ``read``."""
    text = entry
    if _SPECIAL.intersection(entry) == {"*"} and ".*" not in entry:
        text = "[^/]*".join(re.escape(part) for part in entry.split("*")) if entry != ANY else ".*"
    try:
        return re.compile(text, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(
            f"the allowed origin {entry!r} is not a valid regular expression ({error}): give an origin as "
            "https://shop.example, one with * for any characters, or an expression that is complete"
        ) from None

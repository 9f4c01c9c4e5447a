"""Package specifications as conda writes them, and what pip calls the same. Pure.

conda: ``[channel::]name[=version[=build]]``, ``name>=1,<2``, ``name 1.2 build``, ``name[version='>=1']``.
"""

import re
from dataclasses import dataclass

_TEXT = re.compile(
    r"(?:(?P<channel>[\w./:@-]+)::)?(?P<name>[A-Za-z0-9_][\w.-]*)\s*(?P<rest>[^\[\]]*?)\s*(?:\[(?P<extra>[^\[\]]*)\])?"
)
_EXTRA = re.compile(r"(\w+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|([^,\s]+))")
_CLAUSE = re.compile(r"(?P<operator>===|==|~=|!=|>=|<=|>|<|=)?(?P<version>.+)")
_BUILD = re.compile(r"(?<![<>=!~])=(?!=)")  # the = of >=1.2=py39_0 that is no operator
_VERSION = re.compile(r"[\w.*+!<>=~,|()-]*", re.ASCII)
_PLAIN = re.compile(r"\d+(\.\d+)*")  # a version to which .* can be appended
_PEP440 = re.compile(
    r"(\d+!)?\d+(\.\d+)*([._-]?(a|b|c|rc|alpha|beta|pre|preview)[._-]?\d*)?([._-]?(post|rev|r)[._-]?\d*)?"
    r"([._-]?dev[._-]?\d*)?(\+[a-z0-9]+([._-][a-z0-9]+)*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class CondaSpec:
    """One conda dependency, taken apart. ``version`` is conda's expression, "" for any."""

    text: str
    name: str  # lower case, as conda compares names
    version: str = ""
    build: str = ""
    channel: str = ""


def parse(text: str) -> CondaSpec:
    """Take a specification apart.

    Raises:
        ValueError: it is none; the text says why.
    """
    found = _TEXT.fullmatch(text.partition(" #")[0].strip())
    if found is None:
        message = f"{text!r} is no package specification"
        raise ValueError(message)
    version, build = _version(" ".join(found["rest"].split()))
    for key, *values in _EXTRA.findall(found["extra"] or ""):
        value = next((value for value in values if value), "")
        version = value if key == "version" else version
        build = value if key == "build" else build
    if not _VERSION.fullmatch(version):
        message = f"{version!r} is no version"
        raise ValueError(message)
    return CondaSpec(text, found["name"].lower(), version, build, found["channel"] or "")


def _version(rest: str) -> tuple[str, str]:
    """Return (version, build) of what stands behind the name."""
    rest = re.sub(r"\s*([,|]|[<>=!~]=?)\s*", r"\1", rest.strip())
    first, _, second = rest.partition(" ")
    operator = re.match(r"==?(?!=)", first)
    if operator is None:
        version, _, build = re.sub(_BUILD, " ", first).partition(" ")
        return version, build or second.strip()
    version, _, build = first[operator.end() :].partition("=")
    build = build or second.strip()
    # With a build, name=1.2=build means that version and no other; without, every 1.2.x.
    exact = operator.group() == "==" or (build not in {"", "*"} and not version.endswith("*"))
    return ("==" if exact else "=") + version, build


def to_pip(version: str) -> str | None:
    """Return pip's specifier for conda's expression, "" for any version, None where pip has no way to say it."""
    if "|" in version or "(" in version:
        return None
    clauses = [_clause(clause) for clause in version.split(",") if clause.strip()]
    return None if None in clauses else ",".join(clause for clause in clauses if clause)


def _clause(text: str) -> str | None:
    found = _CLAUSE.fullmatch(text.strip())
    assert found is not None  # the text is not empty
    operator, version = found["operator"] or "", found["version"].strip()
    if version == "*":
        return ""
    start = re.sub(r"\.?\*$", "", version)
    if _PEP440.fullmatch(start) is None:
        return None
    if operator in {">=", "<=", ">", "<", "~="}:
        return operator + start
    wildcard = version != start or operator == "="
    suffix = ".*" if wildcard and _PLAIN.fullmatch(start) else ""
    return ("!=" if operator == "!=" else "==") + start + suffix


def accepts(version: str, minor: tuple[int, int]) -> bool:
    """Tell whether conda's expression for ``python`` fits a minor version; "3.9.13" counts as 3.9."""
    return any(
        all(_fits(clause.strip(), minor) for clause in alternative.split(",") if clause.strip())
        for alternative in version.split("|")
    )


def _fits(clause: str, minor: tuple[int, int]) -> bool:
    found = _CLAUSE.fullmatch(clause)
    assert found is not None
    numbers = [int(number) for number in re.findall(r"\d+", re.sub(r"\.?\*.*$", "", found["version"]))]
    operator, whole = found["operator"] or "==", len(numbers) <= 2
    if not numbers:
        return True
    asked, have = tuple(numbers[:2]), minor[: len(numbers)]
    if operator in {"==", "=", "===", ""}:
        return have == asked
    if operator == "!=":
        return have != asked or not whole
    if operator == "~=":  # ~=3.9 is >=3.9 and 3.*, ~=3.9.1 is >=3.9.1 and 3.9.*
        return have >= asked and (whole or have == asked)
    if operator == ">":
        return have > asked or (have == asked and not whole)
    if operator == "<":
        return have < asked or (have == asked and not whole and numbers[2] > 0)
    return have >= asked if operator == ">=" else have <= asked

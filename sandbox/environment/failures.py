"""Why pip, uv or conda failed, read from their last lines. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.model.errors import SandboxError

_SHOWN = 12  # lines of output in the error, where none of them says what is wrong
_TELLING_SHOWN = 6  # lines of output that say what is wrong
_TELLING = re.compile(
    r"\s*(error\b|fatal|x |\u00d7|\u2570|cause:|and because|[\w.]*(error|exception): )", re.IGNORECASE
)
_VERSIONS = re.compile(r"\(from versions: .*?((?:[^,\s]+, ){4}[^,\s]+)\)")  # of a hundred the last five


@dataclass(frozen=True, slots=True)
class _Sign:
    code: str
    pattern: re.Pattern[str]
    fix: str


def _sign(code: str, pattern: str, fix: str) -> _Sign:
    return _Sign(code, re.compile(pattern, re.IGNORECASE), fix)


# The first that fits counts: without a network pip says "no matching distribution" too, and without a compiler
# "could not install".
_SIGNS = (
    _sign("E079", r"no space left on device|disk quota exceeded|os error 28\b", "make room, or move SANDBOX_HOME"),
    _sign(
        "E084",
        r"ensurepip is not available|no module named '?(venv|ensurepip|pip)\b",
        "install uv, or the package python3-venv of the system",
    ),
    _sign(
        "E076",
        r"NewConnectionError|failed to establish a new connection|name resolution|name or service not known|"
        r"getaddrinfo failed|max retries exceeded|ConnectTimeoutError|ReadTimeoutError|ProxyError|"
        r"network is unreachable|connection refused|CERTIFICATE_VERIFY_FAILED|SSLError|error sending request|"
        r"dns error|tcp connect error|"
        r"could not connect, are you offline|CondaHTTPError|CondaConnectionError|(401|403|407) (client )?error|"
        r"HTTP status (client|server) error|401 unauthorized|403 forbidden",
        "check the network, PIP_INDEX_URL, HTTPS_PROXY; what is already installed keeps running",
    ),
    _sign(
        "E075",
        r"failed (to build|building)|command '.*' failed|microsoft visual c\+\+|metadata-generation-failed|"
        r"did not run successfully|build backend returned an error|unable to execute '?\w*(gcc|cc)|"
        r"failed to compile",
        "ask for a version that has a wheel for this Python, or install the compiler and headers that it names",
    ),
    _sign(
        "E074",
        r"ResolutionImpossible|conflicting dependencies|(No solution found[\s\S]*depends? on)|"
        r"LibMambaUnsatisfiableError|UnsatisfiableError|are incompatible",
        "loosen one of the versions that it names",
    ),
    _sign(
        "E073",
        r"no matching distribution found|could not find a version that satisfies|no solution found|"
        r"PackagesNotFoundError|ResolvePackageNotFound|nothing provides|does not exist \(perhaps a typo",
        "correct the name or the version",
    ),
)
_PACKAGE = re.compile(
    r"no matching distribution found for (?P<a>\S[^\n(]*)|could not build wheels for (?P<b>[\w.-]+)|"
    r"failed building wheel for (?P<c>[\w.-]+)|failed to build ['`]?(?P<d>[\w.=-]+)|"
    r"there (?:is|are) no versions? of (?P<e>\S+)|only (?P<f>[\w.-]+)\S* is available|"
    r"because (?P<g>[\w.-]+) (?:was not found|has no )|satisfies the requirement (?P<h>[^\n(]+)|"
    r"nothing provides requested (?P<i>[^\n]+)",
    re.IGNORECASE,
)
_BEGUN = re.compile(r"(?:Collecting|Processing) (\S+)")
_WHAT = {
    "E073": "no version of {package} fits",
    "E074": "the packages contradict each other",
    "E075": "{package} could not be built",
    "E076": "the package index could not be reached",
    "E077": "{tool} failed",
    "E079": "no space for the environment",
    "E084": "no virtual environment can be made",
}


def explain(tool: str, lines: Sequence[str], hints: Sequence[str], log: str) -> SandboxError:
    """Return what the failure of a tool means.

    Args:
        tool: "pip", "uv", "conda" ..., for people.
        lines: all that it printed, credentials masked.
        hints: facts that may be the cause (another Python than was asked for).
        log: the file that keeps the whole output.
    """
    text = "\n".join(lines)
    sign = next((sign for sign in _SIGNS if sign.pattern.search(text)), None)
    code = sign.code if sign else "E077"
    found = _PACKAGE.search(text)
    package = next((group.strip(" `,.") for group in found.groups() if group), "") if found else _last_begun(lines)
    what = _WHAT[code].format(package=package or "a package", tool=tool)
    why = "\n".join([*hints, f"{tool} said:", *(f"  {line}" for line in _telling(lines)), f"all of it: {log}"])
    return SandboxError(code, what, why, sign.fix if sign else "read what it said")


def _telling(lines: Sequence[str]) -> list[str]:
    """Return the lines that say what went wrong; the last ones where none says it plainly."""
    said = [_VERSIONS.sub(r"(from versions: ... \1)", line) for line in lines if line.strip()]
    return [line for line in said if _TELLING.match(line)][-_TELLING_SHOWN:] or said[-_SHOWN:]


def _last_begun(lines: Sequence[str]) -> str:
    """Return the package that pip was at when it ended: it does not always say so again."""
    begun = [match[1] for line in lines if (match := _BEGUN.match(line.strip()))]
    return begun[-1].rsplit("/", 1)[-1] if begun else ""

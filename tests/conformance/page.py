"""Write docs/differences.md from the allow-list: ``python -m tests.conformance.page``."""

from pathlib import Path

from tests.conformance.allowed import Difference
from tests.conformance.allowed.table import CHAPTERS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "differences.md"
PREFACE = """\
<!-- Made by `python -m tests.conformance.page` from tests/conformance/allowed; edit that, not this page. -->
# What is different from azmlinfsrv

`inference-http` takes the place of `azmlinfsrv` (azureml-inference-server-http {version}): the same script, flags,
environment, `config.json`, requests and answers. This page lists where it does something else on purpose. What is not
listed is the same, byte for byte in answers, and tests hold it to that: `tests/conformance` starts both servers on the
same scripts, sends both the same requests ({cases} cases, and generated ones), and fails on any difference in status,
headers, body, framing, log lines or exit code that is not in the table from which this page is made. An entry of the
table that no test needs any more fails as well.

    make test ARGS='tests/conformance'

The reference is installed from PyPI, on first use, into a virtual environment of its own below
`~/.cache/endpoint-sandbox`. Statements about the reference are themselves tested against it. "S60" and the like number
the statements of the specification that this server was written from.
"""


def _cases() -> int:
    from tests.conformance.situations import cases

    return len(cases())


def _entry(difference: Difference) -> str:
    return (
        f"### {difference.title} ({', '.join(difference.spec.split())})\n\n"
        f"- azmlinfsrv: {difference.reference}\n- inference-http: {difference.ours}\n- Why: {difference.why}\n"
    )


def render() -> str:
    """The whole page."""
    from tests.conformance.reference import VERSION

    parts = [PREFACE.format(version=VERSION, cases=_cases())]
    for chapter, differences in CHAPTERS.items():
        parts.append(f"## {chapter}\n")
        parts += [_entry(difference) for difference in differences]
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")

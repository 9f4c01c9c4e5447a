"""What comes of run()'s result."""

from tests.conformance.allowed import ANY, Aspect, Difference, Line, rest
from tests.conformance.allowed.inputs import INTERNAL, SCRIPT

PIECE = r"I azmlinfsrv\.print - before the piece"
RESPONSE = r"I azmlinfsrv - run\(\) output is HTTP Response"
FATAL = ("results/sysexit", "results/interrupt", "results/baseexception", "results/generatorexit")
PAGE = r"<html>.*"
FAILED_500 = "500 INTERNAL SERVER ERROR"
ENCODED = tuple(
    f"results/unserial-{name}"
    for name in (
        *(
            "bytes",
            "set",
            "datetime",
            "date",
            "decimal",
            "uuid",
            "ndarray",
            "int64",
            "float32",
            "bool",
            "frame",
            "series",
        ),
        *("dataclass", "generator", "coroutine", "werkzeug"),
    )
)
NOT_ENCODED = tuple(f"results/unserial-{name}" for name in ("nested", "tuple-keys", "cycle", "class"))
AT_FAULT = r'\{"message": "An unexpected error occurred in scoring script.*", "error": \{.*'


def page_becomes_error(*cases: str) -> tuple[Aspect, ...]:
    """The web server's bare HTML 500 on one side, our JSON 500 with all headers on the other."""
    changes: tuple[tuple[str, str | None, str | None], ...] = (
        ("status", "500 Internal Server Error", FAILED_500),
        ("body", PAGE, AT_FAULT),
        ("header Content-Type", "text/html", "application/json"),
        ("header x-ms-run-function-failed", None, "True"),
        ("header x-request-id", None, ANY),
        ("header x-ms-request-id", None, ANY),
        ("header x-ms-server-version", None, ANY),
        ("header Date", None, ANY),
        ("header Server", None, ANY),
    )
    return tuple(Aspect(case, *change) for case in cases for change in changes)


CHAPTER = (
    Difference(
        "S84 S120",
        "The failing line",
        "A 500 says `An unexpected error occurred in scoring script. Check the logs for more info.` and no more.",
        "The same `message` and, with `--errors detailed` (the default on a loopback address), `error` with type, "
        "message, "
        "file, line, source line and the script's own traceback. `--errors opaque` sends exactly the reference's body.",
        "Who develops a script should read the error where they sent the request.",
        (Aspect("*", "body", r'\{"message": "[^"]*"\}', r'\{"message": "[^"]*", "error": \{.*', rest.beside_error),),
    ),
    Difference(
        "S83",
        "More results have a JSON form",
        "numpy and pandas values, datetime, Decimal, UUID, bytes, sets, dataclasses: 500 unexpected internal error.",
        "numpy and pandas as lists, numbers and records; dates in ISO 8601; Decimal as a number; UUID as text; "
        "bytes in "
        "base64; sets as lists; dataclasses as objects; werkzeug responses as responses; coroutines are awaited; the "
        "pieces of generators are streamed, objects as lines of JSON.",
        "They are what models return.",
        (
            *(Aspect(case, "status", FAILED_500, "200 OK") for case in ENCODED),
            *(Aspect(case, "body", INTERNAL, ANY) for case in ENCODED),
            *(Aspect(case, "header x-ms-run-fn-exec-ms", None, "<ms>") for case in ENCODED),
            Aspect("results/unserial-generator", "header Content-Type", "application/json", "application/x-ndjson"),
            Aspect("results/unserial-generator", "framing", "length", "chunked"),
            Aspect("results/unserial-generator", "header Content-Length", ANY, None),
            Aspect("results/unserial-generator", "header Transfer-Encoding", None, "chunked"),
            Aspect("results/unserial-generator", "chunks", None, "9 9"),
            Aspect("results/unserial-werkzeug", "header Content-Type", "application/json", "text/plain; charset=utf-8"),
            Aspect("results/unserial-werkzeug", "header x-ms-run-function-failed", "False", None),
            Line("results/unserial-werkzeug", "our", RESPONSE),
        ),
    ),
    Difference(
        "S83 S94",
        "AMLResponse encodes like run()",
        "json_str=True with a set and the like: 500.",
        "What run() may return, json_str=True may send.",
        "One rule for both.",
        (
            Aspect("amlresponse/unserial", "status", FAILED_500, "200 OK"),
            Aspect("amlresponse/unserial", "body", SCRIPT, r"\[1, 2\]"),
            Aspect("amlresponse/unserial", "header x-ms-run-function-failed", "True", "False"),
            Aspect("amlresponse/unserial", "header x-ms-run-fn-exec-ms", None, "<ms>"),
            Line("amlresponse/unserial", "our", RESPONSE),
        ),
    ),
    Difference(
        "S83",
        "A result without a JSON form is the script's mistake",
        "500 unexpected internal error, x-ms-run-function-failed False, no word where.",
        "The script is blamed, x-ms-run-function-failed True, with the path in the result (`$.scores[3]`).",
        "It is the script that must be mended.",
        tuple(
            entry
            for case in NOT_ENCODED
            for entry in (
                Aspect(case, "body", INTERNAL, AT_FAULT),
                Aspect(case, "header x-ms-run-function-failed", "False", "True"),
            )
        ),
    ),
    Difference(
        "S85",
        "flask.abort() and HTTP exceptions are honoured",
        "500, as for any exception.",
        "Their status and description, x-ms-run-function-failed False below 500.",
        "Scripts use them to refuse input.",
        tuple(
            entry
            for name, status in (
                ("abort", "418 .*"),
                ("abort-400", "400 BAD REQUEST"),
                ("http-exception", "404 NOT FOUND"),
            )
            for entry in (
                Aspect(f"results/{name}", "status", FAILED_500, status),
                Aspect(f"results/{name}", "body", SCRIPT, r'\{"message": "[^"]+"\}'),
                Aspect(f"results/{name}", "header x-ms-run-function-failed", "True", "False"),
            )
        ),
    ),
    Difference(
        "S86 S99 S102",
        "Whatever a script raises gets a JSON answer",
        "SystemExit and other BaseExceptions, a body that is none, a stream that fails before its first piece: the web "
        "server's HTML 500 without headers, or a cut connection.",
        "The 500 of a failed script, in JSON, with all headers.",
        "Clients, ids and monitoring work as for all other failures.",
        (
            *page_becomes_error(*FATAL, "amlresponse/intbody", "stream/failing-at-once"),
            *(Line(case, "our", r"I azmlinfsrv - POST /score 500 .*") for case in FATAL),
            Line("amlresponse/intbody", "ref", RESPONSE),
            Line("stream/failing", "our", "E azmlinfsrv - Encountered Exception"),
            Aspect("stream/not-bytes", "status", "200 OK", FAILED_500),
            Aspect("stream/not-bytes", "body", "", AT_FAULT),
            Aspect("stream/not-bytes", "framing", "chunked", "length"),
            Aspect("stream/not-bytes", "chunks", "", None),
            Aspect("stream/not-bytes", "end", "cut", None),
            Aspect("stream/not-bytes", "header Content-Type", "text/html.*", "application/json"),
            Aspect("stream/not-bytes", "header Content-Length", None, ANY),
            Aspect("stream/not-bytes", "header Transfer-Encoding", "chunked", None),
            Aspect("stream/not-bytes", "header x-ms-run-fn-exec-ms", "<ms>", None),
            Aspect("stream/not-bytes", "header x-ms-run-function-failed", None, "True"),
        ),
    ),
    Difference(
        "S88",
        "The script's own TimeoutError is its own",
        "Reported as the scoring timeout.",
        "Reported as the exception that it is.",
        "A slow database is not a slow model.",
        (Aspect("results/timeouterror", "body", r'\{"message": "Scoring timeout after 3600000 ms"\}', AT_FAULT),),
    ),
    Difference(
        "S96",
        "Header values of AMLResponse stay whole",
        "Split at commas into several headers (dates and cookies break); a value that is no text fails the request.",
        "One header as given; numbers are written as text.",
        "A comma is an ordinary character in a date.",
        (
            Aspect("amlresponse/hdrcomma", "header X-Many", r"a \| b \| c", "a, b,c"),
            Aspect(
                "amlresponse/hdrcookie", "header Set-Cookie", r".*Thu \| 01 Jan.*", r"a=1; Expires=Thu, 01 Jan 1970.*"
            ),
            Aspect("amlresponse/hdrint", "status", FAILED_500, "200 OK"),
            Aspect("amlresponse/hdrint", "body", SCRIPT, "x"),
            Aspect("amlresponse/hdrint", "header Content-Type", "application/json", "text/html; charset=utf-8"),
            Aspect("amlresponse/hdrint", "header x-ms-run-function-failed", "True", "False"),
            Aspect("amlresponse/hdrint", "header x-ms-run-fn-exec-ms", None, "<ms>"),
            Aspect("amlresponse/hdrint", "header X-Number", None, "1"),
            Line("amlresponse/hdrint", "our", RESPONSE),
        ),
    ),
    Difference(
        "S97",
        "One Content-Type",
        "A content type in response_headers is a second one, unless spelled `Content-Type` and the body is no JSON.",
        "It replaces the default, however it is spelled.",
        "Two content types are none.",
        (
            Aspect("amlresponse/ctlower", "header Content-Type", "text/html; charset=utf-8", None),
            Aspect(
                "amlresponse/ctjson", "header Content-Type", r"application/json \| (.*)", r"application/vnd\.x\+json"
            ),
        ),
    ),
    Difference(
        "S101",
        "The first piece of a stream is made before the answer begins",
        "The head is sent, and the request logged, before the script's generator is asked for anything.",
        "The first piece is asked for first: if that fails, the answer can still say so.",
        "An error in the first line of a generator is the common one.",
        (Line("stream/printing", "ref", PIECE), Line("stream/printing", "our", PIECE)),
    ),
)

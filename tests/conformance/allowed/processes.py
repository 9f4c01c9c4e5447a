"""Time, processes, ports and signals."""

from tests.conformance.allowed import ANY, Aspect, Difference, Line

LATE = r'500 \{"message": "Scoring timeout after 300 ms"'

CHAPTER = (
    Difference(
        "S84 S89",
        "A timeout shows the line it ended",
        "`Scoring timeout after N ms` and no more.",
        "The same message and, with detailed errors, `error` with the line that was running.",
        "It is the line to make faster.",
        (
            Aspect("timeout/when*", "said", LATE + r"\}", LATE + r', "error": \{.*'),
            Aspect("timeout/cleanup", "first", LATE + r"\}", LATE + r', "error": \{.*'),
        ),
    ),
    Difference(
        "S90",
        "The time limit cannot be swallowed, and holds for streams",
        "`except Exception` in the script swallows it, and the request then runs without limit; streams have none.",
        "It is a BaseException; a script that swallows that too is answered for, and its worker replaced. A stream "
        "that "
        "takes too long is cut.",
        "A limit that can be lost by accident is none.",
        (
            Aspect("timeout/swallow", "said", '200 "swallowed"', LATE + r".*"),
            Aspect("timeout/swallow", "within", r"2\.25 s", r"0\.75 s"),
            Aspect("timeout/stream", "body", r"\.{10}", r"\.{1,4}"),
            Aspect("timeout/stream", "chunks", "1( 1){9}", "1( 1){0,3}"),
            Aspect("timeout/stream", "end", None, "cut"),
        ),
    ),
    Difference(
        "S34",
        "A negative SCORING_TIMEOUT_MS ends the start",
        "Every request is a 500.",
        "A configuration error, exit 3.",
        "No request could ever succeed.",
        (Aspect("timeout-negative/*", "started", None, "no, exit 3"),),
    ),
    Difference(
        "S128",
        "WORKER_TIMEOUT is answered in JSON",
        "The web server's HTML 500.",
        "A JSON 500.",
        "As all errors.",
        (
            Aspect("hang/play", "first", r"500 <html>.*", r'500 \{"message": ".*'),
            Line("hang/stop", "ref", r"stderr: .*"),
            Line("segfault/stop", "ref", r"stderr: .*"),
            Line("segfault/stop", "our", r"stderr: .*"),
        ),
    ),
    Difference(
        "S131",
        "Health is answered while run() is busy",
        "A probe waits for the worker.",
        "It is answered at once, by another thread.",
        "A busy model is no dead one.",
        (Aspect("busy/play", "waited", "True", "False"),),
    ),
    Difference(
        "S38",
        "--health_port alone opens the second port",
        "The flag is ignored unless SEPERATE_HEALTH_ENDPOINT=true.",
        "It is enough.",
        "A flag that is given should act.",
        (
            *(
                Aspect("health-port-off/other-port", name, "ConnectionRefusedError", ANY)
                for name in ("health", "score", "swagger", "404")
            ),
            *(
                Line(f"{case}/start", side, rf"({label}) .*", r"\1")
                for case in ("health-port-off", "world-environment")
                for side in ("ref", "our")
                for label in ("Health Port:", "Liveness Probe: GET", "Create dedicated endpoint for health:")
            ),
            Line("health-port-off/other-port", "our", r"I azmlinfsrv - (POST|GET) /(score|swagger\.json).*"),
        ),
    ),
    Difference(
        "S13",
        "A broken script does not end a running server",
        "SIGHUP with a broken script: exit 3.",
        "The old version goes on serving, and the log says why.",
        "A typing error must not stop what works.",
        (
            Aspect("stop-hup-broken/play", "exit", "3", None),
            Aspect("stop-hup-broken/play", "after", None, "200 1"),
            Aspect("stop-hup-broken/stop", "exit", "3", "0"),
        ),
    ),
    Difference(
        "S62",
        "A second required argument of run() ends the start",
        "Starts, and answers every request with 500.",
        "Exit code 3 and the argument's name.",
        "The mistake is known before the first request.",
        (Aspect("two-args/*", "started", None, "no, exit 3"),),
    ),
    Difference(
        "S25",
        "A configuration file that does not exist ends the start",
        "--config_file with a wrong path is ignored in silence.",
        "Exit code 3 and the path.",
        "Serving with settings nobody chose is worse than not serving.",
        (Aspect("cli-noconfig/*", "started", None, "no, exit 3"),),
    ),
)

"""The command line, and starts that fail."""

from tests.conformance.allowed import ANY, Aspect, Difference, Line

# What leads to the failure and what tells of it. What must be told is in the situations: Situation.says.
FAILURE = r"(stderr: )?[IWEC] azmlinfsrv.*"

CHAPTER = (
    Difference(
        "S3 S4 S6",
        "The command line's exit codes and words",
        "Usage errors and `--help` exit 1; the reason of a bad port is lost; no `--version`.",
        "Usage errors exit 2 and say which value of which flag is wrong; `--help` and `--version` exit 0.",
        "As all command lines do.",
        (
            *(Aspect(f"cli-{name}/start", "exit", "1", "0") for name in ("help", "version")),
            *(
                Aspect(f"cli-{name}/start", "exit", "1", "2")
                for name in (
                    *("unknown-flag", "no-value", "bigport", "wordport", "badhealthport", "zeroworkers", "wordworkers"),
                    "positional",
                )
            ),
            *(Line("cli-*/start", side, ANY) for side in ("ref", "our")),
        ),
    ),
    Difference(
        "S6",
        "--port 0",
        "A usage error.",
        "Takes a free port and says which.",
        "Tests and tools need one.",
        (Aspect("cli-badport/start", "exit", "1", "serves"),),
    ),
    Difference(
        "S2",
        "Dashes and underscores",
        "Underscores only.",
        "Either.",
        "Both are habits.",
        (Aspect("cli-dash-entry/start", "exit", "1", "serves"),),
    ),
    Difference(
        "S5",
        "AZUREML_ENTRY_SCRIPT is enough",
        "--entry_script or --config_file must be given.",
        "The environment may name the script.",
        "A container is set up by environment.",
        (Aspect("cli-env-entry/start", "exit", "1", "serves"),),
    ),
    Difference(
        "S124 S126",
        "Why a start failed",
        "A traceback through the server, in a log line.",
        "The user's frames, what may help, and one line that says that the server ends; the exit code is the same.",
        "The reason is at the end, where one looks.",
        tuple(
            Line(f"{cases}/start", side, pattern)
            for cases, pattern in (
                ("bad-*", FAILURE),
                ("config-*bad*", ANY),
                ("config-list", ANY),
                ("config-nomain", FAILURE),
                ("swagger-badfile", FAILURE),
                ("logging-json-bad", ANY),
            )
            for side in ("ref", "our")
        ),
    ),
)

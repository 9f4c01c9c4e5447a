"""The table of ``sandbox online-deployment``."""

from sandbox.cli.words import (
    ADD,
    EDIT_SET,
    FILE,
    FORCE_STRING,
    LOCAL,
    NO_WAIT,
    REMOVE,
    SET,
    WEB,
    YES,
    Flag,
    Group,
    Verb,
)

NAME = Flag(("--name", "-n"), "The deployment.", "NAME", of="deployment")
ENDPOINT = Flag(("--endpoint-name", "-e"), "Its endpoint.", "NAME", of="endpoint")
DEBUG = Flag(
    ("--vscode-debug",),
    "Let a debugger attach, write launch.json for VS Code, and reload the code when it is saved.",
    kind="truth",
)
GPU = Flag(("--local-enable-gpu",), "Accepted: an instance_type with GPUs is given those there are.", kind="truth")
PACKAGE = Flag(("--package-model", "--with-package"), "Accepted, and without effect here.", kind="switch")
BACKEND = Flag(
    ("--backend",),
    "process or docker. Unless given: property sandbox.backend (also of the endpoint), SANDBOX_BACKEND, process.",
    "NAME",
    "choice",
    ("process", "docker"),
)
SKIP = Flag(("--skip-script-validation",), "Do not look into the scoring script before.", kind="switch")

DEPLOYMENT = Group(
    "online-deployment",
    "one version of code, model and environment under an endpoint",
    (
        Verb(
            "create",
            "start a deployment; an existing one is an error",
            (
                NAME,
                ENDPOINT,
                FILE.needed(),
                SET,
                Flag(("--all-traffic",), "Then send all traffic to it.", kind="switch"),
                LOCAL,
                BACKEND,
                NO_WAIT,
                SKIP,
                DEBUG,
                GPU,
                PACKAGE,
                WEB,
            ),
            "deployment:create",
            (
                "sandbox online-deployment create -n blue -e shop -f blue-deployment.yml --all-traffic",
                "sandbox online-deployment create -f blue-deployment.yml --set instance_count=2",
            ),
            changes=True,
        ),
        Verb(
            "update",
            "change a deployment; the old instances serve until the new ones are ready",
            (
                NAME,
                ENDPOINT,
                FILE,
                EDIT_SET,
                ADD,
                REMOVE,
                FORCE_STRING,
                LOCAL,
                BACKEND,
                NO_WAIT,
                SKIP,
                DEBUG,
                GPU,
                PACKAGE,
                WEB,
            ),
            "deployment:update",
            (
                "sandbox online-deployment update -n blue -e shop --set instance_count=2",
                "sandbox online-deployment update -n blue -e shop -f blue-deployment.yml",
            ),
            changes=True,
        ),
        Verb(
            "show",
            "show a deployment: state, code, model, environment",
            (NAME.needed(), ENDPOINT.needed(), LOCAL, WEB),
            "deployment:show",
            ("sandbox online-deployment show -n blue -e shop --query provisioning_state -o tsv",),
        ),
        Verb(
            "list",
            "list the deployments of an endpoint",
            (ENDPOINT, LOCAL),
            "deployment:list_all",
            ("sandbox online-deployment list -e shop -o table",),
        ),
        Verb(
            "delete",
            "delete a deployment that has no traffic",
            (NAME.needed(), ENDPOINT.needed(), YES, NO_WAIT, LOCAL),
            "deployment:delete",
            ("sandbox online-deployment delete -n blue -e shop --yes",),
            changes=True,
        ),
        Verb(
            "get-logs",
            "print what a deployment logged",
            (
                NAME.needed(),
                ENDPOINT.needed(),
                Flag(("--lines", "-l"), "The last so many lines; 5000 unless given.", "N", "number", default=5000),
                Flag(
                    ("--container", "-c"),
                    "The server's log, or what was laid out for it.",
                    "",
                    "choice",
                    ("inference-server", "storage-initializer"),
                    default="inference-server",
                ),
                Flag(("--follow", "-f"), "Go on, with what comes; Ctrl-C ends it. Not a flag of az.", kind="switch"),
                Flag(
                    ("--previous", "-p"),
                    "Of the revision before, which was replaced or failed. Not a flag of az.",
                    kind="switch",
                ),
                LOCAL,
            ),
            "deployment:logs",
            (
                "sandbox online-deployment get-logs -n blue -e shop --lines 100",
                "sandbox online-deployment get-logs -n blue -e shop --previous",
                "sandbox online-deployment get-logs -n blue -e shop --container storage-initializer",
            ),
        ),
    ),
)


def group(_name: str) -> Group:
    """Return the table."""
    return DEPLOYMENT

"""The table of ``sandbox online-endpoint``."""

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

NAME = Flag(("--name", "-n"), "The endpoint.", "NAME", of="endpoint")
TRAFFIC = Flag(("--traffic", "-r"), 'Live traffic in percent: "blue=90 green=10".', "SHARES", "words", default=())
MIRROR = Flag(("--mirror-traffic",), 'Copies in percent: "green=10".', "SHARES", "words", default=())
KINDS = ("primary", "secondary", "signing")
AUTH = Flag(("--auth-mode",), "key, aml_token or aad_token.", "MODE")

ENDPOINT = Group(
    "online-endpoint",
    "a stable address, keys, and a traffic rule; deployments answer behind it",
    (
        Verb(
            "create",
            "create an endpoint, or write an existing one over",
            (NAME, FILE, AUTH, SET, LOCAL, NO_WAIT, WEB),
            "endpoint:create",
            (
                "sandbox online-endpoint create -n shop",
                "sandbox online-endpoint create -f endpoint.yml --set tags.team=fruit",
            ),
            changes=True,
        ),
        Verb(
            "update",
            "change traffic, mirror, description, tags, who may call",
            (NAME, FILE, TRAFFIC, MIRROR, EDIT_SET, ADD, REMOVE, FORCE_STRING, LOCAL, NO_WAIT, WEB),
            "endpoint:update",
            (
                'sandbox online-endpoint update -n shop --traffic "blue=90 green=10"',
                'sandbox online-endpoint update -n shop --mirror-traffic "green=10"',
                "sandbox online-endpoint update -n shop --set tags.team=fruit",
            ),
            changes=True,
        ),
        Verb(
            "show",
            "show an endpoint: address, state, traffic",
            (NAME.needed(), LOCAL, WEB),
            "endpoint:show",
            ("sandbox online-endpoint show -n shop", "sandbox online-endpoint show -n shop --query scoring_uri -o tsv"),
        ),
        Verb(
            "list",
            "list the endpoints",
            (LOCAL,),
            "endpoint:list_all",
            ("sandbox online-endpoint list -o table",),
        ),
        Verb(
            "delete",
            "delete an endpoint with its deployments",
            (NAME.needed(), YES, NO_WAIT, LOCAL),
            "endpoint:delete",
            ("sandbox online-endpoint delete -n shop --yes",),
            changes=True,
        ),
        Verb(
            "invoke",
            "send a request, and print the answer",
            (
                NAME.needed(),
                Flag(("--request-file", "-r"), "What to send; JSON.", "PATH", of="file"),
                Flag(
                    ("--deployment-name", "-d"), "Ask this deployment, whatever the traffic.", "NAME", of="deployment"
                ),
                Flag(("--keep-sample",), "Keep request and answer: promote demands the same answer.", "NAME"),
                LOCAL,
            ),
            "endpoint:invoke",
            (
                "sandbox online-endpoint invoke -n shop -r sample-request.json --keep-sample usual",
                "sandbox online-endpoint invoke -n shop -r sample-request.json",
                "sandbox online-endpoint invoke -n shop --deployment-name green -r sample-request.json -o tsv",
            ),
            about="Send a request, and print the answer as a string: JSON output is a JSON-encoded string,"
            "\n-o tsv the body itself.",
        ),
        Verb(
            "get-credentials",
            "show the keys, or get a token",
            (NAME.needed(), LOCAL),
            "endpoint:credentials",
            ("sandbox online-endpoint get-credentials -n shop --query primaryKey -o tsv",),
        ),
        Verb(
            "regenerate-keys",
            "make one of the two keys anew; the other one goes on working. With tokens: the key that signs them",
            (
                NAME.needed(),
                Flag(("--key-type",), "Primary unless given; signing where it takes tokens.", "", "choice", KINDS),
                NO_WAIT,
                LOCAL,
            ),
            "endpoint:regenerate",
            ("sandbox online-endpoint regenerate-keys -n shop --key-type secondary",),
            changes=True,
        ),
    ),
)


def group(_name: str) -> Group:
    """Return the table."""
    return ENDPOINT

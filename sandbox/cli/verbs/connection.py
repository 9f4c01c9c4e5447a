"""The table of ``sandbox connection``."""

from sandbox.cli.words import (
    ADD,
    EDIT_SET,
    FILE,
    FORCE_STRING,
    MAX_RESULTS,
    REMOVE,
    SET,
    YES,
    Flag,
    Group,
    Verb,
)

NAME = Flag(("--name", "-n"), "The connection.", "NAME", of="connection")
SECRETS = Flag(("--populate-secrets",), "Show the secrets, too.", kind="switch")

CONNECTION = Group(
    "connection",
    "addresses and credentials that deployments are given, kept apart from their YAML",
    (
        Verb(
            "create",
            "create a connection, or write an existing one over",
            (FILE.needed(), NAME, SET, SECRETS),
            "connection:create",
            ("sandbox connection create -f connection.yml", "sandbox connection create -f /dev/stdin < connection.yml"),
            about="Create a connection, or write an existing one over. Deployments name it in environment_variables:\n"
            "${{azureml://connections/NAME/credentials/key}}. Secrets are kept in the system's keyring, or in a file\n"
            "that only you can read.",
            changes=True,
        ),
        Verb(
            "update",
            "change a connection",
            (NAME.needed(), FILE, EDIT_SET, ADD, REMOVE, FORCE_STRING, SECRETS),
            "connection:update",
            ("sandbox connection update -n search --set target=https://example.com",),
            changes=True,
        ),
        Verb(
            "show",
            "show a connection",
            (NAME.needed(), SECRETS),
            "connection:show",
            ("sandbox connection show -n search",),
        ),
        Verb(
            "list",
            "list the connections",
            (MAX_RESULTS, Flag(("--type", "-t"), "Only those of this type.", "TYPE"), SECRETS),
            "connection:list_all",
            ("sandbox connection list -o table",),
        ),
        Verb(
            "delete",
            "delete a connection with its secrets",
            (NAME.needed(), YES),
            "connection:delete",
            ("sandbox connection delete -n search --yes",),
            changes=True,
        ),
    ),
)


def group(_name: str) -> Group:
    """Return the table."""
    return CONNECTION

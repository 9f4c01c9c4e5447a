"""The gateway in production, and the program inside of a container of the host: E170 to E179."""

from sandbox.model.codes.code import Code

ROWS = {
    "E170": Code(
        "production settings not usable",
        "`production.json` in the state folder of a host names something that cannot be: a port, an address, a path.",
        "Correct what the message names with `sandbox host add`, which writes the file.",
    ),
    "E171": Code(
        "command cannot begin on the host",
        "The container in which a command runs on a host lacks something: the state folder, the engine's socket, or"
        " what it needs to give up being root.",
        "See why; the message says what to change on the host.",
    ),
    "E172": Code(
        "certificate not usable",
        "Certificate and key do not belong together, have ended, or are not what a server can use. The gateway goes on"
        " with those that it has.",
        "Give the chain with the server's own certificate first, and its key without a password, both as PEM.",
    ),
    "E173": Code(
        "gateway cannot be a container",
        "The engine of the host does not start the gateway, or it ends at once. One that ran before goes on.",
        "See why: mostly a port that somebody else has, or an image that was removed.",
    ),
}

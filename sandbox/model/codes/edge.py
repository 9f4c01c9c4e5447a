"""The gateway in production, and the program inside of a container of the host: E170 to E179."""

from sandbox.model.codes.code import Code

ROWS = {
    "E170": Code(
        "production settings not usable",
        "`production.json` in the state folder of a host names something that cannot be: a port, an address, a path.",
        "Correct what the message names with `sandbox host add`, which writes the file.",
    ),
}

"""Secrets, and what is registered."""

from sandbox.model.codes.code import Code

ROWS = {
    "E095": Code(
        "key not possible",
        "A key of an endpoint is sent as a bearer token: 16 to 512 letters, digits and `._~+/=-`.",
        "Leave it to this program to make one.",
    ),
    "E096": Code(
        "keys missing",
        "The endpoint has no keys below `SANDBOX_HOME`; the file was removed by hand, or the endpoint takes tokens.",
        "`sandbox online-endpoint regenerate-keys --name NAME` makes new ones.",
    ),
    "E097": Code(
        "token cannot be issued",
        "The lifetime is out of range, or the endpoint trusts another issuer, which alone can sign its tokens.",
        "Ask for 60 seconds to 30 days; or get the token where the issuer hands them out.",
    ),
    "E098": Code(
        "issuer of tokens not usable",
        "Issuer, audience and public keys (a JWKS, RFC 7517) are needed to check tokens of somebody else; one is "
        "missing, cannot be fetched, or is something else.",
        "Name a file or an https address that holds the JWKS.",
    ),
    "E099": Code(
        "not registered",
        "No model or environment of that name and version is registered here. Nothing is fetched from Azure.",
        "`sandbox model create --name NAME --version VERSION --path PATH`, or `sandbox environment create ...`.",
    ),
    "E100": Code(
        "cannot be registered",
        "A name or version cannot be used, or the files cannot be copied.",
        "Correct what the message names.",
    ),
    "E101": Code(
        "version exists",
        "A registered version never changes, as in Azure; only description, tags and properties can.",
        "Leave the version out, or give a new one.",
    ),
    "E102": Code(
        "registered files missing",
        "What was registered is no longer where it was put: removed by hand, or linked and then moved.",
        "Register it again with the same name and version: the same content is taken back.",
    ),
    "E103": Code(
        "connection missing", "No connection of that name is kept.", "`sandbox connection create --file FILE`."
    ),
    "E104": Code("connection not possible", "Its fields do not make a connection.", "Correct what the message names."),
    "E105": Code(
        "secret cannot be injected",
        "An environment variable refers to a connection, or to a part of one, that is not there. Azure calls it "
        "SecretsInjectionError.",
        "Create the connection, or correct the reference.",
    ),
    "E106": Code(
        "keyring fails",
        "The keyring of the system keeps the secret parts of connections, and does not answer or refuses.",
        "Unlock it, or set `SANDBOX_KEYRING=off`: secrets are then kept in a file that only you can read.",
    ),
    "E107": Code("download not possible", "The files cannot be written there.", "Name another folder."),
}

"""The keys of connections, by type (azure-ai-ml's schemas of workspace connections)."""

from dataclasses import replace
from typing import Any

from sandbox.model.connection import CREDENTIALS, KEY_TYPES, TYPES, Connection, Credentials
from sandbox.model.problem import KeyPath
from sandbox.spec.keys_shared import CREATION, DESCRIPTION, ID
from sandbox.spec.nodes import Node, Scalar, describe
from sandbox.spec.reading import Reading
from sandbox.spec.record import Key, Record
from sandbox.spec.values import Anything, Choice, Table, Text, Truth

_AS_ON_THE_PAGE = "Microsoft's page lists the key, Azure's loader does not know it"


class Secret(Text):
    """A text that no message shows."""

    def read(self, node: Node, reading: Reading, path: KeyPath) -> Any:
        """Return a str."""
        if isinstance(node, Scalar) and (isinstance(node.value, str) or node.place.origin):
            return super().read(node, reading, path)
        what = f"{path[-1]} is {describe(node)} where text is wanted"
        return reading.refuse("E032", what, node, path, "YAML reads it as something else", "put it between quotes")


def _credentials(*, type: str = "none", keys: dict[str, str] | None = None, **values: str) -> Credentials:  # noqa: A002 - the key's name
    return Credentials(type, {**(keys or {}), **values})


_WORDS = tuple(word for word in CREDENTIALS if word != "custom_keys")
CREDENTIALS_RECORD = Record(
    _credentials,
    (
        Key("type", Choice(_WORDS, wider=("custom_keys",)), "What opens it.", required=True),
        Key("key", Secret(), "api_key: the key."),
        Key("account_key", Secret(), "account_key: the key of the storage account."),
        Key("sas_token", Secret(), "sas: the token."),
        Key("pat", Secret(), "pat: the personal access token."),
        Key("username", Text(), "username_password: who."),
        Key("password", Secret(), "username_password: the password."),
        Key("access_key_id", Text(), "access_key: which key."),
        Key("secret_access_key", Secret(), "access_key: the key."),
        Key("client_id", Text(), "service_principal, managed_identity: who."),
        Key("client_secret", Secret(), "service_principal: the secret."),
        Key("tenant_id", Text(), "service_principal: where."),
        Key("resource_id", Text(), "managed_identity: its ARM id."),
        Key(
            "keys",
            Table(Secret()),
            "custom_keys: any number of secrets, each by its name.",
            "Refused by the loader; the service has it.",
        ),
    ),
    "credentials",
    hints={"api_key": "write key", "token": "write pat or sas_token"},
    ignores_schema=False,
)

_TARGETS = ("target", "api_base", "url", "azure_endpoint", "endpoint")  # names of the same thing, as Azure has them
_METADATA = {
    "api_version": "ApiVersion",
    "open_ai_resource_id": "ResourceId",
    "ai_services_resource_id": "ResourceId",
    "account_name": "AccountName",
    "container_name": "ContainerName",
}
_FIXED = {
    "azure_open_ai": {"ApiType": "Azure"},
    "azure_content_safety": {"Kind": "Content Safety"},
    "azure_speech_services": {"Kind": "speech"},
}
_AAD_BY_DEFAULT = {"azure_blob", "azure_one_lake", "azure_data_lake_gen2", *KEY_TYPES}


def _connection(*, name: str, type: str, **given: Any) -> Connection:  # noqa: A002 - the key's name
    metadata = {
        **given.get("tags", {}),
        **given.get("metadata", {}),
        **given.get("configs", {}),
        **_FIXED.get(type, {}),
    }
    metadata |= {word: given[key] for key, word in _METADATA.items() if given.get(key) is not None}
    found = (given[key] for key in _TARGETS if given.get(key) and not (type == "azure_one_lake" and key == "endpoint"))
    target = next(found, None) or _one_lake(given)
    credentials = given.get("credentials") or Credentials("aad" if type in _AAD_BY_DEFAULT else "none")
    if given.get("api_key"):
        credentials = Credentials("api_key", {"key": given["api_key"]})
    if given.get("secrets"):
        credentials = Credentials("custom_keys", given["secrets"])
    return Connection(
        name,
        type,
        target,
        given.get("description"),
        credentials,
        metadata,
        given.get("is_shared", True),
    )


_connection.makes = Connection  # type: ignore[attr-defined]  # where the defaults are looked up


def _one_lake(given: dict[str, Any]) -> str | None:
    """Put the address of a lakehouse together, as Azure's client does."""
    workspace, host = given.get("one_lake_workspace_name"), given.get("endpoint")
    name = (given.get("artifact") or {}).get("name")
    return f"https://{host}/{workspace}/{name}.Lakehouse" if name and workspace and host else None


_COMMON = (
    Key("name", Text(), "The connection's name: 3 to 33 letters, digits, dashes, underscores.", required=True),
    Key("type", Choice(TYPES), "What it leads to.", required=True),
    DESCRIPTION,
    Key("target", Text(), "The address of what it leads to."),
    Key("credentials", CREDENTIALS_RECORD, "What opens it."),
    Key("metadata", Table(Anything(), any_key=True), "What else is to be known, open to read."),
    Key("tags", Table(Anything(), any_key=True), "The older name of metadata.", "metadata wins."),
    Key("is_shared", Truth(), "Whether other projects of the hub may use it.", ours="Kept."),
    ID,
    CREATION,
)
_API_KEY = Key("api_key", Secret(), "Short for credentials of type api_key.")
_MUST_HAVE_KEY = ("api_key", "open_ai", "serp", "serverless")
ARTIFACT = Record(
    dict,
    (
        Key("name", Text(), "Its name.", required=True),
        Key("type", Choice(("lake_house",)), "What it is.", required=True),
    ),
    "artifact",
    ignores_schema=False,
)
_ENDPOINT = Key("endpoint", Text(), "Another name of target.")
_OWN: dict[str, tuple[Key, ...]] = {
    "azure_open_ai": (
        Key("azure_endpoint", Text(), "azure_open_ai: another name of target."),
        Key("api_version", Text(), "azure_open_ai: becomes ApiVersion in metadata."),
        Key("open_ai_resource_id", Text(), "azure_open_ai: becomes ResourceId in metadata."),
    ),
    "azure_ai_services": (
        _ENDPOINT,
        Key("ai_services_resource_id", Text(), "azure_ai_services: becomes ResourceId in metadata."),
    ),
    "azure_ai_search": (_ENDPOINT,),
    "azure_content_safety": (_ENDPOINT,),
    "azure_speech_services": (_ENDPOINT,),
    "serverless": (_ENDPOINT,),
    "api_key": (Key("api_base", Text(), "api_key: another name of target."),),
    "azure_blob": (
        Key("url", Text(), "azure_blob: another name of target."),
        Key("account_name", Text(), "azure_blob: becomes AccountName in metadata.", required=True),
        Key("container_name", Text(), "azure_blob: becomes ContainerName in metadata.", required=True),
    ),
    "azure_one_lake": (
        _ENDPOINT,
        Key("one_lake_workspace_name", Text(), "azure_one_lake: the workspace, where target is missing."),
        Key("artifact", ARTIFACT, "azure_one_lake: {type: lake_house, name: NAME}, where target is missing."),
    ),
    "custom": (
        Key("secrets", Table(Secret()), "custom: secrets, each by its name.", wide=_AS_ON_THE_PAGE),
        Key("configs", Table(Anything()), "custom: becomes metadata.", wide=_AS_ON_THE_PAGE),
    ),
}


def _of(kind: str) -> Record:
    own_key = (replace(_API_KEY, required=kind in _MUST_HAVE_KEY),) if kind in KEY_TYPES else ()
    keys = (*_COMMON, *own_key, *_OWN.get(kind, ()))
    return Record(_connection, keys, f"a connection of type {kind}", hints={"key": "write it below credentials"})


def other_name(kind: str) -> str:
    """Return by which name alone Azure takes the target of a type, "" where it takes target."""
    names = {key.name for key in RECORDS[kind].keys} if kind in RECORDS and kind != "azure_one_lake" else set()
    return next((name for name in _TARGETS[1:] if name in names), "")


RECORDS: dict[str, Record] = {kind: _of(kind) for kind in TYPES}
# Every key that some type has: for the page and the schema, and where the type is not known.
ANY = Record(
    _connection,
    tuple(
        replace(key, required=key in _COMMON and key.required)
        for key in {key.name: key for record in RECORDS.values() for key in record.keys}.values()
    ),
    "a connection",
)

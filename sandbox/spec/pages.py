"""Write what is made from the tables: docs/yaml.md, docs/error-codes.md and the JSON Schemas.

``python -m sandbox.spec.pages`` in the repository; tests compare the files with what would be written.
"""

import json
import sys
from pathlib import Path

from sandbox.model.codes import CODES
from sandbox.spec import pages_text as text
from sandbox.spec.assets import Asset
from sandbox.spec.json_schema import schemas
from sandbox.spec.keys_assets import BUILD, ENVIRONMENT_INLINE, INFERENCE_CONFIG, MODEL_INLINE, ROUTE
from sandbox.spec.keys_collector import COLLECTION, COLLECTOR, DATA
from sandbox.spec.keys_connection import ANY as CONNECTION
from sandbox.spec.keys_connection import ARTIFACT, CREDENTIALS_RECORD
from sandbox.spec.keys_deployment import (
    AMOUNTS,
    CODE,
    KUBERNETES_DEPLOYMENT,
    MANAGED_DEPLOYMENT,
    PROBE,
    REQUESTS,
    SCALE,
)
from sandbox.spec.keys_endpoint import ENDPOINT, IDENTITY, KUBERNETES_ENDPOINT
from sandbox.spec.record import Key, Record

COMMAND = "python -m sandbox.spec.pages"


def _default(record: Record, key: Key) -> str:
    if key.required:
        return "**required**"
    if key.shown_default:
        return f"`{key.shown_default}`"
    found = record.default(key)
    if found is None or found == ():
        return ""
    return f"`{str(found).lower() if isinstance(found, bool) else found}`"


def _row(record: Record, key: Key) -> str:
    name = f"`{key.name}`" + (f", `{key.also}`" if key.also else "")
    kind = key.reader.label() if key.kept or key.shown_default else ""
    if isinstance(key.reader, (Record, Asset)):
        kind = text.linked(key.name, kind)
    cells = (name, kind, _default(record, key), key.doc, key.azure, key.ours)
    return f"| {' | '.join(cell for cell in cells)} |"


def _table(record: Record, keys: tuple[Key, ...] | None = None) -> list[str]:
    head = ["| key | type | default | what it is | Azure | here |", "| --- | --- | --- | --- | --- | --- |"]
    return [*head, *(_row(record, key) for key in (keys or record.keys)), ""]


def _others(record: Record, than: Record) -> tuple[Key, ...]:
    known = {key.name for key in than.keys if record.keys.count(key)}
    return tuple(key for key in record.keys if key.name not in known)


def yaml_page() -> str:
    """Return docs/yaml.md."""
    common = tuple(key for key in MANAGED_DEPLOYMENT.keys if key in KUBERNETES_DEPLOYMENT.keys)
    parts = [text.YAML_HEAD.format(command=COMMAND)]
    sections: list[tuple[str, str, list[str]]] = [
        ("Online endpoint", text.ENDPOINT, _table(ENDPOINT)),
        (
            "Kubernetes online endpoint",
            text.KUBERNETES_ENDPOINT,
            _table(KUBERNETES_ENDPOINT, _others(KUBERNETES_ENDPOINT, ENDPOINT)),
        ),
        ("identity", "Below `identity` of an endpoint.", _table(IDENTITY)),
        ("Online deployment", text.DEPLOYMENT, _table(MANAGED_DEPLOYMENT, common)),
        (
            "Managed online deployment",
            "Besides the keys above:",
            _table(MANAGED_DEPLOYMENT, _others(MANAGED_DEPLOYMENT, KUBERNETES_DEPLOYMENT)),
        ),
        (
            "Kubernetes online deployment",
            text.KUBERNETES_DEPLOYMENT,
            _table(KUBERNETES_DEPLOYMENT, _others(KUBERNETES_DEPLOYMENT, MANAGED_DEPLOYMENT)),
        ),
        ("code_configuration", "", _table(CODE)),
        ("request_settings", "", _table(REQUESTS)),
        ("Probes", text.PROBES, _table(PROBE)),
        ("scale_settings", "", _table(SCALE)),
        ("resources", "`requests` and `limits`, each with:", _table(AMOUNTS)),
        ("data_collector", "", _table(COLLECTOR)),
        ("A collection", "Below `data_collector.collections.NAME`.", _table(COLLECTION)),
        ("data", "Below a collection; a text is taken as its `data_id`.", _table(DATA)),
        ("Model", text.MODEL, _table(MODEL_INLINE)),
        ("Environment", text.ENVIRONMENT, _table(ENVIRONMENT_INLINE)),
        ("build", "", _table(BUILD)),
        (
            "inference_config",
            "Each of the three routes has a port and a path.",
            _table(INFERENCE_CONFIG) + _table(ROUTE),
        ),
        ("Connection", text.CONNECTION, _table(CONNECTION)),
        ("credentials", text.CREDENTIALS, _table(CREDENTIALS_RECORD)),
        ("artifact", "", _table(ARTIFACT)),
    ]
    for title, intro, table in sections:
        parts += [f"## {title}", "", *([intro, ""] if intro else []), *table]
    return "\n".join(parts)


def codes_page() -> str:
    """Return docs/error-codes.md."""
    lines = [text.CODES_HEAD.format(command=COMMAND), "| code | what | why | what helps |", "| --- | --- | --- | --- |"]
    lines += [f"| {name} | {code.title} | {code.meaning} | {code.remedy} |" for name, code in CODES.items()]
    return "\n".join(lines) + "\n"


def files() -> dict[str, str]:
    """Return path in the repository -> content, of everything that is written."""
    made = {f"sandbox/spec/schemas/{name}": json.dumps(each, indent=2) + "\n" for name, each in schemas().items()}
    return {"docs/yaml.md": yaml_page(), "docs/error-codes.md": codes_page(), **made}


def main() -> int:
    """Write the files into the repository that this module lies in."""
    root = Path(__file__).resolve().parents[2]
    for name, content in files().items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
        sys.stdout.write(f"{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The prose of docs/yaml.md and docs/error-codes.md, between the tables that ``pages`` makes."""

_SECTIONS = {
    "environment": "environment",
    "model": "model",
    "identity": "identity",
    "liveness_probe": "probes",
    "readiness_probe": "probes",
    "startup_probe": "probes",
}


def linked(key: str, label: str) -> str:
    """Return the type of a key as a link to the section that describes what stands below it."""
    if key in ("model", "environment"):
        return label
    if key in ("liveness_route", "readiness_route", "scoring_route"):
        return "a route"
    if key in ("requests", "limits", "request_logging") or key.endswith("_template"):
        return label
    return f"[{label}](#{_SECTIONS.get(key, key)})"


YAML_HEAD = """\
# YAML files

The files are those of Azure ML v2, unchanged: what `az ml` takes is taken here. This page is made by `{command}`.

```
$ sandbox validate endpoint.yml blue-deployment.yml
endpoint.yml: managed online endpoint, ok
blue-deployment.yml: managed online deployment, ok
```

`sandbox validate FILE...` shows every problem of each file in one run, with file, line and column
([all codes](error-codes.md)). Errors are what Azure refuses, when it loads the file or later, when it has become
expensive: name lengths, traffic that does not sum to 0 or 100, mirrors, a scoring script that is missing or has no
`init()` and `run()`. Warnings (W060) are what is taken here although Azure refuses it, because its own pages show it.

## For editors

JSON Schemas (2020-12) come with the package, made from the same tables. A first line tells an editor that speaks the
YAML language server, such as VS Code with the YAML extension, which one is meant:

```yaml
# yaml-language-server: $schema=FOLDER/online-deployment.json
```

FOLDER is what `python -c "import sandbox.spec as s; print(s.__path__[0] + '/schemas')"` prints. There are
`online-endpoint.json`, `online-deployment.json`, `model.json`, `environment.json` and `connection.json`.

## Rules for every file

- Unknown keys are refused at every level; `$schema` and what only `show` prints are ignored.
- `key:` with nothing after it is null and refused. Leaving the key out means its default.
- Texts are strict: `description: 1` must be `description: "1"`. Whole numbers may be quoted; `2.7` becomes 2, with a
  warning. Truth values may be `true`, `yes`, `on`, `1` and their quoted forms.
- Words of a choice may be written in camelCase: `Key`, `AMLToken`.
- Relative paths start from the folder of the YAML file. They must lead somewhere.
- The suffix of the file does not matter. JSON is YAML, when it is indented by spaces: the parser refuses tabs, here as
  in Azure.
- A key that stands twice is refused; Azure keeps the last one. Anchors and merge keys (`<<`) work. One document a file,
  at most 256 KiB, 50 levels and 20,000 values, aliases counted as often as they are used.

In the tables below, *Azure* says what is worth knowing about Azure's own loader or service, and *here* what loading
does otherwise or besides.

## Overrides

`--set KEY=VALUE` changes the file's content before it is checked; messages then name the override in the place of a
line. Keys are joined by dots, items of lists stand in brackets: `--set a.b[0].c=v`. `[N]` with N the length appends.
Missing parents are made. The value is read as JSON where it is JSON, else it is text; where the key takes text, it is
text in any case. A key that holds a dot is quoted: `--set 'resources.limits."nvidia.com/gpu"=1'`. Nothing can be set
inside a reference: `--set model.path=...` is refused when the file says `model: azureml:m:1`. `-n NAME` and
`-e ENDPOINT` are `--set name=NAME` and `--set endpoint_name=ENDPOINT`.

## References

| form | means |
| --- | --- |
| `azureml:NAME:VERSION` | that version |
| `azureml:NAME@LABEL` | the version with the label, such as `latest` |
| `azureml:NAME` | the latest version |
| `azureml:/subscriptions/.../versions/V` | an ARM id |
| `azureml://registries/R/models/NAME/versions/V`, `.../labels/L` | in a registry; managed deployments only |

Without the prefix it is no reference: `NAME:VERSION` is refused. Environments may be `file:env.yml` as well.
"""

ENDPOINT = "A file with `auth_mode`, `traffic` and the like, or nothing but a name."
KUBERNETES_ENDPOINT = "An endpoint with `compute`. It has no `public_network_access`; besides the other keys above:"
DEPLOYMENT = "Both kinds of deployments have these keys."
KUBERNETES_DEPLOYMENT = "With `type: kubernetes`. Besides the keys of all deployments:"
PROBES = (
    "`liveness_probe`, `readiness_probe` and `startup_probe`. Paths and ports come from the environment's "
    "`inference_config`."
)
MODEL = "A file of its own needs a name; inside a deployment it may be missing."
ENVIRONMENT = "A file of its own needs a name; inside a deployment it may be missing."
CONNECTION = (
    "Each type has some of these keys: a key that begins with its types in the third column belongs to those only. "
    "Messages about these files show no line of them: it may hold a secret."
)
CREDENTIALS = "All fields of the type are needed; a managed identity may be named by either of its two."

CODES_HEAD = """\
# Error codes

Every error says what happened, where, why, and what to do. Codes that begin with E are errors, those with W warnings:
the file is accepted. A code keeps its meaning for ever. This page is made by `{command}`.
"""

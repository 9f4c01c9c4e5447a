"""The tables of ``sandbox model`` and ``sandbox environment``: two kinds of assets with nearly the same verbs."""

from sandbox.cli.words import (
    ADD,
    EDIT_SET,
    FILE,
    FORCE_STRING,
    MAX_RESULTS,
    NO_WAIT,
    REGISTRY,
    REMOVE,
    SET,
    Flag,
    Group,
    Verb,
)

VERSION = Flag(("--version", "-v"), "The version.", "VERSION")
LABEL = Flag(("--label", "-l"), "A label in place of a version: latest.", "LABEL")
DESCRIPTION = Flag(("--description",), "A text.", "TEXT")
TAGS = Flag(("--tags",), "Tags: team=fruit stage=test.", "KEY=VALUE", "words", default=())
DATASTORE = Flag(("--datastore",), "Accepted, and ignored here.", "NAME")

MODEL_FLAGS = (
    Flag(("--path", "-p"), "The file or folder.", "PATH", of="file"),
    Flag(("--type", "-t"), "custom_model, mlflow_model or triton_model.", "TYPE"),
    Flag(("--stage",), "A text.", "TEXT"),
    DATASTORE,
)
ENVIRONMENT_FLAGS = (
    Flag(("--image", "-i"), "A Docker image.", "IMAGE"),
    Flag(("--conda-file", "-c"), "A conda file.", "PATH", of="file"),
    Flag(("--build-context", "-b"), "A folder with a Dockerfile.", "PATH", of="folder"),
    Flag(("--dockerfile-path", "-d"), "The Dockerfile in that folder.", "PATH"),
    Flag(("--os-type",), "linux or windows.", "TYPE"),
    DATASTORE,
)
PACKAGE = Verb(
    "package",
    "put a model that is deployed, with all that serves it, into one image",
    (
        Flag(("--name", "-n"), "The model.", "NAME", required=True, of="model"),
        VERSION,
        LABEL,
        FILE.saying("As az has it; its target_environment names the image. What serves it is as deployed."),
        REGISTRY,
        NO_WAIT.saying("Accepted, and without effect here."),
    ),
    "asset:package",
    ("sandbox model package -n prices -v 2",),
    about="Seal the deployment that serves this version of the model (sandbox seal): packages, server, code and model\n"
    "become one image, which is tried as it is. Deploy the model first: what is sealed is what has served.",
    changes=True,
)


def group(name: str) -> Group:
    """Return the table of one of the two."""
    article = "a" if name == "model" else "an"
    named = Flag(("--name", "-n"), f"The {name}.", "NAME", of="model" if name == "model" else "environment")
    one = (named.needed(), VERSION, LABEL, REGISTRY)
    command = f"sandbox {name}"
    create_example = (
        f"{command} create -n prices --path ./model"
        if name == "model"
        else f"{command} create -n fruit --image mcr.microsoft.com/azureml/inference-base-2204 --conda-file conda.yml"
    )
    own = "prices" if name == "model" else "fruit"
    return Group(
        name,
        f"{name}s, registered by name and version in the sandbox",
        (
            Verb(
                "create",
                f"register {article} {name}; without a version it gets the next one",
                (
                    named,
                    VERSION,
                    FILE,
                    SET,
                    DESCRIPTION,
                    TAGS,
                    *(MODEL_FLAGS if name == "model" else ENVIRONMENT_FLAGS),
                    REGISTRY,
                    NO_WAIT,
                ),
                "asset:create",
                (create_example, f"{command} create -f {name}.yml"),
                changes=True,
            ),
            Verb(
                "show",
                f"show {article} {name}; without a version the latest",
                one,
                "asset:show",
                (f"{command} show -n {own} --label latest", f"{command} show -n {own} -v 2 --query path -o tsv"),
            ),
            Verb(
                "list",
                f"list the {name}s, or the versions of one",
                (
                    named,
                    Flag(("--archived-only",), "The archived ones.", kind="switch"),
                    Flag(("--include-archived",), "The archived ones, too.", kind="switch"),
                    MAX_RESULTS,
                    REGISTRY,
                ),
                "asset:list_all",
                (f"{command} list -o table", f"{command} list -n {own} --query [].version -o tsv"),
            ),
            Verb(
                "update",
                f"change description and tags of {article} {name}",
                (*one, EDIT_SET, ADD, REMOVE, FORCE_STRING),
                "asset:update",
                (f"{command} update -n {own} -v 2 --set tags.stage=test description='the good one'",),
                changes=True,
            ),
            Verb(
                "archive",
                f"hide {article} {name} from lists, one version or all",
                one,
                "asset:archive",
                (f"{command} archive -n {own} -v 1",),
                changes=True,
            ),
            Verb(
                "restore",
                f"list an archived {name} again",
                one,
                "asset:restore",
                (f"{command} restore -n {own} -v 1",),
                changes=True,
            ),
            Verb(
                "download",
                f"copy the files of {article} {name} into a folder",
                (
                    named.needed(),
                    VERSION.needed(),
                    Flag(("--download-path", "-p"), "Where to; here unless given.", "FOLDER", of="folder"),
                    REGISTRY,
                ),
                "asset:download",
                (f"{command} download -n {own} -v 2 --download-path ./copy",),
                changes=True,
            ),
            *((PACKAGE,) if name == "model" else ()),
            Verb("share", "not in the sandbox", (), "missing:refuse", open=True),
        ),
    )

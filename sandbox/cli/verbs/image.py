"""The tables of the commands about images: image, seal."""

from sandbox.cli.verbs.begin import JSON
from sandbox.cli.words import ONLY_ERRORS, VERBOSE, YES, Flag, Group, Verb

NAME = Flag(("--name", "-n"), "The deployment.", "NAME", required=True, of="deployment")
ENDPOINT = Flag(("--endpoint-name", "-e"), "Its endpoint.", "NAME", required=True, of="endpoint")
IMAGE = Group(
    "image",
    "what was built for deployments that run in containers",
    (
        Verb("list", "list the images", (JSON,), "images:list_all", ("sandbox image list",), kind="own"),
        Verb(
            "show",
            "show what the engine knows of one",
            (Flag(("name",), "Its name, or the beginning of its id.", "IMAGE", "argument", required=True),),
            "images:show",
            ("sandbox image show endpoint-sandbox/sealed:shop-blue",),
            kind="own",
        ),
        Verb(
            "prune",
            "remove those that no deployment needs",
            (Flag(("--all",), "Also the images of packages, and sealed ones.", kind="switch"), YES, JSON),
            "images:prune",
            ("sandbox image prune --yes",),
            about="Remove the images that no deployment needs. Those of packages are kept to be built on again.",
            kind="own",
            changes=True,
        ),
    ),
)
SEAL = Verb(
    "",
    "put a deployment into one image that runs anywhere",
    (NAME, ENDPOINT, Flag(("--tag", "-t"), "Name of the image.", "NAME"), JSON, ONLY_ERRORS, VERBOSE),
    "images:seal",
    ("sandbox seal -n blue -e shop", "sandbox seal -n blue -e shop --tag registry.example/shop:7"),
    about="Put code, model and packages of a deployment that serves into one image, and try it as it is: read-only\n"
    "and without anything of this machine. The same content makes the same image. Secrets stay outside.",
    kind="own",
    changes=True,
)


def group(name: str) -> Group:
    """Return the table of one of them."""
    return IMAGE if name == "image" else Group(name, SEAL.summary, (SEAL,))

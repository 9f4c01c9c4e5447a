"""The script that makes what no file of an export holds: keys of the endpoint, secrets of the deployments. Pure."""

from collections.abc import Sequence

from sandbox.export.bundle import KEY_NAMES, KEY_VARIABLES, Bundle
from sandbox.export.paper import File

FOLDER = "secrets"
SCRIPT = "secrets.sh"
GATEWAY_ENV = f"{FOLDER}/gateway.env"

_HEAD = """\
#!/bin/sh
# Makes what must not stand in the other files, in {folder}/, readable by you alone (0600). What is there is kept.
#   {what}
# New keys: remove the files, say this again{renew}.
set -eu
umask 077
cd "$(dirname "$0")"
mkdir -p {folder}
key() {{ head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \\n'; }}
"""


def env_of(name: str) -> str:
    """Return the path of the file with the secrets of a deployment."""
    return f"{FOLDER}/{name}.env"


def as_variables(bundle: Bundle, renew: str) -> list[File]:
    """Keys as a file of variables, for containers that are given an environment."""
    lines = "".join(f"{name}=%s\\n" for name in KEY_VARIABLES)
    made = [f'[ -s {GATEWAY_ENV} ] || printf \'{lines}\' "$(key)" "$(key)" >{GATEWAY_ENV}']
    return _files(bundle, made, f"{GATEWAY_ENV}   the two keys; either opens the endpoint", renew)


def as_files(bundle: Bundle, renew: str, then: Sequence[str]) -> list[File]:
    """Keys as one file each, for what keeps secrets itself; ``then``: lines that give them to it."""
    made = [f"[ -s {FOLDER}/{name} ] || key >{FOLDER}/{name}" for name in KEY_NAMES]
    return _files(
        bundle, [*made], f"{FOLDER}/{KEY_NAMES[0]}, {KEY_NAMES[1]}   the keys; either opens the endpoint", renew, then
    )


def _files(bundle: Bundle, made: list[str], what: str, renew: str, then: Sequence[str] = ()) -> list[File]:
    lines = [_HEAD.format(folder=FOLDER, what=what, renew=renew), *(f"{line}\n" for line in made)]
    filled = []
    for member in bundle.members:
        if member.secrets:
            path = env_of(member.name)
            empty = "".join(f"{name}=\\n" for name in member.secrets)
            lines.append(f"[ -e {path} ] || printf '{empty}' >{path}\n")
            filled.append(path)
    lines += [f"if grep -q '=$' {path}; then echo \"fill in {path}\" >&2; exit 1; fi\n" for path in filled]
    lines += [f"{line}\n" for line in then]
    return [File(SCRIPT, "".join(lines), runs=True), File(".gitignore", f"/{FOLDER}/\n")]

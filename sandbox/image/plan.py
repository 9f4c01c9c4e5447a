"""What the image of an environment is made of, as values: the files of its build, and the hash that names it.

Nothing of the deployment's code is in it. Deployments with the same packages on the same image share it.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sandbox.environment import conda_spec, plan, requirements, server
from sandbox.environment.masks import mask
from sandbox.image import dockerfile
from sandbox.model.environment import Environment

BASE_VARIABLE = "SANDBOX_BASE_IMAGE"
DEFAULT_BASE = "python:{python}-slim"
DEFAULT_PYTHON = "3.11"
_SCHEME = "1"  # raised when the same content is to be built otherwise
_PYTHONS = [(3, minor) for minor in range(14, 9, -1)]
_INDEXES = {"PIP_INDEX_URL": "index-url", "PIP_EXTRA_INDEX_URL": "extra-index-url"}
_BUNDLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
_EDITABLE = re.compile(r"(?:-e|--editable)[ =]\s*")


@dataclass(frozen=True, slots=True)
class Packages:
    """What the conda file asks for, in the words of conda and of pip."""

    python: str  # conda's expression, "" for any
    conda: str  # JSON, which is YAML
    pip: tuple[str, ...]
    only_conda: tuple[str, ...]  # packages that pip cannot install
    local: tuple[tuple[str, str], ...] = ()  # (path in the build, path here): files and folders that lines name
    state: tuple[str, ...] = ()  # what stands for their content
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """One build. ``files`` are (path in the build, content), ``folders`` (path in the build, path here)."""

    key: str
    dockerfile: str
    files: tuple[tuple[str, bytes], ...]
    folders: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    python: str = ""  # conda's expression for the Python that is asked for, "" for any


def base_of(environment: Environment | None, environ: Mapping[str, str] = os.environ) -> str:
    """Return the name of the image to start from: the environment's own, else the setting, else a Python that fits."""
    if environment is not None and environment.image:
        return environment.image.removeprefix("docker.io/")
    if chosen := environ.get(BASE_VARIABLE):
        return chosen
    asked = packages(environment).python if environment is not None and environment.conda is not None else ""
    minors = [minor for minor in _PYTHONS if asked and conda_spec.accepts(asked, minor)]
    fits = not asked or conda_spec.accepts(asked, (3, 11)) or not minors
    return DEFAULT_BASE.format(python=DEFAULT_PYTHON if fits else f"3.{minors[0][1]}")


def packages(environment: Environment) -> Packages:
    """Read what a conda file asks for.

    Raises:
        SandboxError: E071, it is not understood, or names a file that is not there.
    """
    conda = environment.conda or {}
    wanted = plan.read(conda)
    folder = os.path.dirname(environment.conda_file) if environment.conda_file else os.getcwd()
    lines = requirements.read(wanted.pip, folder)
    moved = [_moved(number, line) for number, line in enumerate(lines)]
    pip = [line for line, _ in moved]
    python = f"python{wanted.python}" if wanted.python else f"python={DEFAULT_PYTHON}"
    described = {
        **({"channels": list(wanted.channels)} if wanted.channels else {}),
        "dependencies": [python, *wanted.conda, "pip", *([{"pip": pip}] if pip else [])],
    }
    return Packages(
        python=wanted.python,
        conda=json.dumps(described, indent=1),
        pip=(*wanted.translated, *pip),
        only_conda=wanted.conda_only,
        local=tuple(pair for _, pair in moved if pair is not None),
        state=tuple(requirements.state(lines)),
        notes=wanted.notes,
    )


def make(base_id: str, environment: Environment | None, environ: Mapping[str, str] = os.environ) -> Plan:
    """Plan the image of an environment.

    Args:
        base_id: of the image that it starts from: names move, and what they meant would not be seen.
        environment: None, or without conda file: nothing is added to the image but the server.
        environ: where indexes and certificates of pip are looked up.

    Raises:
        SandboxError: E071, the conda file is not understood.
    """
    wanted = packages(environment) if environment is not None and environment.conda is not None else None
    private = tuple(private_files(environ))
    secret = wanted is not None and any(mask(line) != line for line in wanted.pip)
    text = _dockerfile(base_id, conda=wanted is not None, private=[path for path, _ in private], apart=secret)
    ours = tuple(_ours())
    theirs = tuple(_environment(wanted)) if wanted is not None else ()
    counted = _dockerfile(base_id, conda=wanted is not None, private=(), apart=False)
    digest = hashlib.sha256(json.dumps([_SCHEME, counted, wanted.state if wanted else ()]).encode())
    for path, content in (*ours, *theirs):
        digest.update(path.encode() + b"\0" + hashlib.sha256(content).digest())
    return Plan(
        key=digest.hexdigest(),
        dockerfile=text,
        files=(*ours, *theirs, *private),
        folders=wanted.local if wanted else (),
        notes=wanted.notes if wanted else (),
        python=wanted.python if wanted else "",
    )


def digest_of(*texts: str) -> str:
    """Return a hash of several texts."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _dockerfile(base_id: str, *, conda: bool, private: Sequence[str], apart: bool) -> str:
    return dockerfile.environment(
        base_id, server.DEPENDENCIES, conda=conda, private=private, apart=apart, link=server.LINK
    )


def _ours() -> Iterator[tuple[str, bytes]]:
    for name in ("provision.sh", "relay.py"):
        with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), "rb") as file:
            yield name, file.read()
    yield "check.py", server.CHECK.encode()
    for relative, path in server.sources():
        with open(path, "rb") as file:
            yield f"{server.PACKAGE}/{relative}", file.read()


def _environment(wanted: Packages) -> Iterator[tuple[str, bytes]]:
    yield "environment/conda.yml", wanted.conda.encode()
    yield "environment/requirements.txt", _lines(wanted.pip)
    yield "environment/conda-only.txt", _lines(wanted.only_conda)


def _lines(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _moved(number: int, line: str) -> tuple[str, tuple[str, str] | None]:
    """Return a requirement with the path in the build in the place of a path of this machine; and both."""
    bare = _EDITABLE.sub("", line)
    path = re.split(r"\[|\s*;|\s--", bare, maxsplit=1)[0].strip()
    if not os.path.isabs(path) or not os.path.exists(path):
        return line, None
    inside = f"environment/local/{number}/{os.path.basename(path)}"
    return f"/opt/sandbox/{inside}{bare[len(path) :]}", (inside, path)


def private_files(environ: Mapping[str, str] = os.environ) -> Iterator[tuple[str, bytes]]:
    """Give pip's settings and the certificates that are needed here, where there are any; addresses hold passwords."""
    settings = [f"{key} = {environ[name]}" for name, key in _INDEXES.items() if "://" in environ.get(name, "")]
    if host := environ.get("PIP_TRUSTED_HOST"):
        settings.append(f"trusted-host = {host}")
    bundle = next((environ[name] for name in _BUNDLES if environ.get(name)), "")
    if not settings and not (bundle and os.path.isfile(bundle)):
        return
    yield "private/pip.conf", _lines(["[global]", *settings])
    if bundle and os.path.isfile(bundle):
        with open(bundle, "rb") as file:
            yield "private/ca.crt", file.read()

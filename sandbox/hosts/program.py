"""Our own program as an image: what hosts run. It is built here, of what is installed here, and shipped like any image.

Nothing of ours is installed on a host. The image holds an environment with the packages that we need, and this program
as a layer of its own: a new version of it moves a few megabytes.
"""

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from sandbox.hosts import inside
from sandbox.hosts.known import Host
from sandbox.image import dockerfile, labels, plan, ship
from sandbox.image.build import Builder
from sandbox.image.plan import Plan
from sandbox.model.errors import INSTALL, SandboxError
from sandbox.model.progress import Report

if TYPE_CHECKING:
    from docker import APIClient

    from sandbox.home import Home

DISTRIBUTION = "endpoint-sandbox"
PACKAGES = ("inference_http", "sandbox", "templates", "tui")
PYTHON = "/opt/sandbox/env/bin/python"
KIND = "host"
REPOSITORY = f"{labels.REPOSITORY}/host"
_FOLDER = "/opt/sandbox/program"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_SCHEME = "1"


def ensure(home: "Home", source: "Callable[[], APIClient]", target: "APIClient", host: Host, report: Report) -> str:
    """Bring the program to a host where it is not there yet; return the id of its image.

    Args:
        home: for the log of the build and its lock.
        source: gives a client of the engine that builds it; asked only where the host does not have it.
        target: a client of the host's engine.
        host: the host.
        report: told of what is done.

    Raises:
        SandboxError: E110 to E116, E162 it cannot be built here; E156 to E161 it does not arrive.
    """
    if found := there(target):
        return found
    client = source()
    image = build(home, client, report)
    return ship.ship(client, target, image, report, host.registry, name=host.name).id


def there(client: "APIClient") -> str:
    """Return the id of the image of this very program in an engine, "" where it is not there."""
    return _found(client, _planned("").key)


def any_of(client: "APIClient") -> str:
    """Return the id of the newest image of this program in an engine, of whichever version; "" where there is none."""
    found = client.images(filters={"label": f"{labels.KIND}={KIND}"})
    return str(max(found, key=lambda each: each["Created"])["Id"]) if found else ""


def build(home: "Home", client: "APIClient", report: Report) -> str:
    """Return the id of the image, built where the engine does not have it; raises SandboxError as ``ensure``."""
    from docker.errors import APIError

    builder = Builder(client, home, report)
    wanted = _planned(builder.base(None).id)
    if found := _found(client, wanted.key):
        return found
    made = builder.program(wanted, KIND)
    client.tag(made.id, REPOSITORY, f"{importlib.metadata.version(DISTRIBUTION)}-{wanted.key[:16]}")
    with contextlib.suppress(APIError):  # another command was faster
        client.remove_image(made.name, noprune=True)  # its name alone: it has a better one
    return made.id


def _found(client: "APIClient", key: str) -> str:
    found = client.images(filters={"label": [f"{labels.KIND}={KIND}", f"{labels.KEY}={key}"]})
    return str(found[0]["Id"]) if found else ""


def _planned(base: str) -> Plan:
    """Plan the build. The key does not depend on the id of the base, only on its name."""
    private = tuple(plan.private_files())
    wheel = f"endpoint_sandbox-{importlib.metadata.version(DISTRIBUTION)}-py3-none-any.whl"
    ours = ((f"wheel/{wheel}", _wheel(wheel)), *_sources())
    digest = hashlib.sha256(json.dumps([_SCHEME, plan.base_of(None), _dockerfile("", wheel, [])]).encode())
    for path, content in ours:
        digest.update(path.encode() + b"\0" + hashlib.sha256(content).digest())
    text = _dockerfile(base, wheel, [path for path, _ in private])
    return Plan(digest.hexdigest(), text, (*ours, *private))


def _dockerfile(base: str, wheel: str, private: "list[str]") -> str:
    """Return the Dockerfile. Packages are installed in a stage that goes, with the addresses they came from."""
    environment = os.path.dirname(os.path.dirname(PYTHON))
    install = f"{PYTHON} -m pip install -q --no-cache-dir --disable-pip-version-check"
    lines = [
        f"FROM {base} AS made",
        "USER root",
        *dockerfile.known(private),
        f"RUN python3 -m venv {environment}",
        "COPY wheel /opt/sandbox/wheel",
        f"RUN {install} '/opt/sandbox/wheel/{wheel}[sandbox]' && {PYTHON} -m pip uninstall -q -y pip",
        f"COPY program {_FOLDER}",
        f"RUN {PYTHON} -m compileall -q --invalidation-mode unchecked-hash {_FOLDER}",
        f"FROM {base}",
        f"COPY --from=made {environment} {environment}",
        f"COPY --from=made {_FOLDER} {_FOLDER}",
        "ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONSAFEPATH=1",
        "WORKDIR /",
        "USER 0:0",
        f"ENTRYPOINT {json.dumps([PYTHON, *inside.ENTRY])}",
        "CMD []",
    ]
    return "".join(f"{line}\n" for line in lines)


def _wheel(name: str) -> bytes:
    """Return a wheel that asks for our packages, leads to the folder of the program, and holds nothing of it.

    It stays the same while the program changes, so that packages are installed once.
    """
    found = importlib.metadata.distribution(DISTRIBUTION)
    info = f"{name.rpartition('-py3')[0]}.dist-info"
    needs = [need for need in found.requires or () if "extra ==" not in need or "extra == 'sandbox'" in need]
    described = [f"Name: {DISTRIBUTION}", f"Version: {found.version}", "Provides-Extra: sandbox"]
    members = {
        "endpoint-sandbox.pth": f"{_FOLDER}\n",
        f"{info}/METADATA": _text("Metadata-Version: 2.1", *described, *(f"Requires-Dist: {need}" for need in needs)),
        f"{info}/WHEEL": _text(
            "Wheel-Version: 1.0", f"Generator: {DISTRIBUTION}", "Root-Is-Purelib: true", "Tag: py3-none-any"
        ),
        f"{info}/entry_points.txt": _text("[console_scripts]", "sandbox = sandbox.__main__:main"),
    }
    members[f"{info}/RECORD"] = _text(*(f"{path},," for path in (*members, f"{info}/RECORD")))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, text in members.items():
            archive.writestr(zipfile.ZipInfo(path, _EPOCH), text)
    return packed.getvalue()


def _text(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def _sources() -> Iterator[tuple[str, bytes]]:
    """Give (path in the build, content) of every file of the program."""
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise SandboxError("E162", "the program cannot be packed", f"its package {package} is not here", INSTALL)
        root = next(iter(spec.submodule_search_locations))
        for base, folders, names in sorted(os.walk(root)):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for name in sorted(names):
                path = os.path.join(base, name)
                inside_build = os.path.relpath(path, os.path.dirname(root)).replace(os.sep, "/")
                with open(path, "rb") as file:
                    yield f"program/{inside_build}", file.read()

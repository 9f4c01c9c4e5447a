"""What ``sandbox doctor`` finds out about the machine. Nothing here judges, nothing takes more than a few seconds."""

import os
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.util import find_spec

from sandbox.home import Home
from sandbox.model.errors import INSTALL, SandboxError

PATIENCE_S = 5.0
SERVE_PORT = 5001
PACKAGES = {"yaml": "pyyaml", "jmespath": "jmespath", "rich": "textual"}  # of the extra, by the name that is imported
TOOLS = ("uv", "conda", "mamba", "micromamba", "code")


@dataclass(frozen=True, slots=True)
class DockerFacts:
    """The engine that containers would run in. ``lack`` and ``lack_fix``: what keeps them from having GPUs.

    ``left``: containers of homes that are gone.
    """

    server: str = ""
    url: str = ""
    source: str = ""  # why this one
    error: str = ""
    fix: str = ""
    lack: str = ""
    lack_fix: str = ""
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that is looked at. A text that ends in ``_error`` is "" where there is none."""

    python: tuple[int, int, int]
    executable: str
    platform: str
    missing: tuple[str, ...]
    home: str
    home_free_bytes: int
    home_error: str
    port_error: str
    serve_port_taken: bool
    envoy_path: str
    envoy_version: str
    envoy_error: str
    venv: bool
    docker: DockerFacts
    gpus: tuple[str, ...]
    gpu_error: str
    tools: dict[str, str] = field(default_factory=dict)


def gather() -> Facts:
    """Look at all of it, the slow things at the same time."""
    with ThreadPoolExecutor(3) as pool:
        envoy, docker, gpus = pool.submit(_envoy), pool.submit(_docker), pool.submit(_gpus)
        home, free, home_error = _home()
        path, version, envoy_error = envoy.result()
        cards, gpu_error = gpus.result()
        return Facts(
            python=sys.version_info[:3],
            executable=sys.executable,
            platform=sys.platform,
            missing=tuple(name for module, name in PACKAGES.items() if find_spec(module) is None),
            home=home,
            home_free_bytes=free,
            home_error=home_error,
            port_error=_listen(0),
            serve_port_taken=bool(_listen(SERVE_PORT)),
            envoy_path=path,
            envoy_version=version,
            envoy_error=envoy_error,
            venv=find_spec("venv") is not None and find_spec("ensurepip") is not None,
            docker=docker.result(),
            gpus=cards,
            gpu_error=gpu_error,
            tools={name: shutil.which(name) or "" for name in TOOLS},
        )


def said(words: list[str]) -> tuple[str, str]:
    """Run a program; return what it printed and "", or "" and what went wrong."""
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "", f"no answer within {PATIENCE_S:.0f} s"
    except OSError as error:
        return "", error.strerror or str(error)
    if done.returncode == 0:
        return done.stdout.strip(), ""
    lines = (done.stderr or done.stdout).strip().splitlines()
    return "", lines[-1] if lines else f"exit code {done.returncode}"


def _home() -> tuple[str, int, str]:
    home = Home.find()
    try:
        return home.make().root, shutil.disk_usage(home.root).free, ""
    except SandboxError as error:
        return home.root, 0, ": ".join(part for part in (error.what, error.why) if part)
    except OSError as error:
        return home.root, 0, str(error)


def _listen(port: int) -> str:
    """Return why nobody can listen on a port of the loopback address; "" where one can."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        if os.name == "posix":  # as servers do: connections of yesterday do not count
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
            listener.listen(1)
        except OSError as error:
            return error.strerror or str(error)
    return ""


def _envoy() -> tuple[str, str, str]:
    from sandbox.gateway.binary import binary
    from sandbox.gateway.errors import GatewayError

    try:
        path = binary()
    except GatewayError as error:
        return "", "", error.what
    text, error_text = said([path, "--version"])
    if error_text:
        return path, "", f"{path} does not start: {error_text}"
    # envoy  version: 3c1b.../1.40.0/Clean/RELEASE/BoringSSL
    parts = text.rpartition("version:")[2].strip().split("/")
    return path, parts[1] if len(parts) > 1 else text, ""


def _docker() -> DockerFacts:
    try:
        from sandbox.image import engine
    except ImportError as error:
        return DockerFacts(error=f"{error.name} is not installed", fix=INSTALL)
    found = engine.facts()
    server = f"{found.name} {found.version}{' (rootless)' if found.rootless else ''}" if not found.error else ""
    lack = found.lack
    return DockerFacts(
        server,
        found.url,
        found.source,
        found.error,
        found.fix,
        lack.what if lack else "",
        lack.fix if lack else "",
        found.left,
    )


def _gpus() -> tuple[tuple[str, ...], str]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return (), ""
    query = "--query-gpu=name,memory.total,driver_version"
    text, error = said([program, query, "--format=csv,noheader"])
    return tuple(line.strip() for line in text.splitlines() if line.strip()), error

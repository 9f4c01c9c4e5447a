"""Which interpreter runs a deployment; its environment is built when there is none of the same content yet."""

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sandbox.copies import copying
from sandbox.environment import command, order, pythons, server, shelf, surroundings
from sandbox.environment.installers import Installer, Site, WithPip, WithUv
from sandbox.environment.masks import mask
from sandbox.environment.order import Order
from sandbox.environment.pythons import Python
from sandbox.environment.shelf import Record
from sandbox.home import Home
from sandbox.model.environment import Environment
from sandbox.model.errors import SandboxError
from sandbox.model.progress import Event, Report


@dataclass(frozen=True, slots=True)
class Interpreter:
    """What runs a deployment."""

    python: str  # absolute path of the interpreter
    python_path: tuple[str, ...] = ()  # folders to append for the server; () where the interpreter sees it
    key: str = ""  # hash of what it was built from, "" for the interpreter that runs us
    warnings: tuple[str, ...] = ()  # told at each create


def prepare(home: Home, environment: Environment | None, report: Report) -> Interpreter:
    """Return the interpreter for an environment, building it when that was not done before. May take minutes.

    Interrupted, it ends the tools that it started and removes what they did. Several commands may ask for the same
    environment at once: one builds, the others wait.

    Raises:
        SandboxError: E070 it needs Docker; E071 the conda file is wrong; E072 packages that only conda has; E073-E077
            the tools failed; E078 the server does not load in it; E079 no space; E084 no virtual environments here.
    """
    if environment is None:
        return Interpreter(sys.executable)
    _refuse_docker(environment)
    if environment.conda is None:
        found = f"image {environment.image} cannot be used without Docker" if environment.image else "nothing is in it"
        text = f"environment: {found}; the Python that runs this command is used, with its packages"
        return Interpreter(sys.executable, warnings=(text,))
    wanted = order.make(environment, environment.conda)
    try:
        with _alone(home, wanted.key, report):
            record = _record(home, wanted, report)
    except OSError as error:
        raise _failed(error, home) from None
    return Interpreter(record.python, key=wanted.key, warnings=wanted.warnings)


def _refuse_docker(environment: Environment) -> None:
    fix = "use --backend docker; or list the packages in conda_file, without build and inference_config"
    if environment.build is not None:
        why = f"its packages are what the Dockerfile in {environment.build.path} makes"
        raise SandboxError("E070", "the environment is built by Docker", why, fix)
    if environment.inference_config is not None:
        why = f"inference_config says that image {environment.image} brings its own server"
        raise SandboxError("E070", "the environment is a container with a server of its own", why, fix)


@contextlib.contextmanager
def _alone(home: Home, key: str, report: Report) -> Iterator[None]:
    """Hold the lock of a key for as long as a build takes; wait for as long as the one of another command takes."""
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(shelf.lock(home, key))
                break
            except SandboxError as error:
                if error.code != "E005":
                    raise
                report(Event("environment", "note", "another command builds this environment; waiting for it"))
        yield


def _record(home: Home, wanted: Order, report: Report) -> Record:
    """Return the finished environment. The key is locked."""
    name = f"environment {wanted.key[:12]}"
    record = shelf.find(home, wanted.key)
    if record is not None:
        report(Event("environment", "note", f"{name}: built before, Python {record.python_version}"))
        with _site(home, wanted, record.folder, report) as site:
            record = _see_server(home, record, site)
    else:
        began = time.monotonic()
        many = f"{len(wanted.packages)} package{'' if len(wanted.packages) == 1 else 's'}"
        report(Event("environment", "begin", f"{name}: Python {wanted.python}, {many}"))
        try:
            record = _built(home, wanted, report)
        except BaseException:
            report(Event("environment", "failed", name, seconds=time.monotonic() - began))
            raise
        report(Event("environment", "done", name, seconds=time.monotonic() - began))
    shelf.save(home, wanted.key, record)
    return record


def _built(home: Home, wanted: Order, report: Report) -> Record:
    folder, finished = shelf.draft(home, wanted.key), False
    try:
        with _site(home, wanted, folder, report) as site:
            python = _install(site, wanted, os.path.join(folder, "env"))
            found = pythons.probe(python)
            if found is None:
                why = f"all of the output: {site.log_path}"
                raise SandboxError("E077", f"the new interpreter {python} does not run", why, "try again")
            record = Record(
                folder=folder,
                python=python,
                python_version=".".join(map(str, found.version)),
                tag=found.tag,
                site_packages=found.packages,
                size=shelf.size(folder),
                created=time.time(),
                packages=tuple(map(mask, wanted.packages)),
            )
            record = _see_server(home, record, site)
        finished = True
        return record
    finally:
        if not finished:
            copying.remove(folder)


def _install(site: Site, wanted: Order, folder: str) -> str:
    """Make the environment with all packages; return its interpreter."""
    installer = _installer(wanted.lines)
    if wanted.conda is not None:
        python = wanted.conda.make(site, wanted.dependencies, wanted.channels, folder)
    else:
        python = installer.make(site, wanted.base, folder)
    if wanted.lines:
        file = os.path.join(site.folder, "requirements.txt")  # lines may hold credentials: not on a command line
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
            opened.writelines(f"{line}\n" for line in wanted.lines)
        installer.install(site, python, file)
    return python


def _see_server(home: Home, record: Record, site: Site) -> Record:
    """Let an environment see the server as it is today, and find out that it loads there."""
    major, minor, patch = map(int, record.python_version.split("."))
    python = Python(record.python, (major, minor, patch), record.tag, record.site_packages)
    before, folder = server.attached(record.site_packages), server.folder_for(home, python)
    if before == folder and os.path.isdir(folder):
        return record

    def install(target: str) -> None:
        _installer().install_to(site, record.python, server.DEPENDENCIES, target)

    server.attach(record.site_packages, server.place(home, python, install))
    checking = (record.python, "-c", server.CHECK)
    done = command.run(checking, cwd=record.folder, environ=site.environ, say=lambda _: None, log=site.log)
    if done.code != 0:
        server.detach(record.site_packages, before)
        raise server.misfit(done.lines, site.log_path)
    return replace(record, servers=tuple(dict.fromkeys((*record.servers, folder))))


@contextlib.contextmanager
def _site(home: Home, wanted: Order, folder: str, report: Report) -> Iterator[Site]:
    path = shelf.log_path(home, wanted.key)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8") as log:
        yield Site(
            folder=folder,
            environ=surroundings.of_tools(),
            say=lambda line: report(Event("environment", "line", line)),
            log=log,
            log_path=path,
            hints=wanted.hints,
        )


def _installer(lines: Sequence[str] = ()) -> Installer:
    path = pythons.uv()
    return WithUv(path) if path and WithUv.understands(lines) else WithPip()


def _failed(error: OSError, home: Home) -> SandboxError:
    why = f"{error.filename or home.environments}: {error.strerror or error}"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return SandboxError("E079", "no space for the environment", why, "make room, or move SANDBOX_HOME")
    return SandboxError("E077", "the environment could not be built", why, "you have to be able to write there")

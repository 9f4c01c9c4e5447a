"""Builds images: told as it goes on, once for everybody who needs the same, and with the failing step's last lines."""

import contextlib
import importlib.metadata
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from sandbox import files
from sandbox.environment import conda_spec
from sandbox.image import dockerfile, failures, labels, plan, tarball
from sandbox.image.plan import Plan
from sandbox.model.environment import Build, Environment
from sandbox.model.errors import SandboxError
from sandbox.model.progress import Event, Report

if TYPE_CHECKING:
    from docker import APIClient

    from sandbox.home import Home

_SPOOLED = 2**24  # bytes of a build's files that are kept in memory
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_PYTHON = re.compile(r"^sandbox: python (\S+)$")
_CACHED = " ---> Using cache"
_CHATTER = re.compile(r" ---> (?!Using cache)|Removing intermediate container|Successfully (built|tagged) ")
_STEP = re.compile(r"^Step (\d+)/(\d+) : (.*)$")


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is there. ``fresh``: it was built now, and not found."""

    id: str
    name: str
    fresh: bool = False


class Builder:
    """Builds for one home in one engine."""

    def __init__(self, client: "APIClient", home: "Home", report: Report, *, made_for: str = "") -> None:
        self._client, self._home, self._report, self._made_for = client, home, report, made_for

    def environment(self, environment: Environment | None) -> Image:
        """Return the image with a deployment's packages and the server, but without its code.

        Raises:
            SandboxError: E071 conda file; E073 to E079 packages; E114 a step failed; E115 no such image; E116 its build
                context.
        """
        base = self.base(environment)
        wanted = plan.make(base.id, environment)
        for note in wanted.notes:
            self._tell("note", note)
        said = {labels.KIND: "environment", labels.BASE: base.name}
        return self._once(wanted.key, f"{labels.REPOSITORY}/environment", said, lambda: _Job(wanted))

    def deployment(self, base: Image, code: str, digest: str, variables: Mapping[str, str]) -> Image:
        """Return the image of an environment with code in it.

        Args:
            base: the environment's.
            code: the folder; its own name stays.
            digest: hash of what is in it.
            variables: what the server is told about it.

        Raises:
            SandboxError: E114.
        """
        name = os.path.basename(code)
        text = dockerfile.deployment(base.id, name, variables)
        key = plan.digest_of(text, digest)
        job = Plan(key, text, (), ((name, code),))
        return self._once(key, f"{labels.REPOSITORY}/deployment", {labels.KIND: "deployment"}, lambda: _Job(job))

    def program(self, wanted: Plan, kind: str) -> Image:
        """Return the image of a plan that stands by itself: of our own program. Raises SandboxError, E114."""
        return self._once(wanted.key, f"{labels.REPOSITORY}/{kind}", {labels.KIND: kind}, lambda: _Job(wanted))

    def base(self, environment: Environment | None) -> Image:
        """Return the image that an environment starts from: built from its own Dockerfile, or had from a registry.

        Raises:
            SandboxError: E114, E115, E116.
        """
        if environment is not None and environment.build is not None:
            return self._of_dockerfile(environment.build)
        name = plan.base_of(environment)
        return Image(self._pulled(name), name)

    # --- Steps -------------------------------------------------------------------------------------------------------

    def _once(self, key: str, repository: str, said: Mapping[str, str], job: "Callable[[], _Job]") -> Image:
        """Find the image of a key or build it; who asks for the same at the same time waits."""
        name = f"{repository}:{key[:16]}"
        if found := self.find(key):
            self._tell("note", f"{name} is there")
            return Image(found, name)
        with self._alone(key):
            if found := self.find(key):
                return Image(found, name)
            said = {**said, labels.KEY: key, labels.MADE_FOR: self._made_for}
            return Image(self._build(job(), name, said), name, fresh=True)

    def find(self, key: str) -> str | None:
        """Return the id of the image with a key, None where there is none."""
        found = self._client.images(filters={"label": f"{labels.KEY}={key}"})
        whole = [each for each in found if _names(each)]  # Podman labels the stages of a build as well
        return str(whole[0]["Id"]) if whole else None

    @contextlib.contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(files.alone(self._home.at("locks", f"image-{key[:32]}"), "the image"))
                    break
                except SandboxError as error:
                    if error.code != "E005":
                        raise
                    self._tell("note", "another command builds this image; waiting for it")
            yield

    def _of_dockerfile(self, build: Build) -> Image:
        """Build a Dockerfile of the user's. Always said to the engine: what has not changed it takes from its cache."""
        assert build.path is not None
        path = os.path.join(build.path, build.dockerfile_path)
        if not os.path.isfile(path):
            what = f"the Dockerfile {path} does not exist"
            raise SandboxError("E116", what, "build.path is its folder, build.dockerfile_path its name", "correct them")
        name = f"{labels.REPOSITORY}/built:{plan.digest_of(path)[:16]}"
        job = _Job(Plan("", "", ()), {"path": build.path, "dockerfile": build.dockerfile_path})
        said = {labels.KIND: "built", labels.MADE_FOR: self._made_for}
        return Image(self._build(job, name, said), name, fresh=True)

    def _build(self, job: "_Job", name: str, said: Mapping[str, str]) -> str:
        self._tell("begin", f"image {name}")
        began = time.monotonic()
        log = _Log(self._home.at("images", f"{name.rpartition('/')[2].replace(':', '-')}.log"), self._line)
        try:
            with tempfile.SpooledTemporaryFile(_SPOOLED) as packed, log:
                stream = self._client.build(
                    **job.source(packed),
                    tag=name,
                    labels={
                        **said,
                        labels.HOME: self._home.owner,
                        labels.VERSION: importlib.metadata.version("endpoint-sandbox"),
                    },
                    rm=True,
                    forcerm=True,
                    decode=True,
                )
                image = log.read(stream)
            self._compare(job.plan, log)
        except BaseException as error:  # Ctrl-C too: it is told that the step has ended
            self._report(Event("image", "failed", f"image {name}", *self._whose(), time.monotonic() - began))
            if (explained := failures.of_build(error, log)) is not None:
                raise explained from None
            raise
        self._report(Event("image", "done", f"image {name}", *self._whose(), time.monotonic() - began))
        return str(self._client.inspect_image(image)["Id"])

    def _compare(self, wanted: Plan, log: "_Log") -> None:
        """Say so where the image has another Python than the conda file asks for."""
        minor = tuple(int(number) for number in log.python.split(".")[:2] if number.isdecimal())
        if wanted.python and len(minor) == 2 and not conda_spec.accepts(wanted.python, minor):
            text = f"the conda file asks for python{wanted.python}, the image has {log.python} and no conda"
            self._tell("note", f"{text}; name an image of that version")

    def _pulled(self, name: str) -> str:
        """Return the id of an image, fetched from its registry where it is not here."""
        from docker.errors import APIError, ImageNotFound

        try:
            return str(self._client.inspect_image(name)["Id"])
        except ImageNotFound:
            pass
        self._tell("begin", f"pull {name}")
        began = time.monotonic()
        try:
            repository, tag = name, None
            if "@" not in name and ":" not in name.rpartition("/")[2]:
                tag = "latest"
            refused = ""
            for line in self._client.pull(repository, tag=tag, stream=True, decode=True):
                refused = str(line.get("error", refused))
                if not line.get("progressDetail"):
                    self._line(" ".join(str(line[key]) for key in ("id", "status") if line.get(key)))
            if refused:
                raise failures.missing(name, refused)
            found = str(self._client.inspect_image(name)["Id"])
        except (APIError, SandboxError) as error:
            self._report(Event("image", "failed", f"pull {name}", *self._whose(), time.monotonic() - began))
            raise error if isinstance(error, SandboxError) else failures.missing(name, str(error.explanation)) from None
        self._report(Event("image", "done", f"pull {name}", *self._whose(), time.monotonic() - began))
        return found

    # --- Progress ----------------------------------------------------------------------------------------------------

    def _line(self, text: str) -> None:
        self._report(Event("image", "line", text, *self._whose()))

    def _tell(self, state: Any, text: str) -> None:
        self._report(Event("image", state, text, *self._whose()))

    def _whose(self) -> tuple[str, str]:
        endpoint, _, deployment = self._made_for.partition("/")
        return endpoint, deployment


def _names(found: Mapping[str, Any]) -> list[str]:
    """The names of an image in the engine's list; none of one that was only on the way to another."""
    return [name for name in found.get("RepoTags") or () if not name.startswith("<none>")]


@dataclass(frozen=True, slots=True)
class _Job:
    """What is built: a plan of ours, or (``elsewhere``, words for the SDK) a folder of the user's."""

    plan: Plan
    elsewhere: Mapping[str, str] | None = None

    def source(self, packed: IO[bytes]) -> dict[str, Any]:
        """Return what the engine gets; ``packed`` is a file for it."""
        if self.elsewhere is not None:
            return dict(self.elsewhere)
        tarball.write(packed, [("Dockerfile", self.plan.dockerfile.encode()), *self.plan.files], self.plan.folders)
        packed.seek(0)
        return {"fileobj": packed, "custom_context": True, "dockerfile": "Dockerfile"}


class _Log:
    """The output of one build: told line by line, kept in a file, and the end of it in memory."""

    def __init__(self, path: str, say: Callable[[str], None]) -> None:
        self.path, self.python, self.step, self.error = path, "", "", ""
        self.lines: list[str] = []  # of the step at work
        self._say = say
        self._file: IO[str] | None = None

    def __enter__(self) -> "_Log":  # noqa: PYI034 - typing.Self came with 3.11
        os.makedirs(os.path.dirname(self.path), mode=0o700, exist_ok=True)
        self._file = open(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8")
        return self

    def __exit__(self, *about: object) -> None:
        assert self._file is not None
        self._file.close()

    def read(self, stream: Iterable[Mapping[str, Any]]) -> str:
        """Read the engine's answer; return the id of the image, "" and ``error`` where there is none."""
        image = ""
        for part in stream:
            self.error = str(part.get("error", self.error))
            for line in str(part.get("stream", "")).splitlines():
                self._take(_COLOURS.sub("", line).rstrip())
            image = (part.get("aux") or {}).get("ID", image)
        if self.error:  # raised at the end of the stream: one that is left in the middle keeps its connection
            raise failures.StepFailed(self.error)
        return image

    def _take(self, line: str) -> None:
        assert self._file is not None
        if not line:
            return
        self._file.write(f"{line}\n")
        if _STEP.match(line):
            self.step, self.lines = line, []
        else:
            self.lines.append(line)
        if found := _PYTHON.match(line):
            self.python = found[1]
        if not _CHATTER.match(line):
            self._say("  (from the cache)" if line == _CACHED else line)

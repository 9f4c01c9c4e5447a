"""What Azure's storage-initializer does before an instance starts: code and model are laid out where it looks for them.

Spec section 3: AZUREML_MODEL_DIR ends in ``<name>/<version>`` and holds the folder or file under its own name; the code
lies under the name of its folder. Code is copied and may be written, as in a container. A model's files are shared with
every other deployment of the same content and are read-only; a model over 1 GiB is linked to where it lies, unless the
file system shares blocks.
"""

import errno
import os
import shutil
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, fields

from sandbox import files
from sandbox.copies import content, copying, ignoring, tree
from sandbox.copies.content import Content
from sandbox.copies.copying import Progress, in_words
from sandbox.copies.ignoring import Ignored
from sandbox.home import Home
from sandbox.model.asset import Model, is_remote
from sandbox.model.deployment import Deployment
from sandbox.model.errors import SandboxError
from sandbox.model.progress import Event, Report, quiet

MOST_COPIED = 1024**3  # bytes; a model above it is linked
MODELS, CODE, RECORD = "azureml-models", "azureml-app", "materials.json"
_MOST_SHOWN = 20  # lines of the log that are told while it happens; the rest is in the log


@dataclass(frozen=True, slots=True)
class Materials:
    """Where code and model of a set of instances lie; all paths are absolute, None where the deployment has none."""

    model_dir: str | None  # AZUREML_MODEL_DIR
    code_root: str | None  # stands for the folder `code`
    app_root: str | None  # AML_APP_ROOT
    entry_script: str | None  # AZUREML_ENTRY_SCRIPT
    log: tuple[str, ...] = ()  # what `get-logs --container storage-initializer` shows
    digests: tuple[str, ...] = field(default=())  # of what was taken from the store; `clean` keeps it


def lay_out(home: Home, deployment: Deployment, folder: str, *, link_code: bool, report: Report) -> Materials:
    """Put code and model of a deployment below ``folder``, which belongs to one revision of it.

    What is laid out stays as it is: asked again, the same is returned, whatever the sources have become. A new state of
    the code is a new revision with a folder of its own. An attempt that was killed is begun anew.

    Args:
        home: holds the store of copies.
        deployment: with names for its assets (``sandbox.spec.fingerprint.name_assets``), references resolved.
        folder: of the set of instances; made when needed.
        link_code: let the instances run the developer's own files, for hot reload.
        report: is told of progress.

    Raises:
        SandboxError: E079 no space; E080 a file is missing; E081 it cannot be read; E082 the model is in the cloud;
            E083 it changed meanwhile.
    """
    record = os.path.join(folder, RECORD)
    if (known := _again(record, link_code=link_code)) is not None:
        return known
    copying.remove(os.path.join(folder, MODELS))
    copying.remove(os.path.join(folder, CODE))
    work = _Work(home, deployment, folder, report)
    try:
        materials = work.all(link_code=link_code)
    except OSError as error:
        raise work.failed(error) from None
    files.write_json(record, {"link_code": link_code, **asdict(materials)})
    return materials


def digest_of_code(home: Home, folder: str) -> str:
    """Return the digest of what ``lay_out`` would take of a code folder: what is ignored does not count.

    Files that look unchanged are not read again.

    Raises:
        OSError: a file is missing or cannot be read.
    """
    source = os.path.abspath(folder)
    listed = tree.read(source, ignoring.of_code(source))
    return content.describe(home, source, listed, Progress(quiet, "", 0)).digest


def clean(home: Home, keep: Collection[str]) -> int:
    """Remove copies that no set of instances uses; return how many bytes the store holds less.

    Args:
        home: holds the store.
        keep: folders of the sets that stay, as they were given to ``lay_out``.
    """
    records = [files.read_json(os.path.join(folder, RECORD)) for folder in keep]
    return content.clean(home, {digest for record in records if record for digest in record["digests"]})


def _again(record: str, *, link_code: bool) -> Materials | None:
    known = files.read_json(record)
    if (
        known is None
        or known.pop("link_code", None) != link_code
        or set(known) != {one.name for one in fields(Materials)}
    ):
        return None
    for key in ("log", "digests"):
        known[key] = tuple(known[key])
    materials = Materials(**known)
    paths = (materials.model_dir, materials.code_root)
    return materials if all(path is None or os.path.isdir(path) for path in paths) else None


class _Work:
    """One laying out: what it needs everywhere, and the log that it writes."""

    def __init__(self, home: Home, deployment: Deployment, folder: str, report: Report) -> None:
        self._home, self._deployment, self._folder, self._report = home, deployment, folder, report
        self.log: list[str] = []
        self.digests: list[str] = []

    def all(self, *, link_code: bool) -> Materials:
        """Lay everything out.

        Raises:
            OSError: a file cannot be read or written.
        """
        model_dir = self._model()
        code_root, app_root, entry_script = self._code(link=link_code)
        return Materials(model_dir, code_root, app_root, entry_script, tuple(self.log), tuple(self.digests))

    def _model(self) -> str | None:
        """Lay out the model; return AZUREML_MODEL_DIR."""
        model = self._deployment.model
        if model is None:
            return None
        if not isinstance(model, Model):
            raise _elsewhere(f"model {model.text}", model.text)
        name, version = model.name or "model", model.version or "1"
        target = os.path.join(self._folder, MODELS, *_below(name), *_below(version))
        os.makedirs(target, exist_ok=True)
        self._say(f"model {name} version {version} at {target}")
        if model.path is None:
            return target
        if is_remote(model.path):
            raise _elsewhere(f"model {name}", model.path)
        source = os.path.abspath(model.path)
        found, listed = self._take(source, ignoring.NotContent(), "model", most=MOST_COPIED)
        if found.folder is None:
            real = os.path.realpath(source)  # a link to the link of an older revision would end with that
            copying.link(real, os.path.join(target, listed.name))
            size = in_words(found.size)
            self._say(f"{real}: {size}, linked and not copied: keep it there; what changes in it changes here too")
        else:
            content.place(found, target, writable=False)
        self._list(found, listed, target)
        return target

    def _code(self, *, link: bool) -> tuple[str | None, str | None, str | None]:
        """Lay out the code; return its folder, AML_APP_ROOT and AZUREML_ENTRY_SCRIPT."""
        code = self._deployment.code_configuration
        if code is None or code.code is None:
            return None, None, None
        source = os.path.abspath(code.code)
        if link:
            root = source
            self._say(f"code {source}: linked, the instances run the files themselves")
        else:
            root = self._copied(source)
        if code.scoring_script is None:
            return root, None, None
        script = os.path.normpath(os.path.join(root, code.scoring_script))
        if not os.path.isfile(script):
            raise self._no_script(source, code.scoring_script)
        return root, os.path.dirname(script), os.path.basename(script)

    def _copied(self, source: str) -> str:
        ignored = ignoring.of_code(source)
        found, listed = self._take(source, ignored, "code")
        target = os.path.join(self._folder, CODE)
        root = os.path.join(target, listed.name)
        os.makedirs(root, exist_ok=True)
        self._say(f"code {source} at {root}")
        for note in ignored.notes:
            self._say(f"  {note}")
        content.place(found, target, writable=True)
        self._list(found, listed, target)
        return root

    def _take(self, source: str, ignored: Ignored, what: str, *, most: int | None = None) -> tuple[Content, tree.Tree]:
        """Bring a source into the store; what has more than ``most`` bytes only where that costs no space."""
        try:
            return self._take_once(source, ignored, what, most)
        except content.Changed:
            pass  # once is chance: an editor that saves
        try:
            return self._take_once(source, ignored, what, most)
        except content.Changed as change:
            why = "a copy would be half of the old and half of the new"
            fix = "try again when the writing is over"
            raise SandboxError("E083", f"{change} changes while it is copied", why, fix) from None

    def _take_once(self, source: str, ignored: Ignored, what: str, most: int | None) -> tuple[Content, tree.Tree]:
        listed = tree.read(source, ignored)
        progress = self._progress(f"copying {what} {listed.name}", listed.size)
        large = most is not None and listed.size > most
        found = content.store(self._home, source, listed, progress, clone_only=large)
        if found is None:
            progress = self._progress(f"reading {what} {listed.name}", listed.size)
            return content.describe(self._home, source, listed, progress), listed
        self.digests.append(found.digest)
        return found, listed

    def _progress(self, text: str, total: int) -> Progress:
        deployment = self._deployment
        return Progress(self._report, text, total, endpoint=deployment.endpoint_name, deployment=deployment.name)

    def _list(self, found: Content, listed: tree.Tree, target: str) -> None:
        for note in listed.notes:
            self._say(f"  {note}")
        for number, part in enumerate(found.parts):
            path = os.path.join(target, *part.relative.split("/"))
            line = f"  {path}  {part.size} bytes  sha256:{part.sha256}"
            self.log.append(line)
            if number < _MOST_SHOWN:
                self._tell(f"  {part.relative}  {in_words(part.size)}")
        if len(found.parts) > _MOST_SHOWN:
            self._tell(f"  and {len(found.parts) - _MOST_SHOWN} more; the log of the storage-initializer lists all")
        self._say(f"  {len(found.parts)} files, {in_words(found.size)}")

    def _say(self, line: str) -> None:
        self.log.append(line)
        self._tell(line)

    def _tell(self, line: str) -> None:
        event = Event("storage", "line", line, self._deployment.endpoint_name, self._deployment.name)
        self._report(event)

    def _no_script(self, source: str, script: str) -> SandboxError:
        what = f"the scoring script {script} is not in the code folder"
        if os.path.isfile(os.path.join(source, script)):
            inside = os.path.normpath(script).partition(os.sep)[0] != os.pardir
            why = (
                "the ignore file of the folder leaves it out" if inside else "it lies outside, and only the folder goes"
            )
            fix = "change .amlignore (or .gitignore)" if inside else "name a folder above both as `code`"
            return SandboxError("E080", what, f"{source}: {why}", fix)
        return SandboxError("E080", what, f"{source} has no such file", "correct code_configuration.scoring_script")

    def failed(self, error: OSError) -> SandboxError:
        """Return what an error of the file system means to the user."""
        path, reason = error.filename or self._folder, error.strerror or str(error)
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            root = self._home.root
            free = in_words(shutil.disk_usage(root).free) if os.path.isdir(root) else "?"
            why = f"{free} are free where {root} lies"
            return SandboxError("E079", "no space to copy code and model", why, "make room, or move SANDBOX_HOME")
        if error.errno in {errno.ENOENT, errno.ENOTDIR}:
            why = f"deployment {self._deployment.name!r} was described with it"
            return SandboxError("E080", f"{path} is missing", why, "correct the path")
        return SandboxError("E081", f"{path} cannot be read", reason, "every file of it has to be readable for you")


def _below(name: str) -> list[str]:
    """Return a name's parts as folders; nothing climbs out."""
    parts = [part for part in name.replace("\\", "/").split("/") if part]
    if not parts or any(part in {".", ".."} for part in parts):
        raise SandboxError("E080", f"{name!r} cannot be a model's name or version", "it becomes a folder", "rename it")
    return parts


def _elsewhere(what: str, address: str) -> SandboxError:
    why = f"{address} is not on this machine, and nothing is fetched from the cloud"
    fix = "download it, then `sandbox model create --name NAME --path FOLDER`, or give the folder as path"
    return SandboxError("E082", f"{what} cannot be had here", why, fix)

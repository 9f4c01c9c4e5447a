"""What may help when an import fails: the package to install, the file that lies elsewhere, the name that clashes."""

import os
import re
import sys
from collections.abc import Iterator, Sequence

from inference_http.user.files import is_user_file

FOLDER_LIMIT = 500  # folders looked through for a module of the user's
DEPTH_LIMIT = 3  # levels below a root

# Import name -> name for pip, where the two differ. From the packages' own documentation.
PIP_NAMES = {
    "attr": "attrs",
    "azure.ai.ml": "azure-ai-ml",
    "azure.identity": "azure-identity",
    "azure.storage.blob": "azure-storage-blob",
    "azureml.core": "azureml-core",
    "bs4": "beautifulsoup4",
    "Crypto": "pycryptodome",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "faiss": "faiss-cpu",
    "fitz": "pymupdf",
    "google.protobuf": "protobuf",
    "inference_schema": "inference-schema",
    "jwt": "pyjwt",
    "magic": "python-magic",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "pkg_resources": "setuptools",
    "psycopg2": "psycopg2-binary",
    "sentence_transformers": "sentence-transformers",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "win32api": "pywin32",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}

# Shared library -> what brings it on Debian and Ubuntu, the systems of the usual base images.
SYSTEM_PACKAGES = {
    "libGL.so": "apt-get install libgl1 (or use opencv-python-headless in place of opencv-python)",
    "libglib-2.0.so": "apt-get install libglib2.0-0",
    "libgomp.so": "apt-get install libgomp1",
    "libgthread-2.0.so": "apt-get install libglib2.0-0",
    "libSM.so": "apt-get install libsm6 (or use opencv-python-headless in place of opencv-python)",
    "libodbc.so": "apt-get install unixodbc",
}


def missing_module(exc: ImportError, roots: Sequence[str]) -> list[str]:
    """Give lines that help with a failed import; none where nothing is known of it."""
    text = str(exc)
    if "attempted relative import" in text:
        return ["The scoring script is loaded as a single file: write `import x` in place of `from . import x`."]
    library = missing_library(text)
    if library:
        return library
    if isinstance(exc, ModuleNotFoundError):
        return _not_found(exc.name, roots) if exc.name else []
    return _name_missing(exc, roots)


def missing_library(text: str) -> list[str]:
    """Name the system package that brings a shared library which could not be opened."""
    if "cannot open shared object file" not in text:
        return []
    return [f"A system library is missing: {fix}." for name, fix in SYSTEM_PACKAGES.items() if name in text]


def pip_name(module: str) -> str:
    """Give the name under which pip knows the package of an import name (`sklearn.svm` -> `scikit-learn`)."""
    parts = module.split(".")
    for end in range(len(parts), 0, -1):
        name = PIP_NAMES.get(".".join(parts[:end]))
        if name:
            return name
    return parts[0]


def _not_found(module: str, roots: Sequence[str]) -> list[str]:
    top = module.partition(".")[0]
    if top in sys.modules and "." in module:
        return [*_clash(top, roots), *_version(top, f"has no module {module!r}")]
    elsewhere = next(_user_modules(top, roots), None)
    if elsewhere:
        folder = os.path.dirname(elsewhere)
        return [f"There is {elsewhere}, but {folder} is not on the import path: set AZUREML_SOURCE_DIRECTORY to it."]
    lines = []
    import difflib  # like importlib.metadata below: slow to import, and rarely needed

    close = difflib.get_close_matches(top, sorted(_names_beside(roots)), n=1, cutoff=0.8)
    if close:
        lines.append(f"Did you mean {close[0]!r}, which is a file of yours?")
    lines.append(
        f"{module!r} is not installed where the server runs: {sys.executable} -m pip install {pip_name(module)}"
    )
    return lines


def _name_missing(exc: ImportError, roots: Sequence[str]) -> list[str]:
    if not exc.name or "partially initialized module" in str(exc):  # Python itself says "circular import" then
        return []
    clash = _clash(exc.name, roots)
    if clash or (exc.path and is_user_file(exc.path, roots)):
        return clash
    name = re.match(r"cannot import name '(.+?)'", str(exc))
    return _version(exc.name, f"has no name {name.group(1)!r} in {exc.name!r}") if name else []


def _clash(module: str, roots: Sequence[str]) -> list[str]:
    """Find a file of the user's that has the name of a module that is taken: it is never imported."""
    loaded = getattr(sys.modules.get(module), "__file__", None) or ""
    for root in roots:
        own = os.path.join(root, f"{module}.py")
        if os.path.isfile(own) and not is_user_file(loaded, roots):
            kind = "a module of Python's standard library" if module in sys.stdlib_module_names else "another module"
            return [f"{own} has the name of {kind}, which is imported in its place: rename the file."]
    return []


def _version(module: str, what: str) -> list[str]:
    import importlib.metadata

    package = pip_name(module)
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return []
    return [
        f"{package} {version} is installed, which {what}: another version may be needed (was the model made with it?)"
    ]


def _user_modules(name: str, roots: Sequence[str]) -> Iterator[str]:
    seen = 0
    for root in roots:
        for folder, folders, files in os.walk(root):
            depth = len(os.path.relpath(folder, root).split(os.sep))
            own = [one for one in sorted(folders) if not one.startswith((".", "__")) and one != "node_modules"]
            folders[:] = own if depth < DEPTH_LIMIT else []
            if not is_user_file(folder, roots) or os.path.exists(os.path.join(folder, "pyvenv.cfg")):
                folders[:] = []
                continue
            if f"{name}.py" in files:
                yield os.path.join(folder, f"{name}.py")
            if name in own and os.path.isfile(os.path.join(folder, name, "__init__.py")):
                yield os.path.join(folder, name)
            seen += 1
            if seen > FOLDER_LIMIT:
                return


def _names_beside(roots: Sequence[str]) -> Iterator[str]:
    for root in roots:
        if os.path.isdir(root):
            yield from (name[:-3] for name in os.listdir(root) if name.endswith(".py"))

"""What may help after a failure of the user's code: the package to install, the files that are really there."""

import os
import sys
from collections.abc import Iterator
from typing import Protocol

TREE_LIMIT = 200  # lines (S124)
INDENT = 4

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
    "dotenv": "python-dotenv",
    "faiss": "faiss-cpu",
    "fitz": "pymupdf",
    "google.protobuf": "protobuf",
    "inference_schema": "inference-schema",
    "jwt": "pyjwt",
    "lightgbm": "lightgbm",
    "magic": "python-magic",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "pkg_resources": "setuptools",
    "psycopg2": "psycopg2-binary",
    "pytesseract": "pytesseract",
    "sentence_transformers": "sentence-transformers",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}


class ModelFolder(Protocol):
    """What a hint needs to know of the settings (or of a Script)."""

    @property
    def model_dir(self) -> str | None:
        """AZUREML_MODEL_DIR as given."""


def hints(exc: BaseException, settings: ModelFolder) -> list[str]:
    """Give lines that help with this exception or with what caused it; none where nothing is known."""
    lines: list[str] = []
    for one in _chain(exc):
        if isinstance(one, ModuleNotFoundError) and one.name:
            lines.append(_install(one.name))
        elif isinstance(one, FileNotFoundError):
            lines += model_tree(settings.model_dir)
    return list(dict.fromkeys(lines))


def model_tree(model_dir: str | None, limit: int = TREE_LIMIT) -> list[str]:
    """Give the files below the model folder as lines, in the reference's form (S124)."""
    if not model_dir:
        return ["AZUREML_MODEL_DIR is not set: give --model_dir FOLDER to name the folder that holds the model."]
    if not os.path.exists(model_dir):
        return [f"AZUREML_MODEL_DIR is {model_dir!r}, which does not exist (working folder: {os.getcwd()})."]
    lines = ["Model Directory Contents:"]
    for line in walk(model_dir):
        if len(lines) > limit:
            return [*lines, f"Output Truncated. First {limit} lines shown."]
        lines.append(line)
    return lines


def walk(path: str, depth: int = 0) -> Iterator[str]:
    """Give a folder's tree, one line an entry, folders with a slash; entries that cannot be read are named only."""
    path = os.path.normpath(path)
    name = os.path.basename(path)
    if not os.path.isdir(path) or (depth and os.path.islink(path)):
        yield " " * depth * INDENT + name
        return
    yield " " * depth * INDENT + name + os.sep
    try:
        children = sorted(os.listdir(path))
    except OSError:
        return
    for child in children:
        yield from walk(os.path.join(path, child), depth + 1)


def _chain(exc: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = exc
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)


def _install(module: str) -> str:
    name = PIP_NAMES.get(module) or PIP_NAMES.get(module.partition(".")[0]) or module.partition(".")[0]
    return f"Module {module!r} is not installed. If it is no file of yours: {sys.executable} -m pip install {name}"

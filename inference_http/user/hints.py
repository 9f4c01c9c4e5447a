"""What may help after a failure of the user's code, one line each, said only where it is known to fit."""

from collections.abc import Sequence
from typing import Protocol

from inference_http.user.failure import exception_chain
from inference_http.user.missing import missing_library, missing_module
from inference_http.user.modelfiles import MISSING, NO_MODEL_DIR, missing_file, model_tree

PICKLED_AS_MAIN = (
    "The model was pickled by a script that defined the class itself, as __main__: move the class to a module "
    "that both the training script and the scoring script import, and pickle again."
)


class ModelFolder(Protocol):
    """What a hint needs to know: Settings have it, a Script too."""

    @property
    def model_dir(self) -> str | None:
        """AZUREML_MODEL_DIR as given."""


def hints(
    exc: BaseException, settings: ModelFolder, *, roots: Sequence[str] = (), tree: bool | None = None
) -> list[str]:
    """Give lines that help with this exception or with what caused it; none where nothing is known.

    ``roots`` are the folders in which a module of the user's may lie. ``tree`` says whether the files below
    AZUREML_MODEL_DIR are listed (S124): None for "when a file was missing".
    """
    lines: list[str] = []
    file_missing = False
    try:
        for one in exception_chain(exc):
            lines += _for_one(one, settings.model_dir, roots)
            file_missing |= isinstance(one, OSError) and one.errno in MISSING
        if tree or (tree is None and file_missing):
            lines += model_tree(settings.model_dir) if settings.model_dir or file_missing else []
    except Exception:  # noqa: BLE001 - the exception may be of a class whose str() or attributes raise
        return lines
    return list(dict.fromkeys(lines))


def _for_one(exc: BaseException, model_dir: str | None, roots: Sequence[str]) -> list[str]:
    if isinstance(exc, ImportError):
        return missing_module(exc, roots)
    if isinstance(exc, OSError):
        return missing_file(exc, model_dir) or missing_library(str(exc))
    if isinstance(exc, SystemExit):
        return ["The script ended itself with sys.exit(): a script that is served must return or raise instead."]
    text = str(exc)
    if not model_dir and _wants_model_dir(exc, text):
        return [NO_MODEL_DIR]
    if isinstance(exc, AttributeError) and text.startswith("Can't get attribute") and "'__main__'" in text:
        return [PICKLED_AS_MAIN]
    if type(exc).__name__ == "UnpicklingError" and "invalid load key, 'v'" in text:
        return ["The file begins like a Git LFS pointer (`version https://git-lfs...`): run `git lfs pull`."]
    return []


def _wants_model_dir(exc: BaseException, text: str) -> bool:
    if isinstance(exc, KeyError):
        return text == "'AZUREML_MODEL_DIR'"
    return isinstance(exc, TypeError) and "os.PathLike object, not NoneType" in text

"""Sample scoring scripts: data that travels in the wheel. Nothing here is imported but :func:`path`."""

from importlib.resources import files
from pathlib import Path


def path(name: str) -> Path:
    """Return where a template lies on disk.

    Args:
        name: a folder such as ``"classifier"``, or a file in one such as ``"classifier/score.py"``.

    Raises:
        FileNotFoundError: there is no such template; the message lists those that exist.
    """
    root = Path(str(files(__name__))).resolve()
    found = (root / name).resolve()
    if root not in found.parents or not found.exists():
        known = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("_"))
        message = f"there is no template {name!r}; there are: {', '.join(known)}"
        raise FileNotFoundError(message)
    return found

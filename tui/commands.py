"""The command line that does the same as a key: shown with every change, to be learned and scripted. Pure."""

import shlex
from collections.abc import Mapping, Sequence


def line(*words: str) -> str:
    """Return words as somebody would type them behind ``sandbox``."""
    return " ".join(["sandbox", *(word if _plain(word) else _quoted(word) for word in words)])


def traffic(endpoint: str, live: Mapping[str, int] | None, mirror: Mapping[str, int] | None) -> str:
    """Change who gets which share."""
    words = ["online-endpoint", "update", "-n", endpoint]
    if live is not None:
        words += ["--traffic", shares(live)]
    if mirror is not None:
        words += ["--mirror-traffic", shares(mirror)]
    return line(*words)


def shares(weights: Mapping[str, int]) -> str:
    """Write shares as ``--traffic`` takes them."""
    return " ".join(f"{name}={share}" for name, share in weights.items())


def edit(endpoint: str, deployment: str, settings: Sequence[str]) -> str:
    """Change a deployment in place: ``KEY=VALUE`` each."""
    words = ["online-deployment", "update", "-n", deployment, "-e", endpoint]
    for setting in settings:
        words += ["--set", setting]
    return line(*words)


def delete_deployment(endpoint: str, deployment: str) -> str:
    """Delete a deployment."""
    return line("online-deployment", "delete", "-n", deployment, "-e", endpoint, "--yes")


def delete_endpoint(endpoint: str) -> str:
    """Delete an endpoint with everything below it."""
    return line("online-endpoint", "delete", "-n", endpoint, "--yes")


def debug(endpoint: str, deployment: str, *, on: bool) -> str:
    """Switch a deployment into debug mode, or back."""
    return line("debug", deployment, "-e", endpoint, *([] if on else ["--off"]))


def seal(endpoint: str, deployment: str) -> str:
    """Put a deployment into one image."""
    return line("seal", "-n", deployment, "-e", endpoint)


def promote(endpoint: str, deployment: str, host: str, steps: str) -> str:
    """Bring a deployment to a host."""
    return line("promote", endpoint, "--to", host, "--deployment", deployment, "--traffic", steps)


def invoke(endpoint: str, deployment: str | None, file: str = "request.json") -> str:
    """Send a request."""
    chosen = ["--deployment-name", deployment] if deployment else []
    return line("online-endpoint", "invoke", "-n", endpoint, *chosen, "-r", file)


def up(paths: Sequence[str], *, reload: bool = False) -> str:
    """Make what files describe; without files bring back what there was."""
    return line("up", *paths, *(["--reload"] if reload else []))


def curl(url: str, data: str, deployment: str | None) -> str:
    """Send the same request without us; the key is named and not written out."""
    words = [f"curl {url}", '-H "Authorization: Bearer $TOKEN"', '-H "Content-Type: application/json"']
    if deployment:
        words.append(f'-H "azureml-model-deployment: {deployment}"')
    return " \\\n  ".join([*words, f"-d {shlex.quote(data)}"])


def of_note(endpoint: str, verb: str, text: str) -> str:
    """Return the command behind a line of the journal; "" where a file was needed that it does not name."""
    noun, _, rest = text.partition(" ")
    if verb == "update" and noun in {"traffic", "mirror"}:
        parts = dict(part.split(" ", 1) for part in text.split(", "))
        live, mirror = parts.get("traffic"), parts.get("mirror")
        return traffic(endpoint, _read(live), _read(mirror))
    if verb == "delete":
        return delete_deployment(endpoint, rest) if noun == "deployment" else delete_endpoint(endpoint)
    if verb == "regenerate-keys":
        return line("online-endpoint", "regenerate-keys", "-n", endpoint, "--key-type", noun)
    return ""


def _read(text: str | None) -> dict[str, int] | None:
    if text is None:
        return None
    found = {}
    for word in text.split():
        name, equals, share = word.partition("=")
        if equals and share.isdigit():
            found[name] = int(share)
    return found


def _plain(word: str) -> bool:
    return shlex.quote(word) == word


def _quoted(word: str) -> str:
    return shlex.quote(word) if any(sign in word for sign in '"$`\\!') else f'"{word}"'

"""The environment of an instance: what programs need of the machine's, then the user's variables, and nothing else.

The whole environment of a developer's shell would make a deployment work here that does not work elsewhere, and hand
tokens of other programs to the script.
"""

import os
from collections.abc import Mapping

from sandbox.backend.process.listing import MARK

KEPT = frozenset(
    {
        *("HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "XDG_CACHE_HOME"),
        *("LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    }
)
KEPT_BEGINNINGS = ("LC_", "CUDA_")


def environment(
    python: str, ours: Mapping[str, str], variables: Mapping[str, str], mark: str, shell: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables of an instance.

    ``shell`` is where the machine's are taken from, ``ours`` what the backend sets; ``variables``, the user's, win
    over both. The interpreter's own folder comes first on the PATH, as in an activated environment.
    """
    kept = {name: value for name, value in shell.items() if name in KEPT or name.startswith(KEPT_BEGINNINGS)}
    path = os.pathsep.join([os.path.dirname(python), shell.get("PATH") or os.defpath])
    # Without it what a library prints to a file appears when a block of it is full.
    return {**kept, "PATH": path, "PYTHONUNBUFFERED": "1", **ours, **variables, MARK: mark}

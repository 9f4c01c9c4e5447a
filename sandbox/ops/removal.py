"""Ending instances, gently, and what they leave on disk."""

import contextlib
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from sandbox.backend.protocol import Instance
from sandbox.ops import earlier
from sandbox.ops.backends import contained, seen
from sandbox.ops.context import GRACE_S, Context


def stop(context: Context, instances: Iterable[Instance], grace_s: float = GRACE_S) -> None:
    """End instances, all at once; requests that they have begun are answered."""
    found = list(instances)
    if not found:
        return
    with ThreadPoolExecutor(min(16, len(found))) as pool:
        list(pool.map(lambda each: context.backend.stop(each, grace_s), found))


def of_deployment(context: Context, endpoint: str, deployment: str) -> list[Instance]:
    """Return the instances of a deployment, of every revision."""
    return [each for each in of_endpoint(context, endpoint) if each.deployment == deployment]


def of_endpoint(context: Context, endpoint: str) -> list[Instance]:
    """Return the instances of an endpoint. One that has no containers needs no engine to know them.

    Raises:
        Unreachable: E110 to E113, it has containers, and their engine cannot be asked.
    """
    found, trouble = seen(context.backend, endpoint)
    if trouble is not None and ((state := context.store.find(endpoint)) is None or contained(state)):
        raise trouble
    return found


def forget_revisions(context: Context, endpoint: str, deployment: str, keep: Iterable[str | None]) -> None:
    """Remove the folders of revisions that nobody needs, but for the ends of their logs; their instances have ended."""
    folder = os.path.join(context.home.instances, endpoint, deployment)
    gone = set(_listed(folder)) - set(keep) - {earlier.FOLDER}
    left = seen(context.backend, endpoint)[0] if gone else []
    for revision in sorted(gone):
        mine = [each for each in left if (each.deployment, each.revision) == (deployment, revision)]
        stop(context, mine, 0)  # those that ended by themselves: an engine has their logs until then
        earlier.keep(folder, revision)
        _remove(context, endpoint, deployment, revision)
    with contextlib.suppress(OSError):
        os.rmdir(folder)


def forget(context: Context, endpoint: str, deployment: str) -> None:
    """Remove the folder of a deployment that goes, with everything that is kept of it; its instances have ended."""
    folder = os.path.join(context.home.instances, endpoint, deployment)
    for revision in _listed(folder):
        if revision != earlier.FOLDER:
            _remove(context, endpoint, deployment, revision)
    shutil.rmtree(folder, ignore_errors=True)


def _remove(context: Context, endpoint: str, deployment: str, revision: str) -> None:
    context.backend.remove(endpoint, deployment, revision)
    shutil.rmtree(os.path.join(context.home.instances, endpoint, deployment, revision), ignore_errors=True)


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def stop_all(context: Context, endpoint: str) -> None:
    """End everything that runs for an endpoint, and remove its folder."""
    stop(context, context.backend.instances(endpoint))
    shutil.rmtree(os.path.join(context.home.instances, endpoint), ignore_errors=True)

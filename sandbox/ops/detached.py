"""The process that goes on after ``--no-wait``: ``python -m sandbox.ops.detached ENDPOINT DEPLOYMENT OPERATION``."""

import contextlib
import os
import sys

from sandbox.home import Home
from sandbox.model.errors import SandboxError
from sandbox.ops import rollout
from sandbox.ops.context import Context


def main(words: list[str]) -> int:
    """Sign the operation as ours, say so on stdout, and carry it out; how it ends is kept with the deployment."""
    endpoint, name, operation_id = words
    context = Context.of(Home.find())
    operation = rollout.take_over(context, endpoint, name, operation_id)
    os.write(1, b"taken\n")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with contextlib.suppress(SandboxError):
        rollout.carry_out(context, endpoint, name, operation)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

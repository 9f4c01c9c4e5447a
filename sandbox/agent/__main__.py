"""``python -m sandbox.agent``: the agent of ``SANDBOX_HOME`` in this process."""

import sys

from sandbox.agent.loop import serve
from sandbox.agent.place import stamp
from sandbox.api import Sandbox
from sandbox.model.errors import SandboxError
from sandbox.model.progress import Event


def tell(event: Event) -> None:
    """Write what happens to the log; beginnings are left out, an end says enough."""
    if event.state == "begin":
        return
    where = "/".join(part for part in (event.endpoint, event.deployment) if part)
    sys.stdout.write(f"{stamp()} {where or '-'} {event.step} {event.state}: {event.text}\n")
    sys.stdout.flush()


def main() -> int:
    """Work until SIGTERM."""
    try:
        serve(Sandbox(), tell)
    except SandboxError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())

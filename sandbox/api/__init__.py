"""Online endpoints on this machine, for Python: the use cases behind the command line and the terminal UI.

    from sandbox.api import Sandbox

    box = Sandbox()
    box.up(["my-project"])
    reply = box.online_endpoints.invoke("shop", b'{"data": [1, 2]}')

Every method raises ``sandbox.model.errors.SandboxError`` (``NotFound`` for what does not exist), which says what went
wrong, why and what to do. Long ones tell how they get on through ``report``.
"""

from sandbox.api.box import Sandbox
from sandbox.api.info import Info
from sandbox.ops.edits import Edit

__all__ = ["Edit", "Info", "Sandbox"]

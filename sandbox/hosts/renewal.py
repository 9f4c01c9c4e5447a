"""New certificates in their folder, taken by a gateway that runs: whoever renews them on the host tells nobody."""

import contextlib
import os
import sys

from sandbox.gateway import public
from sandbox.gateway.errors import GatewayError
from sandbox.gateway.folder import Folder
from sandbox.gateway.offered import Public
from sandbox.gateway.words import Json
from sandbox.hosts import certificate
from sandbox.hosts.certificate import CHAIN, KEY, Pair
from sandbox.model.errors import SandboxError

FILE = "sds.json"


class Renewal:
    """Looks at a folder of certificates, and publishes what appears in it when a server can use it."""

    def __init__(self, folder: Folder, certificates: str) -> None:
        self._folder, self._certificates = folder, certificates
        self._seen: list[tuple[int, int, int]] | None = None  # nothing yet: it may have changed while nobody looked

    def look(self) -> bool:
        """Take what is new; tell whether there was any. What cannot be used is said once, and the old one stays."""
        marks = self._marks()
        if marks == self._seen:
            return False
        try:
            found = certificate.read(self._certificates)
            if found is not None and not self._publish(found):
                return False
        except SandboxError as error:
            sys.stderr.write(f"the certificate stays as it is: {error.what}; {error.why}\n")
        except (GatewayError, OSError) as error:
            sys.stderr.write(f"the certificate is not taken yet: {error}\n")
            return False
        self._seen = marks
        return True

    def _publish(self, found: Pair) -> bool:
        """Publish it; tell whether that is done. Nobody is waited for: whoever has the lock may wait for our end."""
        from sandbox.hosts import pair

        wanted = [public.certificate(Public(found.chain.decode(), found.key.decode()))]
        if not self._differs(wanted):
            return True
        pair.check(found.chain, found.key)
        with self._folder.alone(wait=False) as mine:
            if mine and self._differs(wanted):  # whoever had the lock may have published the same
                self._folder.publish(FILE, wanted)
            return mine

    def _differs(self, wanted: list[Json]) -> bool:
        written = self._folder.published(FILE)
        return written is not None and written.resources != wanted

    def _marks(self) -> list[tuple[int, int, int]]:
        """Return what changes with the files; both in full, as they may be links."""
        marks = []
        for name in (CHAIN, KEY):
            with contextlib.suppress(OSError):
                found = os.stat(os.path.join(self._certificates, name))
                marks.append((found.st_ino, found.st_mtime_ns, found.st_size))
        return marks

"""Machines for production."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sandbox.api.part import Part
from sandbox.model.progress import Report, quiet

if TYPE_CHECKING:
    from sandbox.hosts.known import Host
    from sandbox.image.listing import Listed
    from sandbox.ops.hosts import Looked, Pair


class Hosts(Part):
    """Which there are, whether they are fit, and commands on them."""

    def add(
        self,
        host: "Host",
        settings: Mapping[str, Any],
        pair: "Pair | None" = None,
        *,
        force: bool = False,
        report: Report = quiet,
    ) -> "Looked":
        """Make a host known when it is fit, and prepare it.

        Args:
            host: what is to be known of it here.
            settings: fields of ``sandbox.hosts.production.Production``; those that are left out stay as they are there.
            pair: its certificate; None: it keeps the one that it has.
            force: also when it is not fit.
            report: is told about progress.

        Raises:
            SandboxError: E152 to E165, E170, E172.
        """
        from sandbox.ops import hosts

        return hosts.add(self._context(report), host, settings, pair, force=force)

    def list(self) -> "Sequence[Host]":
        """Return all of them, by name."""
        from sandbox.hosts import known

        return known.every(self._context().home)

    def show(self, name: str) -> "Host":
        """Return one; raises NotFound (E151)."""
        from sandbox.hosts import known

        return known.find(self._context().home, name)

    def remove(self, name: str) -> "Host":
        """Forget one, and leave what is on it as it is; raises NotFound (E151)."""
        from sandbox.hosts import known

        return known.remove(self._context().home, name)

    def doctor(self, name: str) -> "Looked":
        """Look at one, and change nothing; raises SandboxError (E151 to E156) where it is not reached."""
        from sandbox.ops import hosts

        return hosts.doctor(self._context(), name)

    def certify(self, name: str, pair: "Pair", *, report: Report = quiet) -> "Looked":
        """Give one another certificate, which it takes while it serves; raises SandboxError (E172)."""
        from sandbox.ops import hosts

        return hosts.certify(self._context(report), name, pair)

    def carry_out(
        self,
        name: str,
        argv: "Sequence[str]",
        *,
        stdin: bytes | None = None,
        tty: bool = False,
        told: Callable[[str], None],
        report: Report = quiet,
    ) -> int:
        """Carry out a command line of ours on a host; return its exit code.

        Args:
            name: of the host.
            argv: the words after ``sandbox``.
            stdin: what the command reads.
            tty: it draws on our terminal.
            told: hears which host that is, before it begins.
            report: is told about the program being brought there.

        Raises:
            SandboxError: E151 to E163.
        """
        from sandbox.ops import hosts

        return hosts.carry_out(self._context(report), name, argv, stdin=stdin, tty=tty, told=told)

    def prepare(self, said: Mapping[str, Any], image: str) -> dict[str, Any]:
        """Make this machine's home one of production: what ``add`` of another machine says."""
        from sandbox.ops import hosts

        return hosts.prepare(self._context(), said, image)

    def tidy(self) -> "Sequence[Listed]":
        """Remove images that nothing needs, where this machine is a host; return them."""
        from sandbox.ops import hosts

        return hosts.tidy(self._context())

"""What ``sandbox prune`` does: what is kept to be used again and is used no more."""

import sys
import time
from typing import TYPE_CHECKING, Any

from sandbox.cli.output import counted, megabytes, print_json
from sandbox.cli.session import Session

if TYPE_CHECKING:
    from sandbox.backend.docker.left import Left
    from sandbox.environment.shelf import Built


def prune(session: Session) -> int:
    """List, or remove, environments and copies that no deployment uses."""
    given = session.arguments
    space = session.sandbox.space()
    unused = [built for built, used in space.environments if not used]
    left = session.sandbox.left_behind()
    if given.dry_run:
        _list(session, [(built, used) for built, used in space.environments])
        if given.output != "json":
            _list_left(left)
        return 0
    if unused:
        many = f"{len(unused)} environments" if len(unused) > 1 else "1 environment"
        session.confirm(
            f"Remove {many} ({megabytes(sum(built.size for built in unused))}) that nothing uses?", yes=given.yes
        )
    if left:
        _list_left(left)
        many = f"{len(left)} containers" if len(left) > 1 else "1 container"
        session.confirm(f"Remove {many} of folders that are gone?", yes=given.yes)
        session.sandbox.remove_left_behind()
    removed, freed = session.sandbox.prune()
    images = session.sandbox.hosts.tidy()
    total = freed + sum(built.size for built in removed)
    if given.output == "json":
        gone = {"environments": [built.key for built in removed], "bytes": total}
        print_json({**gone, **({"images": [each.id for each in images]} if images else {})})
    else:
        _list(session, [(built, False) for built in removed])
        sys.stdout.writelines(f"image {each.name}  {each.kind}  {megabytes(each.size)}\n" for each in images)
        sys.stdout.write(f"{megabytes(total)} freed{' beside images' if images else ''}\n")
    return 0


def _list_left(left: "list[Left]") -> None:
    for each in left:
        state = "runs" if each.running else "has ended"
        sys.stderr.write(f"container {each.id[:12]}  {each.what}  {state}, and its folder is gone: {each.home}\n")


def _list(session: Session, rows: "list[tuple[Built, bool]]") -> None:
    if session.arguments.output == "json":
        print_json([_said(built, used=used) for built, used in rows])
        return
    for built, used in rows:
        days = int((time.time() - built.last_used) / 86400)
        packages = ", ".join(built.packages[:4]) + (" ..." if len(built.packages) > 4 else "")
        state = "used" if used else f"unused for {counted(days, 'day')}"
        line = f"{built.key[:12]}  Python {built.python_version:<5} {megabytes(built.size):>9}  {state}  {packages}"
        sys.stdout.write(line.rstrip() + "\n")


def _said(built: "Built", *, used: bool) -> dict[str, Any]:
    return {
        "key": built.key,
        "python_version": built.python_version,
        "size": built.size,
        "created": built.created,
        "last_used": built.last_used,
        "packages": list(built.packages),
        "used": used,
    }

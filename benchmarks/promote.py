"""How long it takes to bring a deployment to a host, and what clients notice; beside the same by hand.

    .ci/docker && SANDBOX_BASE_IMAGE=... python benchmarks/promote.py        # root: the host is a second engine

An image of 300 MB and more (packages, and a model of 100 MB), by ssh: the first promotion, a change of the code alone,
the way back. By hand: docker save | ssh docker load, then the old container goes and the new one is started on its
port. Clients ask all the time; what fails is counted.
"""

import contextlib
import http.client
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.remove(str(Path(__file__).resolve().parent))  # this folder would hide the SDK
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.production_host import Production, production
from tests.support.second_engine import SecondEngine, second_engine

MODEL_BYTES = 100 * 2**20
MEGABYTE = 10**6
PORT = 5001


class Asking:
    """Asks a port of the host without pause, each time on a connection of its own, until the block ends."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.total = self.failed = 0
        self.longest_s = 0.0  # without an answer

    def __enter__(self) -> "Asking":  # noqa: PYI034 - typing.Self came with 3.11
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def answers(self) -> bool:
        """Ask once."""
        connection = http.client.HTTPConnection(self._address, PORT, timeout=5)
        try:
            connection.request("POST", "/score", b'{"data": [1]}', {"Content-Type": "application/json"})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _run(self) -> None:
        last = time.monotonic()
        while not self._ended.is_set():
            good = self.answers()
            self.total += 1
            self.failed += not good
            if good:
                last = time.monotonic()
            self.longest_s = max(self.longest_s, time.monotonic() - last)
            if not good:
                time.sleep(0.01)


def main() -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory() as name, second_engine() as engine:
        engine.start_sshd()
        began = time.monotonic()
        with production(Path(name), engine, engine.state, url=engine.ssh_url) as site:
            row("host add, with the program itself as an image", time.monotonic() - began)
            images = by_us(site)
            site.there("online-endpoint", "delete", "-n", "shop", "--yes")
            by_hand(engine, images)  # before the images go, with all that is here


def by_us(site: Production) -> list[str]:
    """Promote, change, go back; return both images."""
    site.told = False
    weights = Path(site.folder, "weights")
    weights.mkdir()
    (weights / "model.bin").write_bytes(os.urandom(MODEL_BYTES))
    model = {"name": "weights", "version": "1", "path": "weights"}
    site.deploy("1", model=model)
    with timed("seal, and test as sealed"):
        first = site.promote(dry_run=True)
    with timed("first promotion") as said:
        first = site.promote(pause_s=0)
        said.append(f"{first.shipped / MEGABYTE:.1f} MB sent")
    key = site.key()
    site.deploy("2", model=model)
    site.promote(dry_run=True)
    with load(site, key) as said, timed("code-only change", said):
        second = site.promote(pause_s=0)
        said.append(f"{second.shipped / MEGABYTE:.3f} MB sent")
    with load(site, key) as said, timed("rollback", said):
        site.there("rollback", "shop")
    with load(site, key) as said, timed("rollback, whose containers are gone", said):
        site.there("rollback", "shop", "--to", "2")
    return [first.image, second.image]


def by_hand(engine: SecondEngine, images: list[str]) -> None:
    """Do the same with docker and ssh alone."""
    with contextlib.closing(engine.client()) as client:
        client.prune_containers()
        for image in images:
            with contextlib.suppress(Exception):  # it is gone
                client.remove_image(image, force=True)
    with timed("by hand: docker save | ssh docker load, docker run"):
        ship(engine, images[0])
        start(engine, images[0])
        while not Asking(engine.ip).answers():
            time.sleep(0.05)
    with Asking(engine.ip) as asking:
        time.sleep(0.5)
        with timed("by hand: the same with the new code") as said:
            ship(engine, images[1])
            on_host(engine, "rm", "-f", "app")
            start(engine, images[1])
            while not asking.answers():
                time.sleep(0.02)
            said.append(
                f"{asking.failed} of {asking.total} requests failed, none answered for {asking.longest_s:.1f} s"
            )
    on_host(engine, "rm", "-f", "app")


def ship(engine: SecondEngine, image: str) -> None:
    """Send an image as everybody does."""
    with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saving:
        subprocess.run(ssh(engine, "load"), stdin=saving.stdout, check=True, capture_output=True)


def start(engine: SecondEngine, image: str) -> None:
    """Start a container on the port."""
    on_host(engine, "run", "-d", "--name", "app", "--read-only", "--tmpfs", "/tmp", "-p", f"{PORT}:{PORT}", image)


def on_host(engine: SecondEngine, *words: str) -> None:
    """Run docker there."""
    subprocess.run(ssh(engine, *words), check=True, capture_output=True)


def ssh(engine: SecondEngine, *words: str) -> list[str]:
    """The command line."""
    return ["ssh", "-F", engine.ssh_config, "-p", "2222", f"root@{engine.ip}", "docker", "-H", engine.url, *words]


@contextlib.contextmanager
def load(site: Production, key: str) -> Iterator[list[str]]:
    """Ask by TLS meanwhile; what failed is added to what is said."""
    said: list[str] = []
    with site.load(key) as result:
        yield said
    bad: Any = {status: count for status, count in result["statuses"].items() if status != "200"}
    failed = sum(bad.values()) + len(result["errors"])
    row("", None, [f"{failed} of {result['requests'] + len(result['errors'])} requests failed"])


@contextlib.contextmanager
def timed(what: str, said: "list[str] | None" = None) -> Iterator[list[str]]:
    """Print how long the block took, and what it says."""
    told = said if said is not None else []
    began = time.monotonic()
    yield told
    row(what, time.monotonic() - began, told)


def row(what: str, seconds: "float | None", said: "list[str] | tuple[str, ...]" = ()) -> None:
    """Print a row of the table."""
    took = "" if seconds is None else f"{seconds:.1f}"
    print(f"| {what:<52} | {took:>6} | {', '.join(said)} |", flush=True)


if __name__ == "__main__":
    main()

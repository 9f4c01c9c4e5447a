"""``python -m sandbox.demo.production`` (``make demo-production``): from this machine to a host, and back.

The host is a second Docker engine, started for the demo where we are root; else give one:

    make demo-production HOST=ssh://user@host    # its ports 80 and 443 have to be free

Everything here lies in one temporary folder, which is removed at the end. Of a host that was given the endpoint goes
again; our program's image and the folder /var/lib/endpoint-sandbox-demo stay.
"""

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sandbox.api import Sandbox
from sandbox.demo import stage
from sandbox.demo.paper import answer, bars, command, heading, paint, result, say
from sandbox.demo.project import DemoFailed
from sandbox.demo.second import Second, missing
from sandbox.demo.tls_clients import NAME, USUAL, Clients
from sandbox.model.errors import SandboxError

if TYPE_CHECKING:
    from sandbox.ops.promote import Promoted

PARTS = 7
ENDPOINT = "name: prices\nauth_mode: key\n"
DEPLOYMENT = """name: blue
endpoint_name: prices
code_configuration: {code: src, scoring_script: score.py}
instance_type: Standard_DS1_v2
request_settings: {max_concurrent_requests_per_instance: 20}
"""
SCRIPT = """import json

VERSION = "{version}"


def init():
    pass


def run(data):
    rooms = json.loads(data)["rooms"]
    return {{"price": {price}}}
"""
GOOD, BETTER, BAD = "50 * rooms", "50.0 * max(rooms, 0)", "200 / rooms * rooms * rooms / 4"


class Story:
    """The demo in a folder that exists and is empty; ``clean_up`` may be called at any time, and again."""

    def __init__(self, folder: Path, host: str) -> None:
        self._files, self._box, self._url = folder / "project", Sandbox(str(folder / "home")), host
        self._second = None if host else Second(folder / "second")
        self._address = (urlsplit(host).hostname or "127.0.0.1") if host else ""
        self._trusted = self._key = ""
        self._added = False

    def play(self) -> None:
        """Play all parts.

        Raises:
            DemoFailed, SandboxError: one of them went wrong.
        """
        began = time.monotonic()
        self._deploy()
        self._host()
        first = self._promote()
        self._upgrade(first)
        self._bad()
        self._back()
        heading(7, PARTS, "Clean up", "both sides")
        self.clean_up()
        result("nothing is left, here or there, but images of packages for the next time")
        say(f"\n{paint('Done', '1;32')} in {time.monotonic() - began:.1f} s.")

    # --- Parts -------------------------------------------------------------------------------------------------------

    def _deploy(self) -> None:
        heading(1, PARTS, "Here", "an endpoint and a deployment, as for every day; a request whose answer is kept")
        (self._files / "src").mkdir(parents=True)
        (self._files / "endpoint.yml").write_text(ENDPOINT, encoding="utf-8")
        (self._files / "blue.yml").write_text(DEPLOYMENT, encoding="utf-8")
        self._version("1", GOOD)
        command("sandbox online-endpoint create -f endpoint.yml")
        self._box.online_endpoints.create(str(self._files / "endpoint.yml"))
        command("sandbox online-deployment create -f blue.yml --all-traffic")
        self._box.online_deployments.create(str(self._files / "blue.yml"), all_traffic=True)
        command("sandbox online-endpoint invoke -n prices -r request.json --keep-sample usual")
        reply = self._box.online_endpoints.invoke("prices", USUAL)
        answer(reply.status, reply.body.decode())
        kept = self._box.online_endpoints.keep_sample("prices", "usual", USUAL, reply)
        result(os.path.relpath(kept, self._files))

    def _host(self) -> None:
        from sandbox.hosts import pair
        from sandbox.hosts.known import Host
        from sandbox.ops.hosts import Pair

        heading(2, PARTS, "A host", "a machine with Docker; nothing of ours is installed on it")
        if self._second is not None:
            self._second.start()
            self._url, self._address = self._second.url, self._second.address
            where = {"folder": self._second.state, "socket": self._second.socket}
        else:
            where = {"folder": "/var/lib/endpoint-sandbox-demo"}
        chain, key = pair.make([NAME])
        self._trusted = chain.decode()
        command(f"sandbox host add prod {self._url} --cert chain.pem --key key.pem")
        began = time.monotonic()
        self._added = True
        settings: dict[str, Any] = {}
        looked = self._box.hosts.add(
            Host("prod", self._url, **where), settings, Pair(self._trusted, key.decode()), force=True
        )
        for check in looked.checks[:4]:
            result(f"{check.name:<14} {check.detail}")
        result(f"ready after {time.monotonic() - began:.0f} s, most of it our own program, as an image")

    def _promote(self) -> "Promoted":
        heading(3, PARTS, "Promote", "sealed, tested as sealed, shipped, tested there, and only then live")
        done = self._send((100,))
        result(f"here   {done.image}  probes and sample {', '.join(done.samples)}")
        there = self._there(done.there)
        result(f"there  {there}  {done.there}")
        if there != done.image:
            raise DemoFailed("another image serves on the host")
        self._key = self._credentials()
        if self._key in self._box.online_endpoints.credentials("prices").values():
            raise DemoFailed("the host has the keys of this machine")
        command(f"curl --cacert chain.pem https://{NAME}/prices/score -H 'Authorization: Bearer ...' -d @request.json")
        status, name, text = self._clients().ask(USUAL)
        answer(status, f"{text}  ({name}, TLS, a key of the host's own)")
        if status != 200:
            raise DemoFailed(f"expected 200, got {status}")
        return done

    def _upgrade(self, first: "Promoted") -> None:
        heading(4, PARTS, "Upgrade", "half of the requests, then all; four clients ask all the time")
        self._version("2", BETTER)
        self._update()
        with self._clients() as clients:
            half = self._send((50,))
            clients.answered.clear()
            time.sleep(1.0)
            bars(clients.answered)
            self._send((100,))
        result(f"{clients}; {half.shipped / 1000:.0f} kB were sent: the code")
        if clients.failed or half.traffic.get(first.there) != 50:
            raise DemoFailed("requests failed, or the traffic is not half and half")

    def _bad(self) -> None:
        heading(5, PARTS, "A bad upgrade", "it answers the sample as before, and fails for houses without rooms")
        self._version("3", BAD)
        self._update()
        before = dict(self._live())
        with self._clients() as clients:
            try:
                self._send((20, 100))
            except SandboxError as error:
                say(f"    {paint(f'error[{error.code}]', '31')} {error.what}")
                result(error.why)
                line = next((line for line in reversed(getattr(error, "log", ())) if "Error" in line), "")
                result(f"its log: {line.strip()}")
            else:
                raise DemoFailed("the bad version was let through")
        result(f"{clients}: those that the bad version was given before its gate shut")
        result(f"traffic, by itself: {' '.join(f'{name}={share}' for name, share in self._live().items())}")
        if dict(self._live()) != before:
            raise DemoFailed("the traffic is not where it was")

    def _back(self) -> None:
        heading(6, PARTS, "Back", "to the first version, in seconds")
        with self._clients() as clients:
            began = time.monotonic()
            self._command("rollback", "prices", "--to", "1")
            took = time.monotonic() - began
        result(f"{took:.1f} s; {clients}")
        self._command("history", "prices")
        if clients.failed:
            raise DemoFailed("requests failed")

    def clean_up(self) -> None:
        """End everything on both sides."""
        if self._added:
            with contextlib.suppress(SandboxError):
                self._on_host("down", "--all", "--yes", lines=[])
            self._added = False
        if self._second is not None:
            self._second.close()
        self._box.down()
        self._remove_images()

    def _remove_images(self) -> None:
        """Remove the sealed images; those of packages, and of our program, are the cache of the next run."""
        from sandbox.image import engine, sealed
        from sandbox.ops import tested

        if found := tested.images(self._box.home):
            with contextlib.closing(engine.connect()) as client:
                for image in found:
                    sealed.remove(client, image)

    # --- What they share ---------------------------------------------------------------------------------------------

    def _version(self, version: str, price: str) -> None:
        text = SCRIPT.format(version=version, price=price)
        (self._files / "src" / "score.py").write_text(text, encoding="utf-8")

    def _update(self) -> None:
        command("sandbox online-deployment update -f blue.yml")
        self._box.online_deployments.update(str(self._files / "blue.yml"))

    def _send(self, steps: Sequence[int]) -> "Promoted":
        shown = ",".join(map(str, steps))
        command(f"sandbox promote prices --to prod --traffic {shown} --pause 3s")
        return self._box.promotions.promote("prices", "prod", steps=steps, pause_s=3.0)

    def _clients(self) -> Clients:
        return Clients(self._address, self._trusted, self._key)

    def _command(self, *words: str) -> None:
        command(f"sandbox --host prod {' '.join(words)}")
        lines: list[str] = []
        self._on_host(*words, lines=lines)
        for line in lines:
            result(line)

    def _on_host(self, *words: str, lines: list[str]) -> None:
        from sandbox.hosts import known, run

        code = run.run(known.find(self._box.home, "prod"), words, on_line=lines.append, on_error=lambda _: None)
        if code != 0:
            raise DemoFailed(f"sandbox --host prod {' '.join(words)} ended with {code}")

    def _json(self, *words: str) -> Any:
        import json

        lines: list[str] = []
        self._on_host(*words, lines=lines)
        return json.loads("\n".join(lines))

    def _credentials(self) -> str:
        return str(self._json("online-endpoint", "get-credentials", "-n", "prices")["primaryKey"])

    def _live(self) -> dict[str, int]:
        shares = self._json("online-endpoint", "show", "-n", "prices")["traffic"]
        return {name: share for name, share in shares.items() if share}

    def _there(self, name: str) -> str:
        """Ask the engine of the host itself which image the container is of."""
        from sandbox.hosts import known, reach

        with contextlib.closing(reach.engine(known.find(self._box.home, "prod"))) as client:
            found = client.containers(filters={"label": f"endpoint-sandbox.deployment={name}"})
            return str(found[0]["ImageID"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; return 0, 1 when a part fails, 130 when interrupted before the end."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    host = words[0] if words else ""
    lacks = "" if host else missing()
    if lacks:
        sys.stderr.write(f"a second engine needs {lacks}; or give a host: make demo-production HOST=ssh://user@host\n")
        return 1
    return stage.perform(lambda folder: Story(folder, host), "stopping: what runs is ended, here and there")


if __name__ == "__main__":
    sys.exit(main())

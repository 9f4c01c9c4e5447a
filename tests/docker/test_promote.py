"""From a developer's machine to a host: the image that was tested is the one that serves, whatever happens."""

import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from sandbox.model.errors import SandboxError
from tests.support.production_host import production
from tests.support.second_engine import until

# Each is many promotions: on a machine that is busy they need more than other tests.
pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(400)]
SECRET = "hunter2-of-the-host"
LOCAL_SECRET = "hunter2-of-the-developer"
ON_HOST = "__import__('socket').gethostname().startswith('blue-')"  # as instances are called, and trials are not


@pytest.fixture(scope="module")
def site(second, tmp_path_factory):
    """A developer's home, and the second engine as its host; the state there lies on a disk that is soon full."""
    folder = second.folder / "promoted"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "sandbox", str(folder)], check=True)
    with production(tmp_path_factory.mktemp("site"), second, str(folder), url=second.ssh_url) as made:
        made.deploy("1")
        yield made


def traffic(site):
    return {name: part for name, part in _shown(site)["traffic"].items() if part}


def _shown(site):
    return json.loads(site.there("online-endpoint", "show", "-n", "shop"))


def served(site):
    """A key of the endpoint on the host, which has a version there, whichever tests came before."""
    if not json.loads(site.there("online-endpoint", "list")):
        site.promote()
    return site.key()


def history(site):
    return json.loads(site.there("history", "shop", "-o", "json"))


def image_of(site, name):
    with contextlib.closing(site.engine.client()) as client:
        (found,) = client.containers(filters={"label": f"endpoint-sandbox.deployment={name}"})
        return found["ImageID"]


def refused(site, code, *steps, **more):
    with pytest.raises(SandboxError) as raised:
        site.promote(*steps, **more)
    assert raised.value.code == code, (raised.value, raised.value.why)
    return raised.value


def fine(result):
    assert (result["statuses"].keys(), result["errors"]) == ({"200"}, []), result
    assert result["requests"] > 50


def test_the_image_that_was_tested_serves_on_the_host_and_an_upgrade_loses_no_request(site):
    would = site.promote(dry_run=True)
    assert (would.changed, would.dry_run, would.samples) == (True, True, ("usual",))
    first = site.promote()
    assert (first.image, image_of(site, first.there)) == (would.image, would.image)
    key = site.key()
    assert key not in site.box.api.online_endpoints.credentials("shop").values()  # keys are the host's own
    assert site.version(key) == "1"
    assert site.ask("x" * 32)[0] == 401
    site.deploy("2")
    with site.load(key) as result:
        with site.command("promote", "shop", "--to", "prod", "--traffic", "50,100", "--pause", "300ms") as process:
            said = process.communicate(timeout=100)[0]
        assert process.returncode == 0, said
        assert site.version(key) == "2"
        again = site.promote(50, 100)
    fine(result)
    assert (again.changed, again.generation, again.traffic) == (False, 2, {again.there: 100})
    assert again.shipped < 100_000  # but for the code everything was there
    assert said.count(again.image) == 2  # here, and there
    status = site.there("status")
    assert again.image.removeprefix("sha256:")[:12] in status.partition("Sealed here")[0]
    assert again.image.removeprefix("sha256:")[:12] in status.partition("Sealed here")[2]
    with site.load(key) as result:
        assert first.there in site.there("rollback", "shop")
        assert site.version(key) == "1"
        site.there("rollback", "shop", "--to", "2")
        assert site.version(key) == "2"
    fine(result)
    found = history(site)
    assert [(each["number"], each["verb"], each["root"]) for each in found] == [
        (1, "promote", 1), (2, "promote", 2), (3, "rollback", 1), (4, "rollback", 2),
    ]  # fmt: skip
    assert all("@" in each["who"] and each["at"] for each in found)
    assert found[1]["parts"][again.there]["image"] == again.image


def test_a_version_that_is_bad_on_the_host_alone_takes_itself_back(site):
    site.deploy("good")
    good = site.promote()
    key = site.key()
    with site.load(key) as result:
        site.deploy("other", each=f"if {ON_HOST}: data = [7]")
        error = refused(site, "E183")
        assert "on prod:" in error.what
        assert error.log[0] == "usual: $.sum is 7.5 instead of 3.5"
        filler = Path(site.state, "filler")
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(2**16))
        try:
            site.deploy("unlucky")
            with pytest.raises(SandboxError) as full:
                site.promote()
        finally:
            filler.unlink()
        assert "no space" in f"{full.value.what} {full.value.why} {full.value.log}".lower()
        assert site.version(key) == "good"
        assert traffic(site) == {good.there: 100}
    fine(result)
    assert site.promote().changed
    assert site.version(key) == "unlucky"
    assert next(each["cause"][:6] for each in history(site) if each["cause"]) == "[E183]"


def test_cut_off_and_killed_at_each_step_and_said_again(site):
    site.deploy("base")
    base = site.promote()
    key = site.key()
    site.deploy("next")
    following = site.promote()
    site.there("rollback", "shop")
    with site.load(key) as result:
        for number, step in enumerate(("ship", "start", "traffic")):
            with contextlib.closing(site.engine.client()) as client:
                for name in client.inspect_image(following.image)["RepoTags"] if step == "ship" else ():
                    client.remove_image(name)
            if number % 2:
                _cut_at(site, step)
            else:
                _killed_at(site, step)
            assert site.version(key) in {"base", "next"}
            done = site.promote()
            assert (done.there, done.traffic) == (following.there, {following.there: 100}), step
            site.there("rollback", "shop")
            assert traffic(site) == {base.there: 100}
    fine(result)


def _cut_at(site, step):
    """The network goes away when a step begins; sometimes the host was quicker."""
    done = []

    def cut(event):
        if event.step == step and event.state == "begin" and not done:
            done.append(event)
            site.engine.cut_ssh()

    with contextlib.suppress(SandboxError):
        site.promote(pause_s=1.0, tell=cut)
    assert done, step


def _killed_at(site, step):
    """The command is killed when it tells of a step."""
    words = {"ship": "ship ", "traffic": "samples"}[step]
    with site.command("promote", "shop", "--to", "prod", "--pause", "1s", "--verbose") as process:
        for line in process.stdout:
            if words in line:
                break
        os.kill(process.pid, signal.SIGKILL)


def test_through_a_registry_the_digest_is_known_and_without_it_nothing_happens(site):
    known = site.box.home / "hosts" / "prod.json"
    said = json.loads(known.read_text())
    key = served(site)
    site.deploy("by registry")
    before = site.version(key)
    try:
        with site.engine.registry() as address:
            known.write_text(json.dumps({**said, "registry": address}))
            done = site.promote()
        assert done.digest.startswith("sha256:")
        assert done.digest != done.image
        assert done.digest in json.dumps(history(site)[-1])
        assert done.digest in json.dumps(json.loads(site.there("status", "-o", "json")))
        site.deploy("no registry")
        with site.load(key) as result:
            refused(site, "E160")
            assert site.version(key) == "by registry" != before
        fine(result)
    finally:
        known.write_text(json.dumps(said))


def test_after_a_power_cut_everything_is_there_again(site):
    key = served(site)
    site.deploy("kept")
    done = site.promote()
    site.engine.restart(kill=True)
    site.engine.start_sshd()

    def answers():
        with contextlib.suppress(OSError):
            return site.ask(key)[0] == 200

    until(answers, "the host serves again")
    assert site.version(key) == "kept"
    assert traffic(site) == {done.there: 100}
    site.there("rollback", "shop")
    assert site.version(key) != "kept"


def test_secrets_are_the_hosts_own_and_nowhere_else(site):
    key = served(site)
    reference = "${{azureml://connections/store/credentials/key}}"
    connection = {"name": "store", "type": "custom", "target": "-", "credentials": {"type": "api_key", "key": "KEY"}}
    site.box.api.connections.create(json.loads(json.dumps(connection).replace("KEY", LOCAL_SECRET)))
    site.deploy("secret", each="if data == 'who': return os.environ['KEY']", variables={"KEY": reference})
    assert "store" in f"{(error := refused(site, 'E105')).what} {error.why}"
    path = site.folder / "connection.yml"
    path.write_text(json.dumps(connection).replace("KEY", SECRET))
    site.there("connection", "create", "-f", str(path))
    done = site.promote()
    assert site.version(key) == SECRET
    with contextlib.closing(site.engine.client()) as client:
        said = [json.dumps(client.inspect_image(done.image)), json.dumps(client.history(done.image))]
        saved = b"".join(client.get_image(done.image))
        names = [one["Id"] for one in client.containers(all=True)]
        gateway = [json.dumps(client.inspect_container(one)) for one in names]
        gateway = [text for text in gateway if "endpoint-sandbox.gateway" in text]
    assert gateway
    processes = [
        Path("/proc", pid, "cmdline").read_bytes() for pid in os.listdir("/proc") if pid.isdigit() and _lives(pid)
    ]
    logs = b"".join(path.read_bytes() for path in Path(site.state).glob("**/*.log"))
    for secret in (SECRET, LOCAL_SECRET, key):
        assert not any(secret in text for text in (*said, *gateway))
        assert secret.encode() not in saved + logs
        assert not any(secret.encode() in line for line in processes)


def _lives(pid):
    return os.access(f"/proc/{pid}/cmdline", os.R_OK)

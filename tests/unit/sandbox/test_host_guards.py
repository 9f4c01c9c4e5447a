"""What a host is kept from: folders of others taken over, signals lost, settings written for a pair that is none."""

import fcntl
import os
import signal
import subprocess
import sys

import pytest

from sandbox.gateway import process
from sandbox.gateway.folder import Folder
from sandbox.home import Home
from sandbox.hosts import gateway_container, inside, production
from sandbox.model.errors import SandboxError
from sandbox.ops import hosts
from sandbox.ops.context import Context
from tests.support.boxes import until

# The keeper of a gateway that is to take over, around a program that is none.
KEEPER = """
import sys
from sandbox.gateway.folder import Folder
from sandbox.hosts import inside_gateway as gateway
gateway.binary = lambda: "/bin/sleep"
gateway.command = lambda *_: ["/bin/sleep", "600"]
gateway.Keeper._next = lambda *_: 1
sys.exit(gateway.Keeper(Folder(sys.argv[1]), sys.argv[1]).run())
"""


@pytest.fixture
def owned(monkeypatch):
    """The paths that would be given to the user."""
    changed = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "lchown", lambda path, *_: changed.append(path))
    monkeypatch.setattr(os, "chown", lambda path, *_: changed.append(path))
    return changed


def test_a_folder_with_files_of_somebody_else_is_left_as_it_is(tmp_path, owned):
    (tmp_path / ".ssh").mkdir()
    (tmp_path / "letter.txt").write_text("mine")
    os.chmod(tmp_path, 0o755)
    with pytest.raises(SandboxError) as caught:
        inside.own(str(tmp_path))
    assert caught.value.code == "E171"
    assert "it holds .ssh, letter.txt" in caught.value.why
    assert "--folder" in caught.value.fix
    assert owned == []
    assert tmp_path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("names", [(), ("lost+found",), ("production.json", "gateway"), ("endpoints",)])
def test_a_new_folder_and_one_of_ours_become_the_users(tmp_path, owned, names):
    for name in names:
        (tmp_path / name).mkdir()
    inside.own(str(tmp_path))
    assert {*owned} == {str(tmp_path), *(str(tmp_path / name) for name in names)}
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def test_no_thread_of_a_gateway_that_takes_over_can_lose_the_signal_to_end(tmp_path):
    folder = Folder(str(tmp_path / "gateway"))
    folder.make()
    lock = os.open(folder.at(process.ALIVE), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)  # as the one that is replaced
    with subprocess.Popen([sys.executable, "-c", KEEPER, folder.path]) as keeper:
        try:
            tasks = f"/proc/{keeper.pid}/task"
            until(lambda: len(os.listdir(tasks)) == 2)
            (waiting,) = [name for name in os.listdir(tasks) if name != str(keeper.pid)]
            assert blocks(f"{tasks}/{waiting}/status", signal.SIGTERM)
            until(lambda: children(keeper.pid))
            keeper.terminate()
            assert keeper.wait(60) == 128 + signal.SIGTERM
        finally:
            keeper.kill()
            os.close(lock)


def blocks(path, number):
    with open(path, encoding="ascii") as file:
        (blocked,) = [line.split()[1] for line in file if line.startswith("SigBlk:")]
    return bool(int(blocked, 16) & 1 << (number - 1))


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return file.read().split()


def test_at_every_moment_of_a_change_the_engine_starts_some_gateway_again(tmp_path):
    kept, said = {"old"}, []

    class Engine:
        """Notes which containers would come back after each word."""

        def update_container(self, container, restart_policy):
            (kept.add if restart_policy["Name"] == "unless-stopped" else kept.discard)(container)
            said.append(sorted(kept))

    made = gateway_container.InContainer(Home(str(tmp_path)), production.Production("prod"), Engine)
    made._keep("new", [{"Id": "old"}])
    assert said == [["new", "old"], ["new"]]


def test_a_certificate_that_cannot_be_used_makes_no_host_of_a_machine(tmp_path):
    context = Context.of(Home(str(tmp_path / "home")))
    pair = {"chain": "no PEM", "key": "neither"}
    said = {"host": "prod", "socket": "/run/docker.sock", "production": {}, "force": True, "certificate": pair}
    with pytest.raises(SandboxError, match="E172"):
        hosts.prepare(context, said, "sha256:1")
    assert production.read(context.home) is None

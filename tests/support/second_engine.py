"""A second Docker engine as the host of production: its own network, its own data; reached by socket or by ssh.

Needs root, `ip`, `nsenter` and `dockerd`; ssh needs `sshd`, a registry needs `docker-registry`: `.ci/docker` installs
them. Several test processes may have one each at the same time: names, networks and folders are a process's own,
and what a killed one has left is removed by the next.

    with second_engine() as host:           # a session's fixture: it takes about a second
        host.client()                       # docker.APIClient
        host.url, host.ssh_url, host.ssh_config
        host.ip                             # its address, from this machine: https://IP/...
        host.restart()                      # the engine; kill=True as a power cut
        with host.registry() as address:    # the same address from both engines
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest

from tests.support import containers

LIMIT_S = 60.0
_MARK = "sbx2e"  # in the name of everything that belongs to one of these
_PROGRAMS = ("dockerd", "ip", "nsenter", "iptables")


def until(condition: Callable[[], Any], what: str, limit_s: float = LIMIT_S) -> Any:
    """Wait for a true value and return it."""
    deadline = time.monotonic() + limit_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true in {limit_s:g} s"
        time.sleep(0.05)
    return found


def needed() -> None:
    """Skip, or fail where tests with Docker are required, when a second engine cannot be started here."""
    missing = [each for each in _PROGRAMS if shutil.which(each) is None]
    if os.geteuid() != 0:
        missing.append("root")
    if not missing:
        return
    text = f"a second engine needs {', '.join(missing)}"
    if os.environ.get(containers.REQUIRED) == "required":
        pytest.fail(text)
    pytest.skip(text)


@dataclass
class SecondEngine:
    """The engine. ``number`` makes names and networks unique on this machine."""

    number: int
    folder: Path
    slot: IO[str]
    options: dict[str, Any] = field(default_factory=dict)
    _processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    # --- Where it is -------------------------------------------------------------------------------------------------

    @property
    def namespace(self) -> str:
        """The name of its network namespace."""
        return f"{_MARK}{self.number}"

    @property
    def ip(self) -> str:
        """Its address, as this machine reaches it."""
        return f"10.213.{self.number}.2"

    @property
    def here(self) -> str:
        """The address of this machine, as it reaches it."""
        return f"10.213.{self.number}.1"

    @property
    def socket(self) -> str:
        """The path of the engine's socket."""
        return str(self.folder / "docker.sock")

    @property
    def url(self) -> str:
        """Its address by socket."""
        return f"unix://{self.socket}"

    @property
    def ssh_url(self) -> str:
        """Its address by ssh; ``sshd`` has to run."""
        return f"ssh://root@{self.ip}:2222{self.socket}"

    @property
    def ssh_config(self) -> str:
        """The configuration of ssh with its throw-away key and its known host."""
        return str(self.folder / "ssh" / "config")

    @property
    def state(self) -> str:
        """A folder on the host for the state of ours."""
        return str(self.folder / "state")

    def client(self) -> Any:
        """A new client."""
        from docker import APIClient

        return APIClient(self.url, version="auto", timeout=120)

    # --- The engine --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = {
            "data-root": str(self.folder / "data"),
            "exec-root": str(self.folder / "exec"),
            "pidfile": str(self.folder / "docker.pid"),
            "hosts": [self.url],
            "bip": "172.31.0.1/24",
            "live-restore": False,
            **self.options,
        }
        path = self.folder / "daemon.json"
        path.write_text(json.dumps(settings))
        (self.folder / "docker.pid").unlink(missing_ok=True)
        self._spawn("dockerd", ["dockerd", "--config-file", str(path)])
        until(self.answers, "the second engine answers")

    def answers(self) -> bool:
        """Tell whether it answers."""
        dead = self._processes["dockerd"].poll() is not None
        assert not dead, (self.folder / "dockerd.log").read_text()[-2000:]
        try:
            with socket.socket(socket.AF_UNIX) as knock:
                knock.settimeout(5)
                knock.connect(self.socket)
                knock.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b" 200 " in knock.recv(100)
        except OSError:
            return False

    def stop(self, *, kill: bool = False) -> None:
        """End it; ``kill``: with everything that runs in it, as a power cut does."""
        if kill:
            self._end("dockerd", signal.SIGKILL)
            self._kill_all()
            # A reboot empties the folder that this lies in; a number in it may be somebody else's by now.
            (self.folder / "exec" / "containerd" / "containerd.pid").unlink(missing_ok=True)
        else:
            self._end("dockerd", signal.SIGTERM)

    def restart(self, *, kill: bool = False) -> None:
        """Stop it and start it again."""
        self.stop(kill=kill)
        self.start()

    # --- Ways to it --------------------------------------------------------------------------------------------------

    def start_sshd(self) -> None:
        """Let root in by a throw-away key, on port 2222; safe to call again."""
        if (running := self._processes.get("sshd")) is not None and running.poll() is None:
            return
        program = shutil.which("sshd") or "/usr/sbin/sshd"
        if not os.path.exists(program):
            pytest.skip("openssh-server is not installed; `.ci/docker` does that")
        folder = self.folder / "ssh"
        folder.mkdir(exist_ok=True, mode=0o700)
        for name in ("host", "user"):
            if not (folder / name).exists():
                subprocess.run(
                    ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)],
                    check=True,
                    capture_output=True,
                )
        os.makedirs("/run/sshd", exist_ok=True)  # sshd wants it, and nothing makes it without a service manager
        (folder / "sshd_config").write_text(
            f"Port 2222\nListenAddress {self.ip}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/user.pub\n"
            f"PidFile {folder}/sshd.pid\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\n"
            "PermitRootLogin prohibit-password\nStrictModes no\nMaxStartups 100\nMaxSessions 100\nPrintMotd no\n"
        )
        key = (folder / "host.pub").read_text().split()
        (folder / "known_hosts").write_text(f"[{self.ip}]:2222 {key[0]} {key[1]}\n")
        (folder / "config").write_text(
            f"Host *\n  IdentityFile {folder}/user\n  IdentitiesOnly yes\n  UserKnownHostsFile {folder}/known_hosts\n"
            "  GlobalKnownHostsFile /dev/null\n  StrictHostKeyChecking ask\n"
        )
        self._spawn("sshd", [program, "-D", "-e", "-f", str(folder / "sshd_config")])
        until(lambda: _listens(self.ip, 2222), "sshd listens")

    def cut_ssh(self) -> None:
        """Break every connection by ssh, as a network that goes away; new ones are welcome."""
        process = self._processes["sshd"]
        for pid in _children(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def stop_sshd(self) -> None:
        """Nobody is let in any more."""
        self.cut_ssh()
        self._end("sshd", signal.SIGTERM)

    @contextlib.contextmanager
    def registry(self) -> Iterator[str]:
        """Run Debian's docker-registry; give the address that means it to this machine's engine and to this one.

        An engine trusts a registry without TLS on 127.0.0.0/8 alone: so one runs on either side, on the same files.
        """
        program = shutil.which("docker-registry")
        if program is None:
            pytest.skip("docker-registry is not installed; `.ci/docker` does that")
        port = _free_port()
        config = self.folder / "registry.yml"
        config.write_text(
            "version: 0.1\nlog:\n  level: warn\nstorage:\n  delete:\n    enabled: true\n"
            f"  filesystem:\n    rootdirectory: {self.folder}/registry\nhttp:\n  addr: 127.0.0.1:{port}\n"
        )
        words = [program, "serve", str(config)]
        self._spawn("registry-here", words, inside=False)
        self._spawn("registry-there", words)
        try:
            until(lambda: _answers(f"http://127.0.0.1:{port}/v2/"), "the registry answers")
            until(lambda: _listens("127.0.0.1", port, self.namespace), "the registry answers the second engine")
            yield f"127.0.0.1:{port}"
        finally:
            self._end("registry-here", signal.SIGTERM)
            self._end("registry-there", signal.SIGTERM)

    def execute(self, *words: str, **more: Any) -> "subprocess.CompletedProcess[str]":
        """Run a program in its network."""
        return subprocess.run([*_inside(self.namespace), *words], capture_output=True, text=True, check=True, **more)

    # --- Beginning and end -------------------------------------------------------------------------------------------

    def _spawn(self, name: str, words: list[str], *, inside: bool = True) -> None:
        command = [*(_inside(self.namespace) if inside else ()), *words]
        with open(self.folder / f"{name}.log", "ab") as log:
            self._processes[name] = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _end(self, name: str, number: signal.Signals) -> None:
        process = self._processes.pop(name, None)
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _kill_all(self) -> None:
        """Kill what was started in its folder or its network: containerd, its shims, containers."""
        until(lambda: not _killed(self.folder, self.namespace), "everything of the second engine has ended")

    def set_up(self) -> None:
        """Make its network and start it."""
        name, here = self.namespace, f"{_MARK}{self.number}h"
        _run("ip", "netns", "add", name)
        _run("ip", "link", "add", here, "type", "veth", "peer", "name", "eth0", "netns", name)
        _run("ip", "addr", "add", f"{self.here}/30", "dev", here)
        _run("ip", "link", "set", here, "up")
        for words in (
            ("addr", "add", f"{self.ip}/30", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
            ("route", "add", "default", "via", self.here),
        ):
            self.execute("ip", *words)
        self.start()

    def tear_down(self) -> None:
        """Remove everything of it."""
        for name in list(self._processes):
            self._end(name, signal.SIGTERM)
        self._kill_all()
        clear(self.number, self.folder)


@contextlib.contextmanager
def second_engine(space: int = 0, **options: Any) -> Iterator[SecondEngine]:
    """Start one; at the end nothing of it is left.

    Args:
        space: bytes of the disk that images have (of memory, in truth); 0: those of the disk below.
        options: settings of its daemon.json.
    """
    needed()
    number, slot = _slot()
    folder = Path(tempfile.mkdtemp(prefix=f"{_MARK}{number}-"))
    made = SecondEngine(number, folder, slot, options)
    if space:
        (folder / "data").mkdir()
        _run("mount", "-t", "tmpfs", "-o", f"size={space}", "tmpfs", str(folder / "data"))
    try:
        made.set_up()
        yield made
    finally:
        made.tear_down()
        slot.close()


def _slot() -> tuple[int, IO[str]]:
    """Take a number that no living process has; clear what its last owner may have left."""
    folder = Path(tempfile.gettempdir()) / f"{_MARK}-slots"
    folder.mkdir(exist_ok=True, mode=0o700)
    for number in range(2, 200):
        slot = open(folder / str(number), "a+")  # noqa: SIM115 - held as long as the engine lives
        try:
            fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            slot.close()
            continue
        for left in Path(tempfile.gettempdir()).glob(f"{_MARK}{number}-*"):
            until(lambda left=left, number=number: not _killed(left, f"{_MARK}{number}"), "what was left has ended")
            clear(number, left)
        clear(number, None)
        return number, slot
    raise AssertionError("no slot for a second engine is free")


def clear(number: int, folder: Path | None) -> None:
    """Remove namespace, devices, mounts and files."""
    if folder is not None:
        for line in reversed(Path("/proc/mounts").read_text().splitlines()):
            target = line.split()[1]
            if target.startswith(f"{folder}/"):
                subprocess.run(["umount", "-l", target], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["ip", "link", "del", f"{_MARK}{number}h"], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "del", f"{_MARK}{number}"], capture_output=True, check=False)


def _killed(folder: Path, namespace: str) -> list[int]:
    """Kill what names the folder in its command line, or is in the namespace; return what was still there."""
    found = []
    try:
        network = os.stat(f"/run/netns/{namespace}").st_ino
    except OSError:
        network = -1
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            line = Path(f"/proc/{entry}/cmdline").read_bytes()
            ours = f"{folder}/".encode() in line or os.stat(f"/proc/{entry}/ns/net").st_ino == network
            if line and ours:
                os.kill(int(entry), signal.SIGKILL)
                found.append(int(entry))
    return found


def _children(pid: int) -> list[int]:
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError, IndexError):
                if int(Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1]) == pid:
                    found += [*_children(int(entry)), int(entry)]
    return found


def _inside(namespace: str) -> list[str]:
    return ["nsenter", f"--net=/run/netns/{namespace}", "--"]  # ip netns exec would hide the cgroups


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (words, done.stderr)


def _listens(address: str, port: int, namespace: str = "") -> bool:
    if namespace:
        said = subprocess.run(
            [*_inside(namespace), "bash", "-c", f": </dev/tcp/{address}/{port}"], capture_output=True, check=False
        )
        return said.returncode == 0
    with socket.socket() as knock:
        knock.settimeout(2)
        return knock.connect_ex((address, port)) == 0


def _answers(url: str) -> bool:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])

"""A second Docker engine on this machine, as the host of the demo: in a network of its own, with data of its own.

Needs Linux, root, ``dockerd``, ``ip`` and ``nsenter``. Everything lies in one folder, and ends with ``close``.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from sandbox.demo.project import DemoFailed

NAME = "sbxdemo"
HERE, THERE, BRIDGE = "10.214.7.1", "10.214.7.2", "172.31.240.1/24"
START_S, STOP_S = 30.0, 30.0
PROGRAMS = ("dockerd", "ip", "nsenter", "iptables")


def missing() -> str:
    """Return what a second engine lacks here, "" where nothing."""
    if not sys.platform.startswith("linux"):
        return "Linux"
    lacks = [name for name in PROGRAMS if shutil.which(name) is None]
    return ", ".join([*lacks, *([] if os.geteuid() == 0 else ["root"])])


class Second:
    """The engine. ``close`` may be called at any time, and again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.address = THERE
        self.socket = str(folder / "docker.sock")
        self.url = f"unix://{self.socket}"
        self.state = str(folder / "state")

    def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            DemoFailed: it does not, or another demo has its network.
        """
        self._folder.mkdir()
        if os.path.exists(f"/run/netns/{NAME}"):
            raise DemoFailed(f"another demo runs, or was killed; then: ip netns del {NAME}; ip link del {NAME}h")
        for words in (
            ("netns", "add", NAME),
            ("link", "add", f"{NAME}h", "type", "veth", "peer", "name", "eth0", "netns", NAME),
            ("addr", "add", f"{HERE}/30", "dev", f"{NAME}h"),
            ("link", "set", f"{NAME}h", "up"),
        ):
            self._run("ip", *words)
        for words in (
            ("addr", "add", f"{THERE}/30", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
            ("route", "add", "default", "via", HERE),
        ):
            self._run(*self._inside("ip"), *words)
        settings = {"data-root": "data", "exec-root": "exec", "pidfile": "docker.pid"}
        told = {name: str(self._folder / place) for name, place in settings.items()}
        config = self._folder / "daemon.json"
        config.write_text(json.dumps({**told, "hosts": [self.url], "bip": BRIDGE}), encoding="utf-8")
        with open(self._folder / "dockerd.log", "wb") as log:
            words_ = self._inside("dockerd", "--config-file", str(config))
            self._process = subprocess.Popen(words_, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                last = (self._folder / "dockerd.log").read_text(encoding="utf-8", errors="replace")[-500:]
                raise DemoFailed(f"the second engine does not start:\n{last}")
            time.sleep(0.1)

    def close(self) -> None:
        """End it and remove what it was."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
            for _ in range(100):
                if not self._end_rest():
                    break
                time.sleep(0.1)
            self._unmount()
            for words in (("link", "del", f"{NAME}h"), ("netns", "del", NAME)):
                subprocess.run([_path("ip"), *words], capture_output=True, check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as knock:
                knock.connect(self.socket)
                knock.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b" 200 " in knock.recv(100)
        except OSError:
            return False

    def _end_rest(self) -> bool:
        """Kill what names the folder in its command line: what the engine has started; tell whether there was any."""
        found = False
        for entry in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                mine = entry.isdigit() and int(entry) != os.getpid()
                if mine and f"{self._folder}/".encode() in Path("/proc", entry, "cmdline").read_bytes():
                    os.kill(int(entry), signal.SIGKILL)
                    found = True
        return found

    def _unmount(self) -> None:
        lines = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
        for target in (line.split()[1] for line in reversed(lines)):
            if target.startswith(f"{self._folder}/"):
                subprocess.run([_path("umount"), "-l", target], capture_output=True, check=False)

    @staticmethod
    def _inside(*words: str) -> list[str]:
        return ["nsenter", f"--net=/run/netns/{NAME}", "--", *words]  # ip netns exec would hide the cgroups

    @staticmethod
    def _run(*words: str) -> None:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DemoFailed(f"{' '.join(words)}: {done.stderr.strip()}")


def _path(program: str) -> str:
    return shutil.which(program) or program

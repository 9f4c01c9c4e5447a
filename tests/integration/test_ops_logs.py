"""The logs of several deployments as one: in the order of time, with those that come and go."""

import re
import sys
import threading

import pytest

from sandbox.model.errors import NotFound, SandboxError, UsageError
from sandbox.ops import earlier
from tests.support.boxes import box_in, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the gateway needs unix sockets")
SAID = re.compile(r"^(\[\d\] )?.*\b(version \d)$")
TELLS = """import os

def init():
    pass

def run(data):
    print("asked", os.environ["WHO"], data, flush=True)
    return 1
"""


@pytest.fixture
def box(tmp_path):
    with box_in(tmp_path) as made:
        yield made


def say(box, deployment, number):
    reply = box.ask(deployment, x_number=str(number))
    assert reply.status == 200


def test_all_logs_are_one_in_the_order_of_time(box):
    box.start("blue", "green", script=TELLS)
    for name in ("blue", "green", "green", "blue", "green"):
        say(box, name, 1)
    box.api.online_deployments.create(box.deployment("gold", TELLS, count=2))
    logs = box.api.online_deployments
    until(lambda: len([line for line in logs.all_logs(lines=500) if "POST /score 200" in line.text]) == 5)
    found = list(logs.all_logs("shop", lines=500))
    asked = [line.deployment for line in found if "POST /score 200" in line.text]
    assert asked == ["blue", "green", "green", "blue", "green"]
    assert {line.deployment for line in found} == {"blue", "green", "gold"}
    assert all(line.text.startswith(f"[{line.index}] ") for line in found if line.deployment == "gold")
    assert [line.text for line in logs.all_logs("shop", "blue")] == list(logs.logs("blue", "shop"))
    with pytest.raises(NotFound, match="E050"):
        list(logs.all_logs("none"))
    with pytest.raises(NotFound, match="E051"):
        list(logs.all_logs("shop", "none"))


def test_who_follows_hears_those_that_come_and_ends_when_all_are_gone(box):
    box.start("blue", script=TELLS)
    heard = []
    thread = threading.Thread(target=lambda: heard.extend(follow(box, heard)), daemon=True)
    thread.start()
    until(lambda: any(line.deployment == "blue" for line in heard))
    box.api.online_deployments.create(box.deployment("green", TELLS))
    say(box, "green", 1)
    until(lambda: any(line.deployment == "green" and "POST /score 200" in line.text for line in heard))
    assert any("init" in line.text for line in heard if line.deployment == "green"), "from its first line on"
    box.api.online_deployments.delete("green", "shop")
    say(box, "blue", 2)
    until(lambda: any(line.deployment == "blue" and "POST /score 200" in line.text for line in heard))
    assert thread.is_alive()
    box.api.down()
    thread.join(30)
    assert not thread.is_alive()


def follow(box, heard):
    for line in box.api.online_deployments.all_logs(lines=100, follow=True):
        heard.append(line)
    return []


def test_an_attempt_that_failed_is_in_the_log_of_all(box):
    box.start("blue")
    with pytest.raises(SandboxError, match="E054"):
        box.api.online_deployments.create(
            box.deployment("broken", "def init():\n    raise RuntimeError(7)\n\ndef run(data):\n    return 1\n")
        )
    assert any(
        "RuntimeError: 7" in line.text for line in box.api.online_deployments.all_logs() if line.deployment == "broken"
    )
    box.api.online_deployments.delete("broken", "shop")


def test_the_log_of_the_revision_before_is_kept_until_the_deployment_goes(box):
    logs, kept = box.api.online_deployments, box.home / "instances" / "shop" / "blue" / earlier.FOLDER

    def said(**more):
        lines = logs.logs("blue", "shop", previous=True, **more)
        return sorted({"".join(found.groups("")) for line in lines if (found := SAID.search(line))})

    def update(number, **keys):
        text = TELLS.replace("    pass\n", f"    print('version {number}', flush=True)\n", 1)
        logs.update(box.deployment("blue", text, **keys))

    box.start("blue", script=TELLS.replace("    pass\n", "    print('version 1', flush=True)\n"), count=2)
    with pytest.raises(NotFound, match="E127") as raised:
        said()
    assert "--previous" in raised.value.fix
    update(2)
    assert said() == ["[0] version 1", "[1] version 1"]
    assert [line.deployment for line in logs.all_logs(previous=True) if "version 1" in line.text] == ["blue", "blue"]
    broken = box.deployment(
        "blue", "def init():\n    raise RuntimeError('version 3')\n\ndef run(data):\n    return 1\n"
    )
    with pytest.raises(SandboxError, match="E054"):
        logs.update(broken)
    assert said() == ["version 3"]
    assert any(f"{box.folder}/blue/score.py" in line for line in logs.logs("blue", "shop", previous=True))
    assert any("version 2" in line for line in logs.logs("blue", "shop"))
    update(4)
    assert said() == ["version 3"]
    update(5)
    assert said() == ["version 4"]
    assert said(lines=1) == []
    assert sorted(path.name for path in kept.iterdir()) == ["2-0.log", "3-0.log", "4-0.log"]
    box.consistent()
    heard = list(logs.all_logs())
    assert any("version 5" in line.text for line in heard)
    assert not any("version 4" in line.text for line in heard)
    for more in ({"follow": True}, {"container": "storage-initializer"}):
        with pytest.raises(UsageError, match="E010"):
            list(logs.logs("blue", "shop", previous=True, **more))
    box.api.online_endpoints.update(name="shop", traffic={"blue": 0})
    logs.delete("blue", "shop")
    assert not kept.parent.exists()
    with pytest.raises(NotFound, match="E127"):
        list(logs.all_logs(previous=True))

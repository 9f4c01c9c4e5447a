"""The sandbox as the screens see it: real deployments, real jobs."""

from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pytest
from seen import run, sitting

from sandbox.model.errors import SandboxError
from tests.support.boxes import box_in
from tui.box import Box
from tui.source import Order

FAILS = """def init():
    raise ValueError("no weights here")


def run(data):
    return data
"""


@pytest.fixture
def made(tmp_path):
    with box_in(tmp_path) as box:
        yield box


@pytest.mark.slow
def test_everything_is_seen_changed_and_deleted_through_the_api(made, tmp_path, poll):  # noqa: PLR0915 - one walk
    made.start("blue", "green")
    box = Box(str(made.home))
    for _ in range(4):
        assert made.ask("blue").status == 200
    box.look()
    answers = [box.invoke("shop", None, '{"data": 1}') for _ in range(3)]
    assert [answer.status for answer in answers] == [200] * 3
    assert answers[0].header("azureml-model-deployment") == "blue"
    look = box.look()
    assert [row.key for row in look.rows] == [("shop", "blue"), ("shop", "green")]
    assert [row.word for row in look.rows] == ["ready", "ready"]
    assert look.row("shop", "blue").numbers.memory > 1_000_000
    assert look.gateway is not None
    seen, position = poll(lambda: found if len((found := box.requests(-1))[0]) == 7 else None)
    assert {request.deployment for request in seen} == {"blue"}
    assert box.requests(position) == ([], position)

    # Traffic: what was seen must still be so.
    group = look.group("shop")
    box.set_traffic("shop", {"blue": 50, "green": 50}, {}, (group.live, group.mirror))
    assert box.look().group("shop").live == {"blue": 50, "green": 50}
    with pytest.raises(SandboxError, match="E140"):
        box.set_traffic("shop", {"green": 100}, {}, (group.live, group.mirror))
    seen = ({"blue": 50, "green": 50}, {})
    with ThreadPoolExecutor() as both:  # two at once: one is told, none is overwritten
        tried = [
            both.submit(box.set_traffic, "shop", {"blue": share, "green": 100 - share}, {}, seen) for share in (60, 70)
        ]
    assert sorted(type(each.exception()) for each in tried if each.exception()) == [SandboxError]
    chosen = box.look().group("shop")
    box.set_traffic("shop", {"blue": 50, "green": 50}, {}, (chosen.live, chosen.mirror))
    notes = [note.command for note in box.look().notes]
    assert any('--traffic "blue=50 green=50"' in command for command in notes)

    # One deployment closely, and its log.
    about = box.about("shop", "blue")
    assert about.code == str(made.folder / "blue")
    assert about.instances[0]["status"] == "Healthy"
    lines = list(islice(box.follow("shop", None, 100, lambda: False), 6))
    assert {line.deployment for line in lines} <= {"blue", "green"}

    # A job fails with the user's line, another one deletes.
    made.script("green", FAILS)
    update = {"endpoint": "shop", "deployment": "green", "file": str(made.folder / "green.yml")}
    name = box.begin(Order("update", "update green", "sandbox ...", update, "shop", "green"))
    job = poll(lambda: next((each for each in box.look().jobs if each.id == name and each.state != "working"), None))
    assert job.state == "failed"
    assert job.trouble.code == "E054"
    assert job.trouble.line == 2
    assert job.trouble.file.endswith("green/score.py")
    assert [step.name for step in job.steps][-1] == "ready"
    assert made.who("green") == "green", "what served before, serves"
    assert box.about("shop", "green").trouble.file == str(made.folder / "green" / "score.py")
    box.set_traffic("shop", {"blue": 100}, {}, ({"blue": 50, "green": 50}, {}))

    async def delete():
        async with sitting(tmp_path, source=box) as at:
            await at.until("✖ failed")
            await at.keys("down")
            await at.until("no weights here")
            await at.keys("x")
            await at.until("Delete green?")
            await at.keys("y")
            await at.until(lambda: at.desk.look.row("shop", "green") is None)

    run(delete())
    poll(lambda: box.look().jobs[0].state == "done")
    made.api.down()


def test_a_connection_that_broke_is_made_anew(made):
    class Broken:
        def status(self):
            raise ConnectionError("the engine was restarted")

    made.api.online_endpoints.create(made.endpoint())
    box = Box(str(made.home))
    box._watching = Broken()
    assert [group.name for group in box.look().groups] == ["shop"]
    made.api.down()


@pytest.mark.slow
def test_jobs_outlive_who_began_them_and_are_cancelled_by_name(made, poll):
    made.api.online_endpoints.create(made.endpoint())
    slow = made.deployment(
        "slow", "import time\n\n\ndef init():\n    time.sleep(600)\n\n\ndef run(data):\n    return data\n"
    )
    box = Box(str(made.home))
    name = box.begin(Order("up", "up slow", f"sandbox up {slow}", {"paths": [slow]}))
    other = Box(str(made.home))  # somebody who comes later

    def job():
        return next(each for each in other.look().jobs if each.id == name)

    poll(lambda: any(step.name == "ready" and step.state == "working" for step in job().steps))
    assert other.look().row("shop", "slow").word == "starting"
    other.cancel(name)
    assert poll(lambda: None if job().state == "working" else job()).state == "cancelled"
    poll(lambda: other.look().row("shop", "slow").word == "failed")
    again = other.again(name)
    poll(lambda: other.look().jobs[0].id == again and other.look().jobs[0].steps)
    other.cancel(again)
    poll(lambda: other.look().jobs[0].state == "cancelled")
    made.api.down()

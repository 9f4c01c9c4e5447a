import json
import subprocess
import sys

PROGRAM = """
import json, sys
from inference_http.config.settings import Settings
from inference_http.process import control
from inference_http.worker.zygote import Zygote

ours, theirs = control.pair()
zygote = Zygote(Settings(), control.Wire(theirs))
for modules in (["colorsys", "no_such_module"], ["sndhdr_of_nobody", "wave", "colorsys"]):
    zygote._obey({"op": "preload", "modules": modules, "environment": {}, "roots": []})
rounds = 0
while zygote._to_import:
    zygote._work()
    rounds += 1
done = ours.receive()
print(json.dumps([rounds, "colorsys" in sys.modules, "wave" in sys.modules, done["op"], done["count"], done["failed"]]))
"""


def test_libraries_to_import_ahead_join_those_that_are_still_to_come():
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    assert json.loads(done.stdout) == [4, True, True, "preloaded", 2, ["no_such_module", "sndhdr_of_nobody"]]

"""An answer that is sent while it is made: each piece that run() yields leaves at once.

A script for azmlinfsrv too returns AMLResponse(pieces(), 200), with the yield in a function of its own.

Serve it:  inference-http --entry_script score.py
Ask it:    curl --no-buffer http://127.0.0.1:5001/score -d '{"prompt": "the quick brown fox"}'
"""

import json
import time


def init():
    """Nothing to load here."""


def run(data):
    """Yield one line of JSON for each word, as a language model yields tokens."""
    for number, word in enumerate(json.loads(data)["prompt"].split(), start=1):
        time.sleep(0.2)  # stands for the model's work
        yield json.dumps({"token": number, "text": word.upper()}) + "\n"

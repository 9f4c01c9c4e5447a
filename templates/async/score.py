"""Several slow look-ups for one request, made at the same time.

azmlinfsrv does not await coroutines: a script for both servers calls asyncio.run() in a plain run().

Serve it:  inference-http --entry_script score.py
Ask it:    curl http://127.0.0.1:5001/score -d '{"customers": ["ada", "grace", "edsger"]}'
"""

import asyncio
import json


async def init():
    """Runs once, on the same event loop as every run(): open clients and pools here."""
    global gate
    gate = asyncio.Semaphore(10)  # look-ups at a time


async def run(data):
    """Answer the risk of each customer; three take as long as one."""
    names = json.loads(data)["customers"]
    return dict(zip(names, await asyncio.gather(*map(risk, names)), strict=True))


async def risk(name):
    """Ask a feature store; the sleep stands for the network."""
    async with gate:
        await asyncio.sleep(0.1)
    return round(len(name) / 10, 2)

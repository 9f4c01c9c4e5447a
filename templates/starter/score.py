"""Add up an order.

Serve it:  sandbox serve score.py
Ask it:    curl http://127.0.0.1:5001/score -d @sample-request.json
"""

import json


def init():
    """Load what the model is made of, once. Files of a model lie below the folder $AZUREML_MODEL_DIR."""
    global prices
    prices = {"tea": 2.5, "coffee": 3.0, "cake": 4.2}
    print(f"{len(prices)} prices loaded")


def run(data):
    """Answer one request; what is returned becomes the JSON of the response."""
    items = json.loads(data)["items"]
    return {"total": round(sum(prices[item] for item in items), 2), "items": len(items)}

"""Tell the species of an iris flower from four measurements.

Serve it:  inference-http --entry_script score.py --model_dir FOLDER_WITH_MODEL
Ask it:    curl http://127.0.0.1:5001/score -d @sample-request.json
"""

import json
import os

import features  # the module beside this file
import joblib


def init():
    """Load the model once, before the first request."""
    global model
    model = joblib.load(os.path.join(os.environ["AZUREML_MODEL_DIR"], "model.joblib"))
    print(f"loaded a model that knows {', '.join(model.classes_)}")


def run(data):
    """Answer one request; what is returned becomes the JSON of the response."""
    flowers = json.loads(data)["flowers"]
    probabilities = model.predict_proba(features.table(flowers))
    return [
        {"species": model.classes_[row.argmax()], "probability": round(float(row.max()), 3)}  # JSON knows no float64
        for row in probabilities
    ]

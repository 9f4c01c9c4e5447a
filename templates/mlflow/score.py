"""Score an MLflow model with Azure's payloads. Deployments of MLflow models without code of their own run this script.

mlflow_payload.py beside it says what a request may hold. To change something, copy both, and name the copy of this one
as scoring_script.

Needs:     pip install mlflow-skinny numpy pandas, and what the model needs
Serve it:  AZUREML_MODEL_DIR=FOLDER_OF_THE_MODEL inference-http --entry_script score.py
Ask it:    curl http://127.0.0.1:5001/score -H 'Content-Type: application/json' \
               -d '{"input_data": {"columns": ["age", "city"], "index": [0], "data": [[42, "Oslo"]]}, "params": {}}'
"""

import inspect
import logging
import os
import sys

from azureml.contrib.services.aml_response import AMLResponse
from mlflow_payload import Reader, Refused

logger = logging.getLogger("mlflow_score_script")

CHECKS = {"_validate_prediction_input", "_enforce_schema", "_enforce_params_schema"}  # of MLflow, before the model runs


def init():
    """Load the model that lies below AZUREML_MODEL_DIR."""
    global model, reader, takes_params, collectors
    folder = model_folder()
    try:
        import mlflow
    except ModuleNotFoundError as error:
        if error.name != "mlflow":
            raise
        version = _mlflow_version(folder)
        message = f"{error}. The environment has to hold MLflow: add mlflow-skinny{version}, numpy and pandas to it"
        raise RuntimeError(message) from None
    described = mlflow.models.Model.load(folder)
    signature = described.signature
    inputs = signature.inputs.to_dict() if signature is not None and signature.inputs is not None else None
    params = getattr(signature, "params", None)
    table = (described.saved_input_example_info or {}).get("type") == "dataframe"
    reader = Reader(inputs, params.to_dict() if params else None, described.flavors, table=table)
    model = _load(mlflow, folder, described.flavors.get("python_function", {}).get("python_version", ""))
    takes_params = "params" in inspect.signature(model.predict).parameters  # MLflow 2.4 has none
    collectors = _collectors()
    logger.info("MLflow %s serves the model in %s", mlflow.__version__, folder)


def run(body, request_headers):
    """Answer one request."""
    sent = "Content-Length" in request_headers or "Transfer-Encoding" in request_headers  # else the query is the body
    if sent and not _is_json(request_headers.get("Content-Type", "")):
        return AMLResponse({"message": "Expects Content-Type to be application/json"}, 415, json_str=True)
    try:
        data, params = reader.request(body)
        context = _collect(0, data, None)
        result = predict(data, params)
    except Refused as error:
        return AMLResponse({"message": str(error)}, 400, json_str=True)
    _collect(1, result, context)
    return plain(result)


def predict(data, params):
    """Ask the model; what its signature refuses is the client's fault, what else it raises is the model's."""
    try:
        return model.predict(data, params=params) if takes_params else model.predict(data)
    except Exception as error:
        if _refused_by_signature(error):
            said = str(error).rpartition("Error: ")[2]
            raise Refused(f"input_data: does not fit the signature of the model: {said}") from None
        raise


def plain(result):
    """Return a result as Azure does: tables as records; the server writes arrays as lists."""
    if type(result).__name__ == "Series" and hasattr(result, "to_frame"):
        result = result.to_frame()
    return result.to_dict(orient="records") if hasattr(result, "to_dict") and hasattr(result, "columns") else result


def _load(mlflow, folder, python):
    """Load the model; where that fails in another Python than the one that logged it, say so."""
    try:
        return mlflow.pyfunc.load_model(folder)
    except Exception as error:
        here = ".".join(map(str, sys.version_info[:2]))
        if not python or str(python).split(".")[:2] == here.split("."):
            raise
        message = f"{error}: logged with Python {python}, loaded with {here}; pickled code often loads only in its own"
        raise RuntimeError(message) from error


def model_folder():
    """Find the folder with MLmodel: as Azure says it in MLFLOW_MODEL_FOLDER, or the only one that is there."""
    root = os.environ["AZUREML_MODEL_DIR"]
    named = os.environ.get("MLFLOW_MODEL_FOLDER")
    tried = [named] if named else [".", *sorted(os.listdir(root))]
    for name in tried:
        folder = os.path.normpath(os.path.join(root, name))
        if os.path.isfile(os.path.join(folder, "MLmodel")):
            return folder
    message = f"there is no file MLmodel in {root} or in a folder of it"
    raise FileNotFoundError(message)


def _is_json(content_type):
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or (media_type.startswith("application/") and media_type.endswith("+json"))


def _mlflow_version(folder):
    with open(os.path.join(folder, "MLmodel"), encoding="utf-8") as file:
        said = [line.partition(":")[2].strip() for line in file if line.startswith("mlflow_version:")]
    return f"=={said[0]}" if said else ""


def _refused_by_signature(error):
    """Tell whether MLflow's own checks raised an error, before the model saw the data."""
    trace = error.__traceback__ if type(error).__name__ == "MlflowException" else None
    while trace is not None:
        frame = trace.tb_frame
        if frame.f_code.co_name in CHECKS and frame.f_globals.get("__name__", "").startswith("mlflow."):
            return True
        trace = trace.tb_next
    return False


def _collectors():
    """Collect inputs and outputs where the deployment's data_collector asks for it and the package is installed."""
    if "AZUREML_MDC_CONFIG_PATH" not in os.environ:
        return ()
    try:
        from azureml.ai.monitoring import Collector
    except ImportError:
        logger.warning("nothing is collected: the package azureml-ai-monitoring is not installed")
        return ()
    return Collector(name="model_inputs"), Collector(name="model_outputs")


def _collect(which, data, context):
    if not collectors:
        return None
    try:
        import pandas as pd

        return collectors[which].collect(pd.DataFrame(data), context)
    except Exception as error:  # noqa: BLE001  # collecting never costs a client its answer
        logger.warning("not collected: %s", error)
        return None

"""Real MLflow models, and the environment that serves them: built once for each user, Python and set of packages.

The environment is one of the sandbox's own, in a home that stays in the cache folder: a deployment whose model asks for
the same packages finds it there.
"""

import contextlib
import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from sandbox.environment import shelf
from sandbox.environment.interpreter import Interpreter, prepare
from sandbox.home import Home
from sandbox.mlflow import mlmodel, packages
from sandbox.model.progress import quiet
from tests.conformance.reference import cache_folder

MLFLOW = "3.17.2"
PIP = [f"mlflow=={MLFLOW}", *(f"{name}=={version(name)}" for name in ("scikit-learn", "numpy", "pandas"))]
PYTHON = ".".join(map(str, sys.version_info[:3]))
CONDA = {"channels": ["conda-forge"], "dependencies": [f"python={PYTHON}", "pip", {"pip": PIP}], "name": "mlflow-env"}

MAKE = """
import json, sys, warnings
warnings.simplefilter("ignore")
import mlflow, numpy as np, pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, DataType, Schema
from mlflow.types.schema import Array
from sklearn.linear_model import LogisticRegression

folder, pip = sys.argv[1], json.loads(sys.argv[2])
rows = pd.DataFrame({"age": [20.0, 30.0, 60.0, 70.0], "visits": [1, 2, 8, 9]})
labels = np.array([0, 0, 1, 1])
sick = LogisticRegression().fit(rows.to_numpy(), labels)


class Repeats(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        times = (params or {}).get("times", 1)
        return pd.DataFrame({"text": model_input["text"] * times, "when": model_input["when"].astype(str)})


class Sums(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        if isinstance(model_input, dict):
            return {name: value.sum() for name, value in model_input.items()}
        return pd.Series(np.asarray(model_input, dtype=float).sum(axis=1), name="sum")


class Counts(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return np.array([len(values) for values in model_input["values"]])


def save(save_model, name, **more):
    save_model(path=f"{folder}/{name}", pip_requirements=pip, **more)


pickled = {"serialization_format": "cloudpickle"}
by_name = LogisticRegression().fit(rows, labels)
save(mlflow.sklearn.save_model, "columns", sk_model=by_name, signature=infer_signature(rows, labels),
     input_example=rows.head(2), **pickled)
save(mlflow.sklearn.save_model, "tensor", sk_model=sick, signature=infer_signature(rows.to_numpy(), labels), **pickled)
texts = pd.DataFrame({"text": ["a"], "when": [pd.Timestamp("2024-01-01")]})
said = infer_signature(texts, pd.DataFrame({"text": ["a"], "when": ["b"]}), params={"times": 2})
save(mlflow.pyfunc.save_model, "params", python_model=Repeats(), signature=said)
arrays = {"a": np.array([1, 2]), "b": np.array([[1.0, 2.0]])}
save(mlflow.pyfunc.save_model, "tensors", python_model=Sums(), signature=infer_signature(arrays))
lists = Schema([ColSpec(Array(DataType.double), "values")])
save(mlflow.pyfunc.save_model, "lists", python_model=Counts(), signature=ModelSignature(inputs=lists))
save(mlflow.pyfunc.save_model, "plain", python_model=Sums())
"""


@dataclass(frozen=True)
class Models:
    """Models of each kind, by name below ``folder``, and what runs them."""

    folder: Path
    home: Path
    interpreter: Interpreter


@contextlib.contextmanager
def models(folder: Path) -> Iterator[Models]:
    """Make the models in ``folder``; nobody else uses the home meanwhile."""
    key = hashlib.sha256(json.dumps([sys.base_prefix, CONDA]).encode()).hexdigest()[:8]
    root = cache_folder() / f"mlflow-{key}"
    root.mkdir(parents=True, exist_ok=True)
    with (root.with_name(f"{root.name}.lock")).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in root.iterdir():  # by a session that was killed
            if left.name != "environments":
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        home = Home(str(root)).make()
        seed = folder / "seed"
        seed.mkdir()
        (seed / "conda.yaml").write_text(json.dumps(CONDA))
        described = mlmodel.MlflowModel(str(seed), {"python_function": {}}, MLFLOW)
        interpreter = prepare(home, packages.of(described).environment, quiet)
        words = [interpreter.python, "-c", MAKE, str(folder), json.dumps(PIP)]
        done = subprocess.run(words, capture_output=True, text=True, cwd=folder, check=False)
        assert done.returncode == 0, done.stderr
        yield Models(folder, root, interpreter)
        shelf.prune(home, [interpreter.key])  # older versions of the server beside it

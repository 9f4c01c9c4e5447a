"""What the demo deploys: two models of the iris flowers, a script, and the YAML files that Azure would take as well."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import templates

MEASUREMENTS = ("sepal_length", "sepal_width", "petal_length", "petal_width")
ENDPOINT = "iris"
Flower = dict[str, float]

ENDPOINT_FILE = f"""$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineEndpoint.schema.json
name: {ENDPOINT}
auth_mode: key
"""
DEPLOYMENT_FILE = """$schema: https://azuremlschemas.azureedge.net/latest/managedOnlineDeployment.schema.json
name: {name}
endpoint_name: {endpoint}
model:
  path: models/{name}/model.joblib
code_configuration:
  code: {code}
  scoring_script: score.py
instance_type: Standard_DS3_v2
instance_count: 1
request_settings:
  max_concurrent_requests_per_instance: 10
"""


class DemoFailed(Exception):
    """The demo cannot go on; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Trained:
    """The flowers that were held back, each with its species, and how many of them each model gets right (0 to 1)."""

    flowers: list[tuple[Flower, str]]
    right: dict[str, float]


def train(folder: Path) -> Trained:
    """Train on two thirds of the iris data set; write ``models/blue/model.joblib`` and the one of green.

    Raises:
        DemoFailed: scikit-learn is not installed.
    """
    try:
        import joblib
        from sklearn.datasets import load_iris
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import train_test_split
        from sklearn.neighbors import KNeighborsClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ModuleNotFoundError as missing:
        message = f"{missing.name} is not installed\n  fix: pip install 'endpoint-sandbox[demo]', or say: make demo"
        raise DemoFailed(message) from missing
    iris = load_iris()
    species = iris.target_names[iris.target]
    known, held_back, names, answers = train_test_split(
        iris.data, species, test_size=1 / 3, stratify=species, random_state=7
    )
    right = {}
    for name, kind in (("blue", LogisticRegression()), ("green", KNeighborsClassifier())):
        model = make_pipeline(StandardScaler(), kind).fit(known, names)
        path = folder / "models" / name / "model.joblib"
        path.parent.mkdir(parents=True)
        joblib.dump(model, path)
        right[name] = float(model.score(held_back, answers))
    flowers = [
        (dict(zip(MEASUREMENTS, map(float, row), strict=True)), str(name))
        for row, name in zip(held_back, answers, strict=True)
    ]
    return Trained(flowers, right)


def write(folder: Path) -> None:
    """Write the script and the YAML files; the script of ``red`` has a mistake in it."""
    shutil.copytree(templates.path("classifier"), folder / "classifier", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(folder / "classifier", folder / "broken")
    script = folder / "broken" / "score.py"
    script.write_text(script.read_text(encoding="utf-8").replace("model.joblib", "model.pkl"), encoding="utf-8")
    shutil.copytree(folder / "models" / "blue", folder / "models" / "red")
    (folder / "endpoint.yml").write_text(ENDPOINT_FILE, encoding="utf-8")
    for name, code in (("blue", "classifier"), ("green", "classifier"), ("red", "broken")):
        text = DEPLOYMENT_FILE.format(name=name, endpoint=ENDPOINT, code=code)
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")

"""Which edits touch what a kept value was made from."""

import sys
import types
from pathlib import Path

import pytest

from inference_http.worker.origins import digest_of, names_of, origins_of, sources_in

SCRIPT = '''\
"""A script."""
import json
import tools
import metrics
from shapes import Net

SIZE = 3
LIMIT = 9
print("loading")
__keep__ = ("model",)
model = None

def build(size):
    return Net(size, tools.seed())

def init():
    """Fill the model."""
    global model
    if model is None:
        model = build(SIZE)

def run(data):
    return metrics.measure(model, LIMIT)
'''
FILES = {"score.py": SCRIPT, "tools.py": "import deep.er\n", "metrics.py": "", "shapes.py": "", "deep/er.py": ""}
MODULES = {"tools": "tools.py", "metrics": "metrics.py", "shapes": "shapes.py", "deep.er": "deep/er.py"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def kept_after(project: Path, file: str, old: str, new: str) -> bool:
    own = {name: str(project / path) for name, path in MODULES.items()}
    path = str(project / "score.py")
    origins = origins_of(path, ("model",), (), (), own)
    before = digest_of(path, origins)
    text = (project / file).read_text()
    assert old in text
    (project / file).write_text(text.replace(old, new, 1))
    return digest_of(path, origins) == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("score.py", "LIMIT = 9", "LIMIT = 10"),
        ("score.py", "return metrics", "return 1 + metrics"),
        ("score.py", "def build(size):", "# why\ndef build( size ) :"),
        ("score.py", '"""A script."""', '"""Another."""'),
        ("score.py", "import json\n", ""),
        ("metrics.py", "", "X = 1\n"),
    ],
)
def test_what_run_alone_uses_keeps_the_value(project: Path, file: str, old: str, new: str) -> None:
    assert kept_after(project, file, old, new)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("score.py", "SIZE = 3", "SIZE = 4"),
        ("score.py", "if model is None", "if not model"),
        ("score.py", "Net(size", "Net(-size"),
        ("score.py", "model = None\n", "model = 0\n"),
        ("score.py", 'print("loading")', 'print("x")'),
        ("score.py", "from shapes import", "from metrics import"),
        ("score.py", "def init", "def init(:"),
        ("tools.py", "", "X = 1\n"),
        ("shapes.py", "", "X = 1\n"),
        ("deep/er.py", "", "X = 1\n"),
    ],
)
def test_what_init_reaches_does_not(project: Path, file: str, old: str, new: str) -> None:
    assert not kept_after(project, file, old, new)


@pytest.mark.parametrize("change", ["globals()['model'] = 1", "exec('1')", "importlib.reload(tools)"])
def test_init_that_cannot_be_followed_makes_everything_count(project: Path, change: str) -> None:
    text = SCRIPT.replace("model = build(SIZE)", change)
    (project / "score.py").write_text(text)
    assert not kept_after(project, "score.py", "LIMIT = 9", "LIMIT = 10")
    (project / "score.py").write_text(text)
    assert not kept_after(project, "metrics.py", "", "X = 1\n")


def test_classes_in_the_value_are_found_and_the_scripts_own_module_is_not_entered() -> None:
    mine = types.ModuleType("mine_for_origins")
    exec("class Net:\n    pass\ndef act(): ...\nclass Unused:\n    pass\n", mine.__dict__)
    sys.modules[mine.__name__] = mine
    try:
        net = mine.Net()
        net.layers = [{"activation": mine.act}]
        defined, modules = sources_in([net], {mine.__name__: "x.py"})
    finally:
        del sys.modules[mine.__name__]
    assert defined == {(mine.__name__, "Net"), (mine.__name__, "act")}
    assert modules == {mine.__name__}


@pytest.mark.parametrize(
    ("given", "names"), [(("a", "b"), ("a", "b")), (["a"], ("a",)), ("abc", ("abc",)), (7, ()), ((1, "a"), ("a",))]
)
def test_names_to_keep(given: object, names: tuple[str, ...]) -> None:
    module = types.ModuleType("m")
    module.__keep__ = given
    assert names_of(module) == names


def test_a_script_that_keeps_nothing() -> None:
    assert names_of(types.ModuleType("m")) == ()

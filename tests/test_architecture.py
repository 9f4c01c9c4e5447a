"""The rules of docs/architecture.md and of the house, as far as a machine can check them.

import-linter (``make lint``) reads import statements; here the modules are really imported, each in a process of its
own, and ``sys.modules`` tells what came along.
"""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("inference_http", "sandbox", "tui", "templates")
MODULES = sorted(path for package in ("inference_http", "sandbox", "tui") for path in (ROOT / package).rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def loaded_by(module: str) -> set[str]:
    """Names in sys.modules after importing one module in a fresh interpreter."""
    program = f"import sys, json; import {module}; json.dump(sorted(sys.modules), sys.stdout)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def tracked_files() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


# --- Who loads whom --------------------------------------------------------------------------------------------------

FRAMEWORKS = {"flask", "werkzeug", "waitress"}
LAZY = {"debugpy", "watchdog", "inference_schema", "numpy", "pandas", "opentelemetry", "azure"}
CONTROL_PLANE_ONLY = {"docker", "textual", "yaml", "sklearn", "joblib"}

# Importing the module on the left must not load the packages on the right.
NOT_LOADED = {
    "inference_http": FRAMEWORKS | LAZY,
    "inference_http.contract": FRAMEWORKS | LAZY,
    "inference_http.config.settings": FRAMEWORKS | LAZY,
    "inference_http.cli": FRAMEWORKS | LAZY,  # --help and --version answer at once
    "inference_http.process.supervisor": FRAMEWORKS | LAZY,  # small, and nothing of the user's in it
    "inference_http.user.errors": FRAMEWORKS | LAZY,
    "inference_http.user.script": FRAMEWORKS | LAZY,  # knows no HTTP
    "inference_http.scoring.deadline": FRAMEWORKS | LAZY,
    "inference_http.telemetry.metrics": FRAMEWORKS | LAZY,
    "inference_http.watch.watcher": FRAMEWORKS | LAZY,
    "inference_http.debug.listener": FRAMEWORKS | LAZY,
    "inference_http.web.app": LAZY,
    "inference_http.worker.main": LAZY,
    "sandbox": FRAMEWORKS | LAZY | CONTROL_PLANE_ONLY,
    "sandbox.demo.__main__": FRAMEWORKS | LAZY | CONTROL_PLANE_ONLY,
    "sandbox.gateway.gateway": FRAMEWORKS | LAZY | CONTROL_PLANE_ONLY,
    "tui": FRAMEWORKS | LAZY | CONTROL_PLANE_ONLY,
    "templates": FRAMEWORKS | LAZY | CONTROL_PLANE_ONLY,
}


@pytest.mark.parametrize("module", NOT_LOADED)
def test_heavy_modules_stay_out_until_they_are_needed(module):
    top_level = {name.partition(".")[0] for name in loaded_by(module)}
    assert sorted(top_level & NOT_LOADED[module]) == []


def test_no_module_of_the_server_loads_anything_else_of_ours():
    server = [dotted(path) for path in MODULES if path.is_relative_to(ROOT / "inference_http")]
    names = [name for name in server if not name.endswith("__main__")]
    top_level = {name.partition(".")[0] for name in loaded_by(", ".join(names))}
    assert sorted(top_level & {"sandbox", "tui", "templates"}) == []
    assert sorted(top_level & {"debugpy", "watchdog"}) == [], "base dependencies that are loaded when used"


@pytest.mark.parametrize("package", ["sandbox", "tui", "templates"])
def test_the_control_plane_knows_the_server_by_its_contract_only(package):
    names = [dotted(path) for path in sorted((ROOT / package).rglob("*.py")) if package != "templates"] or [package]
    loaded = {name for name in loaded_by(", ".join(names)) if name.startswith("inference_http")}
    assert loaded <= {"inference_http", "inference_http.contract"}


# --- Size and words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_no_module_is_longer_than_300_lines(path):
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= 300


VAGUE = {"manager", "helper", "helpers", "util", "utils", "handler", "handlers", "service", "services"}


def words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)}


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_names_of_modules_and_classes_say_what_the_thing_does(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    vague = [name for name in [*dotted(path).split("."), *classes] if words(name) & VAGUE]
    assert vague == []


# --- Text of the repository ------------------------------------------------------------------------------------------

# Written in pieces, so that this file passes its own test.
MACHINE_PATH = re.compile(
    "|".join((r"/wo" + r"rk/(main|shared)", r"/ho" + r"me/\w+/", r"/ro" + r"ot/\w", r"/Use" + r"rs/\w+/"))
)


def test_tracked_files_name_no_path_of_one_machine():
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in tracked_files()
        if (match := MACHINE_PATH.search(path.read_text(encoding="utf-8", errors="replace")))
    ]
    assert found == []


def test_the_readme_fits_on_three_screens():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150


def links(page: Path) -> set[Path]:
    """Files of the repository that a page links to."""
    targets = re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8"))
    return {(page.parent / target).resolve() for target in targets if "://" not in target}


def test_every_page_of_the_docs_is_linked_from_the_readme():
    pages = set((ROOT / "docs").rglob("*.md"))
    assert sorted(map(str, pages - links(ROOT / "README.md"))) == []


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda p: p.name
)
def test_links_between_pages_lead_somewhere(page):
    assert [str(target) for target in links(page) if not target.exists()] == []


def test_the_architecture_page_names_every_module_of_the_server():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    first = page.index("\n1. **")
    order = page[first : page.index("\n## ", first)]
    said = {}
    for step in re.split(r"^\d+\. \*\*", order, flags=re.MULTILINE)[1:]:
        folder = re.match(r"`(\w+)/`", step)
        said[folder.group(1) if folder else ""] = set(re.findall(r"`(\w+)`", step))
    server = ROOT / "inference_http"
    there: dict[str, set[str]] = {}
    for path in server.rglob("*.py"):
        if path.stem != "__init__":
            there.setdefault(path.parent.relative_to(server).as_posix().removeprefix("."), set()).add(path.stem)
    assert said == there


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in ROOT.glob("inference_http/*/__init__.py")))
def test_the_folders_of_the_server_say_what_they_are_and_load_nothing(folder):
    source = (ROOT / "inference_http" / folder / "__init__.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    assert ast.get_docstring(tree)
    assert len(tree.body) == 1 or folder == "compat", "the names that scripts import"


def test_the_changelog_has_a_place_for_the_next_change():
    assert "\n## [Unreleased]\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


# --- pyproject.toml --------------------------------------------------------------------------------------------------


def distribution(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()


def test_a_model_environment_has_to_hold_four_packages_and_no_more():
    assert sorted(map(distribution, PROJECT["project"]["dependencies"])) == ["debugpy", "flask", "waitress", "watchdog"]


def test_the_wheel_holds_the_four_packages():
    assert PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == list(PACKAGES)


def test_every_rule_that_is_switched_off_has_its_reason_beside_it():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lint = text[text.index("\nignore = [") : text.index("[tool.ruff.lint.isort]")]
    entries = re.findall(r'^    "[A-Z]+\d*",.*$', lint, re.MULTILINE)
    assert len(entries) > 20
    assert [entry for entry in entries if "# " not in entry] == []

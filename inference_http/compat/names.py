"""Answers imports of the names that user scripts use, before anything installed can (S91).

A finder in front of ``sys.meta_path`` answers a few exact names; nothing is imported until a script asks. Where the
user's environment has a package of the same name (azureml-core, azureml-contrib-*, Microsoft's own server), its other
submodules stay importable: ``azureml`` and ``azureml.contrib`` are ours only where there are no real ones, and the
packages that are always ours look for the rest where the installed ones are.
"""

import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from inference_http.compat.version import API_VERSION

MODULES = {
    "azureml.contrib.services.aml_request": "inference_http.compat.aml_request",
    "azureml.contrib.services.aml_response": "inference_http.compat.aml_response",
    "azureml_inference_server_http.api.aml_request": "inference_http.compat.aml_request",
    "azureml_inference_server_http.api.aml_response": "inference_http.compat.aml_response",
    "azureml_inference_server_http.log_config": "inference_http.compat.log_config",
}
PACKAGES = frozenset({"azureml.contrib.services", "azureml_inference_server_http", "azureml_inference_server_http.api"})
OWN_FILE = os.path.join(os.path.dirname(__file__), "__init__.py")
SHARED_PACKAGES = frozenset({"azureml", "azureml.contrib"})  # ours only where nothing real is installed


def install() -> None:
    """Answer the names from now on, also those that were imported from elsewhere before; safe to call again."""
    if any(isinstance(finder, _Names) for finder in sys.meta_path):
        return
    sys.meta_path.insert(0, _Names())
    for name in (*MODULES, *PACKAGES):
        sys.modules.pop(name, None)


class _Names(MetaPathFinder):
    """Finds our modules under the names that scripts use."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in MODULES:
            return ModuleSpec(fullname, _Alias(), origin=MODULES[fullname])
        if fullname not in PACKAGES and fullname not in SHARED_PACKAGES:
            return None
        installed = _installed(fullname, path, target)
        if installed is None:
            return _package(fullname, None, ())
        if fullname in SHARED_PACKAGES:
            return None
        return _package(fullname, installed.origin, installed.submodule_search_locations or ())


class _Alias(Loader):
    """Puts our module itself under the other name, so that both names give the same classes."""

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python to make the module that exec_module replaces."""

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = importlib.import_module(MODULES[module.__name__])


class _Package(Loader):
    """Makes a package that holds nothing but, at the top, the version."""

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to Python to make the module."""

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ == "azureml_inference_server_http":
            module.__dict__["__version__"] = API_VERSION


def _package(name: str, origin: str | None, locations: Iterable[str]) -> ModuleSpec:
    """Make the spec of a package of ours; its __file__ is the installed one's, which modules in there may ask for."""
    spec = ModuleSpec(name, _Package(), origin=origin or OWN_FILE, is_package=True)
    spec.submodule_search_locations = list(locations)
    spec.has_location = True
    return spec


def _installed(name: str, path: Sequence[str] | None, target: ModuleType | None) -> ModuleSpec | None:
    """Ask everybody else for the package."""
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        if find is not None and not isinstance(finder, _Names):
            spec: ModuleSpec | None = find(name, path, target)
            if spec is not None:
                return spec
    return None

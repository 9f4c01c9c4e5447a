import importlib
import logging.config
import sys

import pytest

from inference_http import compat
from inference_http.compat import aml_request, aml_response, log_config

MODULES = [
    "azureml.contrib.services.aml_request",
    "azureml.contrib.services.aml_response",
    "azureml_inference_server_http.api.aml_request",
    "azureml_inference_server_http.api.aml_response",
    "azureml_inference_server_http.log_config",
]
OURS = [aml_request, aml_response, aml_request, aml_response, log_config]
# What a user's environment may hold under these names, one folder for each package.
CORE = {
    "azureml/__init__.py": "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n",
    "azureml/core/__init__.py": "VERSION = 'core'\n",
}
CONTRIB = {
    "azureml/__init__.py": "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n",
    "azureml/contrib/__init__.py": "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n",
    "azureml/contrib/other.py": "VERSION = 'other'\n",
    "azureml/contrib/services/__init__.py": "raise RuntimeError('not ours')\n",
    "azureml/contrib/services/aml_request.py": "raise RuntimeError('not ours')\n",
    "azureml/contrib/services/more.py": "VERSION = 'more'\n",
}
SERVER = {
    "azureml_inference_server_http/__init__.py": "raise RuntimeError('not ours')\n",
    "azureml_inference_server_http/constants.py": "import sys\nFILE = sys.modules[__package__].__file__\n",
    "azureml_inference_server_http/api/__init__.py": "",
    "azureml_inference_server_http/api/aml_request.py": "raise RuntimeError('not ours')\n",
}


@pytest.fixture
def installed(tmp_path, fresh_imports):
    """Gives a function that installs packages into an environment of their own and then our names."""
    for name in [one for one in sys.modules if one.partition(".")[0] in ("azureml", "azureml_inference_server_http")]:
        del sys.modules[name]

    def install(*packages):
        for number, files in enumerate(packages):
            for name, text in files.items():
                path = tmp_path / f"site-packages-{number}" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            sys.path.append(str(tmp_path / f"site-packages-{number}"))
        compat.install()

    return install


@pytest.mark.parametrize("packages", [(), (CORE,), (CONTRIB,), (SERVER,), (CORE, CONTRIB, SERVER)])
@pytest.mark.parametrize(("name", "ours"), list(zip(MODULES, OURS, strict=True)), ids=MODULES)
def test_every_import_form_gives_our_module(installed, name, ours, packages):
    installed(*packages)
    parent, _, last = name.rpartition(".")
    space: dict[str, object] = {}
    exec(f"import {name}\nfrom {parent} import {last}\nimport {name} as alias\n", space)
    dotted = space[name.partition(".")[0]]
    for part in name.split(".")[1:]:
        dotted = getattr(dotted, part)
    assert dotted is space[last] is space["alias"] is importlib.import_module(name) is ours
    for public in ours.__all__:
        exec(f"from {name} import {public}", space)
        assert space[public] is getattr(ours, public)


def test_version_is_that_of_the_server_that_is_imitated(installed):
    installed()
    package = importlib.import_module("azureml_inference_server_http")
    assert package.__file__.endswith("__init__.py")
    assert package.__version__ == compat.API_VERSION == "1.5.1"


def test_other_modules_of_installed_packages_stay_importable(installed):
    installed(CORE, CONTRIB, SERVER)
    import azureml.contrib.other
    import azureml.contrib.services.more
    import azureml.core
    from azureml_inference_server_http.constants import FILE

    assert azureml.core.VERSION == "core"
    assert azureml.contrib.other.VERSION == "other"
    assert azureml.contrib.services.more.VERSION == "more"
    assert FILE.endswith("azureml_inference_server_http/__init__.py")


def test_core_without_contrib_gets_ours(installed):
    installed(CORE)
    import azureml.core
    from azureml.contrib.services import aml_response as found

    assert found is aml_response
    assert azureml.core.VERSION == "core"


@pytest.mark.parametrize(
    "name",
    ["azureml.core", "azureml.contrib.nothing", "azureml.contrib.services.nothing", "azureml_inference_server_http.x"],
)
def test_what_nobody_has_is_missing(installed, name):
    installed()
    with pytest.raises(ModuleNotFoundError) as caught:
        importlib.import_module(name)
    assert caught.value.name == name


def test_modules_that_were_imported_before_are_ours_afterwards(installed, tmp_path):
    server = SERVER | {"azureml_inference_server_http/__init__.py": ""}
    for name, text in server.items():
        path = tmp_path / "site-packages-0" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("raise RuntimeError('not ours')", "rawhttp = None"))
    sys.path.append(str(tmp_path / "site-packages-0"))
    import azureml_inference_server_http.api.aml_request as before

    assert before.rawhttp is None
    installed()
    import azureml_inference_server_http.api.aml_request as after

    assert after is aml_request


def test_installing_again_changes_nothing(installed):
    installed()
    module = importlib.import_module(MODULES[0])
    finders = sys.meta_path[:]
    compat.install()
    assert sys.meta_path == finders
    assert sys.modules[MODULES[0]] is module


def test_request_class_is_flasks(installed):
    import flask

    assert issubclass(aml_request.AMLRequest, flask.Request)


def test_formatter_and_filter_may_be_named_in_a_logging_json(installed, capsys):
    installed()
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "aml": {
                    "class": "azureml_inference_server_http.log_config.AMLLogFormatter",
                    "format": "%(asctime)s %(levelname).1s [%(process)d] %(name)s - %(message)s",
                }
            },
            "filters": {"probe": {"()": "azureml_inference_server_http.log_config.RootAccessFilter"}},
            "handlers": {
                "out": {
                    "class": "logging.StreamHandler",
                    "stream": "ext://sys.stdout",
                    "formatter": "aml",
                    "filters": ["probe"],
                }
            },
            "loggers": {"test.compat": {"handlers": ["out"], "level": "INFO", "propagate": False}},
        }
    )
    logger = logging.getLogger("test.compat")
    record = logger.makeRecord("test.compat", logging.INFO, "f", 1, "hello", (), None)
    record.created, record.msecs, record.process = 0.005, 5.0, 42
    logger.handle(record)
    logger.info('127.0.0.1 "GET / HTTP/1.1" 200')
    logger.handlers.clear()
    assert capsys.readouterr().out == "1970-01-01 00:00:00,005 I [42] test.compat - hello\n"


def test_format_may_be_given():
    formatter = log_config.AMLLogFormatter("{levelname} {message}", style="{")
    record = logging.LogRecord("x", logging.WARNING, "f", 1, "hello", (), None)
    assert formatter.format(record) == "WARNING hello"

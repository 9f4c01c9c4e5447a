"""Which variables an instance gets."""

from sandbox.backend.process.listing import MARK
from sandbox.backend.process.variables import environment

SHELL = {
    "PATH": "/usr/bin",
    "HOME": "/somewhere",
    "LC_ALL": "C.UTF-8",
    "CUDA_HOME": "/usr/local/cuda",
    "https_proxy": "http://proxy",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "PYTHONPATH": "/mine",
    "VIRTUAL_ENV": "/venv",
    "WORKER_COUNT": "8",
}


def test_what_programs_need_is_kept_and_everything_else_left_out():
    found = environment("/env/bin/python", {}, {}, "mark", SHELL)
    assert found == {
        "PATH": "/env/bin:/usr/bin",
        "HOME": "/somewhere",
        "LC_ALL": "C.UTF-8",
        "CUDA_HOME": "/usr/local/cuda",
        "https_proxy": "http://proxy",
        "PYTHONUNBUFFERED": "1",
        MARK: "mark",
    }


def test_the_users_variables_win_but_over_the_mark():
    theirs = {"PATH": "/only", "HOME": "/theirs", "CUDA_VISIBLE_DEVICES": "1", MARK: "stolen"}
    found = environment("/env/bin/python", {"CUDA_VISIBLE_DEVICES": ""}, theirs, "mark", SHELL)
    assert {name: found[name] for name in theirs} == {**theirs, MARK: "mark"}


def test_a_shell_without_a_path_leaves_the_systems():
    assert environment("/env/bin/python", {}, {}, "m", {})["PATH"].startswith("/env/bin:/")

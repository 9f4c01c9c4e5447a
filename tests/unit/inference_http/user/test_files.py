import json
import os
import sysconfig

import pytest

import inference_http
from inference_http.user.files import distinct, is_ours, is_user_file


@pytest.mark.parametrize(
    ("path", "root", "mine"),
    [
        ("/app/score.py", "/app", True),
        ("/app/deep/er/part.py", "/app", True),
        ("/app", "/app", True),
        ("/application/score.py", "/app", False),
        ("/app/.venv/lib/python3.11/site-packages/pandas/frame.py", "/app", False),
        ("/usr/lib/python3/dist-packages/yaml/__init__.py", "/", False),
        ("/env/site-packages/mine/score.py", "/env/site-packages/mine", True),
        ("/srv/score.py", "/", True),
        ("<string>", "/", False),
        ("<frozen importlib._bootstrap>", "/", False),
        ("", "/", False),
    ],
)
def test_which_files_are_the_users(path, root, mine):
    assert is_user_file(path, [root]) is mine


def test_python_and_this_server_are_never_the_users():
    assert not is_user_file(json.__file__, ["/"])
    assert not is_user_file(inference_http.__file__, ["/"])
    assert is_ours(inference_http.__file__)
    assert not is_ours(json.__file__)


def test_folder_within_the_standard_library_may_be_a_root():
    folder = os.path.join(sysconfig.get_path("stdlib"), "json")
    assert is_user_file(os.path.join(folder, "decoder.py"), [folder])


def test_links_are_followed(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert is_user_file(str(tmp_path / "link" / "score.py"), [str(tmp_path / "real")])
    assert is_user_file(str(tmp_path / "real" / "score.py"), [str(tmp_path / "link")])


def test_folders_are_named_once_in_their_first_spelling(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    link, real = str(tmp_path / "link"), str(tmp_path / "real")
    assert distinct([link, None, "/other", real, "", "/other/."]) == (link, "/other")

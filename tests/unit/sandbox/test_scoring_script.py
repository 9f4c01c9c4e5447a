import pytest

from sandbox.model.problem import Place
from sandbox.spec.script import check

BOTH = "def init():\n    pass\ndef run(data):\n    return data\n"


def problems(folder, script="score.py"):
    return check(
        str(folder), script, Place("d.yml", 3, 5, "scoring_script: score.py"), ("code_configuration", "scoring_script")
    )


@pytest.mark.parametrize(
    "text",
    [
        BOTH,
        "async def init():\n    pass\nasync def run(data):\n    return data\n",
        "from driver import init, run\n",
        "from driver import *\n",
        "import driver as run\nfrom a import b as init\n",
        "init = run = print\n",
        "(init, run) = (print, print)\n",
        "run: object = print\ndef init(): pass\n",
        "try:\n    from a import init\nexcept ImportError:\n    def init(): pass\nif True:\n    def run(d): pass\n",
        "class run:\n    pass\nwith open('x') as f:\n    def init(): pass\n",
        "x = '\\d'\n" + BOTH,  # a SyntaxWarning is not ours to raise
        "# -*- coding: latin-1 -*-\n# \xe9\n" + BOTH,
    ],
)
def test_both_functions_are_found_however_they_are_bound(tmp_path, text):
    (tmp_path / "score.py").write_text(text, encoding="latin-1")
    assert problems(tmp_path) == []


def test_the_script_is_never_run(tmp_path):
    (tmp_path / "score.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n{BOTH}")
    assert problems(tmp_path) == []
    assert not (tmp_path / "ran").exists()


def test_a_script_below_a_folder_of_the_code(tmp_path):
    (tmp_path / "online").mkdir()
    (tmp_path / "online" / "score.py").write_text(BOTH)
    assert problems(tmp_path, "online/score.py") == []


@pytest.mark.parametrize(
    ("text", "line", "words", "fix"),
    [
        ("def init(:\n    pass\n", 1, "does not parse", ""),
        ("def init():\n    pass\n", 1, "no run()", "define run()"),
        ("def init():\n    pass\n\ndef predict(x):\n    pass\n", 4, "no run()", "rename predict to run"),
        ("def Init():\n    pass\n\ndef run(x):\n    pass\n", 1, "no init()", "rename Init to init"),
        ("def run(x):\n    def init():\n        pass\n", 1, "no init()", "define init()"),
        ("x = 1\x00\n", None, "cannot be read", ""),
    ],
)
def test_what_is_wrong_with_a_script_stands_at_its_line(tmp_path, text, line, words, fix):
    (tmp_path / "score.py").write_text(text)
    problem = problems(tmp_path)[0]
    assert problem.code == "E037"
    assert problem.place.file == str(tmp_path / "score.py")
    if line is not None:
        assert problem.place.line == line
    assert words in problem.what or "does not parse" in problem.what
    assert fix in problem.fix
    assert problem.related.file == "d.yml"


def test_an_empty_script_lacks_both(tmp_path):
    (tmp_path / "score.py").write_text("")
    assert [problem.what[-7:] for problem in problems(tmp_path)] == [" init()", "o run()"]


def test_a_script_nested_too_deep_for_the_parser(tmp_path):
    (tmp_path / "score.py").write_text("x = " + "(" * 100_000 + ")" * 100_000)
    assert [problem.code for problem in problems(tmp_path)] == ["E037"]


def test_a_missing_script_names_the_nearest(tmp_path):
    (tmp_path / "online").mkdir()
    (tmp_path / "online" / "score.py").write_text(BOTH)
    problem = problems(tmp_path, "onlin/score.py")[0]
    assert problem.place.file == "d.yml"
    assert problem.fix == "did you mean online/score.py?"


def test_the_folder_given_twice_is_noticed(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "score.py").write_text(BOTH)
    assert problems(tmp_path / "src", "src/score.py")[0].fix == "write scoring_script: score.py"


@pytest.mark.parametrize("script", ["", ".", "a\0b"])
def test_a_folder_is_no_script(tmp_path, script):
    assert [problem.code for problem in problems(tmp_path, script)] == ["E037"]

"""YAML with comments: what a reader of YAML gets from it is what was given."""

import yaml
from hypothesis import given
from hypothesis import strategies as st

from sandbox.export.paper import File, Said, document, documents

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30) | st.sampled_from(
    [
        "on",
        "No",
        "null",
        "~",
        "1.5",
        "0x1",
        "1e3",
        "2026-01-01",
        "a: b",
        "- a",
        "# a",
        "a #b",
        "l1\nl2\n",
        "\nl1\nl2",
        "*a",
    ]
)
SCALAR = TEXT | st.integers() | st.booleans() | st.none()
VALUE = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))


@given(st.dictionaries(TEXT, VALUE, max_size=5))
def test_what_is_written_is_read_back(value):
    assert (yaml.safe_load(document(["head"], value)) or {}) == value


def test_comments_stand_before_what_they_are_about():
    said = {
        Said("of a\rin two lines"): None,
        "a": [1, Said("of\u2028the mapping"), {"b": {"c": [1, 2, 3]}, "d": "e"}],
        "f": {},
    }
    text = document(["first"], said)
    assert text == (
        "# first\n# of a\n# in two lines\n"
        "a:\n  - 1\n  # of\n  # the mapping\n  - b:\n      c: [1, 2, 3]\n    d: e\nf: {}\n"
    )


def test_several_documents_are_one_file():
    text = documents(["head"], [{"kind": "A"}, {"kind": "B"}])
    assert list(yaml.safe_load_all(text)) == [{"kind": "A"}, {"kind": "B"}]
    assert File("a", text).runs is False

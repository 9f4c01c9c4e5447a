from traceback import FrameSummary

from hypothesis import given
from hypothesis import strategies as st

from inference_http.user.folding import FRAME_LIMIT, fold


def frames(names):
    return [FrameSummary("score.py", 1, name, lookup_line=False, line=name) for name in names]


def shown(names):
    return [text.split(" in ")[1].split("\n")[0] if " in " in text else text.strip() for text in fold(frames(names))]


def test_frames_that_do_not_repeat_are_all_shown():
    assert shown("abcd") == list("abcd")
    assert shown("aabb") == list("aabb")


def test_a_frame_that_repeats_is_shown_twice_and_counted():
    assert shown("xaaaaa") == ["x", "a", "a", "[Previous line repeated 3 more times]"]


def test_a_cycle_is_counted_as_a_whole():
    assert shown("xababababy") == ["x", "a", "b", "a", "b", "[Previous 2 lines repeated 2 more times]", "y"]


def test_a_long_stack_without_repetition_is_shown_from_both_ends():
    names = [f"f{number}" for number in range(200)]
    lines = shown(names)
    assert len(lines) == FRAME_LIMIT + 1
    assert lines[0] == "f0"
    assert lines[-1] == "f199"
    assert "[140 frames left out]" in lines


@given(st.lists(st.sampled_from("abc"), max_size=50))
def test_first_and_last_frame_are_always_told(names):
    lines = shown(names)
    assert len(lines) <= len(names) + 1
    if names:
        assert lines[0] == names[0]
        assert lines[-1] == names[-1] or "repeated" in lines[-1]

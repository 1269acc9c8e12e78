"""Thoughts of students: what a prompt begins of one, how it is ended, and what stands apart from the answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.text.thoughts import apart, empty_thought, ended, opened, speaks_of_thoughts, without_thoughts

MARKS = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|think|>", "<|/think|>"),
    ("<|channel>thought", "<channel|>"),
    ("<unused94>thought", "<unused95>"),
]


@pytest.mark.parametrize(("mark", "close"), MARKS)
def test_a_thought_that_was_begun_is_ended_by_its_own_mark(mark, close):
    prompt = f"user: <think>no</think> 2 + 3?\nassistant: {mark}\n"
    assert opened(prompt) == f"{mark}\n"
    closed = prompt.removesuffix(f"{mark}\n") + ended(f"{mark}\n")
    assert closed.endswith(f"{mark}\n\n{close}\n\n")
    assert opened(closed) == ""
    assert empty_thought(closed) == ended(mark)
    assert apart(f"{mark}\n6?\n{close}\n\nIt is 5.") == (f"{mark}\n6?\n{close}", "It is 5.")


@pytest.mark.parametrize("prompt", ["", "2 + 3?", "<think>6?", "<think>6?</think>\n", "</think>", "<think></think> 5."])
def test_prompts_that_end_with_no_empty_thought(prompt):
    assert empty_thought(prompt) == ""
    assert opened(prompt) == ""


def test_a_template_that_knows_thoughts_ends_them():
    assert speaks_of_thoughts("{% if '</think>' in content %}")
    assert not speaks_of_thoughts("{{ '<think>' }} and <|im_end|>, <|end|>")


@given(st.lists(st.sampled_from(["<think>", "</think>", "a", "\n", "[THINK]", "[/THINK]", " 5."]), max_size=9))
def test_what_is_set_apart_leaves_what_is_graded(parts):
    text = "".join(parts)
    thoughts, answer = apart(text)
    assert answer == without_thoughts(text)
    assert thoughts or answer == text or not text.strip() or answer == text.strip()

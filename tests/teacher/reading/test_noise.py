import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.teacher.reading.noise import (
    without_praise,
    without_talk,
    without_titles,
    without_trailer,
    without_verdict,
)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("### Step 1: Count the pens\n3 × 4 = 12", "3 × 4 = 12"),
        ("**Step 2: 3 × 4 = 12**\nSo 12.", "3 × 4 = 12\nSo 12."),
        ("Step 1: Identify the boxes\n3 × 4 = 12", "3 × 4 = 12"),
        ("Step 1: A pear is lighter than water\nSo it floats", "A pear is lighter than water\nSo it floats"),
        ("**Calculation:**\n3 × 4 = 12", "3 × 4 = 12"),
        ("**Solution:** each box holds 4.\nSo 12.", "Each box holds 4.\nSo 12."),
        ("1. One box.\n2. Two boxes.\n\n1) Three.", "One box.\nTwo boxes.\n\nThree."),
        ("1️⃣ One box.\n2️⃣ Two boxes.", "One box.\nTwo boxes."),
        ("It weighs\n7. Then it", "It weighs\n7. Then it"),  # no list begins so
        ("| a | b |\n|---|---|\n| 3 | 4 |", "|---|---|\n| 3 | 4 |"),
        ("**12**\nbecause", "**12**\nbecause"),
        ("**Paris**\nbecause", "**Paris**\nbecause"),
        ("#### 12", "#### 12"),
        ("3 × 4 = 12\n### Tom has 12 pens", "3 × 4 = 12\n### Tom has 12 pens"),  # the last line may be the answer
        ("**Answer:** 12\nmore", "**Answer:** 12\nmore"),
        ("```python\nprint(3 * 4)\n```\n3 × 4 = 12", "```\n3 × 4 = 12"),
        ("```python\n3 × 4 = 12", "```python\n3 × 4 = 12"),  # never closed
        ("Question: How many?\nSolution: 3 × 4 = 12", "3 × 4 = 12"),
        ("Check: 12 / 4 = 3.\nSo 12.", "Check: 12 / 4 = 3.\nSo 12."),
    ],
)
def test_titles_and_labels(text, left):
    assert without_titles(text) == left


@pytest.mark.parametrize(
    "talk",
    [
        "Sure!",
        "Certainly! Here's the solution:\n",
        "Great question! Let me work through this.\n\n",
        "I'd be happy to help you with this math problem.",
        "Let's solve this problem step by step.",
        "Okay, let's think about this carefully.",
        "To solve this problem, let's break it down into smaller steps:\n",
        "To find the total number of pens, follow these steps:\n",
        "Here is a step-by-step explanation:\n",
        "Of course,",
        "Here's why:",
        "Here's the correct solution:\n",
    ],
)
def test_talk_before_the_reasoning(talk):
    assert without_talk(f"{talk} Each box holds 4 pens.") == "Each box holds 4 pens."


@pytest.mark.parametrize(
    "text",
    [
        "Let's assume the worst case. Then all sink.",
        "First, let's consider what Noah's Ark is. It's a large ship.",
        "We can think of a pear as a light fruit. It floats.",
        "To find the total, we multiply. Then we add.",
        "Great Danes are big dogs. They weigh a lot.",
        "I like pens. So does Tom.",
        "A. bank keeps money",
        "Sure!",
    ],
)
def test_what_says_something_stays(text):
    assert without_talk(text) == text


def test_the_last_words():
    assert without_trailer("3 × 4 = 12. This is the final answer.") == "3 × 4 = 12."
    assert without_trailer("3 × 4 = 12.\nAnd there you have it!") == "3 × 4 = 12."
    assert without_trailer("This is the answer to all.") == "This is the answer to all."


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("So 3 × 4 = 12 pens.\nSo our answer is correct.", "So 3 × 4 = 12 pens."),
        ("So 12 pens.\nTo check: 12 / 4 = 3.\nThis confirms that our answer is correct.", "So 12 pens."),
        ("3 × 4 = 12.\nThis is the correct answer, which is 12 pens.", "3 × 4 = 12."),
        ("The answer is correct.", "The answer is correct."),
        ("So 3 × 4 = 12 pens.", "So 3 × 4 = 12 pens."),
    ],
)
def test_a_verdict_at_the_end(text, left):
    assert without_verdict(text) == left


def test_praise_within_the_steps():
    assert without_praise("3 × 4 = 12.\nThis step is correct. It counts.") == "3 × 4 = 12.\nIt counts."
    assert without_praise("This step is correct only if 3 × 4 = 12.") == "This step is correct only if 3 × 4 = 12."


@given(
    st.text(max_size=200)
    | st.lists(st.sampled_from(["**", "Step 1:", "# ", "\n", "1. ", "Sure!", "a", "="])).map("".join)
)
def test_any_text_is_taken(text):
    for reader in (without_titles, without_talk, without_trailer, without_verdict, without_praise):
        assert len(reader(text)) <= len(text) + 1

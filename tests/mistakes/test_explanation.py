import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tutelage.mistakes.explanation import explain
from tutelage.records import Problem

FARM = Problem.of(
    "A farm has 3 cows and 2 hens. How many legs do they have?",
    "16",
    rationale="3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 2 = 4 legs. 12 + 4 = 16 legs in total.",
)
APPLES = Problem.of("A cafeteria had 23 apples. It used 20 and bought 6 more.", "9", equation="((23+6)-20)")
WASPS = Problem.of("6 wasps and 6 snakes: how many legs?", "36", rationale="6 × 6 = 36. 6 × 0 = 0. 36 + 0 = 36.")
PEAR = Problem.of("Would a pear sink?", "no", rationale="A pear has a density of 0.59.\nWater has one of 1.")


@pytest.mark.parametrize(
    ("problem", "mistake", "explanation"),
    [
        (
            FARM,
            "3 × 4 = 12. 2 × 4 = 8. 12 + 8 = 20.\nThe answer is 20.",
            "In 2 × 4 = 8 the 4 is wrong, it must be 2: 2 hens have 2 × 2 = 4 legs.",
        ),
        (FARM, "3 × 4 = 13. 2 × 2 = 4. 13 + 4 = 17.\nThe answer is 17.", "3 × 4 = 13 is wrong: 3 × 4 = 12."),
        (
            FARM,
            "3 + 4 = 7.\nThe answer is 7.",
            "3 + 4 = 7 is not the step: one must multiply here. 3 cows have 3 × 4 = 12 legs.",
        ),
        (
            FARM,
            "3 × 4 = 12. 2 × 2 = 4. Check: 4 / 2 = 2.\nThe answer is 4.",
            "The steps stop too early. This is still to be done: 12 + 4 = 16 legs in total.",
        ),
        (
            FARM,
            "3 × 4 = 12. 2 × 2 = 4. 12 + 4 = 16.\nThe answer is 12.",
            "The steps come to 16, but another answer is stated.",
        ),
        (FARM, "There are 9 hens.\nThe answer is 9.", '"There are 9 hens" is wrong: 3 cows have 3 × 4 = 12 legs.'),
        (FARM, "3 × 4 = 12. 2 × 2 = 4. 12 + 4 = 16.", "No answer is stated: it is 16."),
        (FARM, "The answer is 17.", "The answer is not 17: 12 + 4 = 16 legs in total."),
        (APPLES, "23 - 20 = 3. 3 + 6 = 8.\nThe answer is 8.", "3 + 6 = 8 is wrong: 3 + 6 = 9."),
        (
            APPLES,
            "23 + 20 = 43. 43 - 6 = 36.\nThe answer is 36.",
            "In 23 + 20 = 43 the 20 is wrong, it must be 6: 23 + 6 = 29.",
        ),
        (
            APPLES,
            "20 / 6 = 3. 3 + 23 = 26.\nThe answer is 26.",
            "20 / 6 = 3 is not the step needed here. It is this: 23 + 6 = 29.",
        ),
        (
            APPLES,
            "23 + 6 = 29. 29 - 20 = 9. 9 + 9 = 18.\nThe answer is 18.",
            "9 + 9 = 18 is not needed: the answer was already found.",
        ),
        (
            APPLES,
            "23 / 0 = 0.\nThe answer is 0.",
            "23 / 0 = 0 is not the step needed here. It is this: 23 + 6 = 29.",
        ),
        (APPLES, "4 / 0 = 0. 3 + 6 = 9.\nThe answer is 8.", "4 / 0 = 0 is wrong: one cannot divide by 0."),
        (
            WASPS,
            "6 × 6 = 36. 6 × 5 = 30. 36 + 30 = 66.\nThe answer is 66.",
            "In 6 × 5 = 30 the 5 is wrong, it must be 0: 6 × 0 = 0.",
        ),
        (FARM, "<think>3 × 4 = 13</think>3 × 4 = 12. 2 × 2 = 4. 12 + 4 = 18.", "12 + 4 = 18 is wrong: 12 + 4 = 16."),
        (FARM, "**3 × 4 = 12**\n\n2 × 2 = **5**\n\n12 + 5 = 17\n\n\\boxed{17}", "2 × 2 = 5 is wrong: 2 × 2 = 4."),
        (
            FARM,
            "$3 \\times 4 = 12$, $\\frac{4}{2} = 3$, so \\boxed{3}.",
            "4/2 = 3 is not the step needed here. It is this: 2 hens have 2 × 2 = 4 legs.",
        ),
        (
            FARM,
            "3 × 4 = 12. 2 × 2 = 4. 12 + 4 = 16. The answer is 15.\n\nQuestion: 2 × 5 = 11. The answer is 11.",
            "The steps come to 16, but another answer is stated.",
        ),
        (PEAR, "Pears are heavy.\nThe answer is yes.", "The answer is not yes: Water has one of 1."),
    ],
)
def test_says_what_is_wrong_and_what_is_right(problem, mistake, explanation):
    assert explain(problem, mistake) == explanation


@pytest.mark.parametrize(
    ("mistake", "answer", "explanation"),
    [
        ("3 × 4 = 12.\nSo 12 is the answer.", "12", "The steps stop too early. This is still to be done: 2 hens have"),
        ("3 × 4 = 12. 2 × 2 = 4. 12 + 4 = 16.\nSo 20 is the answer.", "20", "The steps come to 16, but another answer"),
        ("Twenty of them.", "20", "The answer is not 20: 12 + 4 = 16 legs in total."),
        ("They have -16 legs.", "-16", "The answer is not -16: 12 + 4 = 16 legs in total."),
        ("\\boxed{12}", "12", "The answer is not 12: 12 + 4 = 16 legs in total."),
        ("Some legs.", None, "No answer is stated: it is 16."),
    ],
)
def test_what_the_exam_read_is_never_said_to_be_missing(mistake, answer, explanation):
    assert (explain(FARM, mistake, answer) or "").startswith(explanation)


def test_a_long_sentence_is_not_quoted():
    problem = Problem.of("q", "12", rationale=f"Since {'very ' * 30}many pens are here, there are 3 × 4 = 12.")
    assert explain(problem, "3 + 4 = 7. The answer is 7.") == (
        "3 + 4 = 7 is not the step: one must multiply here. 3 × 4 = 12."
    )
    ramble = "3" + " + 3" * 100
    assert len(explain(problem, f"{ramble} = 8. The answer is 8.") or "") < 320


def test_nothing_is_said_where_nothing_is_wrong_or_known():
    assert explain(FARM, "3 × 4 = 12. 2 × 2 = 4. 12 + 4 = 16.\nThe answer is 16.") is None
    assert explain(Problem.of("Why?", "4"), "2 + 2 = 5. The answer is 5.") is None


@given(st.text(max_size=200) | st.text(alphabet="0123456789+-*/=().% \nThe answer is", max_size=200))
@settings(max_examples=120)
def test_any_mistake_is_taken(mistake):
    for problem in (FARM, APPLES, WASPS, PEAR):
        found = explain(problem, mistake)
        assert found is None or (len(found) < 400 and "\n" not in found and found.endswith("."))

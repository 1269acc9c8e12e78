"""New problems as small and large models write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.grading.grade import grade
from tutelage.records import Choice, FeedbackRequest, Problem, Verdict
from tutelage.teacher.practice_reply import Draft, read_practice
from tutelage.teacher.prompts import Prompts
from tutelage.teacher.reading.echoes import Echoes

FAILED = Problem.of("Tom has 3 boxes of 4 pens. How many pens?", "12")
OURS = Echoes.of(Prompts("number").texts())
ASKED = "Ann has 5 bags of 6 nuts. How many nuts has she?"
NEW = f"Question: {ASKED}\nSolution:\n"
SOLVED = "Each bag holds 6 nuts, so 5 × 6 = 30 nuts.\nThe answer is 30."


def read(text: str, finish: str = "stop", kind="number", failed: Problem = FAILED, match="exact") -> Draft:
    def graded(problem: Problem, said: str) -> Verdict:
        return grade(kind, problem, said, match)

    return read_practice(text, finish, failed, kind, graded, max_tokens=99, check_arithmetic=True, ours=OURS)


@pytest.mark.parametrize(
    "text",
    [
        f"Question: {ASKED}\nSolution:\n{SOLVED}",
        f"Question:\n{ASKED}\n\nSolution: {SOLVED}",
        f"**New Question:** {ASKED}\n\n**Worked Solution:**\n{SOLVED}",
        f"Sure! Here is a new one.\n\n### Question:\n{ASKED}\n\n### Solution\n{SOLVED}",
        f"<think>What now?</think>Question: {ASKED}\nSolution:\n{SOLVED}\n\nQuestion: Ben has 3 pens.",
        f"Question: {FAILED.question}\n\nNew question: {ASKED}\n\nSolution:\n{SOLVED}",
        f"<question>\n{ASKED}\n</question>\n\nSolution:\n{SOLVED}",
        f"{ASKED}\n\n{SOLVED}",
        f"**Question**\n{ASKED}\n\n**Solution**\n{SOLVED}",
        f"Sure! Here's a new question for practice:\n\n{ASKED}\n\nSolution to the new question:\n{SOLVED}",
        f"Problem 1: {ASKED}\nDetailed step-by-step solution: {SOLVED}",
        f"1. Question: {ASKED}\n2. Solution: {SOLVED}",
        f'Question: "{ASKED}"\nAnswer: {SOLVED}',
        f"Question: Ann has 5 bags of 6 nuts.\nHow many nuts has she?\nSolution:\n{SOLVED}",
    ],
)
def test_read(text):
    draft = read(text)
    assert draft.flaw is None
    assert draft.problem == Problem.of(ASKED, "30", rationale="Each bag holds 6 nuts, so 5 × 6 = 30 nuts.")
    assert draft.text == SOLVED


@pytest.mark.parametrize(
    ("text", "failure", "reason"),
    [
        ("", "no new problem", "no new question"),
        ("I cannot do that.", "no new problem", "no new question"),
        (f"Question: {ASKED}", "no new problem", "no new question"),
        (
            f"Question: {FAILED.question}\nSolution:\n3 × 4 = 12 pens.\nThe answer is 12.",
            "known problem",
            "failed problem",
        ),
        (f"Question: {ASKED}\nSolution:\nIt is easy.", "no new problem", "states no answer"),
        (f"Question: {ASKED} The answer is 30.\nSolution:\n{SOLVED}", "no new problem", "states its answer"),
        (
            f"Question: {ASKED}\nSolution:\n5 × 6 = 31 nuts in all.\nThe answer is 31.",
            "false calculation",
            "5 × 6 = 31",
        ),
        (f"Question: {ASKED}\nSolution:\n17 × 2 = 34 nuts in all.\nThe answer is 34.", "numbers from nowhere", "17"),
        (
            f"Question: {ASKED}\nSolution:\n5 × 6 = 30 nuts in all.\nThe answer is 29.",
            "does not come to its answer",
            "",
        ),
        (f"Question: {ASKED}\nSolution:\n5 - 6 = -1 nuts are left.\nThe answer is -1.", "no new problem", "negative"),
        (
            "Question: Make up a new question for practice. Its solution takes the same steps.\nSolution:\n" + SOLVED,
            "no new problem",
            "repeats what it was told",
        ),
    ],
)
def test_dropped(text, failure, reason):
    draft = read(text)
    assert draft.flaw is not None
    assert draft.flaw[0] == failure
    assert reason in draft.flaw[1]


def test_one_that_is_cut_is_dropped():
    assert read(f"Question: {ASKED}\nSolution:\n{SOLVED}", "length").flaw is not None


def test_choices_and_words():
    failed = Problem.of("Where are books lent?", "B", choices=(Choice("A", "bank"), Choice("B", "library")))
    text = (
        "Question: Where would you go to buy fresh bread?\n(A) bakery\n(B) bank\n(C) park\n\nSolution:\n"
        "Bread is baked and sold in a bakery, not in a bank or a park.\nThe answer is A."
    )
    draft = read(text, kind="choice", failed=failed)
    assert draft.flaw is None
    assert draft.problem is not None
    assert draft.problem.answer == "A"
    assert draft.problem.choices == (Choice("A", "bakery"), Choice("B", "bank"), Choice("C", "park"))
    without = read(text.replace("(A) bakery\n(B) bank\n(C) park\n", ""), kind="choice", failed=failed)
    assert without.flaw is not None
    text = (
        "Question: Is a whale a kind of fish?\nSolution:\nA whale breathes air and feeds its young with milk.\n"
        "So it is a mammal.\nThe answer is no."
    )
    draft = read(text, kind="yes-no", failed=Problem.of("Is a bee an insect?", "yes"))
    assert draft.problem is not None
    assert (draft.problem.answer, draft.flaw) == ("no", None)


def test_answers_in_json():
    failed = Problem.of("Give 3 pens as JSON.", '{"pens": 3}')
    asked = "Question: Give 4 red nuts and 2 green ones as JSON.\nSolution:\n"
    asked += "Count each kind by its colour: red has 4, green has 2.\n"
    draft = read(f'{asked}The answer is {{"red": 4, "green": 2}}.', kind="text", failed=failed, match="json")
    assert (draft.flaw, draft.problem and draft.problem.answer) == (None, '{"red": 4, "green": 2}')
    draft = read(f"{asked}The answer is six nuts.", kind="text", failed=failed, match="json")
    assert draft.flaw is not None
    assert "is no JSON" in draft.flaw[1]


@given(st.text(max_size=300), st.sampled_from(["", "Question: ", "\nSolution:\n", "The answer is 3."]))
def test_any_reply(text, more):
    for kind in ("number", "choice", "yes-no", "text"):
        draft = read(text + more + text, kind=kind)
        assert draft.flaw is not None or draft.problem is not None


def test_the_prompt_shows_question_and_mistake():
    system, user = Prompts("number").practice(FeedbackRequest(FAILED, "3 + 4 = 7"))
    assert "The answer is X." in system["content"]
    assert FAILED.question in user["content"]
    assert "<attempt>\n3 + 4 = 7\n</attempt>" in user["content"]
    assert "options" not in user["content"]
    _, alone = Prompts("choice").practice(FeedbackRequest(FAILED))
    assert "attempt" not in alone["content"]
    assert not {"{", "}"} & set(system["content"] + user["content"] + alone["content"])


def test_the_system_message_of_the_task_stays_above_the_question():
    failed = Problem.of(FAILED.question, FAILED.answer, system="Be brief.")
    _, user = Prompts("number").practice(FeedbackRequest(failed))
    assert "Be brief." not in user["content"]
    draft = read(f"{NEW}{SOLVED}", failed=failed)
    assert draft.problem is not None
    assert draft.problem.system == "Be brief."

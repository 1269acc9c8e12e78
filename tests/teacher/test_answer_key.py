import re
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.teacher.grading import grade
from tutelage.records import FeedbackRequest, Problem, Usage
from tutelage.teacher.answer_key import NO_SOLUTION, AnswerKeyTeacher
from tutelage.text.calculations import find_calculations
from tutelage.text.expressions import Operation, evaluate
from tutelage.text.format import write_expression, write_number

FARM = Problem.of(
    "A farm has 3 cows and 2 hens. How many legs do they have?",
    "16",
    rationale="3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 2 = 4 legs. 12 + 4 = 16 legs in total.",
)
SALE = Problem.of("Has Tom any cards?", "29", rationale="Tom sold 48 / 2 = 24 cards. He has 24 + 5 = 29.")
SUM = Problem.of("q", "39", equation="((32+42)-35)")
PEAR = Problem.of(
    "Would a pear sink in water?", "no", rationale="A pear has a density of about 0.59. Water has a density of 1."
)


def ask(*requests, kind="number", seed=0, explain=False):
    given_back = []
    AnswerKeyTeacher(grade=grade, kind=kind, seed=seed, explain=explain).teach(requests, given_back.append)
    return given_back


def test_without_a_mistake_the_solution_itself():
    [feedback] = ask(FeedbackRequest(FARM))
    assert feedback.text == f"{FARM.rationale}\nThe answer is 16."
    assert feedback.verdict.correct
    assert feedback.usage == Usage(requests=1)


@pytest.mark.parametrize(
    ("problem", "mistake", "solution"),
    [
        (
            SALE,
            "48 / 2 = 24. 24 + 5 = 30.\nThe answer is 30.",
            "Tom sold 48 / 2 = 24 cards. 24 + 5 = 29, so he has 29.",
        ),
        (
            SALE,
            "48 / 2 = 20. 20 + 5 = 25.\nThe answer is 25.",
            "48 / 2 = 24, so Tom sold 24 cards. He has 24 + 5 = 29.",
        ),
        (SUM, "32 + 42 = 64. 64 - 35 = 29.\nThe answer is 29.", "Add 32 and 42: 32 + 42 = 74. 74 - 35 = 39."),
        (SUM, "32 + 42 = 74. 74 - 35 = 49.\nThe answer is 49.", "32 + 42 = 74. Take 35 away from 74: 74 - 35 = 39."),
    ],
)
def test_the_wrong_step_is_worded_anew_and_no_other(problem, mistake, solution):
    [feedback] = ask(FeedbackRequest(problem, f"{mistake}\nThe answer is {mistake.split()[-1]}"))
    assert feedback.verdict.correct
    assert feedback.text == f"{solution}\nThe answer is {problem.answer}."


@pytest.mark.parametrize("problem", [FARM, PEAR, SUM])
def test_samples_seeds_and_mistakes_vary_it(problem):
    kind = "yes-no" if problem is PEAR else "number"
    by_sample = [feedback.text for feedback in ask(*(FeedbackRequest(problem, None, n) for n in range(8)), kind=kind)]
    by_seed = {ask(FeedbackRequest(problem), kind=kind, seed=seed)[0].text for seed in range(4)}
    wrong = [f"I guess.\nThe answer is {word}." for word in ("77", "78", "79", "80", "yes", "81", "82")]
    by_mistake = {feedback.text for feedback in ask(*(FeedbackRequest(problem, text, 1) for text in wrong), kind=kind)}
    assert len(set(by_sample)) == len(by_sample)
    assert len(by_seed) == 4
    assert by_sample[0] not in by_mistake  # what was told before did not help
    assert ask(FeedbackRequest(problem, wrong[0], 3), kind=kind) == ask(
        FeedbackRequest(problem, wrong[0], 3), kind=kind
    )


def test_it_reads_as_an_ordinary_solution():
    requests = [FeedbackRequest(FARM, f"3 × 4 = {n}. The answer is {n}.", n) for n in range(24)]
    for feedback in ask(*requests):
        assert feedback.verdict.correct
        assert not re.search(r"\b(?:you|your|student|mistake|wrong|attempt)\b", feedback.text, re.IGNORECASE)
        assert len(feedback.text) <= 1.5 * len(FARM.rationale or "") + 90


def test_explains_the_mistake_apart_from_the_rationale():
    request = FeedbackRequest(FARM, "3 cows have 3 × 4 = 12 legs. 2 hens have 2 × 4 = 8 legs.\nThe answer is 20.")
    [silent], [explained] = ask(request), ask(request, explain=True)
    assert explained.explanation == "In 2 × 4 = 8 the 4 is wrong, it must be 2: 2 hens have 2 × 2 = 4 legs."
    assert replace(explained, explanation=None) == silent
    assert ask(FeedbackRequest(FARM), explain=True)[0].explanation is None
    unsolved = FeedbackRequest(Problem.of("q", "4", equation="2 + 3"), "5. The answer is 5.")
    assert ask(unsolved, explain=True)[0].explanation is None


def test_an_answer_that_only_the_exam_reads_is_stated():
    steps = "3 cows have 3 × 4 = 12 legs.\nSo 12 is the answer."
    [feedback] = ask(FeedbackRequest(FARM, steps, 0, "12"), explain=True)
    assert feedback.explanation == "The steps stop too early. This is still to be done: 2 hens have 2 × 2 = 4 legs."


def test_the_explanation_keeps_to_the_source_of_the_rationale():
    problem = Problem.of("Ann has 2 pens and 3 more.", "5", rationale="2 + 3 = 6.", equation="2 + 3")
    [feedback] = ask(FeedbackRequest(problem, "2 + 3 = 6. The answer is 6."), explain=True)
    assert feedback.explanation == "2 + 3 = 6 is wrong: 2 + 3 = 5."


def test_a_wrong_yes_or_no_gets_the_last_fact_beside_the_conclusion():
    [feedback] = ask(FeedbackRequest(PEAR, "Pears are heavy. The answer is yes."), kind="yes-no")
    assert feedback.verdict.correct
    *_, fact, conclusion = feedback.text.splitlines()[-2:]
    assert re.search(r"(?:decides it|settles the question|deciding fact): Water has a density of 1\.$", fact)
    assert conclusion == "The answer is no."


def test_decimals_money_and_abbreviations_survive():
    problem = Problem.of("q", "5.50", rationale="Mr. Hu pays $20 - $14.50 = $5.50 at 5 p.m. on Monday.")
    for feedback in ask(*(FeedbackRequest(problem, "20 - 14 = 7. The answer is 7.", n) for n in range(12))):
        assert feedback.verdict.correct, feedback
        assert "Mr. Hu" in feedback.text
        assert "5 p.m. on Monday" in feedback.text
        assert "$14.50" in feedback.text


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (Problem.of("q", "4"), NO_SOLUTION),
        (Problem.of("q", "4", rationale=" "), NO_SOLUTION),
        (Problem.of("q", "4", equation="4 +"), "the answer key's equation cannot be worked out: 4 +"),
        (Problem.of("q", "4", equation="1 / 0"), "the answer key's equation cannot be worked out: 1 / 0"),
        (Problem.of("q", "4", equation="2 + 3"), "the equation 2 + 3 does not give 4"),
        (Problem.of("q", "4", rationale="2 + 3 = 5."), "the worked solution does not reach the answer 4"),
        (Problem.of("q", "4", rationale="2 + 3 = 4."), "the worked solution holds a false calculation: 2 + 3 = 4"),
    ],
)
def test_a_problem_without_a_sound_solution_is_rejected(problem, reason):
    [feedback] = ask(FeedbackRequest(problem, "3. The answer is 3."))
    assert (feedback.verdict.correct, feedback.verdict.reason, feedback.text) == (False, reason, "")
    assert feedback.failure == "nothing to teach from"


def test_the_equation_stands_in_for_an_unsound_rationale():
    problem = Problem.of("q", "5", rationale="2 + 3 = 6.", equation="2 + 3")
    [feedback] = ask(FeedbackRequest(problem))
    assert feedback.text == "2 + 3 = 5.\nThe answer is 5."


_leaves = st.integers(1, 200).map(Fraction)
_equations = st.recursive(
    _leaves, lambda inner: st.builds(Operation, st.sampled_from("+-*/"), inner, inner), max_leaves=5
).filter(lambda item: isinstance(item, Operation))


@given(_equations, st.integers(0, 400), st.integers(0, 40), st.booleans())
@settings(max_examples=80)
def test_every_calculation_is_true_and_the_answer_right(equation, guess, sample, adds):
    value = evaluate(equation)
    assume(value is not None and "/" not in write_number(value))
    problem = Problem.of("How many?", write_number(value), equation=write_expression(equation))
    sign = "+" if adds else "×"
    mistake = f"{guess} {sign} 7 = {guess + 7}.\nThe answer is {guess}."
    for request in (FeedbackRequest(problem, None, sample), FeedbackRequest(problem, mistake, sample)):
        [feedback] = ask(request)
        assert feedback.verdict.correct, feedback
        calculations = find_calculations(feedback.text)
        assert calculations
        assert all(item.holds for item in calculations)


def test_gold_solutions_of_gsm8k_are_taught(shared_data):
    import json

    rows = [json.loads(line) for line in (shared_data / "gsm8k" / "train.jsonl").read_text().splitlines()[:250]]
    right = 0
    for row in rows:
        solution, _, answer = row["answer"].partition("####")
        [feedback] = ask(
            FeedbackRequest(Problem.of(row["question"], answer.strip(), rationale=solution), "5 + 5 = 11.")
        )
        right += feedback.verdict.correct
        assert "<<" not in feedback.text
    assert right >= 0.97 * len(rows)

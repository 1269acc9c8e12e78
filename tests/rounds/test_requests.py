"""What is asked about an exam, and in which order: `requests.feedback_requests`."""

import random
from collections import Counter
from dataclasses import asdict, replace
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutelage.config import TeacherConfig
from tutelage.errors import ConfigError
from tutelage.grading.grade import grade
from tutelage.mistakes.near_duplicates import alike
from tutelage.records import Attempt, Choice, Exam, Feedback, FeedbackRequest, Problem, Verdict
from tutelage.rounds.asking import what_is_asked
from tutelage.rounds.requests import feedback_requests, only_cut
from tutelage.runs.files import digest
from tutelage.tasks.own import checked_grader
from tutelage.teacher.prompts import Prompts
from tutelage.teacher.ways import Asking

COW, HEN, FLY, EEL = (
    Problem.of(f"How many legs has {animal}?", "4") for animal in ("a cow", "a hen", "a fly", "an eel")
)
ANIMALS = [COW, HEN, FLY, EEL]


def sat(problem, *texts):
    """Attempts that state what they say; `4` is right."""
    return [
        Attempt(problem.id, sample, f"It has {text} legs.", Verdict(text == "4", text, ""), "stop", 5)
        for sample, text in enumerate(texts)
    ]


def answered(requests, failure=None):
    """The feedback on requests; a lost one where `failure` names a cause."""
    verdict = Verdict(failure is None, "4", "")
    return [Feedback(r.problem.id, r.sample, r.mistake, "four", verdict, failure=failure) for r in requests]


# Pass rates: cow 2/4, hen 0, fly 1/4, eel 1.
SITTING = Exam(
    (*sat(COW, "4", "5", "4", "5"), *sat(HEN, "1", "2", "2", "3"), *sat(FLY, "9", "4", "8", "8"), *sat(EEL, *"4444"))
)


def ask(replies=1, priority="uniform", replies_per_round=None, before=(), seed=0, exam=SITTING, cut=()):
    teacher = TeacherConfig(replies_per_problem=replies, priority=priority, replies_per_round=replies_per_round)
    return feedback_requests(ANIMALS, exam, teacher, before, seed, cut)


def asked_about(**settings):
    return [request.problem for request in ask(**settings)]


def test_every_problem_with_a_mistake_is_asked_about_and_no_other():
    assert {r.problem for r in ask()} == {COW, HEN, FLY}
    assert {r.mistake for r in ask()} == {"It has 5 legs.", "It has 2 legs.", "It has 8 legs."}  # most frequent first


def test_a_request_carries_the_answer_that_the_exam_read():
    for request in (*ask(), *ask(replies=9), *ask(replies=9, before=answered(ask(replies=9)))):
        assert request.mistake == f"It has {request.answer} legs."


def test_no_key_holds_the_answer():
    """It follows from the mistake, and the stages of earlier runs are known by keys without it."""
    request = FeedbackRequest(COW, "It has 5 legs.", 2, "5")
    problem = {name: value for name, value in asdict(COW).items() if name != "system"}  # which they did not have
    row = {"problem": problem, "mistake": "It has 5 legs.", "sample": 2}
    assert digest(what_is_asked(request)) == digest(row)
    prompts, asking = Prompts("number"), Asking("mistake")
    assert prompts.messages(request, asking) == prompts.messages(replace(request, answer=None), asking)


def test_one_mistake_in_many_attempts_is_asked_about():
    exam = Exam(tuple(sat(COW, *["4"] * 40, "5")))
    assert [r.mistake for r in ask(exam=exam)] == ["It has 5 legs."]


def test_uniform_is_any_order():
    orders = {tuple(asked_about(seed=seed)) for seed in range(60)}
    assert len(orders) == 6


def test_weakest_first():
    assert {tuple(asked_about(priority="weakest-first", seed=seed)) for seed in range(20)} == {(HEN, FLY, COW)}


def test_frontier_comes_before_what_was_never_passed():
    orders = {tuple(asked_about(priority="frontier", seed=seed)) for seed in range(40)}
    assert orders == {(COW, FLY, HEN), (FLY, COW, HEN)}


def test_untaught_first():
    replies = [(COW, Verdict(True, "4", "")), (HEN, Verdict(False, "2", "2 is not 4"))]
    before = [Feedback(problem.id, 0, None, "Text.", verdict) for problem, verdict in replies]
    orders = {tuple(asked_about(priority="untaught-first", before=before, seed=seed)) for seed in range(40)}
    assert orders == {(HEN, FLY, COW), (FLY, HEN, COW)}


def test_the_first_reply_for_all_then_the_second():
    requests = ask(replies=9, priority="weakest-first")
    assert [(r.problem, r.sample) for r in requests] == [
        (HEN, 0),
        (FLY, 0),
        (COW, 0),
        (HEN, 1),
        (FLY, 1),
        (HEN, 2),
    ]
    assert ask(replies=9, priority="weakest-first", replies_per_round=4) == requests[:4]


def test_another_kind_of_mistake_in_the_next_round_then_the_same_requests_again():
    first = ask()
    second = ask(before=answered(first), seed=1)
    assert {r.problem for r in second[:2]} == {HEN, FLY}
    assert not {r.mistake for r in second[:2]} & {r.mistake for r in first}
    assert second[2:] == [r for r in first if r.problem == COW]  # there is no other kind


def test_requests_made_again_are_not_counted():
    told = answered(ask())
    assert [r.problem for r in ask(before=told, replies_per_round=1)][1:] == [COW]
    everything = ask(replies=9)
    again = ask(replies=9, before=answered(everything), replies_per_round=1, seed=5)
    assert {(r.problem, r.sample, r.mistake) for r in again} == {(r.problem, r.sample, r.mistake) for r in everything}
    assert len(ask(before=answered(everything))) == 3  # one reply each, as ever


def test_a_request_that_was_lost_was_not_sent():
    lost = answered(ask(), "time-out")
    assert ask(before=lost, replies_per_round=3) == ask()
    declined = answered(ask(), "refused by policy")
    assert ask(before=declined) != ask()


def test_annotations_were_about_no_mistake():
    annotations = [Feedback(animal.id, 0, None, "four", Verdict(True, "4", "")) for animal in ANIMALS]
    first = ask(before=annotations)
    assert [(r.problem, r.mistake) for r in first] == [(r.problem, r.mistake) for r in ask()]
    assert {r.sample for r in ask()} == {0}
    assert {r.sample for r in first} == {1}  # another rationale than the one there is


NUMBER = partial(grade, "number")


def cut_at(problem, sample, text, by=NUMBER):
    return Attempt(problem.id, sample, text, by(problem, text), "length", 99)


def test_what_is_only_a_cut_is_shown_to_nobody():
    """The hen's and the cow's attempts were cut on the way; the fly's ran on behind a wrong answer."""
    exam = Exam(
        (
            cut_at(HEN, 0, "It has 1 + 1 = 2 and then"),
            cut_at(COW, 0, "It has 2 + 2. The answer is 2"),  # perhaps of 24
            *sat(COW, "4", "5")[1:],
            cut_at(FLY, 0, "The answer is 8. Question: How many"),
        )
    )
    cut = only_cut(ANIMALS, exam, NUMBER)
    asked = {request.problem: request for request in ask(exam=exam, replies=2, cut=cut)}
    assert asked[HEN].mistake is None
    assert asked[COW].mistake == "It has 5 legs."
    assert asked[FLY].mistake == "The answer is 8. Question: How many"
    assert sorted(request.sample for request in ask(exam=exam, replies=2, cut=cut) if request.problem == HEN) == [0, 1]
    assert all(request.mistake is not None for request in ask(exam=exam))


LETTER = Problem.of("Where do hens live?", "A", choices=(Choice("A", "on a farm"), Choice("B", "in the sea")))
FLIES = Problem.of("Do hens fly?", "no")
SUM = Problem.of("Write add.\nassert add(1, 2) == 3", "def add(a, b): return a + b")
DATA = Problem.of("Say it.", '{"a": 1}')
CODE = "```python\ndef add(a, b):\n    return a - b\n```\n"
SAID = Problem.of("Which city?", "Paris")


@pytest.mark.parametrize(
    ("by", "problem", "text"),
    [
        (NUMBER, HEN, "It has 3 legs. The answer is 3.\nThat is since 1 + 2"),
        (NUMBER, HEN, "#### 3\n\nI hope"),
        (NUMBER, HEN, "\\boxed{3} is what comes of it, and"),
        (NUMBER, HEN, "It has 1 + 2 = 3 legs.\n\nQuestion: A cow has 5"),
        (partial(grade, "choice"), LETTER, "So the answer is (B). They live there since"),
        (partial(grade, "yes-no"), FLIES, "The answer is yes. They have wings and"),
        (partial(grade, "text"), SAID, "The answer is London. It lies at"),
        (partial(grade, "text", match="code"), SUM, f"{CODE}It takes b from"),
        (partial(grade, "text", match="json"), DATA, 'It is {"a": 2} since the'),
        (NUMBER, HEN, "It has 3.\nThe answer is 3.\nThe answer is 3"),
        (NUMBER, HEN, "The answer is 3.\nThe answer is"),
    ],
)
def test_an_answer_that_was_stated_before_the_cut_is_a_mistake(by, problem, text):
    attempt = cut_at(problem, 0, text, by)
    assert attempt.verdict.answer is not None
    assert only_cut([problem], Exam((attempt,)), by) == set()


@pytest.mark.parametrize(
    ("text", "cut"), [("It has 3 legs. The answer is 3. And", False), ("It has 3 legs. And", True)]
)
def test_a_grader_of_ones_own_that_tells_no_answer(text, cut):
    own = checked_grader(lambda problem, text: "2 legs" in text, "my grader")
    attempt = cut_at(HEN, 0, text, own)
    assert only_cut([HEN], Exam((attempt,)), own) == ({attempt} if cut else set())


def test_a_grader_of_ones_own_that_fails_on_what_nobody_wrote():
    def own(problem, text):
        if "7919" in text:
            raise ConfigError("my grader: no")
        return Verdict(False, "3", "")

    attempt = cut_at(HEN, 0, "It has 3 legs", own)
    assert only_cut([HEN], Exam((attempt,)), own) == set()


@pytest.mark.parametrize(
    ("by", "problem", "text"),
    [
        (NUMBER, HEN, "First 3 legs, then"),
        (NUMBER, HEN, "It has 1 + 2 = 3 legs. Now we take"),
        (NUMBER, HEN, "The answer is 1"),
        (NUMBER, HEN, "The answer is 1,"),
        (NUMBER, HEN, "The answer is 1,20"),
        (NUMBER, HEN, ""),
        (partial(grade, "choice"), LETTER, "A hen may live in the sea, but"),
        (partial(grade, "choice"), LETTER, "The answer is (B"),
        (partial(grade, "text"), SAID, "The city on the Thames"),
        (partial(grade, "text"), SAID, "The answer is Lon"),
        (partial(grade, "text", match="code"), SUM, CODE[:30]),
        (partial(grade, "text", match="json"), DATA, 'It is {"a": 2'),
    ],
)
def test_an_attempt_that_was_cut_on_its_way_is_no_mistake(by, problem, text):
    attempt = cut_at(problem, 0, text, by)
    assert only_cut([problem], Exam((attempt,)), by) == {attempt}
    assert only_cut([problem], Exam((replace(attempt, finish="stop"),)), by) == set()


def test_an_exam_without_mistakes_asks_nothing():
    assert ask(exam=Exam(tuple(sat(EEL, "4", "4")))) == []
    assert ask(exam=Exam(())) == []


PRIORITIES = ["uniform", "weakest-first", "frontier", "untaught-first"]
SAYINGS = st.lists(st.sampled_from(["4", "5", "6", "7", "five"]), min_size=1, max_size=6)
EXAMS = st.lists(SAYINGS, min_size=4, max_size=4).map(
    lambda sayings: Exam(tuple(a for animal, texts in zip(ANIMALS, sayings, strict=True) for a in sat(animal, *texts)))
)
TEACHERS = st.builds(
    TeacherConfig,
    replies_per_problem=st.integers(1, 4),
    replies_per_round=st.none() | st.integers(1, 8),
    priority=st.sampled_from(PRIORITIES),
)


def rounds(exams, teacher):
    """Each round's requests, and the feedback that came before them."""
    before: list[Feedback] = []
    for round, exam in enumerate(exams):
        requests = feedback_requests(ANIMALS, exam, teacher, before, round)
        yield exam, requests, list(before)
        before += answered(requests)


def is_again(request, before):
    return any(
        (r.problem_id, r.sample, r.mistake) == (request.problem.id, request.sample, request.mistake) for r in before
    )


@given(st.lists(EXAMS, min_size=1, max_size=3), TEACHERS)
def test_the_caps_hold_and_nothing_is_sent_twice(exams, teacher):
    for _, requests, before in rounds(exams, teacher):
        new = [r for r in requests if not is_again(r, before)]
        assert requests[: len(new)] == new  # what costs nothing stands at the end
        assert teacher.replies_per_round is None or len(new) <= teacher.replies_per_round
        assert max(Counter(r.problem.id for r in requests).values(), default=0) <= teacher.replies_per_problem
        assert len({(r.problem.id, r.sample, r.mistake) for r in requests}) == len(requests)
        for place, request in enumerate(new):
            earlier = [r.mistake for r in before if r.problem_id == request.problem.id]
            beside = [r.mistake for r in new[:place] if r.problem == request.problem]
            assert not any(alike(request.mistake, other) for other in earlier + beside)
            assert request.sample == len(earlier) + len(beside)


@given(st.lists(EXAMS, min_size=1, max_size=3), TEACHERS)
def test_all_mistaken_are_asked_about_in_breadth(exams, teacher):
    for exam, requests, before in rounds(exams, teacher.model_copy(update={"replies_per_round": None})):
        assert {r.problem.id for r in requests} == {attempt.problem_id for attempt in exam.mistakes}
        texts = {attempt.text for attempt in exam.mistakes} | {reply.mistake for reply in before}
        assert {r.mistake for r in requests} <= texts
        new = [r for r in requests if not is_again(r, before)]
        places = [sum(other.problem == r.problem for other in new[:place]) for place, r in enumerate(new)]
        assert places == sorted(places)
        turns = [[r.problem for r, place in zip(new, places, strict=True) if place == turn] for turn in range(4)]
        for turn, following in pairwise(turns):
            assert following == [problem for problem in turn if problem in following]  # the same order every time


@given(EXAMS, EXAMS, TEACHERS, st.randoms(use_true_random=False))
def test_neither_the_order_of_attempts_nor_of_replies_matters(first, second, teacher, rng: random.Random):
    before = answered(feedback_requests(ANIMALS, first, teacher, [], 0))
    expected = feedback_requests(ANIMALS, second, teacher, before, 1)
    attempts, replies = list(second.attempts), list(before)
    rng.shuffle(attempts)
    rng.shuffle(replies)
    assert feedback_requests(ANIMALS, Exam(tuple(attempts)), teacher, replies, 1) == expected


@given(EXAMS, st.sampled_from(PRIORITIES), st.sets(st.sampled_from(ANIMALS)), st.integers(0, 99))
def test_priorities_written_down_slowly(exam, priority, taught, seed):
    """No problem stands before one that is to be taught earlier."""
    before = [Feedback(problem.id, 0, None, "Text.", Verdict(True, "4", "")) for problem in taught]

    def urgency(problem):
        own = [attempt.verdict.correct for attempt in exam.attempts if attempt.problem_id == problem.id]
        rate = sum(own) / len(own)
        urgencies = (0, rate, 0 if 0 < rate < 1 else 1, problem in taught)
        return dict(zip(PRIORITIES, urgencies, strict=True))[priority]

    order = [urgency(problem) for problem in asked_about(exam=exam, priority=priority, before=before, seed=seed)]
    assert order == sorted(order)


@pytest.mark.parametrize("priority", PRIORITIES)
def test_among_equals_no_place_is_preferred(priority):
    exam = Exam(tuple(attempt for animal in ANIMALS for attempt in sat(animal, "5", "4")))
    first = Counter(asked_about(exam=exam, priority=priority, seed=seed)[0].question for seed in range(400))
    assert min(first.values()) > 60  # 100 each on average
    assert len(first) == 4

from dataclasses import replace

from tests.work import calls
from tutelage.config import TeacherConfig, TrainingConfig
from tutelage.records import Attempt, Exam, Feedback, Problem, Verdict
from tutelage.rounds.examples import build_examples
from tutelage.rounds.requests import annotation_requests, feedback_requests

COW, HEN = Problem.of("How many legs has a cow?", "4"), Problem.of("How many legs has a hen?", "2")
RIGHT, WRONG = Verdict(True, "4", "right"), Verdict(False, "5", "5 is not 4")


def attempt(problem, sample, text, verdict=WRONG, finish="stop"):
    return Attempt(problem.id, sample, text, verdict, finish, 5)


def reply(problem, text, sample=0, verdict=RIGHT):
    return Feedback(problem.id, sample, None, text, verdict)


SITTING = Exam(
    (attempt(COW, 0, "five"), attempt(COW, 1, "five"), attempt(COW, 2, "six"), attempt(HEN, 0, "two", RIGHT))
)


def test_every_problem_is_annotated_so_many_times():
    requests = annotation_requests([COW, HEN], TeacherConfig(rationales_per_problem=2), 0)
    assert [(r.problem, r.mistake, r.sample) for r in requests] == [
        (COW, None, 0),
        (COW, None, 1),
        (HEN, None, 0),
        (HEN, None, 1),
    ]


def test_more_annotations_are_spread_over_random_problems():
    requests = annotation_requests([COW, HEN], TeacherConfig(extra_rationales=3), 0)
    assert [(r.problem, r.sample) for r in requests[:2]] == [(COW, 0), (HEN, 0)]
    assert {(r.problem.id, r.sample) for r in requests[2:4]} == {(COW.id, 1), (HEN.id, 1)}
    assert requests[4].sample == 2
    firsts = {
        annotation_requests([COW, HEN], TeacherConfig(extra_rationales=1), seed)[2].problem.id for seed in range(9)
    }
    assert firsts == {COW.id, HEN.id}


def test_annotated_problems_are_drawn_by_seed_and_more_annotations_begin_with_the_others():
    def asked(seed=0, **settings):
        requests = annotation_requests([COW, HEN], TeacherConfig(seed_problems=1, **settings), seed)
        return [(request.problem.id, request.sample) for request in requests]

    assert {asked(seed)[0] for seed in range(9)} == {(COW.id, 0), (HEN.id, 0)}
    ((drawn, _),) = asked()
    other = HEN.id if drawn == COW.id else COW.id
    assert asked(rationales_per_problem=2) == [(drawn, 0), (drawn, 1)]
    assert asked(extra_rationales=1) == [(drawn, 0), (other, 0)]
    assert sorted(asked(extra_rationales=3)[2:]) == sorted([(drawn, 1), (other, 1)])
    assert annotation_requests([COW, HEN], TeacherConfig(seed_problems=5), 0) == annotation_requests(
        [COW, HEN], TeacherConfig(), 0
    )


def test_without_the_mistake_in_view_another_rationale_is_asked_for():
    teacher = TeacherConfig(ask="question", replies_per_problem=2)
    before = [reply(COW, "four"), reply(COW, "4 legs", 1), reply(HEN, "two legs")]
    requests = feedback_requests([COW, HEN], SITTING, teacher, before, 0)
    assert [(r.problem, r.mistake, r.sample) for r in requests] == [(COW, None, 2), (COW, None, 3)]


def test_a_student_that_teaches_itself_is_asked_where_it_was_never_right():
    sitting = Exam(
        (attempt(COW, 0, "five"), attempt(COW, 1, "4", RIGHT), attempt(HEN, 0, "five"), attempt(HEN, 1, "6"))
    )
    requests = feedback_requests([COW, HEN], sitting, TeacherConfig(kind="student"), [], 0)
    assert [request.problem for request in requests] == [HEN]


HISTORY = [[reply(COW, "four"), reply(HEN, "two legs")], [reply(COW, "4 legs"), reply(COW, "bad", 1, WRONG)]]


def test_this_rounds_data_alone():
    (example,) = build_examples([COW, HEN], HISTORY, [SITTING], TrainingConfig(data="round"), 0)
    assert (example.anchor, example.positives) == ("4 legs", ("four",))
    assert sorted(example.negatives) == ["five", "six"]


def test_all_data_so_far():
    examples = build_examples([COW, HEN], HISTORY, [SITTING], TrainingConfig(data="all"), 0)
    assert [(e.problem, e.anchor, e.positives) for e in examples] == [
        (COW, "four", ()),  # an earlier rationale: learnt again, without self-reflection
        (COW, "4 legs", ("four",)),
        (HEN, "two legs", ()),
    ]
    assert [bool(e.negatives) for e in examples] == [False, True, False]  # the hen was answered rightly


def test_round_zero_has_no_negatives():
    examples = build_examples([COW, HEN], HISTORY[:1], [], TrainingConfig(), 0)
    assert [(e.anchor, e.positives, e.negatives) for e in examples] == [("four", (), ()), ("two legs", (), ())]


def test_own_right_attempts_are_positives_where_asked_for():
    sitting = Exam((attempt(COW, 0, " it has four ", RIGHT), attempt(COW, 1, "cut", RIGHT, "length")))
    with_own = build_examples(
        [COW], HISTORY, [sitting], TrainingConfig(data="round", rejection_sampling="positives"), 0
    )
    assert sorted(with_own[0].positives) == ["four", "it has four"]
    assert build_examples([COW], HISTORY, [sitting], TrainingConfig(data="round"), 0)[0].positives == ("four",)


def test_an_own_attempt_that_runs_on_is_learnt_up_to_its_answer():
    text = "It has four legs.\nThe answer is 4.\n\nQuestion: And a hen?\nThe answer is 2."
    sitting = Exam((attempt(COW, 0, text, RIGHT),))
    config = TrainingConfig(data="round", rejection_sampling="train")
    *_, own = build_examples([COW], HISTORY, [sitting], config, 0)
    assert own.anchor == "It has four legs.\nThe answer is 4."


def test_own_right_attempts_are_learnt_where_asked_for():
    sitting = Exam((attempt(COW, 0, " it has four ", RIGHT), attempt(HEN, 0, "two!", RIGHT), attempt(COW, 1, "five")))
    config = TrainingConfig(data="round", rejection_sampling="train")
    examples = build_examples([COW, HEN], HISTORY, [sitting], config, 0)
    assert [(e.problem, e.anchor) for e in examples] == [(COW, "4 legs"), (COW, "it has four"), (HEN, "two!")]
    assert examples[1].negatives == ("five",)
    later = build_examples(
        [COW], [*HISTORY, [reply(COW, "IV")]], [sitting, SITTING], config.model_copy(update={"data": "all"}), 0
    )
    assert [e.anchor for e in later] == ["four", "4 legs", "it has four", "IV"]


def test_an_explained_mistake_is_one_more_row():
    told = Feedback(COW.id, 0, "five", "4 legs", RIGHT, explanation="A cow has no fifth leg.")
    examples = build_examples([COW, HEN], [[reply(COW, "four")], [told]], [SITTING], TrainingConfig(data="round"), 0)
    assert [(e.anchor, e.corrects) for e in examples] == [
        ("4 legs", None),
        ("A cow has no fifth leg.\n4 legs", "five"),
    ]


def test_an_attempt_without_an_end_is_no_negative():
    sitting = Exam((attempt(COW, 0, "and on and on", finish="length"), attempt(COW, 1, "  "), attempt(COW, 2, "five")))
    assert build_examples([COW], HISTORY, [sitting], TrainingConfig(data="round"), 0)[0].negatives == ("five",)


def test_no_more_positives_and_negatives_than_kept():
    many = [[reply(COW, f"way {n}", n) for n in range(15)]]
    sitting = Exam(tuple(attempt(COW, n, f"wrong {n}") for n in range(9)))
    examples = build_examples([COW], many, [sitting], TrainingConfig(max_positives=3, max_negatives=2), 0)
    assert {len(e.positives) for e in examples} == {3}
    assert {len(e.negatives) for e in examples} == {2}
    assert all(e.anchor not in e.positives for e in examples)


def test_the_order_in_which_replies_came_does_not_matter():
    shuffled = [list(reversed(round)) for round in HISTORY]
    config = TrainingConfig()
    assert build_examples([COW, HEN], HISTORY, [SITTING], config, 0) == build_examples(
        [COW, HEN], shuffled, [SITTING], config, 0
    )


def test_of_one_sample_the_mistake_decides_the_order():
    """A request that is made again has the sample of then, so it may share it with another."""
    replies = [replace(reply(COW, mistake), mistake=mistake) for mistake in ("five", "six")]
    first, second = (
        build_examples([COW], [list(order)], [SITTING], TrainingConfig(), 0) for order in (replies, replies[::-1])
    )
    assert first == second
    assert [example.anchor for example in first] == ["five", "six"]


def test_thousands_of_rationales_of_one_problem_take_no_longer_each():
    def work(count):
        history = [[reply(COW, f"It has four legs, said in way {n}.", n) for n in range(count)]]
        return calls(lambda: build_examples([COW], history, [SITTING], TrainingConfig(), 0))

    assert work(2000) < 4.5 * work(500)


def test_a_rationale_is_not_its_own_positive():
    history = [[reply(COW, text, n) for n, text in enumerate("abcdef")]]
    for most in (1, 3, 9):
        examples = build_examples([COW], history, [SITTING], TrainingConfig(max_positives=most), 0)
        assert [example.anchor for example in examples] == list("abcdef")
        for each in examples:
            assert set(each.positives) <= set("abcdef") - {each.anchor}
            assert len(set(each.positives)) == len(each.positives) == min(most, 5)

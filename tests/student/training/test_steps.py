"""From examples to passes: what a step holds, what is cut, and that no way of splitting it changes its losses."""

import pytest
import torch

from tests.student.definition import apart, gradient
from tests.student.doubles import EXACT, rounding
from tests.student.lesson import CONFIG, EXAMPLES, changed, lessons_of, slow_step_losses, step_losses
from tests.student.tiny import tiny_student
from tutelage.errors import StudentError
from tutelage.records import Problem, TrainingExample, WorkedExample
from tutelage.student.prompts import PromptFormat
from tutelage.student.training.steps import Lessons

LIMITS = [1, 110, 200, None]
SHOTS = (WorkedExample("1 + 1?", "1 + 1 = 2\nThe answer is 2."),)


@pytest.mark.parametrize("tree", [True, False], ids=["packed", "padded"])
@pytest.mark.parametrize("limit", LIMITS)
def test_losses_and_gradients_are_those_of_the_definition_however_the_step_is_split(exact, limit, tree):
    assert_is_the_definition(exact, limit, tree, EXACT)


def test_in_float32_too_as_near_as_its_sums_let_it(student):
    assert_is_the_definition(student, 110, True, rounding(student.model, lessons_of(student).row_tokens))


def assert_is_the_definition(student, limit, tree, bound):
    slow = slow_step_losses(student)
    lessons = lessons_of(student, changed(pass_tokens=limit))
    lessons.tree = tree
    lesson = lessons[0]
    assert len(lesson.passes) == (4 if limit == 1 else 1 if limit is None else len(lesson.passes))
    for loss, expected in zip(step_losses(student, lesson), slow, strict=True):
        assert loss.item() == pytest.approx(expected.item(), rel=bound)
        assert apart(gradient(student.model, loss), gradient(student.model, expected)) < bound


def test_limits_split_a_step_into_more_and_more_passes(student):
    for tree in (True, False):
        counts = []
        for limit in LIMITS:
            lessons = lessons_of(student, changed(pass_tokens=limit))
            lessons.tree = tree
            counts.append(len(lessons[0].passes))
        assert counts == sorted(counts, reverse=True)
        assert counts[0] == 4
        assert 4 > counts[1] > 1
        assert counts[-1] == 1


@pytest.mark.parametrize("prompt_gradient", ["keep", "stop"])
@pytest.mark.parametrize("tree", [True, False], ids=["packed", "padded"])
def test_no_pass_is_longer_than_its_limit_unless_one_question_is(student, tree, prompt_gradient):
    for limit in range(40, 400, 7):
        lessons = lessons_of(student, changed(pass_tokens=limit, prompt_gradient=prompt_gradient))
        lessons.tree = tree
        for sheet in lessons[0].passes:
            questions = sum(token == student.tokenizer.eos_token_id for _, token, _ in sheet.places.targets)
            assert sheet.input_RT.numel() <= limit or questions == 1


def test_what_a_step_counts(student):
    lessons = lessons_of(student)
    lengths = [len(anchor) for _, anchor in lessons.anchors]
    lesson = lessons[0]
    assert (lesson.questions, lesson.pairs, len(lessons)) == (4, 2, 1)
    assert lesson.targets == sum(lengths) - 4
    format = PromptFormat(student.tokenizer)
    pairs = [(e, text) for e in EXAMPLES if e.negatives for text in (*e.positives, *e.negatives)]
    extra = [len(format.prompt_ids(format.prompt(e.problem.text))) + len(format.completion_ids(t)) for e, t in pairs]
    assert lessons.row_tokens == sum(lengths) + sum(extra)
    assert lesson.passes[0].tokens < lessons.row_tokens - 3 * len("Question: ")  # what rows share is there once
    lessons.tree = False
    assert sum(sheet.tokens for sheet in lessons[0].passes) == lessons.row_tokens


def test_the_few_shot_prefix_is_there_once(student):
    format = PromptFormat(student.tokenizer, SHOTS)
    (sheet,) = Lessons(format, EXAMPLES, CONFIG, 0)[0].passes
    (bare,) = lessons_of(student)[0].passes
    shots = len(format.prompt_ids(format.prompt("x"))) - len(
        PromptFormat(student.tokenizer).prompt_ids(PromptFormat(student.tokenizer).prompt("x"))
    )
    assert sheet.tokens == bare.tokens + shots


def test_the_largest_question_and_the_largest_step(student):
    lessons = lessons_of(student, changed(batch_size=2))
    longest = max((family for step in lessons.steps() for family in step), key=lambda family: len(family.prompt))
    assert student.tokenizer.decode(longest.prompt).count("cow") == 1
    assert lessons.longest == len(longest.prompt) + sum(map(len, longest.branches))
    assert lessons.most_tokens >= max(sum(sheet.tokens for sheet in lessons[n].passes) for n in range(len(lessons)))
    assert lessons.sample_pass().tokens < lessons.most_tokens


def test_padded_rows_of_like_length_are_together(student):
    lessons = lessons_of(student, changed(pass_tokens=120))
    lessons.tree = False
    widths = [sheet.input_RT.shape[1] for sheet in lessons[0].passes]
    assert widths == sorted(widths)
    assert len(set(widths)) > 1


def test_truncation_cuts_the_end_and_takes_the_row_out_of_self_reflection(student):
    lengths = [len(row) for _, row in lessons_of(student).anchors]
    lessons = lessons_of(student, changed(max_tokens=max(lengths) - 1))
    assert lessons.truncated == 1
    lesson = lessons[0]
    assert lesson.pairs == 1  # of the two questions with both, the long one is out
    assert lesson.targets == sum(lengths) - 1 - 4
    assert step_losses(student, lesson)[0].item() != step_losses(student, lessons_of(student)[0])[0].item()


def test_a_negative_that_does_not_fit_takes_its_row_out_of_self_reflection_only(student):
    long = TrainingExample(EXAMPLES[0].problem, "3.", ("It is 3.",), ("no " * 100,))
    lessons = lessons_of(student, changed(max_tokens=60), [long])
    assert (lessons.truncated, lessons[0].pairs) == (0, 0)
    assert lessons[0].passes[0].places.ends == []


def test_without_weight_there_are_no_pairs(student):
    lesson = lessons_of(student, changed(reflection_weight=0))[0]
    assert lesson.pairs == 0
    assert lesson.passes[0].tokens < lessons_of(student)[0].passes[0].tokens


@pytest.mark.parametrize("tree", [True, False], ids=["packed", "padded"])
def test_a_preference_computes_anchor_and_mistake_alone(student, tree):
    """A mistake is enough for it; the positives that a triplet needs are not computed."""
    lessons = lessons_of(student, changed(reflection="preference"), [*EXAMPLES, ALONE])
    lessons.tree = tree
    families = [family for step in lessons.steps() for family in step]
    assert sorted(len(family.branches) for family in families) == [1, 1, 2, 2, 2]
    format = PromptFormat(student.tokenizer)
    mistakes = {tuple(format.completion_ids(text)) for e in (*EXAMPLES, ALONE) for text in e.negatives}
    assert {branch for family in families for branch in family.pair or ()} == mistakes
    assert lessons.row_tokens == sum(len(f.prompt) + len(branch) for f in families for branch in f.branches)
    assert sum(lessons[n].pairs for n in range(len(lessons))) == 3


ALONE = TrainingExample(Problem.of("7?", "7"), "Seven.", (), ("Six.",))


def test_a_mistake_that_is_cut_is_not_preferred_against(student):
    long = TrainingExample(ALONE.problem, "Seven.", (), ("no " * 100,))
    lessons = lessons_of(student, changed(reflection="preference", max_tokens=60), [long])
    assert (lessons.truncated, lessons[0].pairs) == (0, 0)


def test_no_reflection_is_a_weight_of_nothing(student):
    steps = [lessons_of(student, changed(**none))[0] for none in ({"reflection": "none"}, {"reflection_weight": 0.0})]
    assert steps[0].pairs == steps[1].pairs == 0
    assert torch.equal(*(step.passes[0].input_RT for step in steps))


@pytest.mark.parametrize(("rows", "steps", "ends"), [(3, 2, [2]), (4, 2, [2]), (9, 5, [2, 4, 5]), (None, 4, [2, 4])])
def test_rows_are_counted_over_all_passes(student, rows, steps, ends):
    lessons = lessons_of(student, changed(batch_size=2, epochs=2, rows=rows))
    assert (len(lessons), lessons.epoch_ends) == (steps, ends)
    assert sum(lessons[n].questions for n in range(steps)) == (rows or 8)
    assert lessons.tokens_until(steps) == lessons.row_tokens > lessons.tokens_until(1) > 0


def test_a_row_that_corrects_has_the_mistake_in_its_prompt_and_waits_for_another_batch(student):
    corrects = TrainingExample(EXAMPLES[1].problem, "It is 5, not 6.", corrects="Five is 6.")
    lessons = lessons_of(student, CONFIG, [EXAMPLES[1], corrects])
    assert len(lessons) == 2  # no batch holds a question twice
    prompts = {student.tokenizer.decode(family.prompt) for step in lessons.steps() for family in step}
    question, correction = sorted(prompts, key=len)
    assert question == "Question: 5?\nAnswer:"
    assert correction.startswith("Question: 5?\n\nThis answer is wrong:\nFive is 6.\n")
    assert correction.endswith("put it right.\nAnswer:")


def test_examples_without_room_for_a_rationale_are_counted_and_left_out(student):
    wordy = TrainingExample(Problem.of("why " * 40, "1"), "1.")
    lessons = lessons_of(student, changed(max_tokens=80), [*EXAMPLES, wordy])
    assert lessons.truncated == 1
    assert len(lessons.anchors) == 4
    with pytest.raises(StudentError, match=r"training\.max_tokens = 5"):
        lessons_of(student, changed(max_tokens=5))


def test_steps_are_the_plans_and_the_same_whenever_they_are_drawn_up(student):
    config = changed(batch_size=2, epochs=3)
    lessons, again = (lessons_of(tiny_student(), config, seed=5) for _ in range(2))
    assert (len(lessons), lessons.epoch_ends) == (6, [2, 4, 6])
    drawn = [[sheet.input_RT.tolist() for sheet in lessons[n].passes] for n in range(6)]
    assert drawn == [[sheet.input_RT.tolist() for sheet in again[n].passes] for n in reversed(range(6))][::-1]

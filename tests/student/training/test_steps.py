"""From examples to passes: what a step holds, what is cut, and that no way of splitting it changes its losses."""

import pytest
import torch

from tests.student.definition import apart, gradient
from tests.student.doubles import EXACT, rounding
from tests.student.steps import CONFIG, EXAMPLES, changed, dataset_of, slow_step_losses, step_losses
from tests.student.tiny import tiny_student
from tutelage.errors import StudentError
from tutelage.records import Problem, TrainingExample, WorkedExample
from tutelage.student.prompts import PromptFormat
from tutelage.student.training.steps import StepDataset

LIMITS = [1, 110, 200, None]
SHOTS = (WorkedExample("1 + 1?", "1 + 1 = 2\nThe answer is 2."),)


@pytest.mark.parametrize("tree", [True, False], ids=["packed", "padded"])
@pytest.mark.parametrize("limit", LIMITS)
def test_losses_and_gradients_are_those_of_the_definition_however_the_step_is_split(exact, limit, tree):
    assert_is_the_definition(exact, limit, tree, EXACT)


def test_in_float32_too_as_near_as_its_sums_let_it(student):
    assert_is_the_definition(student, 110, True, rounding(student.model, dataset_of(student).row_tokens))


def assert_is_the_definition(student, limit, tree, bound):
    slow = slow_step_losses(student)
    dataset = dataset_of(student, changed(micro_batch_tokens=limit))
    dataset.tree = tree
    train_step = dataset[0]
    assert len(train_step.micro_batches) == (4 if limit == 1 else 1 if limit is None else len(train_step.micro_batches))
    for loss, expected in zip(step_losses(student, train_step), slow, strict=True):
        assert loss.item() == pytest.approx(expected.item(), rel=bound)
        assert apart(gradient(student.model, loss), gradient(student.model, expected)) < bound


def test_limits_split_a_step_into_more_and_more_passes(student):
    for tree in (True, False):
        counts = []
        for limit in LIMITS:
            dataset = dataset_of(student, changed(micro_batch_tokens=limit))
            dataset.tree = tree
            counts.append(len(dataset[0].micro_batches))
        assert counts == sorted(counts, reverse=True)
        assert counts[0] == 4
        assert 4 > counts[1] > 1
        assert counts[-1] == 1


@pytest.mark.parametrize("tree", [True, False], ids=["packed", "padded"])
def test_no_pass_is_longer_than_its_limit_unless_one_question_is(student, tree):
    for limit in range(40, 400, 7):
        dataset = dataset_of(student, changed(micro_batch_tokens=limit))
        dataset.tree = tree
        for micro_batch in dataset[0].micro_batches:
            questions = sum(
                token == student.tokenizer.eos_token_id for _, token, _ in micro_batch.loss_positions.targets
            )
            assert micro_batch.input_RT.numel() <= limit or questions == 1


def test_what_a_step_counts(student):
    dataset = dataset_of(student)
    lengths = [len(anchor) for _, anchor in dataset.anchors]
    train_step = dataset[0]
    assert (train_step.questions, train_step.pairs, len(dataset)) == (4, 2, 1)
    assert train_step.targets == sum(lengths) - 4
    format = PromptFormat(student.tokenizer)
    pairs = [(e, text) for e in EXAMPLES if e.negatives for text in (*e.positives, *e.negatives)]
    extra = [len(format.prompt_ids(format.prompt(e.problem.text))) + len(format.completion_ids(t)) for e, t in pairs]
    assert dataset.row_tokens == sum(lengths) + sum(extra)
    assert train_step.micro_batches[0].tokens < dataset.row_tokens - 3 * len(
        "Question: "
    )  # what rows share is there once
    dataset.tree = False
    assert sum(micro_batch.tokens for micro_batch in dataset[0].micro_batches) == dataset.row_tokens


def test_the_few_shot_prefix_is_there_once(student):
    format = PromptFormat(student.tokenizer, SHOTS)
    (micro_batch,) = StepDataset(format, EXAMPLES, CONFIG, 0)[0].micro_batches
    (bare,) = dataset_of(student)[0].micro_batches
    shots = len(format.prompt_ids(format.prompt("x"))) - len(
        PromptFormat(student.tokenizer).prompt_ids(PromptFormat(student.tokenizer).prompt("x"))
    )
    assert micro_batch.tokens == bare.tokens + shots


def test_the_largest_question_and_the_largest_step(student):
    dataset = dataset_of(student, changed(batch_size=2))
    longest = max((group for step in dataset.steps() for group in step), key=lambda group: len(group.prompt))
    assert student.tokenizer.decode(longest.prompt).count("cow") == 1
    assert dataset.longest == len(longest.prompt) + sum(map(len, longest.branches))
    assert dataset.most_tokens >= max(
        sum(micro_batch.tokens for micro_batch in dataset[n].micro_batches) for n in range(len(dataset))
    )
    assert dataset.sample_micro_batch().tokens < dataset.most_tokens


def test_padded_rows_of_like_length_are_together(student):
    dataset = dataset_of(student, changed(micro_batch_tokens=120))
    dataset.tree = False
    widths = [micro_batch.input_RT.shape[1] for micro_batch in dataset[0].micro_batches]
    assert widths == sorted(widths)
    assert len(set(widths)) > 1


def test_truncation_cuts_the_end_and_takes_the_row_out_of_self_reflection(student):
    lengths = [len(row) for _, row in dataset_of(student).anchors]
    dataset = dataset_of(student, changed(max_tokens=max(lengths) - 1))
    assert dataset.truncated == 1
    train_step = dataset[0]
    assert train_step.pairs == 1  # of the two questions with both, the long one is out
    assert train_step.targets == sum(lengths) - 1 - 4
    assert step_losses(student, train_step)[0].item() != step_losses(student, dataset_of(student)[0])[0].item()


def test_a_negative_that_does_not_fit_takes_its_row_out_of_self_reflection_only(student):
    long = TrainingExample(EXAMPLES[0].problem, "3.", ("It is 3.",), ("no " * 100,))
    dataset = dataset_of(student, changed(max_tokens=60), [long])
    assert (dataset.truncated, dataset[0].pairs) == (0, 0)
    assert dataset[0].micro_batches[0].loss_positions.ends == []


def test_without_weight_there_are_no_pairs(student):
    train_step = dataset_of(student, changed(reflection_weight=0))[0]
    assert train_step.pairs == 0
    assert train_step.micro_batches[0].tokens < dataset_of(student)[0].micro_batches[0].tokens


@pytest.mark.parametrize("tree", [True, False], ids=["packed", "padded"])
def test_a_preference_computes_anchor_and_mistake_alone(student, tree):
    """A mistake is enough for it; the positives that a triplet needs are not computed."""
    dataset = dataset_of(student, changed(reflection="preference"), [*EXAMPLES, ALONE])
    dataset.tree = tree
    groups = [group for step in dataset.steps() for group in step]
    assert sorted(len(group.branches) for group in groups) == [1, 1, 2, 2, 2]
    format = PromptFormat(student.tokenizer)
    mistakes = {tuple(format.completion_ids(text)) for e in (*EXAMPLES, ALONE) for text in e.negatives}
    assert {branch for group in groups for branch in group.pair or ()} == mistakes
    assert dataset.row_tokens == sum(len(f.prompt) + len(branch) for f in groups for branch in f.branches)
    assert sum(dataset[n].pairs for n in range(len(dataset))) == 3


ALONE = TrainingExample(Problem.of("7?", "7"), "Seven.", (), ("Six.",))


def test_a_mistake_that_is_cut_is_not_preferred_against(student):
    long = TrainingExample(ALONE.problem, "Seven.", (), ("no " * 100,))
    dataset = dataset_of(student, changed(reflection="preference", max_tokens=60), [long])
    assert (dataset.truncated, dataset[0].pairs) == (0, 0)


def test_no_reflection_is_a_weight_of_nothing(student):
    steps = [dataset_of(student, changed(**none))[0] for none in ({"reflection": "none"}, {"reflection_weight": 0.0})]
    assert steps[0].pairs == steps[1].pairs == 0
    assert torch.equal(*(step.micro_batches[0].input_RT for step in steps))


@pytest.mark.parametrize(("rows", "steps", "ends"), [(3, 2, [2]), (4, 2, [2]), (9, 5, [2, 4, 5]), (None, 4, [2, 4])])
def test_rows_are_counted_over_all_passes(student, rows, steps, ends):
    dataset = dataset_of(student, changed(batch_size=2, epochs=2, max_rows=rows))
    assert (len(dataset), dataset.epoch_ends) == (steps, ends)
    assert sum(dataset[n].questions for n in range(steps)) == (rows or 8)
    assert dataset.tokens_until(steps) == dataset.row_tokens > dataset.tokens_until(1) > 0


def test_a_row_that_corrects_has_the_mistake_in_its_prompt_and_waits_for_another_batch(student):
    corrects = TrainingExample(EXAMPLES[1].problem, "It is 5, not 6.", corrects="Five is 6.")
    dataset = dataset_of(student, CONFIG, [EXAMPLES[1], corrects])
    assert len(dataset) == 2  # no batch holds a question twice
    prompts = {student.tokenizer.decode(group.prompt) for step in dataset.steps() for group in step}
    question, correction = sorted(prompts, key=len)
    assert question == "Question: 5?\nAnswer:"
    assert correction.startswith("Question: 5?\n\nThis answer is wrong:\nFive is 6.\n")
    assert correction.endswith("put it right.\nAnswer:")


def test_examples_without_room_for_a_rationale_are_counted_and_left_out(student):
    wordy = TrainingExample(Problem.of("why " * 40, "1"), "1.")
    dataset = dataset_of(student, changed(max_tokens=80), [*EXAMPLES, wordy])
    assert dataset.truncated == 1
    assert len(dataset.examples) == 4
    with pytest.raises(StudentError, match=r"training\.max_tokens = 5"):
        dataset_of(student, changed(max_tokens=5))


def test_steps_are_the_plans_and_the_same_whenever_they_are_drawn_up(student):
    config = changed(batch_size=2, epochs=3)
    dataset, again = (dataset_of(tiny_student(), config, seed=5) for _ in range(2))
    assert (len(dataset), dataset.epoch_ends) == (6, [2, 4, 6])
    drawn = [[micro_batch.input_RT.tolist() for micro_batch in dataset[n].micro_batches] for n in range(6)]
    assert (
        drawn
        == [[micro_batch.input_RT.tolist() for micro_batch in again[n].micro_batches] for n in reversed(range(6))][::-1]
    )


def test_what_is_too_long_is_told(student):
    longest = max(len(anchor) for _, anchor in dataset_of(student).anchors)
    assert not [*dataset_of(student).too_long(len(EXAMPLES))]
    cut = dataset_of(student, changed(max_tokens=longest - 1))
    assert [*cut.too_long(len(EXAMPLES))] == [f"1 of 4 examples are cut: they have more than {longest - 1} tokens"]
    format = PromptFormat(student.tokenizer, positions=longest - 1)
    left_out = StepDataset(format, EXAMPLES, changed(), 0)
    assert len(left_out.examples) == 3
    (told,) = left_out.too_long(len(EXAMPLES))
    assert (
        told == f"1 of 4 examples are left out: too long for 1024 tokens or for the student, which sees {longest - 1}"
    )
    with pytest.raises(StudentError, match=r"no example fits .* and the 5 tokens of the student's context"):
        StepDataset(PromptFormat(student.tokenizer, positions=5), EXAMPLES, changed(), 0)

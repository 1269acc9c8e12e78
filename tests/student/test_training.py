"""The two losses against a slow, obvious implementation, and a round of training with its checkpoints."""

import copy

import pytest
import torch

from tests.student.tiny import tiny_student
from tutelage.config import LoraConfig, TrainingConfig
from tutelage.errors import StudentError
from tutelage.records import Problem, TrainingExample
from tutelage.student.lessons import Lessons
from tutelage.student.prompts import PromptFormat
from tutelage.student.training import lesson_losses, train

CONFIG = TrainingConfig(batch_size=4, micro_batch_size=4, epochs=1, margin=1.2)
EXAMPLES = [
    TrainingExample(Problem.of("1 + 2?", "3"), "1 + 2 = 3.", ("It is 3, since 1 + 2 = 3.",), ("1 + 2 = 4.",)),
    TrainingExample(Problem.of("5?", "5"), "Five is 5."),
    TrainingExample(Problem.of("How many legs has a cow?", "4"), "A cow has 4 legs.", ("4 legs.",), ("5 legs or so.",)),
    TrainingExample(Problem.of("2 × 2?", "4"), "2 × 2 = 4.", ("4.",), ()),
]


def slow_losses(student, examples, config):
    """One row at a time, no padding, token by token, straight from the definition."""
    format, model = PromptFormat(student.tokenizer), student.model

    def run(example, rationale):
        prompt = format.prompt_ids(format.prompt(example.problem.text))
        ids = prompt + format.completion_ids(rationale)
        output = model(torch.tensor([ids]), output_hidden_states=True)
        return prompt, ids, output.logits[0].log_softmax(-1), output.hidden_states[-1][0, -1]

    total, targets, triplets = 0.0, 0, []
    for example in examples:
        prompt, ids, logp, end = run(example, example.anchor)
        for place in range(1, len(ids)):
            weight = config.prompt_weight if place < len(prompt) else 1.0
            total = total - weight * logp[place - 1, ids[place]]
            targets += 1
        if example.positives and example.negatives:
            near = torch.cosine_similarity(end, run(example, example.positives[0])[3], dim=0)
            far = torch.cosine_similarity(end, run(example, example.negatives[0])[3], dim=0)
            triplets.append(torch.clamp(config.margin - near + far, min=0))
    return total / targets, torch.stack(triplets).mean() if triplets else torch.tensor(0.0)


def batch_losses(student, config, examples=EXAMPLES):
    lessons = Lessons(PromptFormat(student.tokenizer), examples, config, seed=0)
    parts = [lesson_losses(student.model, lesson, config.margin) for lesson in lessons[0]]
    return sum(lm for lm, _ in parts), sum(reflection for _, reflection in parts)


def gradient(student, loss):
    student.model.zero_grad()
    loss.backward()
    return torch.cat([p.grad.flatten() for p in student.model.parameters() if p.grad is not None])


@pytest.mark.parametrize("micro", [1, 2, 3, 4])
def test_losses_and_gradients_are_those_of_the_definition_however_the_batch_is_split(student, micro):
    config = CONFIG.model_copy(update={"micro_batch_size": micro})
    slow_lm, slow_reflection = slow_losses(student, EXAMPLES, config)
    lm, reflection = batch_losses(student, config)
    assert lm.item() == pytest.approx(slow_lm.item(), rel=1e-5)
    assert reflection.item() == pytest.approx(slow_reflection.item(), rel=1e-5)
    expected = gradient(student, slow_lm + 0.5 * slow_reflection)
    found = gradient(student, lm + 0.5 * reflection)
    assert (found - expected).norm() < 1e-5 * expected.norm()


def test_the_triplet_reaches_the_prompt(student):
    _, reflection = batch_losses(student, CONFIG)
    reflection.backward()
    grads = student.model.get_input_embeddings().weight.grad
    question = student.tokenizer("Q", add_special_tokens=False).input_ids[0]  # stands in the prompt alone
    assert grads[question].abs().sum() > 0


def test_truncation_cuts_the_end_and_takes_the_row_out_of_self_reflection(student):
    format = PromptFormat(student.tokenizer)
    lengths = [len(row) for _, row in Lessons(format, EXAMPLES, CONFIG, 0).anchors]
    config = CONFIG.model_copy(update={"max_tokens": max(lengths) - 1})
    lessons = Lessons(format, EXAMPLES, config, 0)
    assert lessons.truncated == 1
    (lesson,) = lessons[0]
    assert lesson.batch_reflecting == 1  # of the two rows with both, the long one is out
    assert lesson.batch_targets == sum(lengths) - 1 - 4
    lm, _ = batch_losses(student, config)
    assert lm.item() != batch_losses(student, CONFIG)[0].item()


def test_a_negative_that_does_not_fit_takes_its_row_out_of_self_reflection_only(student):
    long = TrainingExample(EXAMPLES[0].problem, "3.", ("It is 3.",), ("no " * 100,))
    config = CONFIG.model_copy(update={"max_tokens": 60})
    lessons = Lessons(PromptFormat(student.tokenizer), [long], config, 0)
    (lesson,) = lessons[0]
    assert (lessons.truncated, lesson.batch_reflecting, lesson.pairs) == (0, 0, None)


def test_examples_without_room_for_a_rationale_are_counted_and_left_out(student):
    wordy = TrainingExample(Problem.of("why " * 40, "1"), "1.")
    lessons = Lessons(
        PromptFormat(student.tokenizer), [*EXAMPLES, wordy], CONFIG.model_copy(update={"max_tokens": 80}), 0
    )
    assert lessons.truncated == 1
    assert len(lessons.anchors) == 4
    with pytest.raises(StudentError, match=r"training\.max_tokens = 5"):
        Lessons(PromptFormat(student.tokenizer), EXAMPLES, CONFIG.model_copy(update={"max_tokens": 5}), 0)


def test_training_learns_and_sums_up(student, tmp_path):
    config = CONFIG.model_copy(update={"epochs": 12, "learning_rate": 1e-2})
    told: list[int] = []
    summary = train(
        student, PromptFormat(student.tokenizer), EXAMPLES, config, seed=0, checkpoints=tmp_path, advance=told.append
    )
    first = tiny_student()
    start = [loss.item() for loss in batch_losses(first, config)]
    assert summary.lm_loss < 0.7 * start[0]
    assert summary.loss == pytest.approx(summary.lm_loss + 0.5 * summary.reflection_loss)
    assert (summary.examples, summary.truncated, sum(told)) == (4, 0, 12)
    rows = [row for _, row in Lessons(PromptFormat(student.tokenizer), EXAMPLES, CONFIG, 0).anchors]
    assert summary.tokens > 12 * sum(map(len, rows))  # positives and negatives count too


def test_lora_trains_adapters_and_merges_them(student, tmp_path):
    config = CONFIG.model_copy(update={"epochs": 3, "learning_rate": 1e-2})
    before = copy.deepcopy(student.model.state_dict())
    train(
        student,
        PromptFormat(student.tokenizer),
        EXAMPLES,
        config,
        seed=0,
        checkpoints=tmp_path,
        lora=LoraConfig(rank=4),
    )
    after = student.model.state_dict()
    assert after.keys() == before.keys()
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed
    assert all("proj" in name for name in changed)


@pytest.mark.slow
@pytest.mark.parametrize("lora", [None, LoraConfig(rank=4)])
def test_a_stopped_training_goes_on_to_the_very_same_weights(tmp_path, lora):
    class Stopped(Exception):
        pass

    def stop_at(steps):
        done = []

        def advance(n):
            done.append(n)
            if len(done) == steps:
                raise Stopped

        return advance

    config = TrainingConfig(batch_size=2, epochs=3, learning_rate=1e-2)

    def run(folder, advance=lambda _: None):
        student = tiny_student()
        summary = train(
            student,
            PromptFormat(student.tokenizer),
            EXAMPLES,
            config,
            seed=3,
            checkpoints=folder,
            lora=lora,
            advance=advance,
        )
        return student.model.state_dict(), summary

    whole, summary = run(tmp_path / "whole")
    with pytest.raises(Stopped):
        run(tmp_path / "torn", stop_at(3))
    with pytest.raises(Stopped):
        run(tmp_path / "torn", stop_at(3))
    (torn,) = (tmp_path / "torn").glob("checkpoint-*")
    (tmp_path / "torn" / "checkpoint-6").mkdir()  # as a crash leaves it: without trainer_state.json
    rest: list[int] = []
    resumed, resumed_summary = run(tmp_path / "torn", rest.append)
    assert torn.name == "checkpoint-4"
    assert sum(rest) == 2
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert (summary.loss, summary.tokens) == (resumed_summary.loss, resumed_summary.tokens)


def test_a_loss_that_is_not_finite_stops_with_the_remedy(student, tmp_path):
    with torch.no_grad():
        student.model.get_input_embeddings().weight[5] = float("nan")
    with pytest.raises(StudentError, match=r"not finite at step 1.*lower training\.learning_rate"):
        train(student, PromptFormat(student.tokenizer), EXAMPLES, CONFIG, seed=0, checkpoints=tmp_path)

"""Jobs are made to fit the memory there is, or refused with figures; the memory is patched, all else is real."""

from dataclasses import replace

import pytest
import torch

from tests.student.doubles import EXACT
from tests.student.steps import EXAMPLES, changed, dataset_of
from tests.student.tiny import tiny_student
from tutelage.config import LoraConfig
from tutelage.errors import StudentError
from tutelage.student.prompts import PromptFormat
from tutelage.student.resources.memory import gigabytes
from tutelage.student.training.fit import _training_memory, fit_micro_batches
from tutelage.student.training.micro_batch import last_hidden
from tutelage.student.training.precision import FullPrecision, MixedAdamW
from tutelage.student.training.train import TrainOptions, train

MB = 10**6


def fitted(student, memory, available, **settings):
    memory(available)
    told: list[str] = []
    dataset = dataset_of(student, changed(**settings))
    return fit_micro_batches(student.model, dataset, False, told.append), told, dataset


def needed(student, memory) -> int:
    """The least memory, within 1 %, in which the whole step is one pass."""
    low, high = 0, 10**9
    while high - low > high // 100:
        middle = (low + high) // 2
        try:
            _, told, _ = fitted(student, memory, middle)
        except StudentError:
            told = ["refused"]
        low, high = (middle, high) if told else (low, middle)
    return high


def test_adamw_takes_what_we_say(student):
    """The gradients and moments of a real step."""
    dataset = dataset_of(student, changed())
    estimate = _training_memory(student.model, dataset, mixed=False)
    optimizer = MixedAdamW(FullPrecision(student.model, torch.float32), 1e-3, 0.01)
    last_hidden(student.model, dataset.sample_micro_batch()).sum().backward()
    optimizer.step()
    moments = [m for state in optimizer.state.values() for m in (state["exp_avg"], state["exp_avg_sq"])]
    assert estimate.gradients == sum(p.grad.nbytes for p in student.model.parameters() if p.grad is not None)
    assert estimate.optimizer == sum(m.nbytes for m in moments)


def test_with_memory_enough_a_step_is_one_pass(student, memory):
    tokens, told, dataset = fitted(student, memory, 10**12)
    assert told == []
    assert tokens == dataset.most_tokens
    assert fitted(student, memory, 10**12, micro_batch_tokens=90)[0] == 90


def test_with_less_passes_shrink_to_a_power_of_two_and_it_is_said_once(student, memory):
    enough = needed(student, memory)
    tokens, told, dataset = fitted(student, memory, int(0.93 * enough))
    assert tokens < dataset.most_tokens
    assert tokens == max(128, dataset.longest)
    (line,) = told
    assert f"training computes {tokens} tokens at once" in line
    assert gigabytes(int(0.93 * enough)) in line


def test_what_is_said_is_what_is_done_when_the_longest_question_just_fits(student, memory):
    dataset = dataset_of(student)
    longest = dataset.longest
    assert longest & (longest - 1) != 0  # no power of two
    tokens, (line,), _ = fitted(student, memory, _training_memory(student.model, dataset, False).needs(longest))
    assert tokens == longest
    assert f"training computes {longest} tokens at once" in line


def test_a_question_that_does_not_fit_is_refused_with_figures(student, memory):
    with pytest.raises(StudentError, match=r"a question of \d+ tokens needs .*activations .*only 0\.001 GB") as caught:
        fitted(student, memory, MB)
    assert "student.weights to lora" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_training_obeys(exact, memory, tmp_path):
    student = exact
    memory(int(0.93 * needed(student, memory)))
    told: list[str] = []
    format, other = PromptFormat(student.tokenizer), tiny_student(dtype=torch.float64)
    options = TrainOptions(torch.float64, say=told.append)
    train(student, format, EXAMPLES, changed(learning_rate=1e-3), seed=0, checkpoints=tmp_path / "a", options=options)
    assert len(told) == 1
    memory(10**12)
    train(
        other,
        format,
        EXAMPLES,
        changed(learning_rate=1e-3),
        seed=0,
        checkpoints=tmp_path / "b",
        options=replace(options, say=pytest.fail),
    )
    for weight, expected in zip(student.model.parameters(), other.model.parameters(), strict=True):
        assert torch.allclose(weight, expected, rtol=EXACT, atol=EXACT)
    memory(MB)
    with pytest.raises(StudentError, match=r"only 0\.001 GB is available"):
        train(student, format, EXAMPLES, changed(), seed=0, checkpoints=tmp_path / "c")


def test_adapters_need_less(memory, tmp_path):
    student = tiny_student(width=128)
    weights = sum(weight.numel() for weight in student.model.parameters())
    memory(12 * weights)  # full: a gradient and two moments of 4 bytes each, and there is nothing left
    with pytest.raises(StudentError, match=r"gradients 0\.\d+ GB, optimiser 0\.\d+ GB"):
        fit_micro_batches(student.model, dataset_of(student), False, lambda text: None)
    adapters = TrainOptions(lora=LoraConfig(rank=2, targets=("q_proj",)))
    format = PromptFormat(student.tokenizer)
    summary = train(student, format, EXAMPLES, changed(), seed=0, checkpoints=tmp_path, options=adapters)
    assert summary.examples == 4


def test_copies_in_full_precision_need_more(student, memory):
    dataset, memory_of = dataset_of(student), _training_memory
    plain, mixed = (memory_of(student.model, dataset, each) for each in (False, True))
    weights = sum(weight.numel() for weight in student.model.parameters())
    assert mixed.gradients - plain.gradients == 4 * weights


def test_gradients_taken_apart_need_more(student, memory):
    usual = _training_memory(student.model, dataset_of(student), False).gradients
    for setting, times in [({}, 2), ({"reflection": "none"}, 1)]:
        dataset = dataset_of(student, changed(gradient_share=0.3, **setting))
        assert _training_memory(student.model, dataset, False).gradients == times * usual


def test_padded_rows_are_counted_as_rows(student, memory):
    """The rows of a question repeat its prompt: what fits as a tree may not fit as rows."""
    memory(10**12)
    dataset = dataset_of(student)
    dataset.tree = False
    tokens = fit_micro_batches(student.model, dataset, False, lambda text: None)
    widest = max(micro_batch.input_RT.numel() for micro_batch in dataset[0].micro_batches)
    assert tokens >= widest  # with memory enough a step of rows is one pass, too
    just = _training_memory(student.model, dataset, False).needs(dataset_of(student).longest)
    memory(just)  # enough for the longest question as a tree
    with pytest.raises(StudentError, match=r"a question of \d+ tokens"):
        fit_micro_batches(student.model, dataset, False, lambda text: None)

"""The reference's way against the slow definition, and the problems and the clock it is measured with."""

import time

import pytest
import torch

from benchmarks.measure import interleaved, ratio
from benchmarks.problems import benchmark_examples, benchmark_format, encoded_rows, prefix_length
from benchmarks.reference import ReferenceTrainer, Row, reference_generate, reference_losses
from tests.student.architectures import CONFIGS, PROMPTS, tiny, unshaken
from tests.student.doubles import EXACT, rounding
from tests.student.tiny import tiny_student
from tutelage.api import load_task
from tutelage.config import TrainingConfig
from tutelage.errors import ConfigError
from tutelage.student.prompts import PromptFormat
from tutelage.student.resources.hardware import hardware


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


ROWS = [
    Row((7, 8, 9, 10, 11), (20, 21, 22, 1), (23, 24, 1), (25, 26, 27, 28, 29, 1)),
    Row((12, 13), (30, 31, 1)),
    Row((14, 15, 16, 17, 18, 19, 6, 5), (32, 1), (33, 34, 35, 36, 1), (37, 1)),
    Row((9, 8), (38, 39, 40, 41, 42, 43, 44, 1), None, (45, 1)),
]
"""Prompts and rationales of different lengths; two rows have a pair."""
PROMPT_ONLY = 19
"""A token that stands in a prompt with a pair, and nowhere else."""
CONFIG = TrainingConfig(margin=1.2, reflection_weight=0.5, learning_rate=1e-3, max_grad_norm=0.1)


def losses(model, rows=ROWS, *, prompt_gradient):
    return reference_losses(model, rows, CONFIG.prompt_weight, CONFIG.margin, prompt_gradient=prompt_gradient)


def slow_losses(model, rows=ROWS):
    """One rationale at a time, no padding, token by token, straight from the definition."""

    def run(row, rationale):
        output = model(torch.tensor([row.prompt + rationale]), output_hidden_states=True)
        return output.logits[0].log_softmax(-1), output.hidden_states[-1][0, -1]

    total, targets, triplets = 0.0, 0, []
    for row in rows:
        logp, end = run(row, row.anchor)
        for place, token in enumerate(row.prompt + row.anchor):
            if place > 0:
                total -= (CONFIG.prompt_weight if place < len(row.prompt) else 1.0) * logp[place - 1, token]
                targets += 1
        if row.positive and row.negative:
            near = torch.cosine_similarity(end, run(row, row.positive)[1], dim=0)
            far = torch.cosine_similarity(end, run(row, row.negative)[1], dim=0)
            triplets.append(torch.clamp(CONFIG.margin - near + far, min=0))
    return total / targets, torch.stack(triplets).mean() if triplets else torch.tensor(0.0)


def gradient(model, loss):
    model.zero_grad()
    loss.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


@pytest.mark.parametrize("name", CONFIGS)
def test_losses_and_gradients_are_those_of_the_definition(name):
    assert_is_the_definition(tiny(name), EXACT)


def test_in_float32_too_as_near_as_its_sums_let_it():
    model = tiny("llama", torch.float32)
    assert_is_the_definition(model, rounding(model, sum(len(row.prompt) + len(row.anchor) for row in ROWS)))


def assert_is_the_definition(model, bound):
    for part in (0, 1):  # each loss by itself: L_LM would drown what is wrong with L_SR
        slow, loss = slow_losses(model)[part], losses(model, prompt_gradient=True)[part]
        assert loss.item() == pytest.approx(slow.item(), rel=bound)
        expected, found = gradient(model, slow), gradient(model, loss)
        assert (found - expected).norm() < bound * expected.norm()


def test_the_kept_prompt_carries_no_gradient_unless_told():
    model = tiny("llama")

    def reached(prompt_gradient):
        model.zero_grad()
        losses(model, prompt_gradient=prompt_gradient)[1].backward()
        gradients = model.get_input_embeddings().weight.grad
        assert gradients[ROWS[0].anchor[0]].abs().sum() > 0
        return gradients[PROMPT_ONLY].abs().sum().item()

    assert reached(False) == 0
    assert reached(True) > 0
    stopped, flowing = losses(model, prompt_gradient=False), losses(model, prompt_gradient=True)
    assert [loss.item() for loss in stopped] == [loss.item() for loss in flowing]


def test_rows_without_a_pair_count_in_the_lm_loss_alone():
    model, alone = tiny("llama"), [ROWS[1], ROWS[3]]
    lm, reflection = losses(model, alone, prompt_gradient=False)
    assert lm.item() == pytest.approx(slow_losses(model, alone)[0].item(), rel=EXACT)
    assert reflection.item() == 0


@pytest.mark.parametrize("autocast", [False, True])
def test_a_step_is_one_of_adamw_on_the_clipped_gradient(autocast):
    dtype = torch.float32 if autocast else torch.float64  # autocast rounds float32 alone
    plain, model = unshaken("llama", dtype), unshaken("llama", dtype)
    lm, reflection = losses(plain, prompt_gradient=False)
    loss = lm + CONFIG.reflection_weight * reflection
    expected = gradient(plain, loss)
    assert expected.norm() > CONFIG.max_grad_norm
    clipped = expected * CONFIG.max_grad_norm / (expected.norm() + 1e-6)  # as PyTorch does

    trainer = ReferenceTrainer(model, CONFIG, autocast=autocast)
    first = trainer.step(ROWS)
    found = torch.cat([p.grad.flatten() for p in model.parameters()])
    error = ((found - clipped).norm() / clipped.norm()).item()
    assert first == pytest.approx(loss.item(), rel=1e-2 if autocast else EXACT)
    assert (1e-4 < error < 0.05) if autocast else error < EXACT
    moved = max((a - b).abs().max().item() for a, b in zip(model.parameters(), plain.parameters(), strict=True))
    decayed = CONFIG.learning_rate * (1 + CONFIG.weight_decay)  # the first step of Adam on a norm, whose weights are 1
    assert moved == pytest.approx(decayed, rel=1e-4)  # Adam's epsilon beside its smallest gradient
    assert trainer.step(ROWS) < first


def test_greedy_generation_is_that_of_each_prompt_alone():
    model = tiny("llama")
    free = reference_generate(model, PROMPTS, 1, 0, 12, rows=3, pad=0)
    end = next(token for token in free[2][0][2:8] if token not in free[2][0][:2])
    model.generation_config.eos_token_id = end
    together = reference_generate(model, PROMPTS, 1, 0, 12, rows=3, pad=0)
    for prompt, (row,) in zip(PROMPTS, together, strict=True):
        ids = torch.tensor([prompt])
        alone = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False)
        assert row == alone[0, len(prompt) :].tolist()
    assert together[2][0][-1] == end
    assert len(together[2][0]) < 12


def test_samples_of_a_prompt_stand_together_and_end_at_the_end_token():
    model = tiny("llama")
    model.generation_config.eos_token_id = list(range(6))
    model.generation_config.top_k = 1  # must not narrow the draw
    torch.manual_seed(0)
    drawn = reference_generate(model, PROMPTS, 5, 1.0, 16, rows=10, pad=0)
    assert [len(samples) for samples in drawn] == [5, 5, 5, 5]
    rows = [row for samples in drawn for row in samples]
    assert len({tuple(row) for row in rows}) > 10
    assert len({len(row) for row in rows}) > 3
    for row in rows:
        assert all(token >= 6 for token in row[:-1])
        assert row[-1] < 6 or len(row) == 16
    with pytest.raises(ConfigError, match="4 rows does not hold 5 samples"):
        reference_generate(model, PROMPTS, 5, 1.0, 16, rows=4, pad=0)


def test_problems_have_two_right_rationales_and_a_wrong_one():
    examples = benchmark_examples(40)
    grade = load_task("leg_counting", train=1, test=1, validation=1).grade
    assert len({example.problem.id for example in examples}) == 40
    for example in examples:
        (positive,), (negative,) = example.positives, example.negatives
        assert grade(example.problem, example.anchor).correct
        assert grade(example.problem, positive).correct
        assert positive != example.anchor
        verdict = grade(example.problem, negative)
        assert verdict.answer is not None
        assert not verdict.correct
    assert examples[:10] == benchmark_examples(10)
    assert examples[:10] != benchmark_examples(10, seed=1)


@pytest.mark.parametrize("tokens", [0, 900, 2000])
def test_a_prefix_is_as_long_as_asked_for_and_holds_no_problem(tokens):
    tokenizer = tiny_student().tokenizer
    format = benchmark_format(tokenizer, tokens)
    assert prefix_length(format) == pytest.approx(tokens, abs=150)  # half a worked example, one token a byte
    assert (tokens == 0) == (not format.examples)
    examples = benchmark_examples(40)
    assert not {shot.question for shot in format.examples} & {example.problem.text for example in examples}
    rows, bare = encoded_rows(format, examples), encoded_rows(PromptFormat(tokenizer), examples)
    assert len({row.prompt[: prefix_length(format)] for row in rows}) == 1
    assert [row.prompt[prefix_length(format) :] for row in rows] == [row.prompt for row in bare]
    assert [(row.anchor, row.positive, row.negative) for row in rows] == [
        (row.anchor, row.positive, row.negative) for row in bare
    ]


def test_ways_take_turns_after_a_warm_up_and_are_compared_repeat_by_repeat():
    order: list[str] = []

    def way(name, seconds):
        def work():
            order.append(name)
            time.sleep(seconds)
            return 10.0

        return work

    rates = interleaved({"fast": way("fast", 0.01), "slow": way("slow", 0.03)}, repeats=3)
    assert order == ["fast", "slow"] * 4
    assert all(0 < rate <= 10 / 0.01 for rate in rates["fast"])
    assert all(0 < rate <= 10 / 0.03 for rate in rates["slow"])
    assert ratio({"a": [8.0, 2.0, 9.0], "b": [2.0, 1.0, 3.0]}, "a", "b") == 3.0


def test_the_machine_is_named_in_one_line():
    line = hardware()
    assert "\n" not in line
    assert f"torch {torch.__version__} with {torch.get_num_threads()} threads" in line
    assert "bf16 units: " in line

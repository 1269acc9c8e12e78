"""A round of training: what it learns, sums up and leaves behind, in every precision, and after a stop.

Weights that are equal bit by bit are so within a process, on one machine; another machine may round otherwise.
"""

import copy
import json
from dataclasses import replace
from math import log

import pytest
import torch

from tests.student.architectures import CONFIGS, UNPACKABLE, build
from tests.student.definition import apart, gradient
from tests.student.doubles import EXACT, rounding
from tests.student.steps import CONFIG, EXAMPLES, changed, dataset_of, slow_step_losses, step_losses
from tests.student.tiny import tiny_student, tiny_tokenizer
from tutelage.config import GuardConfig, LoraConfig, TrainingConfig
from tutelage.errors import StudentError
from tutelage.run_records import StepRecord
from tutelage.runs.files import read_rows
from tutelage.student.model import LoadedModel
from tutelage.student.prompts import PromptFormat
from tutelage.student.training.likelihood import reference
from tutelage.student.training.micro_batch import micro_batch_losses
from tutelage.student.training.reflection import Triplet
from tutelage.student.training.train import TrainOptions, train

BOTH = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])


def teach(student, folder, config=CONFIG, *, seed=0, **options):
    format, options = PromptFormat(student.tokenizer), {"dtype": student.model.dtype, **options}
    return train(student, format, EXAMPLES, config, seed=seed, checkpoints=folder, options=TrainOptions(**options))


def twin() -> LoadedModel:
    """Another student like `exact`."""
    return tiny_student(dtype=torch.float64)


def student_of(config) -> LoadedModel:
    """A tiny model of another architecture, with the tiny tokenizer's vocabulary."""
    tokenizer = tiny_tokenizer()
    config = copy.deepcopy(config)
    config.vocab_size = len(tokenizer)
    return LoadedModel(build(config, torch.float32), tokenizer)


def flat(state):
    return torch.cat([weight.flatten() for weight in state.values()])


@BOTH
def test_training_learns_and_sums_up(student, tmp_path, dtype):
    config = changed(epochs=8, learning_rate=1e-2)
    told: list[int] = []
    summary = teach(student, tmp_path, config, dtype=dtype, advance=told.append)
    first = tiny_student()
    start = [loss.item() for loss in step_losses(first, dataset_of(first)[0])]
    assert summary.lm_loss < 0.8 * start[0]
    assert summary.loss == pytest.approx(summary.lm_loss + config.reflection_weight * summary.reflection_loss)
    assert (summary.examples, summary.truncated, sum(told)) == (4, 0, 8)
    assert summary.row_tokens == dataset_of(first, config).row_tokens
    assert summary.padded_tokens == 0
    assert 0 < summary.computed_tokens < 0.7 * summary.row_tokens
    assert {weight.dtype for weight in student.model.parameters()} == {torch.float32}


def test_padded_rows_learn_the_same(exact, tmp_path):
    assert_padded_rows_learn_the_same(exact, twin(), tmp_path, EXACT)


def test_in_float32_padded_rows_learn_the_same_as_nearly_as_its_sums_let_them(student, tmp_path):
    """In each of six steps Adam moves by lr * m / sqrt(v): by as much as m and v, and so the gradients, are off."""
    bound = 6 * rounding(student.model, dataset_of(student).row_tokens)
    assert_padded_rows_learn_the_same(student, tiny_student(), tmp_path, bound)


def assert_padded_rows_learn_the_same(student, other, tmp_path, bound):
    config = changed(epochs=3, learning_rate=1e-3, batch_size=2)
    packed = teach(student, tmp_path / "packed", config)
    told: list[str] = []
    padded = teach(other, tmp_path / "padded", config.model_copy(update={"packing": "never"}), say=told.append)
    assert told == []  # it was asked for
    assert padded.loss == pytest.approx(packed.loss, rel=bound)
    assert padded.computed_tokens == padded.row_tokens == packed.row_tokens
    assert padded.padded_tokens > 0
    assert apart(flat(other.model.state_dict()), flat(student.model.state_dict())) < bound


@pytest.mark.parametrize("limit", [1, pytest.param(150, marks=pytest.mark.slow)])
def test_the_size_of_a_pass_changes_nothing_that_is_learnt(exact, tmp_path, limit):
    whole, other = teach(exact, tmp_path / "whole", changed(learning_rate=1e-3)), twin()
    split = teach(other, tmp_path / "split", changed(learning_rate=1e-3, micro_batch_tokens=limit))
    assert split.loss == pytest.approx(whole.loss, rel=EXACT)
    assert apart(flat(other.model.state_dict()), flat(exact.model.state_dict())) < EXACT


def test_bfloat16_learns_what_float32_learns(student, tmp_path):
    start, other = flat(student.model.state_dict()), tiny_student()
    config = changed(epochs=4, learning_rate=1e-3)
    exact, rounded = teach(student, tmp_path / "a", config), teach(other, tmp_path / "b", config, dtype=torch.bfloat16)
    assert rounded.loss == pytest.approx(exact.loss, rel=0.02)
    moved, also = flat(student.model.state_dict()) - start, flat(other.model.state_dict()) - start
    assert torch.cosine_similarity(moved, also, dim=0) > 0.95
    lost = flat(other.model.state_dict()) == flat(other.model.state_dict()).bfloat16().float()
    assert lost.float().mean() < 0.1  # its weights are float32 in truth, not bfloat16 ones in a wider coat


@pytest.mark.parametrize(
    "dtype", [pytest.param(torch.float32, marks=pytest.mark.slow), torch.bfloat16], ids=["float32", "bfloat16"]
)
def test_lora_trains_adapters_and_merges_them_in_float32(student, tmp_path, dtype):
    before = copy.deepcopy(student.model.state_dict())
    teach(student, tmp_path, changed(epochs=3, learning_rate=1e-2), dtype=dtype, lora=LoraConfig(rank=4))
    after = student.model.state_dict()
    assert after.keys() == before.keys()
    assert {weight.dtype for weight in after.values()} == {torch.float32}
    changes = {name: after[name] - before[name] for name in after if not torch.equal(after[name], before[name])}
    assert changes
    assert all("proj" in name for name in changes)
    for change in changes.values():  # what was merged has the adapters' rank: nothing of the weight was rounded
        values = torch.linalg.svdvals(change.double())
        assert values[4] < 1e-4 * values[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("lora", [None, LoraConfig(rank=2)], ids=["full", "lora"])
def test_every_architecture_is_trained(tmp_path, name, lora):
    student = student_of(CONFIGS[name])
    before = flat(student.model.state_dict())
    told: list[str] = []
    summary = teach(student, tmp_path, changed(epochs=2, learning_rate=1e-2), lora=lora, say=told.append)
    assert told == []
    assert summary.padded_tokens == 0
    assert not torch.equal(flat(student.model.state_dict()), before)


def test_what_cannot_be_packed_trains_on_padded_rows_and_says_so(tmp_path):
    student, told = student_of(UNPACKABLE), []
    start = [loss.item() for loss in step_losses(student, padded_step(student))]
    summary = teach(student, tmp_path, changed(epochs=8, learning_rate=1e-2), say=told.append)
    assert told == ["a model of type 'bloom' can't be packed: it trains on padded rows, slower"]
    assert summary.lm_loss < 0.8 * start[0]
    assert summary.computed_tokens == summary.row_tokens
    assert summary.padded_tokens > 0


def padded_step(student):
    dataset = dataset_of(student)
    dataset.tree = False
    return dataset[0]


def test_what_cannot_be_packed_is_refused_where_it_must_be(tmp_path):
    student = student_of(UNPACKABLE)
    before = flat(student.model.state_dict())
    with pytest.raises(StudentError, match=r"packing is 'always'.*'bloom'.*'auto'") as caught:
        teach(student, tmp_path, changed(packing="always"))
    assert "\n" not in str(caught.value)
    assert torch.equal(flat(student.model.state_dict()), before)


def test_always_is_no_trouble_where_it_can_be(student, tmp_path):
    assert teach(student, tmp_path, changed(packing="always")).padded_tokens == 0


class Stopped(Exception):
    pass


def stop_at(steps):
    done = []

    def advance(n):
        done.append(n)
        if len(done) == steps:
            raise Stopped

    return advance


def test_rows_end_a_training_in_the_midst_of_a_pass(student, tmp_path):
    told: list[int] = []
    summary = teach(student, tmp_path, changed(batch_size=2, epochs=9, max_rows=7), advance=told.append)
    assert (summary.rows, summary.examples, sum(told)) == (7, 4, 4)
    assert teach(tiny_student(), tmp_path / "whole", changed(batch_size=2, epochs=2)).rows == 8


def test_the_number_of_steps_is_told_as_they_come(tmp_path):
    """Several rationales of one question never meet in a batch, so there are more steps than rows by their size."""
    crowded = [replace(EXAMPLES[0], anchor=f"{n} + {n}\n{EXAMPLES[0].anchor}") for n in range(3)]
    student, planned, taken = tiny_student(), [], []
    options = TrainOptions(advance=taken.append, planned=lambda *steps: planned.append(steps))
    format, config = PromptFormat(student.tokenizer), changed(batch_size=3, epochs=2)
    train(student, format, crowded, config, seed=0, checkpoints=tmp_path, options=options)
    assert planned == [(6, 0)]
    assert sum(taken) == 6


def test_no_reflection_is_a_weight_of_nothing_to_the_last_bit(student, tmp_path):
    other, config = tiny_student(), changed(batch_size=2, epochs=2, learning_rate=1e-2)
    none = teach(student, tmp_path / "a", config.model_copy(update={"reflection": "none"}))
    zero = teach(other, tmp_path / "b", config.model_copy(update={"reflection_weight": 0.0}))
    assert none == zero
    assert none.loss == none.lm_loss
    assert torch.equal(flat(student.model.state_dict()), flat(other.model.state_dict()))


def test_a_step_is_in_its_file_before_the_next_begins(tmp_path):
    path, lines = tmp_path / "steps.jsonl", list[int]()

    def advance(steps):
        lines.append(path.read_bytes().count(b"\n"))

    teach(tiny_student(), tmp_path, changed(epochs=2), steps=path, advance=advance)
    assert lines == list(range(1, len(lines) + 1))


@pytest.mark.parametrize("packing", ["auto", "never"])
def test_preference_parts_anchors_from_mistakes(exact, tmp_path, packing):
    """Its first loss is log 2, since nothing has been gained yet; then anchors gain on mistakes."""
    config = changed(reflection="preference", epochs=6, learning_rate=1e-2, packing=packing, warmup_share=0.0)
    summary = teach(exact, tmp_path, config, steps=tmp_path / "steps.jsonl")
    first, *_, last = read_rows(tmp_path / "steps.jsonl", StepRecord)
    assert first.reflection_loss == pytest.approx(log(2), rel=EXACT)
    assert (first.chosen_gain, first.rejected_gain) == pytest.approx((0, 0), abs=EXACT)
    assert last.chosen_gain is not None
    assert last.rejected_gain is not None
    assert last.chosen_gain > last.rejected_gain + 5
    assert last.positive_similarity is last.negative_similarity is None
    assert summary.reflection_loss == last.reflection_loss < 0.5


def test_each_step_is_noted_with_what_it_compared(exact, tmp_path):
    """With a batch of all examples and one draw of each kind, the first step is the definition's."""
    lm, reflection = slow_step_losses(exact)
    train_step = dataset_of(exact)[0]
    (micro_batch,) = train_step.micro_batches
    seen = micro_batch_losses(exact.model, micro_batch, Triplet(1.2))
    teach(exact, tmp_path, changed(epochs=3), steps=tmp_path / "steps.jsonl")
    rows = read_rows(tmp_path / "steps.jsonl", StepRecord)
    assert [(row.step, row.pairs, row.lm_gradient) for row in rows] == [(1, 2, None), (2, 2, None), (3, 2, None)]
    assert (rows[0].lm_loss, rows[0].reflection_loss) == pytest.approx((lm.item(), reflection.item()), rel=EXACT)
    compared = (rows[0].positive_similarity, rows[0].negative_similarity)
    assert compared == pytest.approx((seen.near.item() / 2, seen.far.item() / 2), rel=EXACT)
    assert rows[0].chosen_gain is rows[0].rejected_gain is None


@pytest.mark.parametrize("reflection", ["triplet", "preference"])
@pytest.mark.parametrize("limit", [1, None])
def test_gradients_apart_are_the_definitions_and_change_nothing(tmp_path, reflection, limit):
    config = changed(
        reflection=reflection, reflection_weight=2.0, learning_rate=1e-2, epochs=2, micro_batch_tokens=limit
    )
    plain, probed = twin(), twin()
    first = dataset_of(plain, config)
    first.references = reference(plain.model, first)
    lm, other = (gradient(plain.model, loss) for loss in step_losses(plain, first[0], config))
    teach(plain, tmp_path / "plain", config)
    apart_too = config.model_copy(update={"gradient_share": 1e6})
    teach(probed, tmp_path / "probed", apart_too, steps=tmp_path / "steps.jsonl")
    row, _ = read_rows(tmp_path / "steps.jsonl", StepRecord)
    assert row.lm_gradient == pytest.approx(lm.norm().item(), rel=EXACT)
    assert row.reflection_gradient == pytest.approx(other.norm().item(), rel=EXACT)
    assert row.gradient_cosine == pytest.approx(torch.cosine_similarity(lm, other, dim=0).item(), abs=EXACT)
    assert apart(flat(probed.model.state_dict()), flat(plain.model.state_dict())) < EXACT


def test_a_step_without_pairs_has_nothing_to_compare(exact, tmp_path):
    teach(exact, tmp_path, changed(reflection="none", gradient_share=1e6), steps=tmp_path / "steps.jsonl")
    (row,) = read_rows(tmp_path / "steps.jsonl", StepRecord)
    assert (row.pairs, row.positive_similarity, row.negative_similarity) == (0, None, None)
    assert (row.lm_gradient, row.reflection_gradient, row.gradient_cosine) == (None, None, None)
    assert row.reflection_loss == 0


def test_a_stopped_training_with_preference_and_guard_goes_on_as_if_nothing_had_been(tmp_path):
    """The reference is that of the round's first weights, not of the checkpoint's; no step is noted twice."""
    guard = GuardConfig(checks=3, likelihood_drop=9.0)
    config = changed(batch_size=2, epochs=3, learning_rate=1e-2, reflection="preference", guard=guard)

    def run(folder, advance=lambda _: None):
        student = tiny_student()
        summary = teach(student, folder, config, seed=3, steps=folder / "steps.jsonl", advance=advance)
        return student.model.state_dict(), summary, (folder / "steps.jsonl").read_text()

    whole, summary, steps = run(tmp_path / "whole")
    with pytest.raises(Stopped):
        run(tmp_path / "torn", stop_at(3))
    noted = tmp_path / "torn" / "steps.jsonl"
    assert noted.read_text() == "".join(steps.splitlines(keepends=True)[:3])  # the checkpoint is of step 2
    resumed, again, noted_again = run(tmp_path / "torn")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert noted_again == steps
    assert [json.loads(line)["step"] for line in steps.splitlines()] == [1, 2, 3, 4, 5, 6]
    assert replace(again, computed_tokens=0) == replace(summary, computed_tokens=0)


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("lora", [None, LoraConfig(rank=4)], ids=["full", "lora"])
def test_a_stopped_training_goes_on_to_the_very_same_weights(tmp_path, lora, dtype):
    config = TrainingConfig(batch_size=2, epochs=3, learning_rate=1e-2)

    def run(folder, advance=lambda _: None):
        student = tiny_student()
        summary = teach(student, folder, config, seed=3, lora=lora, dtype=dtype, advance=advance)
        return student.model.state_dict(), summary

    whole, summary = run(tmp_path / "whole")
    with pytest.raises(Stopped):
        run(tmp_path / "torn", stop_at(3))
    with pytest.raises(Stopped):
        run(tmp_path / "torn", stop_at(3))
    (torn,) = (tmp_path / "torn").glob("checkpoint-*")
    (tmp_path / "torn" / "checkpoint-5").mkdir()  # as a crash leaves it: without trainer_state.json
    (tmp_path / "torn" / "checkpoint-6").mkdir()  # or with half of it
    (tmp_path / "torn" / "checkpoint-6" / "trainer_state.json").write_text('{"best_global_step": nu')
    rest: list[int] = []
    resumed, resumed_summary = run(tmp_path / "torn", rest.append)
    assert torn.name == "checkpoint-4"
    assert sum(rest) == 2
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert {weight.dtype for weight in resumed.values()} == {torch.float32}
    assert (summary.loss, summary.row_tokens) == (resumed_summary.loss, resumed_summary.row_tokens)
    assert resumed_summary.computed_tokens < summary.computed_tokens  # those of this process


def test_a_loss_that_is_not_finite_stops_with_the_remedy(student, tmp_path):
    with torch.no_grad():
        student.model.get_input_embeddings().weight[:] = float("nan")
    with pytest.raises(StudentError, match=r"not finite at step 1.*lower training\.learning_rate"):
        teach(student, tmp_path, changed(packing="never"))


def test_a_student_of_nan_is_not_taken_for_one_that_cannot_be_packed(student, tmp_path):
    with torch.no_grad():
        student.model.get_input_embeddings().weight[:] = float("nan")
    told: list[str] = []
    with pytest.raises(StudentError, match="not finite at step 1"):
        teach(student, tmp_path, say=told.append)
    assert told == []

"""The operations of a way are counted, also where torch itself counts none, and compared with the machine's limit."""

import torch
import torch.nn.functional as F  # noqa: N812  (the field's own name for it)

from benchmarks import peak
from benchmarks.measure import interleaved
from benchmarks.peak import Machine, operations
from tests.student.steps import dataset_of
from tests.student.tiny import tiny_student
from tutelage.student.engines.packed_weights import packed
from tutelage.student.training.micro_batch import micro_batch_losses


def test_a_product_by_packed_weights_counts():
    layer, x = torch.nn.Linear(64, 128), torch.randn(2, 5, 64)
    with packed(layer, at_least=0), torch.inference_mode():
        assert operations(lambda: layer(x).shape[0]) == 2 * 5 * 64 * 128


def test_a_product_that_is_added_up_in_place_counts():
    total, one, other = torch.zeros(3, 4), torch.randn(3, 7), torch.randn(7, 4)
    assert operations(lambda: total.addmm_(one, other).shape[1]) == 2 * 3 * 7 * 4 / 4


def test_attention_counts_forward_and_backward():
    query = torch.randn(1, 2, 10, 16, requires_grad=True)
    keys = torch.randn(1, 2, 30, 16)

    def attend() -> float:
        F.scaled_dot_product_attention(query, keys, keys).sum().backward()
        return 1.0

    product = 2 * 2 * 10 * 30 * 16
    assert operations(attend) == (2 + 5) * product


def test_the_work_of_a_step_is_six_operations_per_weight_and_token_and_the_attention():
    student = tiny_student()
    step = dataset_of(student)[0]
    targets = sum(len({target[:2] for target in each.loss_positions.targets}) for each in step.micro_batches)
    head = student.model.get_output_embeddings().weight.numel()
    layers = sum(weight.numel() for name, weight in student.model.named_parameters() if weight.dim() > 1) - head
    if student.model.get_input_embeddings().weight is not student.model.get_output_embeddings().weight:
        layers -= head

    def learn() -> float:
        for micro_batch in step.micro_batches:
            micro_batch_losses(student.model, micro_batch, None).lm.backward()
        return 1.0

    config = student.model.config
    width = config.num_hidden_layers * config.num_attention_heads * config.head_dim
    attention = sum(7 * 2 * width * each.tokens**2 for each in step.micro_batches)  # if all rows were one
    products = 6 * (layers * step.computed + head * targets)
    assert products < operations(learn) < products + attention


def test_a_share_is_of_the_limit_in_that_precision(monkeypatch):
    monkeypatch.setattr(peak, "CPU_WIDTHS", (256,))  # the larger ones take a quarter of a minute in bfloat16
    machine = Machine(torch.device("cpu"))
    assert all(limit > 1e8 for limit in machine.limits.values())
    machine.limits = {torch.float32: 2e11, torch.bfloat16: 4e11}
    assert machine.share(1e10, [4.0, 5.0, 90.0], torch.float32) == "50 GFLOP/s, 25% of the limit"
    assert machine.share(1e10, [4.0, 5.0, 90.0], torch.bfloat16) == "50 GFLOP/s, 12% of the limit"
    assert str(machine) == "products of square matrices reach 200 GFLOP/s in float32, 400 in bfloat16"


def test_a_precision_far_below_the_other_is_not_timed_unless_it_is_wanted(monkeypatch):
    monkeypatch.setattr(peak, "CPU_WIDTHS", (64,))
    machine = Machine(torch.device("cpu"))
    machine.limits = {torch.float32: 1e11, torch.bfloat16: 2.1e10}
    assert machine.timed() == [torch.float32, torch.bfloat16]
    machine.limits = {torch.float32: 1e11, torch.bfloat16: 4e9}
    assert machine.timed() == [torch.float32]
    assert machine.timed(torch.bfloat16) == [torch.float32, torch.bfloat16]
    told = "products of square matrices reach 100 GFLOP/s in float32, 4 in bfloat16, too slow to be timed"
    assert str(machine) == told


def test_a_size_that_would_take_too_long_is_left_out(monkeypatch):
    monkeypatch.setattr(peak, "CPU_WIDTHS", (64, 1_000_000))
    assert peak.peak_of(torch.device("cpu"), torch.float32) > 0


def test_when_the_time_is_over_no_repeat_begins_but_the_second():
    assert len(interleaved({"way": lambda: 1.0}, 5, seconds=0.0)["way"]) == 2
    assert len(interleaved({"way": lambda: 1.0}, 5, seconds=60.0)["way"]) == 5

"""Repairs as branches of a question's tree, in float64: against a slow definition, row by row, and by hand."""

from dataclasses import replace
from math import exp, log

import pytest
import torch

from tests.student.architectures import CONFIGS, UNPACKABLE, build, tiny
from tests.student.definition import FAMILIES, PREFIX, WEIGHT, apart, gradient, slow_losses
from tests.student.doubles import EXACT
from tests.student.steps import EXAMPLES, changed
from tests.student.tiny import tiny_student
from tutelage.config import TrainingConfig
from tutelage.mistakes.repair import Repair
from tutelage.records import Problem, TrainingExample
from tutelage.run_records import StepRecord
from tutelage.runs.files import read_rows
from tutelage.student.prompts import PromptFormat
from tutelage.student.training.losses import LEAST_UNLIKELY, unlikelihood_loss
from tutelage.student.training.micro_batch import as_rows, as_tree, micro_batch_losses
from tutelage.student.training.packing import ExampleGroup, RepairBranch, pack_groups
from tutelage.student.training.plan import repair_plan, training_plan
from tutelage.student.training.repair import RepairLoss, encode_repair, repair_loss_of
from tutelage.student.training.steps import StepDataset
from tutelage.student.training.train import TrainOptions, train

ARCHITECTURES = pytest.mark.parametrize("name", CONFIGS)
AGAINST = RepairLoss(0.5, unlikelihood=0.3)
MENDED = [
    replace(
        FAMILIES[0], pair=None, repairs=(RepairBranch((20, 21), (24, 22, 1), (33, 34)), RepairBranch((), (25, 26)))
    ),
    FAMILIES[1],
    ExampleGroup(
        (14, 15, 16, 17, 18, 19, 6, 5), (), None, repairs=(RepairBranch((32, 33), (36, 1), (37,), weight=0.25),)
    ),
    replace(FAMILIES[3], repairs=(RepairBranch((38,), (44, 1)),)),
]
"""A question with two repairs, one without any, one that has nothing else, and one with nothing that is wrong."""


def behind(prefix, groups=MENDED):
    return [replace(group, prompt=prefix + group.prompt) for group in groups]


def slow_repairs(model, groups, loss):
    """The sum of the loss of all repairs, one row at a time, and the cross-entropies of right and of wrong tokens."""

    def costs(before, tokens):
        logp = model(torch.tensor([before + tokens])).logits[0].log_softmax(-1)
        return [-logp[len(before) + n - 1, token] for n, token in enumerate(tokens)]

    total, right, wrong = torch.zeros(()), 0.0, 0.0
    for group in groups:
        for repair in group.repairs:
            learnt = costs(group.prompt + repair.own, repair.right)
            pushed = costs(group.prompt + repair.own, repair.wrong) if repair.wrong else []
            total = total + repair.weight * sum(learnt)
            for cost in pushed:
                total = total - repair.weight * loss.unlikelihood * torch.log(
                    1 - (1 - LEAST_UNLIKELY) * torch.exp(-cost)
                )
            right, wrong = right + sum(each.item() for each in learnt), wrong + sum(each.item() for each in pushed)
    return total, right, wrong


@ARCHITECTURES
@pytest.mark.parametrize("prefix", [(), PREFIX], ids=["no prefix", "few-shot"])
@pytest.mark.parametrize("limit", [1, 30, None])
def test_losses_and_gradients_are_those_of_separate_rows(name, prefix, limit):
    model, groups = tiny(name), behind(prefix)
    learnt = [group for group in groups if group.anchor]
    lm = slow_losses(model, learnt)[0]
    repaired, right, wrong = slow_repairs(model, groups, AGAINST)
    trees = [as_tree(pack, WEIGHT) for pack in (pack_groups(groups, limit) if limit else [groups])]
    for found in (
        [micro_batch_losses(model, each, AGAINST) for each in trees],
        [micro_batch_losses(model, as_rows(groups, WEIGHT), AGAINST)],
    ):
        assert sum(each.near.item() for each in found) == pytest.approx(right, rel=EXACT)
        assert sum(each.far.item() for each in found) == pytest.approx(wrong, rel=EXACT)
        for loss, exact in ((sum(each.lm for each in found), lm), (sum(each.reflection for each in found), repaired)):
            assert loss.item() == pytest.approx(exact.item(), rel=EXACT)
            assert apart(gradient(model, loss), gradient(model, exact)) < EXACT


def test_a_model_that_cannot_be_packed_learns_repairs_from_padded_rows():
    model = build(UNPACKABLE)
    exact, *_ = slow_repairs(model, MENDED, AGAINST)
    loss = micro_batch_losses(model, as_rows(MENDED, WEIGHT), AGAINST).reflection
    assert loss.item() == pytest.approx(exact.item(), rel=EXACT)
    assert apart(gradient(model, loss), gradient(model, exact)) < EXACT


def test_the_tree_by_hand():
    group = ExampleGroup((5, 6), (7, 1), None, repairs=(RepairBranch((8, 9), (10, 11), (12,)), RepairBranch((), (13,))))
    micro_batch = as_tree([group], 0.5)
    assert micro_batch.input_RT.tolist() == [[5, 6, 8, 9, 10, 11, 12, 13, 7, 1]]
    assert micro_batch.tree is not None
    assert micro_batch.tree.positions == [0, 1, 2, 3, 4, 5, 4, 2, 2, 3]
    positions = micro_batch.loss_positions
    assert positions.targets == [(0, 6, 0.5), (1, 7, 1.0), (8, 1, 1.0)]  # nothing of 8 and 9
    assert positions.repaired == [(3, 10, 1.0), (4, 11, 1.0), (1, 13, 1.0)]
    assert positions.wrong == [(3, 12, 1.0)]
    assert group.tree_tokens == 10
    assert group.rows == ((7, 1), (8, 9, 10, 11), (8, 9, 12), (13,))


def test_a_question_that_has_only_repairs_is_not_learnt():
    model = tiny("llama")
    model.get_input_embeddings().weight.requires_grad_()
    alone = [MENDED[2]]
    for make in (as_tree, as_rows):
        found = micro_batch_losses(model, make(alone, WEIGHT), AGAINST)
        assert found.lm.item() == 0
        assert found.reflection.item() > 0
        (found.lm + found.reflection).backward()
    assert alone[0].targets == 0


def test_without_repairs_there_is_no_loss_of_them():
    model, groups = tiny("llama"), [FAMILIES[1], FAMILIES[3]]
    found = micro_batch_losses(model, as_tree(groups, WEIGHT), AGAINST)
    assert found.lm.item() == pytest.approx(slow_losses(model, groups)[0].item(), rel=EXACT)
    assert found.reflection.item() == found.near.item() == 0


@pytest.mark.usefixtures("float64")
def test_unlikelihood_by_hand_and_its_bound():
    cost_N = torch.tensor([0.0, log(2), 50.0], requires_grad=True)  # p = 1, a half, and next to nothing
    loss = unlikelihood_loss(cost_N, torch.tensor([1.0, 2.0, 1.0]))
    by_hand = -log(LEAST_UNLIKELY) - 2 * log(1 - (1 - LEAST_UNLIKELY) / 2) - log(1 - (1 - LEAST_UNLIKELY) * exp(-50))
    assert loss.item() == pytest.approx(by_hand, rel=EXACT)
    loss.backward()
    assert cost_N.grad is not None
    assert cost_N.grad.isfinite().all()
    assert (cost_N.grad < 0).all()  # a token that costs more is less likely
    logit_N = torch.linspace(-20, 60, 81, requires_grad=True)
    unlikelihood_loss(-torch.nn.functional.logsigmoid(logit_N), torch.ones(81)).backward()
    assert logit_N.grad is not None
    assert 0 <= logit_N.grad.min() <= logit_N.grad.max() < 1


def test_a_repaired_token_weighs_as_one_of_a_rationale_and_all_of_them_no_more_than_their_share():
    """By hand: 100 targets of a weight of 60 in all; lambda 0.1 leaves the repairs a weight of 6."""
    loss = RepairLoss(0.1)
    for tokens, each in ((3, 1.0), (6, 1.0), (12, 0.5), (600, 0.01)):
        of_lm = 1 / 100  # what a rationale's token counts in L_LM
        assert 0.1 / loss.divisor(100, 60.0, tokens) == pytest.approx(each * of_lm, rel=EXACT)
    assert loss.divisor(100, 60.0, 0.0) == 1.0


STUDENT = tiny_student(dtype=torch.float64)
FORMAT = PromptFormat(STUDENT.tokenizer)
SUM, LEGS, TWO = (EXAMPLES[n].problem for n in (0, 2, 3))
HERS = Problem.of("3 + 4?", "7")
REPAIRS = [
    Repair(SUM, "1 + 2 = ", "4", "3."),
    Repair(LEGS, "A cow has ", "5 legs", "4 legs."),
    Repair(LEGS, "", "Five.", "A cow has 4 legs.", "\nThe answer is 4.", ends=True),
    Repair(HERS, "So 3 + 4 = ", "8", "7."),
]
REPAIR = changed(reflection="repair", reflection_weight=0.2, unlikelihood=0.5, batch_size=2, epochs=2)


def text_of(tokens):
    return STUDENT.tokenizer.decode(tokens)


@pytest.mark.parametrize(
    ("repair", "own", "right", "wrong"),
    [
        (REPAIRS[0], " 1 + 2 =", " 3.", " 4"),
        (REPAIRS[1], " A cow has", " 4 legs.", " 5"),
        (REPAIRS[2], " ", "A cow has 4 legs.\nThe answer is 4.</s>", "Five"),
        (Repair(SUM, "1 + 2 = ", "33", "3."), " 1 + 2 = 3", ".", "3"),  # parts after the first digit
        (
            Repair(SUM, "1 + 2 = 3.", "", "\nThe answer is 3.", ends=True),
            " 1 + 2 = 3.",
            "\nThe answer is 3.</s>",
            "</s>",
        ),
        (Repair(SUM, "It is ", "12.", "13.", ends=True), " It is 1", "3.</s>", "2"),
        (Repair(SUM, "It is 3", ". So", ", so"), " It is 3", ", so", "."),
        (Repair(SUM, "One has ", "one and two", "one plus two"), " One has one ", "plus two", "and"),
    ],
)
def test_a_repair_is_learnt_from_the_first_token_at_which_it_parts(repair, own, right, wrong):
    found = encode_repair(FORMAT, (5, 6), repair, 1024, against=True)
    assert found is not None
    said = [text_of(tokens) for tokens in (found.own, found.right, found.wrong)]
    assert ["".join(said[:2]), said[0] + said[2]] == [own + right, own + wrong]
    assert found.right[0] != found.wrong[0]
    without = encode_repair(FORMAT, (5, 6), repair, 1024, against=False)
    assert without == replace(found, wrong=())


def test_what_is_too_long_or_changes_nothing_is_left_out():
    length = len(" 1 + 2 = 3.")
    assert encode_repair(FORMAT, (5, 6), REPAIRS[0], length + 2, against=False) is not None
    assert encode_repair(FORMAT, (5, 6), REPAIRS[0], length + 1, against=False) is None
    narrow = PromptFormat(STUDENT.tokenizer, positions=length + 1)
    assert encode_repair(narrow, (5, 6), REPAIRS[0], 1024, against=False) is None
    assert encode_repair(FORMAT, (5, 6), Repair(SUM, "1 + 2 = ", "34", "3"), 1024, against=False) is None


def test_every_repair_comes_once_an_epoch_with_its_question():
    examples = [TrainingExample(Problem.of(f"{n}?", "1"), "1") for n in range(8)]
    repairs = [Repair(examples[n % 3].problem, "", "2", str(n)) for n in range(9)]
    repairs += [Repair(Problem.of(f"homeless {n}", "1"), "", "2", "1") for n in range(5)]
    plan = training_plan(examples, epochs=2, batch_size=3, seed=1)
    found = repair_plan(plan, examples, repairs, 1)
    assert len(found) == sum(map(len, plan)) == 6
    for epoch, steps in enumerate((found[:3], found[3:])):
        assert sorted(n for step in steps for n in step) == list(range(14))
        for step, numbers in enumerate(steps):
            there = {examples[row.example].problem.id for row in plan[epoch][step]}
            assert all(n >= 9 or repairs[n].problem.id in there for n in numbers)
            assert 1 <= sum(n >= 9 for n in numbers) <= 2  # five on three steps
    assert found == repair_plan(plan, examples, repairs, 1)
    assert found[:3] != found[3:]


def test_of_a_cut_epoch_as_small_a_part_is_dealt():
    examples = [TrainingExample(Problem.of(f"{n}?", "1"), "1") for n in range(8)]
    repairs = [Repair(Problem.of(f"homeless {n}", "1"), "", "2", "1") for n in range(8)]
    plan = training_plan(examples, epochs=1, rows=10, batch_size=2, seed=1)
    found = repair_plan(plan, examples, repairs, 1)
    assert [len(step) for step in found] == [2, 2, 2, 2, 2]


def dataset(config=REPAIR, repairs=REPAIRS):
    return StepDataset(FORMAT, EXAMPLES, config, 0, repairs=repairs)


def test_a_step_has_the_repairs_of_its_questions_and_the_divisors_of_its_whole_batch():
    found = dataset(changed(reflection="repair", reflection_weight=0.2, unlikelihood=0.5, batch_size=4))
    (groups,) = found.steps()
    assert [len(group.repairs) for group in groups if group.anchor] == [
        sum(repair.problem == example.problem for repair in REPAIRS)
        for example in (found.examples[row.example] for row in found.batches[0])
    ]
    assert [(text_of(group.prompt)[-14:], len(group.repairs)) for group in groups if not group.anchor] == [
        (" 3 + 4?\nAnswer:"[-14:], 1)
    ]
    step = found[0]
    right = sum(len(each.right) for group in groups for each in group.repairs)
    wrong = sum(len(each.wrong) for group in groups for each in group.repairs)
    learnt = [group for group in groups if group.anchor]
    targets = sum(len(group.prompt) + len(group.anchor) - 1 for group in learnt)
    weight = sum(0.1 * (len(group.prompt) - 1) + len(group.anchor) for group in learnt)
    assert (step.pairs, step.targets, step.questions) == (4, targets, 5)
    assert step.divisors == pytest.approx((targets / min(5, weight / (right + 0.5 * wrong)), right, wrong))
    assert found.row_tokens == sum(len(group.prompt) + len(row) for group in groups for row in group.rows)
    assert found.repairs_until(1) == 4


@pytest.mark.parametrize("update", [{"reflection": "triplet"}, {"reflection": "none"}, {"reflection_weight": 0.0}])
def test_other_losses_know_of_no_repairs(update):
    config = REPAIR.model_copy(update=update)
    assert repair_loss_of(config) is None
    with_them, without = dataset(config), dataset(config, ())
    assert list(with_them.steps()) == list(without.steps())
    assert with_them[0].pairs == without[0].pairs


def teach(folder, config=REPAIR, repairs=REPAIRS, student=None, **options):
    student = student or tiny_student(dtype=torch.float64)
    options = TrainOptions(dtype=student.model.dtype, repairs=repairs, steps=folder / "steps.jsonl", **options)
    summary = train(student, FORMAT, EXAMPLES, config, seed=3, checkpoints=folder, options=options)
    return student, summary, read_rows(folder / "steps.jsonl", StepRecord)


@pytest.mark.parametrize("packing", ["always", "never"])
def test_a_step_is_what_the_definition_says(tmp_path, packing):
    config = changed(
        reflection="repair", reflection_weight=0.2, unlikelihood=0.5, batch_size=4, packing=packing, gradient_share=1e6
    )
    model, (groups,) = tiny_student(dtype=torch.float64).model, dataset(config).steps()
    lm = slow_losses(model, [group for group in groups if group.anchor])[0]
    repaired, right, wrong = slow_repairs(model, groups, RepairLoss(0.2, 0.5))
    divisors, targets = dataset(config)[0].divisors, dataset(config)[0].targets
    _, summary, (row,) = teach(tmp_path, config)
    assert (row.pairs, summary.repairs, summary.rows) == (4, 4, 4)
    assert row.lm_loss == pytest.approx(lm.item() / targets, rel=EXACT)
    assert row.reflection_loss == summary.reflection_loss == pytest.approx(repaired.item() / divisors[0], rel=EXACT)
    assert row.repaired_loss == pytest.approx(right / divisors[1], rel=EXACT)
    assert row.wrong_loss == pytest.approx(wrong / divisors[2], rel=EXACT)
    assert row.lm_gradient == pytest.approx(gradient(model, lm / targets).norm().item(), rel=EXACT)
    assert row.reflection_gradient == pytest.approx(gradient(model, repaired / divisors[0]).norm().item(), rel=EXACT)
    assert row.positive_similarity is None


def test_a_student_learns_its_repairs(tmp_path):
    config = REPAIR.model_copy(update={"epochs": 30, "learning_rate": 1e-2, "reflection_weight": 1.0})
    _, summary, rows = teach(tmp_path, config, student=tiny_student())
    assert summary.repairs == 30 * len(REPAIRS)
    first, last = rows[:4], rows[-4:]
    assert sum(row.repaired_loss or 0 for row in last) < 0.5 * sum(row.repaired_loss or 0 for row in first)


def test_a_step_against_the_wrong_tokens_makes_them_less_likely():
    model, micro_batch = tiny("llama"), as_tree(MENDED, WEIGHT)
    with_them, without = (micro_batch_losses(model, micro_batch, RepairLoss(1.0, u)) for u in (1.0, 0.0))
    slopes = torch.autograd.grad(with_them.reflection - without.reflection, list(model.parameters()))
    with torch.no_grad():
        for weight, slope in zip(model.parameters(), slopes, strict=True):
            weight.sub_(1e-4 * slope)
    assert micro_batch_losses(model, micro_batch, AGAINST).far > with_them.far


def test_the_size_of_a_pass_changes_nothing(tmp_path):
    whole, _, _ = teach(tmp_path / "whole")
    small, _, _ = teach(tmp_path / "small", REPAIR.model_copy(update={"micro_batch_tokens": 1}))
    flat = [torch.cat([w.flatten() for w in each.model.state_dict().values()]) for each in (whole, small)]
    assert apart(flat[1], flat[0]) < EXACT


class Stopped(BaseException):
    pass


def test_a_stopped_training_goes_on_to_the_very_same_weights(tmp_path):
    left = [3]

    def advance(steps):
        left[0] -= steps
        if not left[0]:
            raise Stopped

    whole, summary, rows = teach(tmp_path / "whole", student=tiny_student())
    with pytest.raises(Stopped):
        teach(tmp_path / "torn", student=tiny_student(), advance=advance)
    resumed, again, rows_again = teach(tmp_path / "torn", student=tiny_student())
    assert all(
        torch.equal(*both)
        for both in zip(whole.model.state_dict().values(), resumed.model.state_dict().values(), strict=True)
    )
    assert rows_again == rows
    assert replace(again, computed_tokens=0) == replace(summary, computed_tokens=0)


@pytest.mark.parametrize(("reflection", "share"), [("repair", 0.01), ("triplet", 0.01), ("triplet", 1e6)])
def test_the_gradient_is_held_to_its_share(tmp_path, reflection, share):
    """One step of plain gradient descent in effect: the first moments are what AdamW has added up."""
    config = changed(reflection=reflection, reflection_weight=2.0, gradient_share=share, max_grad_norm=1e9)
    student = tiny_student(dtype=torch.float64)
    found = StepDataset(FORMAT, EXAMPLES, config, 3, repairs=REPAIRS)
    step = found[0]
    (losses,) = [
        micro_batch_losses(student.model, each, found.reflection or found.repair_loss) for each in step.micro_batches
    ]
    lm, other = (
        gradient(student.model, loss) for loss in (losses.lm / step.targets, losses.reflection / step.divisors[0])
    )
    scale = min(2.0, share * (lm.norm() / other.norm()).item())
    assert (scale < 2.0) == (share < 1)
    from tutelage.student.training.gradients import GradientsApart

    apart_from = GradientsApart(student.model)
    fresh = micro_batch_losses(student.model, step.micro_batches[0], found.reflection or found.repair_loss)
    apart_from.backward(fresh.lm / step.targets, fresh.reflection / step.divisors[0])
    apart_from.join(2.0, share)
    joined = torch.cat([weight.grad.flatten() for weight in student.model.parameters() if weight.grad is not None])
    assert apart(joined, lm + scale * other) < EXACT
    _, _, (row,) = teach(tmp_path, config)
    assert row.reflection_gradient == pytest.approx(other.norm().item(), rel=EXACT)


def test_the_settings_name_the_loss():
    config = TrainingConfig(reflection="repair", unlikelihood=0.1)
    assert repair_loss_of(config) == RepairLoss(0.1, 0.1)

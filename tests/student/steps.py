"""A few examples of a round, and their losses by the slow definition."""

from tests.student.definition import slow_losses
from tutelage.config import TrainingConfig
from tutelage.records import Problem, TrainingExample
from tutelage.student.prompts import PromptFormat
from tutelage.student.training.micro_batch import micro_batch_losses
from tutelage.student.training.packing import ExampleGroup
from tutelage.student.training.reflection import reflection_of
from tutelage.student.training.steps import StepDataset

CONFIG = TrainingConfig(batch_size=4, epochs=1, margin=1.2, reflection_weight=0.5)
EXAMPLES = [
    TrainingExample(Problem.of("1 + 2?", "3"), "1 + 2 = 3.", ("It is 3, since 1 + 2 = 3.",), ("1 + 2 = 4.",)),
    TrainingExample(Problem.of("5?", "5"), "Five is 5."),
    TrainingExample(Problem.of("How many legs has a cow?", "4"), "A cow has 4 legs.", ("4 legs.",), ("5 legs or so.",)),
    TrainingExample(Problem.of("2 × 2?", "4"), "2 × 2 = 4.", ("4.",), ()),
]


def changed(**update) -> TrainingConfig:
    return CONFIG.model_copy(update=update)


def dataset_of(student, config=CONFIG, examples=EXAMPLES, seed=0) -> StepDataset:
    return StepDataset(PromptFormat(student.tokenizer), examples, config, seed)


def step_losses(student, train_step, config=CONFIG):
    """L_LM and L_SR of a step, as a training divides them."""
    sums = [
        micro_batch_losses(student.model, micro_batch, reflection_of(config))
        for micro_batch in train_step.micro_batches
    ]
    lm, reflection = (sum(getattr(each, name) for each in sums) for name in ("lm", "reflection"))
    return lm / train_step.targets, reflection / max(1, train_step.pairs)


def slow_step_losses(student, examples=EXAMPLES, config=CONFIG):
    """The same of one batch of examples with one positive and one negative at most, by the definition."""
    format = PromptFormat(student.tokenizer)
    groups = []
    for example in examples:
        rationales = [tuple(format.completion_ids(text)) for text in (*example.positives, *example.negatives)]
        pair = (rationales[0], rationales[1]) if example.positives and example.negatives else None
        prompt, anchor = (tuple(ids) for ids in (_prompt(format, example), format.completion_ids(example.anchor)))
        groups.append(ExampleGroup(prompt, anchor, pair))
    lm, reflection = slow_losses(student.model, groups, config.margin)
    targets = sum(len(group.prompt) + len(group.anchor) - 1 for group in groups)
    return lm / targets, reflection / max(1, sum(group.pair is not None for group in groups))


def _prompt(format, example):
    return format.prompt_ids(format.prompt(example.problem.text))

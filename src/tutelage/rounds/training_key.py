"""What a round's training is known by: the settings that affect it, pure.

Runs whose settings differ only in what has no effect share a training. Trainings of earlier versions keep their keys.
"""

from __future__ import annotations

from collections.abc import Sequence

from tutelage.config import TrainingConfig
from tutelage.mistakes.repair import Repair
from tutelage.records import TrainingExample
from tutelage.renamed import as_first_named
from tutelage.student.training.reflection import Reflection

LATER = frozenset(
    ("repair_from", "repair_rest", "mixed_attempts", "unlikelihood", "gradient_share", "triplet_at", "triplet_layer")
)
"""Settings of trainings that earlier versions did not have."""


def in_round(config: TrainingConfig, round: int) -> TrainingConfig:
    """The settings with a round's own learning rate."""
    share = config.lr_rewarm if round and config.init_from == "previous" else 1.0
    return config.model_copy(update={"learning_rate": config.learning_rate * share})


def key_settings(config: TrainingConfig) -> dict[str, object]:
    """The settings that a training is known by: under their old names, and without those that came later and are unset.

    So trainings of earlier versions keep their keys.
    """
    usual = TrainingConfig()
    free = {"packing", "micro_batch_tokens", "checkpointing", "parallel"}
    unset = {name for name in LATER if getattr(config, name) == getattr(usual, name)}
    return as_first_named("training", config.model_dump(exclude=free | unset))


def what_matters(
    config: TrainingConfig,
    examples: Sequence[TrainingExample],
    own: Reflection | None = None,
    repairs: Sequence[Repair] = (),
) -> TrainingConfig:
    """The settings that affect a round's training on these examples; all others are set to their defaults.

    So runs with the same training share one key: for instance, in round 0 there are no mistakes, so the settings of
    self-reflection have no effect. With a custom loss (`own`) they count even then, since it may compare anything.
    """
    usual = TrainingConfig()
    # These already take effect in the student, the examples and the learning rate.
    unused = {"data", "init_from", "rejection_sampling", "max_positives", "max_negatives", "lr_rewarm"}
    unused |= {"repair_from", "repair_rest", "mixed_attempts"}
    if config.max_rows is not None:
        unused |= {"epochs"}
    if own is not None:
        unused |= {"reflection"}
    elif config.reflection_weight == 0 or not _has_material(config, examples, repairs):
        config = config.model_copy(update={"reflection": "none"})
    if config.reflection == "none" and own is None:
        unused |= {"reflection_weight", "gradient_share", "guard"}
    if config.reflection in ("none", "repair") or own is not None:
        unused |= {"margin"}
    if config.reflection != "triplet" or own is not None:
        unused |= {"triplet_at", "triplet_layer"}
    if config.reflection != "repair" or own is not None:
        unused |= {"unlikelihood"}
    if config.reflection != "preference" or own is not None:
        unused |= {"beta"}
    return config.model_copy(update={name: getattr(usual, name) for name in unused})


def _has_material(config: TrainingConfig, examples: Sequence[TrainingExample], repairs: Sequence[Repair]) -> bool:
    """Whether self-reflection has anything to look at."""
    return bool(repairs) if config.reflection == "repair" else any(example.negatives for example in examples)
